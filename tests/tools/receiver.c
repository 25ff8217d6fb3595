#include "tools/receiver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS_MAX 256

struct receiver {
    const struct receiver_answer *answers;
    size_t n_answers;
    int listen_fd, stop_fd, port;
    pthread_t accepter;
    bool open;

    pthread_mutex_t lock; /* of what follows */
    struct receiver_request *requests[REQUESTS_MAX];
    int n_requests, n_held;
    pthread_t threads[REQUESTS_MAX];
    int n_threads;
};

struct job {
    struct receiver *receiver;
    int fd;
};

static void die(const char *what)
{
    perror(what);
    abort();
}

static bool stopped(struct receiver *r, int fd, short events)
{
    struct pollfd p[2] = {{.fd = r->stop_fd, .events = POLLIN}, {.fd = fd, .events = events}};
    while (poll(p, 2, -1) < 0)
        if (errno != EINTR)
            die("receiver: poll");
    return p[0].revents != 0;
}

/* Head and body of Content-Length bytes. False when the peer left or we are stopped. */
static bool read_request(struct receiver *r, int fd, struct receiver_request *q)
{
    char data[sizeof(q->head) + sizeof(q->body)];
    size_t len = 0;
    for (;;) {
        data[len] = '\0';
        char *end = strstr(data, "\r\n\r\n");
        if (end) {
            size_t head = (size_t)(end - data) + 4;
            snprintf(q->head, sizeof(q->head), "%.*s", (int)head, data);
            const char *want = receiver_header(q, "Content-Length");
            if (len >= head + (size_t)(want ? atoi(want) : 0)) {
                snprintf(q->body, sizeof(q->body), "%s", data + head);
                return true;
            }
        }
        if (stopped(r, fd, POLLIN))
            return false;
        ssize_t n = read(fd, data + len, sizeof(data) - 1 - len);
        if (n <= 0)
            return false;
        len += (size_t)n;
    }
}

static void hold(struct receiver *r, int fd, bool flood)
{
    static const char filler[4096] = {'x'};
    char sink[256];
    while (!stopped(r, fd, flood ? POLLOUT : POLLIN))
        if (flood ? send(fd, filler, sizeof(filler), MSG_NOSIGNAL) <= 0
                  : read(fd, sink, sizeof(sink)) <= 0)
            return;
}

/* Keep it, and say how it is answered. */
static const struct receiver_answer *take_request(struct receiver *r, struct receiver_request *q)
{
    pthread_mutex_lock(&r->lock);
    if (r->n_requests == REQUESTS_MAX)
        die("receiver: too many requests");
    size_t n = (size_t)r->n_requests++;
    r->requests[n] = q;
    const struct receiver_answer *a = &r->answers[n < r->n_answers ? n : r->n_answers - 1];
    r->n_held += a->then != RECEIVER_CLOSE;
    pthread_mutex_unlock(&r->lock);
    return a;
}

static void answer(struct receiver *r, int fd, const struct receiver_answer *a)
{
    send(fd, a->bytes, strlen(a->bytes), MSG_NOSIGNAL);
    if (a->then == RECEIVER_CLOSE)
        return;
    hold(r, fd, a->then == RECEIVER_FLOOD);
    pthread_mutex_lock(&r->lock);
    r->n_held--;
    pthread_mutex_unlock(&r->lock);
}

static void *serve(void *arg)
{
    struct job *job = arg;
    struct receiver_request *q = calloc(1, sizeof(*q));
    if (!q)
        abort();
    if (read_request(job->receiver, job->fd, q))
        answer(job->receiver, job->fd, take_request(job->receiver, q));
    else
        free(q);
    close(job->fd);
    free(job);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct receiver *r = arg;
    while (!stopped(r, r->listen_fd, POLLIN)) {
        struct job *job = malloc(sizeof(*job));
        if (!job)
            abort();
        *job = (struct job){r, accept(r->listen_fd, NULL, NULL)};
        if (job->fd < 0) {
            free(job);
            continue;
        }
        if (r->n_threads == REQUESTS_MAX ||
            pthread_create(&r->threads[r->n_threads], NULL, serve, job))
            die("receiver: thread");
        r->n_threads++;
    }
    return NULL;
}

struct receiver *receiver_create(const struct receiver_answer *answers, size_t n)
{
    struct receiver *r = calloc(1, sizeof(*r));
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    if (!r)
        abort();
    r->answers = answers;
    r->n_answers = n;
    pthread_mutex_init(&r->lock, NULL);
    r->stop_fd = eventfd(0, EFD_CLOEXEC);
    r->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(r->listen_fd, (struct sockaddr *)&addr, sizeof(addr)) ||
        getsockname(r->listen_fd, (struct sockaddr *)&addr, &len))
        die("receiver: bind");
    r->port = ntohs(addr.sin_port);
    return r;
}

void receiver_open(struct receiver *r)
{
    if (listen(r->listen_fd, 64) || pthread_create(&r->accepter, NULL, accept_all, r))
        die("receiver: listen");
    r->open = true;
}

void receiver_destroy(struct receiver *r)
{
    if (!r)
        return;
    eventfd_write(r->stop_fd, 1);
    if (r->open)
        pthread_join(r->accepter, NULL);
    for (int i = 0; i < r->n_threads; i++)
        pthread_join(r->threads[i], NULL);
    for (int i = 0; i < r->n_requests; i++)
        free(r->requests[i]);
    close(r->listen_fd);
    close(r->stop_fd);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

int receiver_port(const struct receiver *r)
{
    return r->port;
}

static int locked(struct receiver *r, const int *value)
{
    pthread_mutex_lock(&r->lock);
    int v = *value;
    pthread_mutex_unlock(&r->lock);
    return v;
}

int receiver_count(struct receiver *r)
{
    return locked(r, &r->n_requests);
}

int receiver_held(struct receiver *r)
{
    return locked(r, &r->n_held);
}

const struct receiver_request *receiver_request(struct receiver *r, int n)
{
    if (n >= receiver_count(r))
        die("receiver: no such request");
    return r->requests[n];
}

const char *receiver_header(const struct receiver_request *q, const char *name)
{
    static _Thread_local char value[1024];
    size_t len = strlen(name);
    for (const char *p = q->head; p && *p; p = strstr(p, "\r\n")) {
        p += p == q->head ? 0 : 2;
        if (strncasecmp(p, name, len) == 0 && p[len] == ':') {
            p += len + 1;
            p += strspn(p, " ");
            snprintf(value, sizeof(value), "%.*s", (int)strcspn(p, "\r"), p);
            return value;
        }
    }
    return NULL;
}
