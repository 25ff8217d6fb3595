#include "run/downloads.h"
#include "run/asks.h"

#include <ctype.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "run/step.h"
#include "run/url.h"

#define WORD_BYTES     64
#define STEM_BYTES     4 /* "delete" asks about what "deletes" and "deleting" do */
#define MESSAGE_BYTES  120
#define DOWNLOAD_MS    120000 /* until a file that a step asked for is there */

/* --- what is asked about --------------------------------------------------------------------- */

/* Words of a question that do not say what it is about. */
static bool says_nothing(const char *word)
{
    static const char *const list[] = {
        "a",    "all",  "and",   "are",    "be",      "can",    "cannot", "click",     "confirm",
        "continue", "do", "does", "for",   "go",      "into",   "is",     "it",        "now",
        "of",   "ok",   "on",    "please", "press",   "proceed", "really", "sure",     "that",
        "the",  "these", "this", "to",     "undone",  "want",   "wish",   "would",     "you",
        "your", "yes",  "no",    "action", "permanently", "in", "not",    "tap",       "with"};
    for (size_t i = 0; i < ARRAY_SIZE(list); i++)
        if (str_eq_fold(list[i], word))
            return true;
    return false;
}

/* The next word that says something; *at moves behind it. */
static bool next_word(const char **at, char out[WORD_BYTES])
{
    for (;;) {
        const char *p = *at;
        while (*p && !isalnum((unsigned char)*p) && !(*p & 0x80))
            p++;
        size_t len = 0;
        while (isalnum((unsigned char)p[len]) || (p[len] & 0x80))
            len++;
        *at = p + len;
        if (!len)
            return false;
        snprintf(out, WORD_BYTES, "%.*s", (int)(len < WORD_BYTES ? len : WORD_BYTES - 1), p);
        if (!says_nothing(out))
            return true;
    }
}

static bool same_stem(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), shorter = la < lb ? la : lb;
    if (shorter < STEM_BYTES)
        return str_eq_fold(a, b);
    size_t n = shorter > STEM_BYTES + 1 ? shorter - 1 : shorter;
    return strncasecmp(a, b, n) == 0;
}

bool asks_about(const char *does, const char *message)
{
    char verb[WORD_BYTES], word[WORD_BYTES];
    bool any = false;
    if (!next_word(&does, verb))
        return false;
    while (next_word(&message, word)) {
        any = true;
        if (same_stem(verb, word))
            return true;
    }
    return !any; /* "Are you sure?" */
}

/* --- dialogs --------------------------------------------------------------------------------- */

static const char *text_option(const struct step *step, const char *key)
{
    const json_t *v = step ? step_option(step, key) : NULL;
    return json_is_string(v) ? json_string_value(v) : NULL;
}

static bool presses(const struct step *s)
{
    static const char *const types[] = {"click", "submit", "double_click", "key_press", "drag"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (!strcmp(s->type, types[i]))
            return true;
    return false;
}

/* 1 yes, 0 no, -1: the step does not say. */
static int told(const struct step *s)
{
    const char *dialog = text_option(s, "dialog");
    if (dialog)
        return strcmp(dialog, "dismiss") != 0;
    if (str_has_words_fold(s->intent, "dismiss") || str_has_words_fold(s->intent, "decline"))
        return 0;
    return str_has_words_fold(s->intent, "confirm") || str_has_words_fold(s->intent, "accept") ||
                   str_has_words_fold(s->verify, "confirmed")
               ? 1
               : -1;
}

bool asks_confirm(struct run *run, const char *message)
{
    const struct step *s = run->step;
    int said = s ? told(s) : 0;
    if (said >= 0)
        return said;
    struct pool *tmp = pool_create(NULL);
    const char *does = json_str(s->params, "label", ""), *intent = s->intent;
    if (!*does && !(does = str_quoted(tmp, &intent, MESSAGE_BYTES)))
        does = s->intent;
    bool yes = presses(s) && asks_about(does, message);
    pool_destroy(tmp);
    return yes;
}

static bool on_confirm(void *arg, const char *message)
{
    return asks_confirm(arg, message);
}

static const char *prompt_text(const struct step *s)
{
    const char *text = text_option(s, "dialog_text"), *dialog = text_option(s, "dialog");
    if (text || !dialog || !strcmp(dialog, "accept") || !strcmp(dialog, "dismiss"))
        return text;
    return dialog;
}

static void answer(struct run *run)
{
    struct plane_answers a = {.confirm = on_confirm,
                              .arg = run,
                              .prompt = run->step ? prompt_text(run->step) : NULL,
                              .user = run->sign_in.user,
                              .password = run->sign_in.password,
                              .origin = run->sign_in.origin,
                              .file = run->file};
    const char *dialog = text_option(run->step, "dialog");
    a.prompt_as_is = dialog && !strcmp(dialog, "accept");
    plane_answer(run->plane, &a);
    memset(&run->sign_in, 0, sizeof(run->sign_in));
}

void asks_begin(struct run *run)
{
    run->declined = "";
    run->file = NULL;
    answer(run);
}

void asks_file(struct run *run, const char *path)
{
    run->file = path;
    answer(run);
}

const char *asks_declined(const struct run *run)
{
    return run->declined ? run->declined : "";
}

/* --- sign-ins -------------------------------------------------------------------------------- */

/* "user:password@" of a URL, as the browser would take it. */
static void sign_in_of_url(struct pool *pool, const char *url, struct sign_in *out)
{
    const char *info = url_user_info(pool, url);
    if (!info)
        return;
    const char *colon = strchr(info, ':');
    size_t len = colon ? (size_t)(colon - info) : strlen(info);
    out->user = url_unescape(pool, pool_strndup(pool, info, len));
    out->password = url_unescape(pool, colon ? colon + 1 : "");
}

static void sign_in_of_step(struct pool *pool, const struct step *s, const char *origin,
                            struct sign_in *out)
{
    const char *user = json_str(s->params, "username", NULL), *url = step_url(pool, s);
    if (strcmp(s->type, "navigate") || !url || strcmp(url_origin(pool, url), origin))
        return;
    if (user)
        *out = (struct sign_in){user, json_str(s->params, "password", ""), NULL};
    else
        sign_in_of_url(pool, url, out);
}

const char *asks_sign_in(struct run *run, const char *url)
{
    struct pool *pool = run->step_pool;
    const char *origin = url_origin(pool, url);
    struct sign_in in = {0};
    /* A run that is resumed opens what an earlier step signed in to. */
    for (int i = 0; i < run->plan->n_steps; i++)
        sign_in_of_step(pool, &run->plan->steps[i], origin, &in);
    if (run->step)
        sign_in_of_step(pool, run->step, origin, &in);
    sign_in_of_url(pool, url, &in);
    in.origin = origin;
    run->sign_in = in;
    answer(run);
    return url_without_user(pool, url);
}

/* --- afterwards ------------------------------------------------------------------------------ */

/* Dialogs are answered by the plane; a page that opens them without end is a wall. */
static int note_dialogs(struct run *run, const struct settled *s, struct err *err)
{
    if (!url_same_page(run->dialog_page, run->live_url)) {
        progress_set(&run->dialog_page, run->live_url);
        run->dialogs = 0;
    }
    if (!s->dialogs)
        return 0;
    run->dialogs += s->dialogs;
    const char *text =
        str_cut(run->step_pool, s->dialog_text ? s->dialog_text : "", MESSAGE_BYTES);
    if (s->declined && run->step && told(run->step) != 0)
        run->declined = text;
    run_event(run, "plane", "dialog",
              json_pack("{s:i,s:i}", "dialogs", s->dialogs, "declined", s->declined),
              "answered %d dialog(s), %d of them with no, the last one '%s'", s->dialogs,
              s->declined, text);
    if (run->dialogs > CAP_PLANE_DIALOGS)
        return err_set(err, E_UNPROCESSABLE,
                       "page_blocked: the page opened %d dialogs in a row, the last '%s'",
                       run->dialogs, text);
    return 0;
}

static void tell_download(struct run *run, const struct download *d)
{
    const char *name = str_cut(run->step_pool, d->name, MESSAGE_BYTES);
    json_t *detail = json_object();
    json_put(detail, "name", json_string_safe(d->name));
    json_put_int(detail, "bytes", d->bytes);
    if (d->complete)
        downloads_keep(run, d);
    if (d->complete)
        run_event(run, "plane", "download", detail, "downloaded '%s' (%lld bytes)", name,
                  (long long)d->bytes);
    else
        run_event(run, "plane", "download_failed", detail, "'%s' was not downloaded: %s", name,
                  d->refused ? "it is larger than files of a run may be, or one too many"
                             : "it broke off");
}

/* Tells of the downloads that are over, those that began late in an earlier step included. */
static int note_downloads(struct run *run, int wait_ms, struct err *err)
{
    struct download *list;
    int n, r = plane_downloads(run->plane, run->step_pool, wait_ms, &list, &n, err);
    for (int i = 0; !r && i < n; i++)
        tell_download(run, &list[i]);
    return r;
}

int asks_note(struct run *run, const struct settled *s, struct err *err)
{
    int r = note_downloads(run, s->downloads ? DOWNLOAD_MS : 0, err);
    return r ? r : note_dialogs(run, s, err);
}

void asks_end(struct run *run)
{
    struct err ignored = {0}; /* the steps are done, whatever becomes of the browser now */
    if (note_downloads(run, DOWNLOAD_MS, &ignored))
        run_warn(run, "download_lost", "what was still being downloaded is lost: %s", ignored.msg);
}
