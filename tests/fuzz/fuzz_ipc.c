/*
 * What a worker that was taken over can write to `serve`, and `serve` to a worker: the bytes as
 * frames, then the same bytes as the JSON of one frame. Whatever arrives as a message is read as
 * its receivers read it.
 */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/plan.h"
#include "core/result.h"
#include "run/progress.h"
#include "sys/ipc.h"

#define SEND_BYTES (100u << 10) /* what a socket takes at once */
#define WAIT_MS    2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct listener {
    bool closed;
};

static void take_checkpoint(struct pool *pool, const json_t *checkpoint)
{
    static const struct result_context ctx = {.run_id = "r",
                                              .model = "page",
                                              .provider = "",
                                              .session_name = "",
                                              .profile_id = "p",
                                              .workflow_id = "w",
                                              .state_key = "w",
                                              .plan_signature = "",
                                              .checkpoint_path = "",
                                              .terminal_status = "failed",
                                              .halt_reason = ""};
    struct progress p;
    json_t *envelope = json_keep(pool, result_envelope(&ctx, checkpoint));
    json_keep(pool, result_summary(envelope));
    json_keep(pool, result_failure_classes(checkpoint));
    result_any_step_failed(checkpoint);
    result_leads_csv(pool, envelope);
    result_rows_csv(pool, envelope);
    result_rows_json(pool, envelope);
    progress_init(&p);
    if (progress_from_json(&p, checkpoint, NULL) == 0)
        json_decref(progress_to_json(&p));
    progress_release(&p);
}

static void on_message(void *arg, const char *type, const json_t *message)
{
    struct pool *pool = pool_create(NULL);
    struct plan *plan;
    struct err err = {0};
    const json_t *checkpoint = json_object_get(message, "checkpoint");
    if (!json_is_object(message) || !type)
        BUG("a message that is none");
    if (json_is_object(checkpoint))
        take_checkpoint(pool, checkpoint);
    if (plan_from_json(pool, json_object_get(message, "plan"), &plan, &err) && !*err.msg)
        BUG("a plan was refused without a word");
    pool_destroy(pool);
}

static void on_close(void *arg, int code)
{
    struct listener *l = arg;
    l->closed = true;
}

static bool is_closed(void *arg)
{
    const struct listener *l = arg;
    return l->closed;
}

static void deliver(const void *head, size_t head_len, const void *body, size_t len)
{
    struct loop *loop;
    struct ipc *ipc;
    struct listener l = {false};
    int pair[2];
    if (loop_create(&loop, NULL) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) ||
        ipc_create(loop, pair[0], on_message, on_close, &l, &ipc, NULL))
        BUG("no socket");
    bool sent = (!head_len || send(pair[1], head, head_len, MSG_NOSIGNAL) == (ssize_t)head_len) &&
                (!len || send(pair[1], body, len, MSG_NOSIGNAL) == (ssize_t)len);
    close(pair[1]);
    if (loop_wait(loop, is_closed, &l, clock_mono_ms() + WAIT_MS) && sent)
        BUG("the end of the stream was not noticed");
    ipc_destroy(ipc);
    loop_destroy(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > SEND_BYTES)
        return 0;
    unsigned char head[4] = {(unsigned char)size, (unsigned char)(size >> 8),
                             (unsigned char)(size >> 16), 0};
    deliver(NULL, 0, data, size);
    deliver(head, sizeof(head), data, size);
    return 0;
}
