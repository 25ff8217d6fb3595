/*
 * passes.c - what is done to a plan that was made from prose, before it counts as one (plans.md
 * section 11): a table of passes, in order. A pass only fills in what nobody said.
 */
#include "plan/normalise.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/flow.h"
#include "plan/decompose.h"

#define NEAR_STEPS        2 /* a loop this far off the first click is meant for it */
#define FALLBACK_TEMPLATE "{base}/page-{n}/"

struct passing {
    struct pool *pool;
    const struct intake_config *config;
    const char *text;
    struct plan *plan;
};

static bool is(const struct step *s, const char *type)
{
    return strcmp(s->type, type) == 0;
}

static json_t *editable(struct passing *p, const json_t **object)
{
    json_t *copy = json_keep(p->pool, json_deep_copy(*object));
    *object = copy;
    return copy;
}

/* A text that asks for reading only makes no plan that does more. */
static int read_only(struct passing *p, struct err *err)
{
    static const char *const allowed[] = {"navigate",    "extract_data",   "extract_rows",
                                          "extract_url", "detect_visible", "scroll",
                                          "wait"};
    if (!plan_text_is_read_only(p->text))
        return 0;
    for (int i = 0; i < p->plan->n_steps; i++) {
        bool ok = false;
        for (size_t k = 0; k < ARRAY_SIZE(allowed); k++)
            ok = ok || is(&p->plan->steps[i], allowed[k]);
        if (!ok)
            return err_set(
                err, E_INVALID,
                "read-only contract violated: the text asks for reading only, and step %d "
                "is '%.40s' (\"%.120s\")",
                i, p->plan->steps[i].type, p->plan->steps[i].intent);
    }
    return 0;
}

static int first_click(const struct plan *plan)
{
    for (int i = 0; i < plan->n_steps; i++)
        if (is(&plan->steps[i], "click") && strcmp(plan->steps[i].section, "extraction") == 0)
            return i;
    return -1;
}

/* A loop is meant for the first click of the list when it says nothing else, or misses it closely.
 */
static int retarget_loops(struct passing *p, struct err *err)
{
    int click = first_click(p->plan);
    for (int i = click + 1; click >= 0 && i < p->plan->n_steps; i++) {
        struct step *s = &p->plan->steps[i];
        if (is(s, "loop") && (s->loop_target < 0 || abs(s->loop_target - click) <= NEAR_STEPS))
            s->loop_target = click;
    }
    return 0;
}

static const char *shape_of(const struct plan *plan, int start, int end)
{
    bool click =
        is(&plan->steps[start], "click") && strcmp(plan->steps[start].section, "extraction") == 0;
    bool reads_url = false;
    for (int i = start; i < end; i++) {
        if (is(&plan->steps[i], "paginate"))
            return "parallelizable_pagination";
        reads_url = reads_url || is(&plan->steps[i], "extract_url");
    }
    return click && reads_url ? "parallelizable_url_collect" : "sequential";
}

static int classify_loops(struct passing *p, struct err *err)
{
    json_t *groups = json_keep(p->pool, json_array());
    for (int i = 0; i < p->plan->n_steps; i++) {
        int start = is(&p->plan->steps[i], "loop") ? flow_loop_start(p->plan, i) : i;
        if (start >= i)
            continue;
        json_push(groups, json_pack("{s:i,s:[i,i],s:s}", "loop_step_idx", i, "body_range", start, i,
                                    "shape", shape_of(p->plan, start, i)));
    }
    p->plan->loop_groups = json_array_size(groups) ? groups : NULL;
    return 0;
}

/* Addresses of the text, in order, for navigate steps that have none. */
static int repair_addresses(struct passing *p, struct err *err)
{
    const char *at = p->text;
    json_t *used = json_keep(p->pool, json_array());
    for (int i = 0; i < p->plan->n_steps; i++) {
        const char *url =
            is(&p->plan->steps[i], "navigate") ? step_url(p->pool, &p->plan->steps[i]) : NULL;
        if (url)
            json_push(used, json_string_safe(url));
    }
    for (int i = 0; i < p->plan->n_steps; i++) {
        struct step *s = &p->plan->steps[i];
        if (!is(s, "navigate") || step_url(p->pool, s))
            continue;
        char *url;
        while ((url = plan_first_url(p->pool, at)) && json_holds(used, url))
            at = strstr(at, url) + strlen(url);
        if (!url)
            return 0;
        at = strstr(at, url) + strlen(url);
        json_put(editable(p, &s->params), "url", json_string_safe(url));
    }
    return 0;
}

/* Pieces of an address's path with a digit or hyphen: they name the page and nothing else. */
static json_t *telling_segments(struct passing *p, const char *url)
{
    json_t *out = json_keep(p->pool, json_array());
    const char *path = strstr(url, "://");
    path = path ? strchr(path + 3, '/') : NULL;
    while (path && *path == '/') {
        size_t len = strcspn(++path, "/?#");
        char *piece = pool_strndup(p->pool, path, len);
        if (strpbrk(piece, "-0123456789"))
            json_push(out, json_string_safe(piece));
        path += len;
    }
    return out;
}

/* A gate that says no more than its intent is answered by the address where that tells. One whose
 * author wrote what must hold is asked that. */
static bool wants_hint(const struct step *s)
{
    return s->gate && s->claude_only && !json_object_size(s->hints) && !*s->verify;
}

static int hint_gates(struct passing *p, struct err *err)
{
    const json_t *segments = NULL;
    for (int i = 0; i < p->plan->n_steps; i++) {
        struct step *s = &p->plan->steps[i];
        const char *url = is(s, "navigate") ? step_url(p->pool, s) : NULL;
        if (url)
            segments = telling_segments(p, url);
        if (wants_hint(s) && json_array_size(segments))
            json_put(editable(p, &s->hints), "expect_url_contains", json_deep_copy(segments));
    }
    return 0;
}

static int check_template(struct passing *p, struct err *err)
{
    const char *t = p->plan->page_url_template;
    if (*t && (!strstr(t, "{base}") || !strstr(t, "{n}")))
        p->plan->page_url_template = FALLBACK_TEMPLATE;
    return 0;
}

/* --- what is known of a site ------------------------------------------------------------------ */

static const json_t *profile_of(struct passing *p)
{
    json_t *all = NULL, *one;
    const char *domain, *host = p->plan->domain;
    if (!p->config->share_dir || !*p->config->share_dir ||
        json_parse_file(pool_printf(p->pool, "%s/profiles/sites.json", p->config->share_dir), &all,
                        NULL))
        return NULL;
    json_keep(p->pool, all);
    if (!*host)
        host = plan_first_host(p->pool, p->plan);
    json_object_foreach (all, domain, one) {
        bool ends = *domain && str_ends(host, domain);
        size_t rest = ends ? strlen(host) - strlen(domain) : 0;
        if (ends && (!rest || host[rest - 1] == '.'))
            return one;
    }
    return NULL;
}

static void put_missing(struct passing *p, const json_t **object, const char *key,
                        const json_t *value)
{
    if (value && !json_object_get(*object, key))
        json_put(editable(p, object), key, json_deep_copy(value));
}

static int apply_profile(struct passing *p, struct err *err)
{
    const json_t *profile = profile_of(p), *site = json_object_get(profile, "site_config"),
                 *scroll = json_object_get(profile, "scroll");
    bool navigated = false;
    for (int i = 0; profile && i < p->plan->n_steps; i++) {
        struct step *s = &p->plan->steps[i];
        if (is(s, "scroll") && !json_object_get(s->params, "backend"))
            for (const char *const *k = (const char *const[]){"backend", "count", NULL}; *k; k++)
                put_missing(p, &s->params, *k, json_object_get(scroll, *k));
        if (is(s, "navigate") && !navigated)
            put_missing(p, &s->params, "wait_after_load_seconds",
                        json_object_get(profile, "first_navigate_wait_seconds"));
        navigated = navigated || is(s, "navigate");
        if (wants_hint(s))
            put_missing(p, &s->hints, "expect_url_contains", json_object_get(profile, "gate_hint"));
    }
    if (profile && !*p->plan->page_url_template)
        p->plan->page_url_template = json_str(profile, "pagination_url_template", "");
    if (!p->plan->site_config && json_is_object(site))
        p->plan->site_config = site;
    return 0;
}

typedef int pass_fn(struct passing *p, struct err *err);
static pass_fn *const passes[] = {read_only,  retarget_loops, classify_loops, repair_addresses,
                                  hint_gates, check_template, apply_profile};

int plan_pass(struct pool *pool, const struct intake_config *config, const char *text,
              struct plan *plan, struct err *err)
{
    struct passing p = {.pool = pool, .config = config, .text = text, .plan = plan};
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(passes) && !r; i++)
        r = passes[i](&p, err);
    return r;
}
