/*
 * recovery_allowed.c - what a model may propose for a step that failed: nothing that commits more
 * than the step itself says, no address that the tenant may not open, no type that decides how the
 * run goes on.
 */
#include "run/recovery.h"

#include <string.h>

#include "base/str.h"
#include "run/allow.h"
#include "run/url.h"

#define LABEL_KEYS 5

static bool is_one_of(const char *const *list, size_t n, const char *word, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(list[i]) == len && !strncasecmp(list[i], word, len))
            return true;
    return false;
}

/* --- types ------------------------------------------------------------------------------------ */

static const char *const types[] = {"navigate",   "navigate_back", "click",  "submit",
                                    "fill_field", "select_option", "filter", "scroll",
                                    "wait",       "key_press"};

/* Keys that move, close or scroll; Return may send a form. */
static const char *const keys[] = {"escape",     "tab",      "home",    "end",       "page_up",
                                   "page_down",  "pageup",   "up",      "down",      "left",
                                   "right",      "pagedown", "arrowup", "arrowdown", "arrowleft",
                                   "arrowright", "shift+tab"};

static bool type_ok(const char *type)
{
    return is_one_of(types, ARRAY_SIZE(types), type, strlen(type));
}

static bool keys_ok(const json_t *params)
{
    const json_t *said = json_object_get(params, "keys");
    const char *key = json_is_string(said) ? json_string_value(said) : "";
    return is_one_of(keys, ARRAY_SIZE(keys), key, strlen(key));
}

/* --- what it commits -------------------------------------------------------------------------- */

/* Words of a control that only makes go away what lies over a page. */
static const char *const harmless[] = {
    "close",   "cancel", "dismiss",    "reject", "decline", "all",     "the",    "this",
    "dialog",  "popup",  "pop-up",     "modal",  "banner",  "window",  "notice", "overlay",
    "message", "button", "newsletter", "cookie", "cookies", "consent", "no",     "thanks",
    "not",     "now",    "later",      "skip",   "x",       "\xC3\x97"};

static bool only_goes_away(const char *words)
{
    bool any = false;
    for (const char *p = words + strspn(words, " \"'"); *p; p += strspn(p, " \"'")) {
        size_t len = strcspn(p, " \"'");
        if (!is_one_of(harmless, ARRAY_SIZE(harmless), p, len))
            return false;
        any = true;
        p += len;
    }
    return any;
}

/* Everything that the step itself says of what it presses. */
static const char *wanted_by(struct pool *pool, const struct step *step)
{
    static const char *const names[LABEL_KEYS] = {"label", "dropdown_label", "option_label",
                                                  "value", "keys"};
    const char *out = step->intent;
    for (size_t i = 0; i < LABEL_KEYS; i++)
        out = pool_printf(pool, "%s | %s", out, json_str(step->params, names[i], ""));
    return out;
}

/* What lies over a page, and how it is made to go away. */
static const char *const overlays[] = {"dialog",  "popup",   "pop-up",  "modal",      "banner",
                                       "window",  "notice",  "overlay", "newsletter", "cookie",
                                       "cookies", "consent", "message", "menu",       "prompt"};
static const char *const dismissals[] = {"close",  "dismiss", "reject", "decline",
                                         "cancel", "skip",    "hide"};

/* Behind the verb of "Close the newsletter dialog"; else words. */
static const char *after_dismissal(const char *words)
{
    size_t len = strcspn(words, " ");
    if (!is_one_of(dismissals, ARRAY_SIZE(dismissals), words, len))
        return words;
    for (size_t i = 0; i < ARRAY_SIZE(overlays); i++)
        if (str_has_words_fold(words, overlays[i]))
            return words + len;
    return words;
}

static bool commits(const char *words, const char *wanted)
{
    return !only_goes_away(words) && recovery_commits_more(after_dismissal(words), wanted);
}

bool recovery_hint_commits(struct pool *pool, const struct step *step, const char *hint)
{
    static const char *const strong[] = {"buy",  "pay",      "purchase",    "order",   "delete",
                                         "send", "transfer", "unsubscribe", "publish", "withdraw"};
    const char *wanted = wanted_by(pool, step);
    for (size_t i = 0; i < ARRAY_SIZE(strong); i++)
        if (str_has_words_fold(hint, strong[i]) && !str_has_words_fold(wanted, strong[i]))
            return true;
    return false;
}

static bool labels_ok(const json_t *params, const char *wanted)
{
    const json_t *aliases = json_object_get(params, "aliases");
    static const char *const names[] = {"label", "dropdown_label", "option_label"};
    size_t i;
    json_t *v;
    for (i = 0; i < ARRAY_SIZE(names); i++)
        if (commits(json_str(params, names[i], ""), wanted))
            return false;
    json_array_foreach ((json_t *)aliases, i, v)
        if (commits(json_is_string(v) ? json_string_value(v) : "", wanted))
            return false;
    return true;
}

/* --- addresses -------------------------------------------------------------------------------- */

/* The site that is open, or one that the plan names: a page must not lead a run elsewhere. */
static bool site_is_known(struct run *run, const char *url)
{
    bool known = url_same_site(url, run->live_url);
    for (int i = 0; !known && i < run->plan->n_steps; i++) {
        const char *own = step_url(run->step_pool, &run->plan->steps[i]);
        known = own && url_same_site(url, own);
    }
    return known;
}

/* The address that a navigate would open of it. */
static bool address_ok(struct run *run, const char *text)
{
    const char *url = plan_first_url(run->step_pool, text);
    return url && url_is_web(url) && allow_url(run->config->allowed_domains, url) &&
           site_is_known(run, url);
}

/* The intent of a navigate counts before its params (plans.md 8.1): both must do. */
static bool navigate_ok(struct run *run, const json_t *step)
{
    const char *intent = json_str(step, "intent", ""),
               *url = json_str(json_object_get(step, "params"), "url", "");
    bool in_intent = strstr(intent, "://") != NULL;
    return (*url || in_intent) && (!*url || address_ok(run, url)) &&
           (!in_intent || address_ok(run, intent));
}

/* --- together --------------------------------------------------------------------------------- */

const char *recovery_refuses(struct run *run, const struct step *step, const json_t *proposed)
{
    const json_t *params = json_object_get(proposed, "params");
    const char *wanted = wanted_by(run->step_pool, step);
    const char *intent = json_str(proposed, "intent", ""),
               *type = json_str(proposed, "type", step->type);
    bool own_type = !strcmp(type, step->type), opens = !strcmp(type, "navigate");
    bool says_keys = !own_type || json_object_get(params, "keys");
    if (params && !json_is_object(params))
        return "its params are no object";
    if (!own_type && !type_ok(type))
        return pool_printf(run->step_pool, "a step of type '%.40s' is not recovery's to do", type);
    if (!strcmp(type, "key_press") && says_keys && !keys_ok(params))
        return "it presses a key that may send something";
    if (commits(intent, wanted) || !labels_ok(params, wanted))
        return "it would commit something that the step does not say";
    if (opens && (!own_type || *intent || json_object_get(params, "url")) &&
        !navigate_ok(run, proposed))
        return "it would open an address that this run may not open";
    return NULL;
}
