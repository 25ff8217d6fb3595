#include "run/journal.h"

#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/url.h"

#define LABEL_BYTES 120 /* of what a brain says of its action */

const char *journal_key(struct run *run)
{
    return pool_printf(run->step_pool, "%d#%d", run->index, run->progress.effects + 1);
}

static const json_t *journal_entry(const struct run *run, const char *key)
{
    return json_object_get(run->config->journal, key);
}

/* --- what would prove it later ---------------------------------------------------------------- */

static json_t *one_phrase(const json_t *wanted, size_t i)
{
    json_t *v = json_is_string(wanted) && i == 0 ? (json_t *)wanted : json_array_get(wanted, i);
    return json_is_string(v) && json_string_length(v) ? v : NULL;
}

/* Those phrases of expect_text_present that the page shows. Owned by the step pool. */
static json_t *phrases_shown(struct run *run, const struct observation *obs)
{
    json_t *shown = json_keep(run->step_pool, json_array());
    const json_t *wanted = json_object_get(run->step->hints, "expect_text_present");
    if (!obs->page || !json_truthy(wanted))
        return shown;
    const char *text = page_text(run->step_pool, obs->page, 0, PAGE_TEXT_BYTES);
    size_t n = json_is_array(wanted) ? json_array_size(wanted) : 1;
    for (size_t i = 0; i < n; i++) {
        json_t *phrase = one_phrase(wanted, i);
        if (phrase && str_contains_fold(text, json_string_value(phrase)))
            json_push(shown, json_incref(phrase));
    }
    return shown;
}

/* Is the step's verify true already? Without an answer it is taken to be: it will prove nothing. */
static bool verified_before(struct run *run, const struct observation *obs)
{
    struct verdict v = {.answer = ANSWER_UNKNOWN};
    if (!*run->step->verify || !obs->page ||
        reader_visible(run->reader, run->step_pool, obs, run->step->verify, &v, NULL))
        return true;
    return v.answer != ANSWER_NO;
}

/* What held before the submit is no proof of it. */
static json_t *before_sending(struct run *run, const struct step_result *out,
                              const struct observation *obs)
{
    return json_pack("{s:o,s:i,s:i,s:o,s:O,s:b}", "label", json_string_safe(out->label), "x",
                     out->at.x, "y", out->at.y, "url", json_string_safe(obs->url), "shown",
                     phrases_shown(run, obs), "verified", verified_before(run, obs));
}

static bool proven_by_url(struct run *run, const json_t *before, const char *url)
{
    const json_t *wanted = json_object_get(run->step->hints, "expect_url_contains");
    const char *from = json_str(before, "url", "");
    return *from && *url && json_truthy(wanted) && url_contains_all(url, wanted, NULL) &&
           !url_contains_all(from, wanted, NULL);
}

static bool proven_by_text(struct run *run, const json_t *before, const struct observation *obs)
{
    const json_t *shown = phrases_shown(run, obs), *known = json_object_get(before, "shown");
    for (size_t i = 0; known && i < json_array_size(shown); i++)
        if (!progress_has(known, json_string_value(json_array_get(shown, i))))
            return true;
    return false;
}

/* True when the page shows that an earlier, unobserved submit went through. */
static int look_for_proof(struct run *run, const json_t *before, bool *ret_seen, struct err *err)
{
    struct observation obs;
    struct verdict v = {.answer = ANSWER_NO};
    int r = run_look(run, &obs, err);
    if (r)
        return r;
    *ret_seen = proven_by_url(run, before, obs.url) || proven_by_text(run, before, &obs);
    if (*ret_seen || !*run->step->verify || json_flag(before, "verified", true))
        return 0;
    r = run_ask(run, run->step->verify, &v, err);
    *ret_seen = !r && v.answer == ANSWER_YES;
    return r;
}

/* --- an earlier attempt ----------------------------------------------------------------------- */

/* The next steps need the page that the submit led to, as far as its address leads there. */
static int open_outcome(struct run *run, const char *url, struct err *err)
{
    struct settled s;
    const char *now;
    int r = run_read_url(run, &now, err);
    if (r || !url_is_web(url) || url_same_page(url, now))
        return r;
    r = run_open(run, url, CAP_LOAD_MS, &s, err);
    return r ? r : run_read_url(run, &now, err);
}

/* The attempt that died knew how it went. */
static int replay(struct run *run, const json_t *detail, struct step_result *out, struct err *err)
{
    struct err why = {0};
    const char *data = json_str(detail, "data", "");
    if (json_flag(detail, "unconfirmed", false))
        out->outcome = OUTCOME_UNCONFIRMED;
    if (!json_flag(detail, "success", false))
        return step_fail(run, out, json_str(detail, "class", ""), "%s", data);
    int r = open_outcome(run, json_str(detail, "final_url", ""), &why);
    if (r == E_GONE || r == E_CANCELLED)
        return err_set(err, r, "%s", why.msg);
    if (r)
        run_warn(run, "reentry_failed", "the page after the step did not open: %s", why.msg);
    return step_ok(run, out, "%s", data);
}

static int after_a_death(struct run *run, const json_t *entry, struct step_result *out,
                         struct err *err)
{
    const json_t *detail = json_object_get(entry, "detail");
    bool seen = false;
    if (!out->sent)
        return replay(run, detail, out, err);
    int r = look_for_proof(run, detail, &seen, err);
    if (r)
        return r;
    if (seen)
        return step_ok(run, out, "%s:%s@(%d,%d)", run->step->type, out->label,
                       (int)json_int(detail, "x", 0), (int)json_int(detail, "y", 0));
    return step_unconfirmed(run, out,
                            "it was sent before an interruption and its outcome was not seen");
}

/* --- sending ---------------------------------------------------------------------------------- */

static int put(struct run *run, struct step_result *out, const char *state, const json_t *detail,
               struct err *err)
{
    int r = run_journal(run, out->effect_key, state, detail);
    out->sent = !r && !strcmp(state, "sent");
    return r ? err_set(err, r, "%s_error: the effect journal could not be written (%s)",
                       run->step->type, err_name(r))
             : 0;
}

int journal_send(struct run *run, const struct observation *obs, struct step_result *out,
                 struct err *err)
{
    out->effect_key = journal_key(run);
    json_t *detail = before_sending(run, out, obs);
    int r = put(run, out, "intended", detail, err);
    if (!r)
        r = put(run, out, "sent", detail, err);
    json_decref(detail);
    return r;
}

int journal_announce(struct run *run, const struct observation *obs, struct step_result *out,
                     struct err *err)
{
    return journal_wanted(run->step) ? journal_send(run, obs, out, err) : 0;
}

int journal_send_action(struct run *run, const struct action *a, const struct observation *obs,
                        struct step_result *out, struct err *err)
{
    const char *label = a->reasoning && *a->reasoning ? a->reasoning : a->keys ? a->keys : "";
    if (out->sent)
        return 0; /* the step's entry is on disk */
    out->label = str_cut(run->step_pool, str_squash(run->step_pool, label), LABEL_BYTES);
    out->at = (struct point){a->x, a->y};
    return journal_send(run, obs, out, err);
}

int journal_close(struct run *run, struct step_result *out, struct err *err)
{
    bool sent = out->sent;
    const char *key = out->effect_key;
    if (!key)
        return 0;
    run->progress.effects++;
    out->effect_key = NULL;
    out->sent = false;
    if (!sent)
        return 0;
    json_t *detail =
        json_pack("{s:b,s:b,s:s,s:o,s:o}", "success", out->success, "unconfirmed",
                  out->outcome == OUTCOME_UNCONFIRMED, "class", out->failure_class, "data",
                  json_string_safe(out->data), "final_url", json_string_safe(run->live_url));
    int r = run_journal(run, key, "observed", detail);
    json_decref(detail);
    return r ? err_set(err, r, "the effect journal could not be written (%s)", err_name(r)) : 0;
}

const json_t *journal_earlier(struct run *run, struct step_result *out)
{
    const char *key = journal_key(run);
    const json_t *entry = journal_entry(run, key);
    const char *state = json_str(entry, "state", "");
    if (strcmp(state, "sent") && strcmp(state, "observed"))
        return NULL;
    out->effect_key = key;
    out->from_journal = true;
    out->sent = !strcmp(state, "sent"); /* the entry is written anew when the step ends */
    if (out->sent)
        out->label = pool_strdup(run->step_pool,
                                 json_str(json_object_get(entry, "detail"), "label", ""));
    return entry;
}

int journal_look_back(struct run *run, struct step_result *out, bool *ret_over, struct err *err)
{
    const json_t *entry = journal_earlier(run, out);
    *ret_over = entry != NULL;
    return entry ? after_a_death(run, entry, out, err) : 0;
}

/* --- what cannot be taken back ---------------------------------------------------------------- */

/* On a button or link: it commits something. */
static const char *const committing[] = {
    "delete",       "remove", "buy",     "pay",      "purchase", "place order", "order now",
    "send",         "confirm", "archive", "publish", "submit",   "save",        "create",
    "add to cart",  "add to basket", "transfer", "book now", "unsubscribe",
};

static bool commits(const char *label)
{
    for (size_t i = 0; label && i < ARRAY_SIZE(committing); i++)
        if (str_has_words_fold(label, committing[i]))
            return true;
    return false;
}

static bool sends_form(const char *keys)
{
    return keys && (str_has_words_fold(keys, "return") || str_has_words_fold(keys, "enter"));
}

bool journal_wanted(const struct step *s)
{
    const struct step_type *type = step_type_find(s->type);
    if (s->gate || !type)
        return false;
    if (type->flags & STEP_IRREVERSIBLE)
        return true;
    if (!strcmp(s->type, "key_press"))
        return sends_form(json_str(s->params, "keys", json_str(s->params, "key", "")));
    return !strcmp(s->type, "click") && !step_is_listing(s) && journal_commits(s);
}

bool journal_commits(const struct step *s)
{
    return commits(json_str(s->params, "label", s->intent));
}

bool journal_action_wanted(const struct action *a, const char *task)
{
    if (a->type == ACTION_KEY_PRESS)
        return sends_form(a->keys) && (commits(a->reasoning) || commits(task));
    return (a->type == ACTION_CLICK || a->type == ACTION_DOUBLE_CLICK || a->type == ACTION_DRAG) &&
           commits(a->reasoning);
}
