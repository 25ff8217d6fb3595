#include "run/suite/suite.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/look.h"

#define TEXT_BYTES  262144 /* of a page's text that is searched */
#define SHOWN_BYTES 200
#define AGAIN_MS    200
#define DOWNLOAD_MS 10000

typedef int check_fn(struct pool *pool, const struct verify *v, const struct observation *obs,
                     const char **why);

static int url_contains(struct pool *pool, const struct verify *v, const struct observation *obs,
                        const char **why)
{
    *why = pool_printf(pool, "the URL is %s", obs->url);
    return *obs->url ? str_contains_fold(obs->url, v->value) : -1;
}

static int url_not_contains(struct pool *pool, const struct verify *v,
                            const struct observation *obs, const char **why)
{
    int has = url_contains(pool, v, obs, why);
    return has < 0 ? has : !has;
}

static int url_exact(struct pool *pool, const struct verify *v, const struct observation *obs,
                     const char **why)
{
    *why = pool_printf(pool, "the URL is %s", obs->url);
    return *obs->url ? !strcmp(obs->url, v->value) : -1;
}

static int page_contains_text(struct pool *pool, const struct verify *v,
                              const struct observation *obs, const char **why)
{
    if (!obs->page)
        return -1;
    const char *wanted = str_squash(pool, v->value);
    int has = str_contains_fold(page_text(pool, obs->page, 0, TEXT_BYTES), wanted);
    *why = pool_printf(pool, has ? "the page says '%s'" : "the page does not say '%s'", wanted);
    return has;
}

static int element_exists(struct pool *pool, const struct verify *v, const struct observation *obs,
                          const char **why)
{
    if (!obs->page)
        return -1;
    int has = selector_next(v->selector, obs->page, 0) >= 0;
    *why = pool_printf(pool, has ? "there is a '%s'" : "there is no '%s'", v->selector_text);
    return has;
}

/* What an element says: its text, or what a form control holds. */
static const char *says(struct pool *pool, const struct page *page, int i)
{
    const char *text = page_text(pool, page, i, TEXT_BYTES);
    return *text ? text : page->nodes[i].value;
}

/* One of the elements is enough: a selector often names a row of them. */
static int element_text(struct pool *pool, const struct verify *v, const struct observation *obs,
                        const char **why)
{
    const char *wanted = str_squash(pool, v->value), *seen = NULL;
    if (!obs->page)
        return -1;
    for (int i = -1; (i = selector_next(v->selector, obs->page, i + 1)) >= 0;) {
        const char *text = says(pool, obs->page, i);
        if (str_contains_fold(text, wanted)) {
            *why = pool_printf(pool, "'%s' says '%s'", v->selector_text, wanted);
            return 1;
        }
        seen = seen ? seen : text;
    }
    *why = seen ? pool_printf(pool, "'%s' says '%s', not '%s'", v->selector_text,
                              str_cut(pool, seen, SHOWN_BYTES), wanted)
                : pool_printf(pool, "there is no '%s'", v->selector_text);
    return 0;
}

static check_fn *const checks[] = {
    [VERIFY_URL_CONTAINS] = url_contains,     [VERIFY_URL_NOT_CONTAINS] = url_not_contains,
    [VERIFY_URL_EXACT] = url_exact,           [VERIFY_PAGE_CONTAINS_TEXT] = page_contains_text,
    [VERIFY_ELEMENT_EXISTS] = element_exists, [VERIFY_ELEMENT_TEXT] = element_text,
    [VERIFY_DOWNLOAD_EXISTS] = NULL,
};

int verify_observation(struct pool *pool, const struct verify *v, const struct observation *obs,
                       const char **ret_reason)
{
    *ret_reason = "this screen cannot tell";
    return checks[v->type] ? checks[v->type](pool, v, obs, ret_reason) : -1;
}

/* Without page text: the question a gate would ask (plans.md section 12). */
static int ask(struct run *run, const struct verify *v, bool *ret_holds, const char **ret_reason,
               struct err *err)
{
    struct verdict verdict;
    if (v->type != VERIFY_PAGE_CONTAINS_TEXT)
        return 0;
    const char *question = pool_printf(run->step_pool, "The page shows \"%s\"", v->value);
    int r = run_ask(run, question, &verdict, err);
    if (!r) {
        *ret_holds = verdict.answer == ANSWER_YES;
        *ret_reason = verdict.reason;
    }
    return r;
}

static int look_once(struct run *run, const struct verify *v, const struct downloads *before,
                     int *ret_answer, const char **ret_reason, struct err *err)
{
    struct observation obs;
    if (v->type == VERIFY_DOWNLOAD_EXISTS) {
        const char *name = downloads_since(run, before, v->value);
        *ret_answer = name != NULL;
        *ret_reason = name ? pool_printf(run->step_pool, "'%s' was downloaded", name)
                           : pool_printf(run->step_pool, "no file '%s' was downloaded", v->value);
        return 0;
    }
    struct pool *pool = pool_create(run->step_pool);
    int r = run_look_in(run, pool, &obs, err);
    if (!r) {
        *ret_answer = verify_observation(pool, v, &obs, ret_reason);
        *ret_reason = pool_strdup(run->step_pool, *ret_reason);
    }
    pool_destroy(pool);
    return r;
}

int suite_verify(struct run *run, const struct verify *v, const struct downloads *before,
                 bool *ret_holds, const char **ret_reason, struct err *err)
{
    int64_t start = clock_mono_us();
    int64_t end = start / 1000 + (v->type == VERIFY_DOWNLOAD_EXISTS ? DOWNLOAD_MS : CAP_GATE_MS);
    int answer = 1, r = 0;
    *ret_reason = "";
    while (v->type != VERIFY_NONE) {
        r = look_once(run, v, before, &answer, ret_reason, err);
        if (r || answer != 0 || clock_mono_ms() >= end)
            break;
        r = loop_wait(run->loop, NULL, NULL, clock_mono_ms() + AGAIN_MS);
        if (r)
            return err_set(err, r, "interrupted while verifying");
    }
    meter_add(&run->step_meter, METER_VERIFY, clock_mono_us() - start);
    *ret_holds = answer == 1;
    return !r && answer < 0 ? ask(run, v, ret_holds, ret_reason, err) : r;
}
