/*
 * bench_chat.c - calls POST /v1/chat/completions, for bench_chat.mjs.
 *
 * usage: bench_chat calls PORT TOKEN BODY N      one after the other, on one connection
 *        bench_chat streams PORT TOKEN BODY N    N streams at once
 *
 * calls prints the microseconds of each; streams a line "<events> <microseconds> <1 whole, 0 cut>"
 * for each.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PIECE 65536

static const char event[] = "data: ", whole[] = "\r\n0\r\n\r\n";
#define TAIL (sizeof(whole) - 1)

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static long long now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int connect_to(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void ask(int fd, const char *token, const char *body)
{
    char text[4096];
    int len = snprintf(text, sizeof(text),
                       "POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nX-Mantis-Token: %s\r\n"
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                       token, strlen(body), body);
    if (len >= (int)sizeof(text) || write(fd, text, (size_t)len) != len)
        die("write");
}

static void read_answer(int fd)
{
    char text[PIECE + 1];
    size_t have = 0;
    for (;;) {
        ssize_t n = read(fd, text + have, PIECE - have);
        if (n <= 0)
            die("an answer was cut");
        have += (size_t)n;
        text[have] = 0;
        const char *end = strstr(text, "\r\n\r\n"),
                   *length = strcasestr(text, "\r\nContent-Length: ");
        if (strncmp(text, "HTTP/1.1 200", 12) != 0 || (end && !length)) {
            fprintf(stderr, "%s\n", text);
            exit(1);
        }
        if (end && have >= (size_t)(end + 4 - text) + (size_t)atol(length + 18))
            return;
    }
}

static void calls(int port, const char *token, const char *body, int n)
{
    int fd = connect_to(port);
    for (int i = 0; i < n; i++) {
        long long begun = now_us();
        ask(fd, token, body);
        read_answer(fd);
        printf("%lld\n", now_us() - begun);
    }
}

struct stream {
    int fd;
    long events;
    long long end_us;
    bool whole;
    char tail[TAIL]; /* the end of what came: a name may be cut in two */
};

static long count(const char *text, size_t len)
{
    long n = 0;
    for (const char *at = text;
         (at = memmem(at, len - (size_t)(at - text), event, sizeof(event) - 1)); at++)
        n++;
    return n;
}

/* False at its end. */
static bool take(struct stream *s)
{
    char text[TAIL + PIECE];
    memcpy(text, s->tail, TAIL);
    ssize_t n = read(s->fd, text + TAIL, PIECE);
    if (n > 0) {
        /* what stood whole in the tail was counted with the piece before */
        s->events += count(text, TAIL + (size_t)n) - count(text, TAIL);
        memcpy(s->tail, text + n, TAIL);
        s->whole = memcmp(s->tail, whole, TAIL) == 0;
    }
    return n > 0 && !s->whole;
}

static void streams(int port, const char *token, const char *body, int n)
{
    int epfd = epoll_create1(EPOLL_CLOEXEC), left = n;
    struct stream *all = calloc((size_t)n, sizeof(*all));
    long long begun = now_us();
    if (!all)
        die("calloc");
    for (int i = 0; i < n; i++) {
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &all[i]};
        all[i].fd = connect_to(port);
        ask(all[i].fd, token, body);
        if (epoll_ctl(epfd, EPOLL_CTL_ADD, all[i].fd, &ev))
            die("epoll");
    }
    while (left) {
        struct epoll_event events[64];
        int ready = epoll_wait(epfd, events, 64, 30000);
        if (ready <= 0)
            die("nothing for 30 s");
        for (int i = 0; i < ready; i++) {
            struct stream *s = events[i].data.ptr;
            if (take(s))
                continue;
            s->end_us = now_us();
            close(s->fd);
            left--;
        }
    }
    for (int i = 0; i < n; i++)
        printf("%ld %lld %d\n", all[i].events, all[i].end_us - begun, all[i].whole);
    free(all);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    (strcmp(argv[1], "calls") == 0 ? calls : streams)(atoi(argv[2]), argv[3], argv[4],
                                                      atoi(argv[5]));
    return 0;
}
