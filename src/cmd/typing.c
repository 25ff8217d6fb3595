#include "cmd/typing.h"

#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static struct termios shown;
static volatile sig_atomic_t hidden;

bool typing_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

void typing_begin(void)
{
    if (hidden || tcgetattr(STDIN_FILENO, &shown))
        return;
    struct termios quiet = shown;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    hidden = 1; /* first, so that a signal in between undoes it */
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
}

void typing_end(void)
{
    if (hidden)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    hidden = 0;
}

/* A terminal hands out whole lines. */
int typing_line(char *line, size_t size)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&in, 1, 0) <= 0)
        return 0;
    ssize_t n = read(STDIN_FILENO, line, size - 1);
    if (n <= 0)
        return -1;
    line[n] = 0;
    return 1;
}
