#include "core/result_suite.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"

#define REASONS_BYTES 8192

static void add_reason(struct buf *b, const char *reason)
{
    if (b->len)
        buf_adds(b, "; ");
    buf_adds(b, reason);
}

void result_put_suite(json_t *env, const json_t *checkpoint)
{
    int64_t total = json_int(checkpoint, "n_tasks", 0), passed = 0;
    json_t *details = json_array(), *r;
    struct buf reasons;
    size_t i;
    if (total <= 0) {
        json_decref(details);
        return;
    }
    buf_init(&reasons, REASONS_BYTES);
    json_array_foreach (json_object_get(checkpoint, "step_results"), i, r) {
        const json_t *task = json_object_get(r, "task");
        if (!task)
            continue;
        passed += json_flag(task, "success", false);
        add_reason(&reasons, json_str(task, "termination_reason", ""));
        json_push(details, json_deep_copy(task));
    }
    json_put_str(env, "mode", "task_suite");
    json_put_int(env, "passed", passed);
    json_put_int(env, "total", total);
    json_put_num(env, "score", round(1000.0 * (double)passed / (double)total) / 10);
    json_put(env, "termination_reason", json_string_safe(reasons.len ? reasons.data : ""));
    json_put(env, "task_details", details);
    buf_release(&reasons);
}
