/*
 * model_verify.c - is it so? What the screen shows, whether a click led anywhere, what a list
 * shows.
 */
#include <string.h>

#include "base/str.h"
#include "reader/model_reader.h"
#include "reader/page_parts.h"

#define REASON_BYTES   500
#define QUESTION_BYTES 2000
#define VALUE_BYTES    200

static const char *text_of(struct pool *pool, const json_t *input, const char *key, size_t max,
                           const char *otherwise)
{
    const char *text = str_squash(pool, str_cut(pool, json_str(input, key, ""), max));
    return *text ? text : otherwise;
}

/* --- visible --------------------------------------------------------------------------------- */

static int ask_gate(struct model_reader *m, struct pool *pool, const struct observation *obs,
                    enum call_id call, const char *question, struct verdict *out, struct err *err)
{
    const struct prompt_value values[] = {
        {"QUESTION", str_cut(pool, question, QUESTION_BYTES)},
        {"URL", str_empty(obs->url) ? "not known" : str_cut(pool, obs->url, VALUE_BYTES)}};
    const struct look_question q = {.call = call,
                                    .obs = &obs,
                                    .n_obs = 1,
                                    .values = values,
                                    .n_values = ARRAY_SIZE(values),
                                    .has_page = obs->page != NULL};
    struct look_answer a;
    int r = model_look(m, pool, &q, &a, err);
    if (!r)
        *out = (struct verdict){json_flag(a.input, "passed", false) ? ANSWER_YES : ANSWER_NO,
                                text_of(pool, a.input, "reason", REASON_BYTES, "no reason given")};
    return r;
}

/* A "no" of the first is asked of the second, which decides; a server of ours has only one. */
static int ask_both(struct model_reader *m, struct pool *pool, const struct observation *obs,
                    const char *question, struct verdict *out, struct err *err)
{
    int r = ask_gate(m, pool, obs, CALL_GATE, question, out, err);
    if (r || out->answer == ANSWER_YES || !m->mind.roles)
        return r;
    return ask_gate(m, pool, obs, CALL_GATE_AGAIN, question, out, err);
}

int model_visible(struct reader *reader, struct pool *pool, const struct observation *obs,
                  const char *question, struct verdict *out, struct err *err)
{
    struct model_reader *m = model_reader_of(reader);
    struct verdict page = {.answer = ANSWER_UNKNOWN};
    struct err why = {0};
    if (obs->page) {
        int r = page_visible(&m->page, pool, obs, question, &page, err);
        if (r || page.answer != ANSWER_UNKNOWN) {
            *out = page;
            return r;
        }
    }
    int r = ask_both(m, pool, obs, question, out, &why);
    if (r && obs->page && model_unheard(r)) {
        page.reason = pool_printf(pool, "%s (no model said more: %s)", page.reason, why.msg);
        *out = page;
        return 0;
    }
    return r ? err_set(err, r, "%s", why.msg) : 0;
}

/* --- did it lead anywhere? ------------------------------------------------------------------- */

static int ask_navigated(struct model_reader *m, struct pool *pool,
                         const struct observation *before, const struct observation *after,
                         const char *wanted, struct passage *out, struct err *err)
{
    static const char *const labels[] = {"BEFORE the click", "AFTER the click"};
    const struct observation *const both[] = {before, after};
    const struct prompt_value values[] = {
        {"WANTED", str_empty(wanted) ? "not said" : str_cut(pool, wanted, VALUE_BYTES)}};
    const struct look_question q = {.call = CALL_NAVIGATED,
                                    .obs = both,
                                    .n_obs = 2,
                                    .labels = labels,
                                    .values = values,
                                    .n_values = ARRAY_SIZE(values),
                                    .has_page = after->page != NULL};
    struct look_answer a;
    int r = model_look(m, pool, &q, &a, err);
    if (!r)
        *out = (struct passage){json_flag(a.input, "navigated", false) ? ANSWER_YES : ANSWER_NO,
                                pool_strdup(pool, json_str(a.input, "kind", "")),
                                text_of(pool, a.input, "reason", REASON_BYTES, "no reason given")};
    return r;
}

int model_navigated(struct reader *reader, struct pool *pool, const struct observation *before,
                    const struct observation *after, const char *wanted, struct passage *out,
                    struct err *err)
{
    struct model_reader *m = model_reader_of(reader);
    struct passage page = {.navigated = ANSWER_UNKNOWN};
    struct err why = {0};
    bool had = before->page && after->page;
    if (had) {
        int r = page_navigated(&m->page, pool, before, after, wanted, &page, err);
        if (r || page.navigated != ANSWER_UNKNOWN) {
            *out = page;
            return r;
        }
    }
    int r = ask_navigated(m, pool, before, after, wanted, out, &why);
    if (r && had && model_unheard(r)) {
        *out = page;
        return 0;
    }
    return r ? err_set(err, r, "%s", why.msg) : 0;
}

/* --- what a list shows ----------------------------------------------------------------------- */

static int ask_value(struct model_reader *m, struct pool *pool, const struct observation *obs,
                     const char *dropdown, const char **out, struct err *err)
{
    const struct prompt_value values[] = {{"LABEL", str_cut(pool, dropdown, VALUE_BYTES)}};
    const struct look_question q = {.call = CALL_DROPDOWN,
                                    .obs = &obs,
                                    .n_obs = 1,
                                    .values = values,
                                    .n_values = ARRAY_SIZE(values),
                                    .has_page = obs->page != NULL};
    struct look_answer a;
    int r = model_look(m, pool, &q, &a, err);
    if (r)
        return r;
    *out = text_of(pool, a.input, "observed", VALUE_BYTES, "");
    return schema_is_placeholder(*out)
               ? err_set(err, E_NOT_FOUND, "'%.80s' shows no value", dropdown)
               : 0;
}

int model_shown_value(struct reader *reader, struct pool *pool, const struct observation *obs,
                      const char *dropdown, const char **out, struct err *err)
{
    struct model_reader *m = model_reader_of(reader);
    struct opinion page = {.had = obs->page != NULL};
    struct err why = {0};
    if (page.had) {
        page.r = page_shown_value(&m->page, pool, obs, dropdown, out, &page.why);
        if (page.r != E_NOT_FOUND)
            return page.r ? err_set(err, page.r, "%s", page.why.msg) : 0;
    }
    return opinion_end(&page, ask_value(m, pool, obs, dropdown, out, &why), &why, err);
}
