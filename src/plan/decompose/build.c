/*
 * build.c - from one clause to its steps. What is typed never stands in an intent: intents are
 * shown in logs and events.
 */
#include "plan/decompose/rules.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

#define LIST_MAX 100 /* rows of "all results" */

static const char *const no_url =
    "\"%.120s\" names no address: say it whole, as in \"Open https://shop.example/\"";

static json_t *navigate(struct draft *d, const char *url, const char *intent)
{
    json_t *step = draft_step(d, "navigate", intent);
    json_put_str(draft_params(step), "url", url);
    return step;
}

/* The address of a piece that is one word. */
static char *address_of(struct draft *d, const struct clause *c, char name)
{
    for (int i = 0; i < c->match.n_pieces; i++)
        if (c->match.pieces[i].name == name)
            return match_address(d->pool, &c->match.words[c->match.pieces[i].from]);
    return NULL;
}

int build_open_url(struct draft *d, const struct clause *c, struct err *err)
{
    char *url = address_of(d, c, 'u');
    if (!url)
        return err_set(err, E_INVALID, no_url, c->text);
    block_close(d);
    d->block.start = -1;
    navigate(d, url, c->text);
    return 0;
}

int build_open_label(struct draft *d, const struct clause *c, struct err *err)
{
    draft_press(d, "click", c->text, draft_piece(d, c, 'l'), c->rule->argument);
    return 0;
}

/* Words of buttons that send something: they are pressed once, whatever happens. */
static bool sends(const char *label)
{
    static const char *const words[] = {
        "submit",   "send",     "save",      "pay",     "place order", "buy",         "order",
        "confirm",  "checkout", "check out", "sign in", "sign up",     "log in",      "login",
        "register", "delete",   "publish",   "post",    "book",        "add to cart", "create"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (str_has_words_fold(label, words[i]))
            return true;
    return false;
}

/* What is called a button, or is pressed, may send something; on a result's page it shows more of
 * it. */
int build_click(struct draft *d, const struct clause *c, struct err *err)
{
    const char *label = draft_piece(d, c, 'l'), *kind = c->rule->argument;
    bool button = strcmp(kind, "button") == 0 || word_is(&c->match.words[0], "press|push|hit");
    bool submit = !d->block.open && (button || (!*kind && sends(label)));
    draft_press(d, submit ? "submit" : "click", c->text, label, kind);
    return 0;
}

int build_check(struct draft *d, const struct clause *c, struct err *err)
{
    const char *label = draft_piece(d, c, 'l');
    bool off = word_is(&c->match.words[0], "untick|uncheck"),
         on = word_is(&c->match.words[0], "tick|check");
    json_t *step = draft_press(d, "click", c->text, label, "");
    if (on || off)
        json_put(step, "verify",
                 json_string_safe(
                     pool_printf(d->pool, "\"%s\" is %schecked", label, off ? "not " : "")));
    return 0;
}

int build_download(struct draft *d, const struct clause *c, struct err *err)
{
    draft_press(d, "click", c->text, draft_piece(d, c, 'l'), "");
    return 0;
}

int build_cart(struct draft *d, const struct clause *c, struct err *err)
{
    static const char *const aliases[] = {"Add to basket", "Add to bag", "Add to trolley", NULL};
    draft_aliases(draft_press(d, "submit", c->text, "Add to cart", ""), aliases);
    return 0;
}

int build_submit_form(struct draft *d, const struct clause *c, struct err *err)
{
    static const char *const aliases[] = {"Send", "Save", NULL};
    draft_aliases(draft_press(d, "submit", c->text, "Submit", ""), aliases);
    return 0;
}

static const char *fresh_var(struct draft *d, const char *stem)
{
    return d->n_vars++ ? pool_printf(d->pool, "%s_%d", stem, d->n_vars) : stem;
}

static const char *detect(struct draft *d, const char *question, const char *stem)
{
    const char *var = fresh_var(d, stem);
    json_t *step = draft_step(d, "detect_visible", question);
    json_put_str(step, "out_var", var);
    return var;
}

/* A banner is not always there: it is looked for first. */
int build_banner(struct draft *d, const struct clause *c, struct err *err)
{
    static const char *const yes[] = {"Accept all", "Accept cookies", "I agree", "Agree",
                                      "Allow all",  "Got it",         "OK",      NULL};
    static const char *const no[] = {"Decline", "No thanks",  "Close", "Dismiss",
                                     "Not now", "Reject all", NULL};
    bool accept = strcmp(c->rule->argument, "accept") == 0;
    bool looked_for = *d->guard && d->guard_sentence == c->sentence;
    const char *var =
        looked_for ? d->guard : detect(d, "A cookie or consent banner is shown", "banner");
    json_t *press = draft_press(d, "submit", c->text, accept ? "Accept" : "Reject", "");
    draft_aliases(press, accept ? yes : no);
    json_put_str(press, "guard", var);
    json_put_bool(press, "required", false);
    return 0;
}

int build_click_if(struct draft *d, const struct clause *c, struct err *err)
{
    const char *label = draft_piece(d, c, 'l');
    const char *var = detect(d, pool_printf(d->pool, "\"%s\" is shown", label), "shown");
    json_t *press = draft_press(d, sends(label) ? "submit" : "click", c->text, label, "");
    json_put_str(press, "guard", var);
    json_put_bool(press, "required", false);
    return 0;
}

int build_if(struct draft *d, const struct clause *c, struct err *err)
{
    if (d->at + 1 == d->n_clauses || c[1].sentence != c->sentence)
        return err_set(err, E_INVALID, "\"%.120s\" says nothing to do then", c->text);
    const char *what = draft_piece(d, c, 'c');
    d->guard = "";
    const char *var =
        detect(d,
               match_quoted(&c->match, 'c') ? pool_printf(d->pool, "\"%s\" is shown", what)
                                            : pool_printf(d->pool, "%s is shown", what),
               "shown");
    d->guard = var;
    d->guard_sentence = c->sentence;
    return 0;
}

static json_t *fill(struct draft *d, const char *label, const char *value)
{
    json_t *step = draft_step(d, "fill_field", pool_printf(d->pool, "Fill in \"%s\"", label));
    json_put(draft_params(step), "label", json_string_safe(label));
    json_put(draft_params(step), "value", json_string_safe(value));
    d->field = label;
    return step;
}

/* Words that are neither quoted nor what the user was asked for are typed only where it is said
 * where. */
int build_type(struct draft *d, const struct clause *c, struct err *err)
{
    const char *value = draft_value(d, c, 'v'), *how = c->rule->argument;
    if (match_has(&c->match, 'l')) {
        fill(d, draft_piece(d, c, 'l'), value);
        return 0;
    }
    if (strcmp(how, "it") == 0) {
        if (!*d->field)
            return err_set(err, E_INVALID, "\"%.120s\" does not say into which field", c->text);
        fill(d, d->field, value);
        return 0;
    }
    if (strcmp(how, "answer") == 0 && strcmp(value, "{{user_input}}") != 0)
        return err_set(err, E_INVALID,
                       "\"%.120s\" is not understood: say where, as in \"type \"WORDS\" into "
                       "\"FIELD\"\", or quote the words",
                       c->text);
    json_t *step = draft_step(d, "type_text", "Type the text into the field that has the focus");
    json_put(draft_params(step), "text", json_string_safe(value));
    return 0;
}

int build_clear(struct draft *d, const struct clause *c, struct err *err)
{
    fill(d, draft_piece(d, c, 'l'), "");
    return 0;
}

static const struct {
    const char *word, *key;
} key_names[] = {{"esc", "Escape"},     {"enter", "Return"},        {"page_up", "Page_Up"},
                 {"pageup", "Page_Up"}, {"page_down", "Page_Down"}, {"pagedown", "Page_Down"},
                 {"space", "space"},    {"backspace", "BackSpace"}};

static char *key_of(struct draft *d, const char *word)
{
    const char *low = str_lower(d->pool, word);
    for (size_t i = 0; i < ARRAY_SIZE(key_names); i++)
        if (strcmp(low, key_names[i].word) == 0)
            return pool_strdup(d->pool, key_names[i].key);
    char *key = pool_strdup(d->pool, low);
    if (!strchr(key, '+'))
        *key = (char)toupper((unsigned char)*key);
    return key;
}

int build_key(struct draft *d, const struct clause *c, struct err *err)
{
    int times = match_number(&c->match, 'n', 1);
    for (int i = 0; i < times && i < 20; i++) {
        json_t *step = draft_step(d, "key_press", c->text);
        json_put_str(draft_params(step), "keys", key_of(d, draft_piece(d, c, 'k')));
    }
    return 0;
}

int build_choose(struct draft *d, const struct clause *c, struct err *err)
{
    json_t *step = draft_step(d, "select_option", c->text);
    json_put(draft_params(step), "dropdown_label", json_string_safe(draft_piece(d, c, 'l')));
    json_put(draft_params(step), "option_label", json_string_safe(draft_value(d, c, 'v')));
    return 0;
}

int build_sort(struct draft *d, const struct clause *c, struct err *err)
{
    json_t *step = draft_step(d, "select_option", c->text);
    json_put_str(draft_params(step), "dropdown_label", "Sort");
    json_put(draft_params(step), "option_label", json_string_safe(draft_piece(d, c, 'v')));
    return 0;
}

int build_filter(struct draft *d, const struct clause *c, struct err *err)
{
    json_t *step = draft_step(d, "filter", c->text);
    json_put(draft_params(step), "label", json_string_safe(draft_piece(d, c, 'l')));
    if (match_has(&c->match, 'v'))
        json_put(draft_params(step), "value", json_string_safe(draft_value(d, c, 'v')));
    return 0;
}

int build_login(struct draft *d, const struct clause *c, struct err *err)
{
    static const char *const mail[] = {"Email address", "E-mail", "Username",
                                       "User name",     "Login",  NULL},
                             *const user[] = {"User name", "User",    "Login",
                                              "Email",     "User ID", NULL},
                             *const pass[] = {"Passphrase", "Passcode", NULL},
                             *const send[] = {"Log in", "Login", "Continue", NULL};
    const char *name = draft_value(d, c, 'u');
    bool is_mail = strchr(name, '@') != NULL;
    draft_aliases(fill(d, is_mail ? "Email" : "Username", name), is_mail ? mail : user);
    draft_aliases(fill(d, "Password", draft_value(d, c, 'p')), pass);
    draft_aliases(draft_press(d, "submit", "Sign in", "Sign in", ""), send);
    return 0;
}

int build_search(struct draft *d, const struct clause *c, struct err *err)
{
    static const char *const boxes[] = {"Search for", "Search box", "Find", NULL};
    char *url = address_of(d, c, 'u');
    if (url) {
        block_close(d);
        navigate(d, url, pool_printf(d->pool, "Open %s", url));
    }
    const char *label = match_has(&c->match, 'l') ? draft_piece(d, c, 'l') : "Search";
    draft_aliases(fill(d, label, draft_value(d, c, 'q')), boxes);
    /* Every search box takes Return; not every one has a button, or one with a name. */
    json_t *send = draft_step(d, "key_press", "Search for it");
    json_put_str(draft_params(send), "keys", "Return");
    json_put_str(send, "section", "setup");
    json_put_bool(send, "required", true);
    d->block.start = -1;
    return 0;
}

static void put_extract(struct draft *d, const struct field_list *f, const char *intent)
{
    bool rows = f->rows && !d->block.open;
    json_t *step = draft_step(d, rows ? "extract_rows" : "extract_data", intent),
           *x = json_object();
    json_put_str(step, "section", "extraction");
    json_put_bool(step, "claude_only", true);
    json_put_bool(step, "gate", false);
    json_put(x, "entity_name", json_string_safe(f->noun));
    json_put(x, "fields", json_incref(f->fields));
    if (rows)
        json_put_int(x, "max_items", f->max ? f->max : LIST_MAX);
    json_put(step, "extract", x);
}

static void put_extract_url(struct draft *d, const char *intent)
{
    json_t *step = draft_step(d, "extract_url", intent);
    json_put_str(step, "section", "extraction");
    json_put_bool(step, "claude_only", true);
}

/* The list after the verb, which is the clause's one piece. */
int build_extract(struct draft *d, const struct clause *c, struct err *err)
{
    const struct piece *p = &c->match.pieces[0];
    struct field_list f;
    if (!fields_read(d->pool, d->prose, c->match.words + p->from, p->n, &f))
        return err_set(err, E_INVALID, "\"%.120s\" names no fields", c->text);
    if (f.address) {
        put_extract_url(d, c->text);
        return 0;
    }
    if (d->each && !d->block.open) {
        f.rows = true;
        f.max = d->each > 0 ? d->each : f.max;
        d->each = 0;
    }
    put_extract(d, &f, c->text);
    if (f.rows && !d->block.open)
        block_of_rows(d);
    return 0;
}

int build_ask(struct draft *d, const struct clause *c, struct err *err)
{
    const char *what = draft_piece(d, c, 'w');
    json_t *step = draft_step(d, "request_user_input", c->text);
    char *prompt = pool_printf(d->pool, "Please enter the %s", what);
    json_put(draft_params(step), "prompt", json_string_safe(prompt));
    d->asked = what;
    return 0;
}

/* A condition with one quoted piece, right behind a submit, is what proves that it was taken. */
static void prove_submit(struct draft *d, const struct clause *c)
{
    json_t *last = json_array_get(d->steps, json_array_size(d->steps) - 1);
    const char *quoted = NULL;
    for (int i = 0; i < c->match.n; i++)
        if (c->match.words[i].quoted) {
            if (quoted || (i && word_is(&c->match.words[i - 1], "not|no")))
                return;
            quoted = c->match.words[i].text;
        }
    if (quoted && strcmp(json_str(last, "type", ""), "submit") == 0 &&
        !json_object_get(last, "guard"))
        json_put(draft_hints(last), "expect_text_present",
                 json_pack("[o]", json_string_safe(quoted)));
}

int build_verify(struct draft *d, const struct clause *c, struct err *err)
{
    const char *what = draft_piece(d, c, 'c');
    prove_submit(d, c);
    json_t *step = draft_step(d, "extract_data", c->text);
    json_put(step, "verify",
             json_string_safe(match_quoted(&c->match, 'c')
                                  ? pool_printf(d->pool, "\"%s\" is shown", what)
                                  : what));
    json_put_str(step, "section", d->block.open || d->block.start >= 0 ? "extraction" : "setup");
    json_put_bool(step, "gate", true);
    json_put_bool(step, "required", true); /* nothing behind it runs, in whatever section */
    json_put_bool(step, "claude_only", true);
    return 0;
}

int build_scroll(struct draft *d, const struct clause *c, struct err *err)
{
    bool end = str_starts(c->rule->argument, "end"), up = strstr(c->rule->argument, "up") != NULL;
    json_t *step = draft_step(d, "scroll", c->text);
    json_put_str(draft_params(step), "direction", up ? "up" : "down");
    json_put_str(draft_params(step), "backend", "cdp");
    json_put_int(draft_params(step), "count", end ? 50 : match_number(&c->match, 'n', 1));
    return 0;
}

int build_wait(struct draft *d, const struct clause *c, struct err *err)
{
    bool minutes = strcmp(c->rule->argument, "minutes") == 0;
    int n = match_number(&c->match, 'n', 1) * (minutes ? 60 : 1);
    json_t *step = draft_step(d, "wait", c->text);
    json_put_int(draft_params(step), "seconds", n);
    return 0;
}

int build_stop(struct draft *d, const struct clause *c, struct err *err)
{
    if (d->at + 1 < d->n_clauses)
        return err_set(err, E_INVALID, "\"%.120s\" ends the plan, but \"%.120s\" comes after it",
                       c->text, c[1].text);
    return 0;
}

int build_nothing(struct draft *d, const struct clause *c, struct err *err)
{
    return 0;
}

int build_drag(struct draft *d, const struct clause *c, struct err *err)
{
    json_t *step = draft_step(d, "drag", c->text);
    json_put(draft_params(step), "start_label", json_string_safe(draft_piece(d, c, 'a')));
    json_put(draft_params(step), "end_label", json_string_safe(draft_piece(d, c, 'b')));
    return 0;
}

/* double_click, right_click */
int build_pointer(struct draft *d, const struct clause *c, struct err *err)
{
    json_t *step = draft_step(d, c->rule->argument, c->text);
    json_put(draft_params(step), "label", json_string_safe(draft_piece(d, c, 'l')));
    return 0;
}
