/*
 * options.c - params and hints that take one word of a closed list. Another word counts as none
 * when the step is carried out (plans.md section 4); its author is told when the plan is read.
 */
#include "plan/normalise.h"

#include <string.h>

#define MAX_WORDS 16

struct option {
    const char *type; /* of the step; NULL: any */
    bool hint;        /* it stands in hints, else in params */
    const char *key;
    const char *words[MAX_WORDS];
};

static const struct option options[] = {
    {NULL,
     true,
     "region",
     {"full", "top", "top-third", "bottom", "bottom-third", "left", "right", "center", "top-half",
      "bottom-half", "form-footer", "form-header", "sidebar-list-top", "sidebar-list-mid",
      "sidebar-list-bottom"}},
    {"click", true, "layout", {"listings", "single"}},
    {"click", false, "kind", {"button", "nav_link", "tab", "menu_item", "row_link", "cell_link"}},
    {"submit", false, "kind", {"button", "nav_link", "tab", "menu_item", "row_link", "cell_link"}},
    {"scroll", false, "direction", {"up", "down"}},
    {"drag", false, "end_position", {"above", "below"}},
    {"capture_link_in_new_tab", false, "emit", {"current_url", "current_url_title"}},
    {"capture_link_in_new_tab", false, "on_no_navigation", {"skip", "retry", "halt"}},
};

static bool knows(const struct option *o, const char *word)
{
    for (const char *const *w = o->words; *w; w++)
        if (strcmp(*w, word) == 0)
            return true;
    return false;
}

static const char *listed(struct pool *pool, const struct option *o)
{
    const char *out = "";
    for (const char *const *w = o->words; *w; w++)
        out = pool_printf(pool, "%s%s%s", out, *out ? ", " : "", *w);
    return out;
}

void options_warn(struct normaliser *n, const struct step *s, const char *where)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const struct option *o = &options[i];
        const char *word = json_str(o->hint ? s->hints : s->params, o->key, "");
        if ((!o->type || strcmp(o->type, s->type) == 0) && *word && !knows(o, word))
            normalise_warn(n->warnings, "%s: %s.%s '%.80s' is not one of %s", where,
                           o->hint ? "hints" : "params", o->key, word, listed(n->pool, o));
    }
}
