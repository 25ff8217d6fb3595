#include "run/guards.h"

#include <string.h>

#include "base/id.h"
#include "base/str.h"
#include "run/look.h"

#define TEXT_BYTES 65536

bool guards_on_source(const char *url, const char *pattern)
{
    size_t len = strlen(pattern);
    bool open = str_ends(pattern, "/*");
    if (open)
        len -= 2;
    if (strncmp(url, pattern, len))
        return false;
    return open || url[len] == 0 || strchr("/?#", url[len]);
}

void guards_fingerprint(struct pool *pool, const struct observation *obs,
                        char out[GUARDS_PRINT_BYTES])
{
    char frame[FRAME_HASH_BYTES] = "", hex[ID_SHA256_HEX_BYTES];
    const char *text = obs->page ? page_text(pool, obs->page, 0, TEXT_BYTES) : "";
    if (obs->frame.pixels)
        frame_hash(&obs->frame, NULL, frame);
    const char *parts[] = {obs->url, frame, text};
    size_t len = strlen(obs->url) + strlen(frame) + strlen(text) + 2, at = 0;
    char *all = pool_alloc(pool, len + 1);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) { /* a NUL between them */
        memcpy(all + at, parts[i], strlen(parts[i]) + 1);
        at += strlen(parts[i]) + 1;
    }
    id_sha256_hex(all, len, hex);
    memcpy(out, hex, GUARDS_PRINT_BYTES - 1);
    out[GUARDS_PRINT_BYTES - 1] = 0;
}

static int off_source(struct run *run, bool *ret_hit, struct err *err)
{
    const struct plan_runtime *rt = &run->plan->runtime;
    const char *url;
    if (!*rt->pinned_source_url_pattern || rt->off_source_step_budget <= 0)
        return 0;
    int r = run_read_url(run, &url, err);
    if (r || !*url)
        return r;
    bool on = guards_on_source(url, rt->pinned_source_url_pattern);
    run->progress.off_source = on ? 0 : run->progress.off_source + 1;
    *ret_hit = run->progress.off_source >= rt->off_source_step_budget;
    return 0;
}

static int stuck(struct run *run, bool *ret_hit, struct err *err)
{
    struct progress *p = &run->progress;
    int threshold = run->plan->runtime.state_repeat_threshold;
    struct observation obs;
    char print[GUARDS_PRINT_BYTES];
    if (threshold <= 0)
        return 0;
    struct pool *pool = pool_create(run->step_pool);
    int r = run_look_in(run, pool, &obs, err);
    if (!r) {
        guards_fingerprint(pool, &obs, print);
        p->state_repeats = strcmp(print, p->state_print) ? 1 : p->state_repeats + 1;
        progress_set(&p->state_print, print);
        *ret_hit = p->state_repeats >= threshold;
    }
    pool_destroy(pool);
    return r;
}

static const struct {
    const char *reason;
    int (*fn)(struct run *run, bool *ret_hit, struct err *err);
} guards[] = {{"off_source_drift", off_source}, {"loop_stuck", stuck}};

int guards_check(struct run *run, const char **ret_reason, struct err *err)
{
    *ret_reason = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(guards); i++) {
        bool hit = false;
        struct err why = {0};
        int r = guards[i].fn(run, &hit, &why);
        if (r == E_GONE || r == E_CANCELLED)
            return err_set(err, r, "%s", why.msg);
        if (hit) {
            *ret_reason = guards[i].reason;
            run_event(run, "runner", "guard", json_pack("{s:s}", "reason", guards[i].reason),
                      "%s: the run stops", guards[i].reason);
            return 0;
        }
    }
    return 0;
}
