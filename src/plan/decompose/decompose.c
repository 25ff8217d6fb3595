/*
 * decompose.c - the list of decomposers, and the one that needs no model.
 */
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "plan/decompose/driver.h"
#include "plan/decompose/rules.h"

static const struct decomposer_driver *const drivers[] = {&decomposer_rules};

int plan_decompose(struct pool *pool, const char *kind, const char *text, json_t **out,
                   struct err *err)
{
    if (str_empty(text))
        return err_set(err, E_INVALID, "the text is empty");
    if (strlen(text) > CAP_PROSE_BYTES)
        return err_set(err, E_INVALID, "the text has %zu bytes; at most %d are read", strlen(text),
                       CAP_PROSE_BYTES);
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        if (strcmp(drivers[i]->kind, kind) == 0)
            return drivers[i]->decompose(pool, text, out, err);
    return err_set(err, E_NOT_FOUND, "there is no decomposer '%s'", kind);
}

bool plan_text_is_read_only(const char *text)
{
    static const char *const words[] = {"do not click",     "don't click",        "do not navigate",
                                        "don't navigate",   "do not follow",      "don't follow",
                                        "do not paginate",  "don't paginate",     "read-only",
                                        "read only",        "stay on this page",  "just read",
                                        "without clicking", "visible on the page"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (str_contains_fold(text, words[i]))
            return true;
    return false;
}

static int draft(struct draft *d, struct err *err)
{
    for (d->at = 0; d->at < d->n_clauses; d->at++) {
        const struct clause *c = &d->clauses[d->at];
        bool heads_each =
            d->each && c->rule->build != build_open_it && c->rule->build != build_extract;
        if (heads_each)
            return err_set(err, E_INVALID,
                           "\"%.120s\" is not understood after \"for each\": say \"open it\" or "
                           "\"extract ...\" first",
                           c->text);
        int r = c->rule->build(d, c, err);
        if (r)
            return r;
    }
    block_close(d);
    return 0;
}

static int decompose(struct pool *pool, const char *text, json_t **out, struct err *err)
{
    struct clause *clauses = NULL;
    int n = 0, r = clauses_read(pool, text, &clauses, &n, err);
    if (r)
        return r;
    struct draft d = {.pool = pool,
                      .prose = text,
                      .clauses = clauses,
                      .n_clauses = n,
                      .steps = json_keep(pool, json_array()),
                      .block = {.start = -1, .pages = -1},
                      .asked = "",
                      .field = "",
                      .guard = ""};
    r = draft(&d, err);
    if (r)
        return r;
    if (!draft_count(&d))
        return err_set(err, E_INVALID, "the text asks for nothing; a clause can say: %s",
                       rules_help);
    *out = json_keep(pool, json_object());
    json_put(*out, "steps", json_incref(d.steps));
    return 0;
}

const struct decomposer_driver decomposer_rules = {.kind = "rules", .decompose = decompose};
