#include "run/suite/suite.h"

#include <string.h>

#include "base/str.h"
#include "run/url.h"

bool says_no_more(const char *summary)
{
    static const char *const phrases[] = {"no more",       "no listing", "no items",  "no results",
                                          "empty page",    "end of",     "last page", "no next",
                                          "all processed", "none found", "none left"};
    for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
        if (str_has_words_fold(summary, phrases[i]))
            return true;
    return false;
}

static bool spam(const struct attempt_facts *f)
{
    return f->spam;
}

static bool blocked(const struct attempt_facts *f)
{
    return !strcmp(f->page_class, "blocked");
}

static bool dead(const struct attempt_facts *f)
{
    return !strcmp(f->page_class, "not_found") || !strcmp(f->page_class, "soft_404") ||
           !strcmp(f->page_class, "dns");
}

static bool off_site(const struct attempt_facts *f)
{
    return url_is_web(f->url) && url_is_web(f->start_url) && !url_same_site(f->url, f->start_url);
}

static bool no_more(const struct attempt_facts *f)
{
    return !strcmp(f->inner->termination, "done_failed") && says_no_more(f->inner->summary);
}

static bool unparseable(const struct attempt_facts *f)
{
    return f->inner->steps > 0 && f->inner->unparsed * 2 > f->inner->steps;
}

static bool gallery(const struct attempt_facts *f)
{
    return f->inner->galleries > 0;
}

static bool loop(const struct attempt_facts *f)
{
    return !strcmp(f->inner->termination, "loop");
}

static bool overlay(const struct attempt_facts *f)
{
    return f->overlay;
}

static bool used_up(const struct attempt_facts *f)
{
    return !strcmp(f->inner->termination, "max_steps");
}

static bool drift(const struct attempt_facts *f)
{
    return !strcmp(f->inner->termination, "off_allowlist");
}

/* What the page is explains more than how the brain ended. */
static const struct {
    const char *name;
    bool (*is)(const struct attempt_facts *f);
} categories[] = {
    {"dealer_listing", spam},       {"cloudflare", blocked},   {"dead_link_404", dead},
    {"off_source_drift", drift},    {"off_site", off_site},    {"page_exhausted", no_more},
    {"parse_failure", unparseable}, {"gallery_trap", gallery}, {"popup_trap", overlay},
    {"loop_stuck", loop},           {"context_rot", used_up},
};

const char *failure_category(const struct attempt_facts *f)
{
    for (size_t i = 0; i < ARRAY_SIZE(categories); i++)
        if (categories[i].is(f))
            return categories[i].name;
    return "unknown";
}
