#include "unit/site_visit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

char *site_dir(struct pool *pool, const char *name)
{
    const char *root = getenv("MANTIS_SOURCE_ROOT");
    return pool_printf(pool, "%s/sites/%s", root ? root : ".", name);
}

int open_visit(struct visit *v, const char *name, int64_t seed, struct err *err)
{
    v->pool = pool_create(NULL);
    assert_int_equal(loop_create(&v->loop, NULL), 0);
    struct site_spec spec = {
        .name = name, .dir = site_dir(v->pool, name), .seed = seed, .admin_token = TOKEN};
    v->site = NULL;
    return site_create(v->loop, &spec, &v->site, err);
}

void close_visit(struct visit *v)
{
    site_destroy(v->site);
    loop_destroy(v->loop);
    pool_destroy(v->pool);
}

int port_of(const struct site *site)
{
    return atoi(strrchr(site_url(site), ':') + 1);
}

static int connect_to(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void take_bytes(void *arg, uint32_t events)
{
    struct answer *a = arg;
    char chunk[65536];
    ssize_t n = read(a->fd, chunk, sizeof(chunk));
    if (n > 0) {
        assert_int_equal(buf_add(&a->text, chunk, (size_t)n), 0);
        return;
    }
    a->ended = true;
    loop_fd_remove(a->watch);
    a->watch = NULL;
}

void ask(struct visit *v, struct answer *a, const char *method, const char *path,
         const char *headers, const char *body)
{
    *a = (struct answer){.fd = connect_to(port_of(v->site))};
    buf_init(&a->text, 4u << 20);
    const char *request = pool_printf(
        v->pool, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n",
        method, path, headers, strlen(body));
    assert_int_equal(write(a->fd, request, strlen(request)), strlen(request));
    assert_int_equal(write(a->fd, body, strlen(body)), strlen(body));
    assert_int_equal(loop_fd_add(v->loop, a->fd, EPOLLIN, take_bytes, a, &a->watch, NULL), 0);
}

void end_answer(struct answer *a)
{
    loop_fd_remove(a->watch);
    close(a->fd);
    buf_release(&a->text);
}

bool answer_ended(void *arg)
{
    return ((struct answer *)arg)->ended;
}

/* Status of the answer; *ret_text is all of it, headers too. */
int fetch(struct visit *v, const char *method, const char *path, const char *headers,
          const char *body, const char **ret_text)
{
    struct answer a;
    ask(v, &a, method, path, headers, body);
    assert_int_equal(loop_wait(v->loop, answer_ended, &a, clock_mono_ms() + 10000), 0);
    *ret_text = pool_strdup(v->pool, a.text.data);
    end_answer(&a);
    return (*ret_text)[0] ? atoi(*ret_text + strlen("HTTP/1.1 ")) : 0;
}

int get(struct visit *v, const char *path, const char **ret_text)
{
    return fetch(v, "GET", path, "", "", ret_text);
}

json_t *admin(struct visit *v, const char *path)
{
    const char *text;
    json_t *json;
    assert_int_equal(fetch(v, "GET", path, ADMIN, "", &text), 200);
    text = strstr(text, "\r\n\r\n") + 4;
    assert_int_equal(json_parse(text, strlen(text), "answer", &json, NULL), 0);
    return json_keep(v->pool, json);
}
