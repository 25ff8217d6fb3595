#include "cmd/serve_link.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "sched/control.h"
#include "sys/ipc.h"
#include "sys/loop.h"

#define ANSWER_MS 10000

struct serve_link {
    struct loop *loop;
    struct ipc *ipc;
    json_t *reply; /* owned */
    bool heard, gone;
};

static void on_message(void *arg, const char *type, const json_t *message)
{
    struct serve_link *link = arg;
    json_decref(link->reply);
    link->reply = json_deep_copy(message);
    link->heard = true;
}

static void on_close(void *arg, int code)
{
    ((struct serve_link *)arg)->gone = true;
}

int serve_link_open(const char *data_dir, struct serve_link **out, struct err *err)
{
    int fd, r = control_connect(data_dir, &fd, err);
    if (r)
        return r;
    struct serve_link *link = calloc(1, sizeof(*link));
    if (!link)
        BUG("out of memory");
    r = loop_create(&link->loop, err);
    r = r ? r : ipc_create(link->loop, fd, on_message, on_close, link, &link->ipc, err);
    if (r) {
        close(fd);
        serve_link_close(link);
        return r;
    }
    *out = link;
    return 0;
}

void serve_link_close(struct serve_link *link)
{
    if (!link)
        return;
    ipc_destroy(link->ipc);
    loop_destroy(link->loop);
    json_decref(link->reply);
    free(link);
}

static bool answered(void *arg)
{
    const struct serve_link *link = arg;
    return link->heard || link->gone;
}

int serve_link_ask(struct serve_link *link, const json_t *question, const json_t **ret_reply,
                   struct err *err)
{
    link->heard = false;
    if (ipc_send(link->ipc, question) ||
        loop_wait(link->loop, answered, link, clock_mono_ms() + ANSWER_MS))
        return err_set(err, E_TIMEOUT, "serve does not answer");
    if (!link->heard)
        return err_set(err, E_GONE, "serve ended meanwhile: try again");
    if (strcmp(json_str(link->reply, "type", ""), "error") == 0)
        return err_set(err, (int)json_int(link->reply, "code", E_INTERNAL), "%s",
                       json_str(link->reply, "message", "serve gave no reason"));
    *ret_reply = link->reply;
    return 0;
}
