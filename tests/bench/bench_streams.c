/*
 * bench_streams.c - holds N event streams and says when each got its first row: for bench_http.mjs.
 *
 * usage: bench_streams PORT TOKEN N PATH      "%d" in PATH becomes the stream's number, from 1
 *
 * Prints "open" when every stream has its first frame, then a line "<number> <microseconds of
 * CLOCK_MONOTONIC>" for each as its first row comes, and ends when all have one.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 200 /* connections being opened */

struct stream {
    int fd;
    bool has_phase, has_row;
    long long row_us;
    char tail[4]; /* the end of what came, as a name may be cut in two */
};

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

static void open_stream(struct stream *s, int number, int epfd, int port, const char *token,
                        const char *pattern)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};
    char text[1024], path[512];
    const char *gap = strstr(pattern, "%d");
    if (gap)
        snprintf(path, sizeof(path), "%.*s%d%s", (int)(gap - pattern), pattern, number, gap + 2);
    else
        snprintf(path, sizeof(path), "%s", pattern);
    int len = snprintf(text, sizeof(text),
                       "GET %s HTTP/1.1\r\nHost: bench\r\nX-Mantis-Token: %s\r\n\r\n", path, token);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&to, sizeof(to)))
        die("connect");
    if (write(s->fd, text, (size_t)len) != len || epoll_ctl(epfd, EPOLL_CTL_ADD, s->fd, &ev))
        die("write");
}

/* "id: " begins a line of every row and of nothing else. */
static void take(struct stream *s, int *n_phase, int *n_row)
{
    char piece[4 + 8192 + 1];
    memcpy(piece, s->tail, 4);
    ssize_t n = read(s->fd, piece + 4, 8192);
    if (n <= 0)
        die("a stream ended");
    piece[4 + n] = 0;
    for (int i = 0; i < 4; i++)
        if (!piece[i])
            piece[i] = ' ';
    if (!s->has_phase && strstr(piece, "event: phase")) {
        s->has_phase = true;
        ++*n_phase;
    }
    if (!s->has_row && strstr(piece, "id: ")) {
        s->has_row = true;
        s->row_us = now_us();
        ++*n_row;
    }
    memcpy(s->tail, piece + n, 4);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    int n = atoi(argv[3]), opened = 0, n_phase = 0, n_row = 0, epfd = epoll_create1(EPOLL_CLOEXEC);
    struct stream *streams = calloc((size_t)n, sizeof(*streams));
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    bool told = false;
    while (n_row < n) {
        struct epoll_event events[256];
        for (; opened < n && opened - n_phase < AT_ONCE; opened++)
            open_stream(&streams[opened], opened + 1, epfd, atoi(argv[1]), argv[2], argv[4]);
        int ready = epoll_wait(epfd, events, 256, 30000);
        if (ready <= 0) {
            fprintf(stderr, "nothing for 30 s: %d open, %d with a row\n", n_phase, n_row);
            return 1;
        }
        for (int i = 0; i < ready; i++)
            take(events[i].data.ptr, &n_phase, &n_row);
        if (n_phase == n && !told) {
            puts("open");
            fflush(stdout);
            told = true;
        }
    }
    for (int i = 0; i < n; i++)
        printf("%d %lld\n", i + 1, streams[i].row_us);
    return 0;
}
