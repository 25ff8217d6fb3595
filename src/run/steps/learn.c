/*
 * learn.c - look at a site for an objective and make a plan of what was seen (http-api.md section
 * 5, graph_learn). The site is only read: addresses of links are opened, nothing is pressed or
 * sent. A control that has to be pressed becomes a step of the plan.
 *
 * Internal: no caller's plan has this type (plan/kinds.c).
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/str.h"
#include "run/allow.h"
#include "run/learn/compile.h"
#include "run/look.h"
#include "run/pause.h"
#include "run/url.h"

#define MAX_LINKS   4 /* followed to where the results are */
#define MAX_DETAILS 3 /* cards that are opened until one tells something */

struct learner {
    struct run *run;
    struct pool *pool; /* of the step */
    struct objective want;
    const char *intent; /* which cards, as the plan's click step will say it */
    struct survey page, detail;
    bool has_detail;
    int at;                             /* phase that the browser shows */
    bool answered[OBJECTIVE_NAMES_MAX]; /* names that a link, a filter or a card says */
    int page_phase;
    json_t *phases, *edges; /* in pool */
    struct lesson lesson;
};

static const char *card_intent(struct pool *pool, const struct objective *want)
{
    const char *from =
        want->n_names && !want->quoted[0] ? pool_printf(pool, " from %s", want->names[0]) : "";
    const char *skips = *want->skips ? pool_printf(pool, " and %s", want->skips) : "";
    return pool_printf(pool, "Open the next %s%s; skip advertisements%s", want->entity, from,
                       skips);
}

/* --- the graph -------------------------------------------------------------------------------- */

/* The phase of this page, a new one unless it was seen before. Counted from 1. */
static int note_phase(struct learner *l, const struct survey *s)
{
    size_t i;
    json_t *p;
    json_array_foreach (l->phases, i, p)
        if (url_same_page(json_str(p, "url", ""), s->obs.url))
            return (int)i + 1;
    json_t *phase = json_object();
    json_put_int(phase, "id", (json_int_t)json_array_size(l->phases) + 1);
    json_put_str(phase, "kind", page_kind_name(s->kind));
    json_put(phase, "title", json_string_safe(s->title));
    json_put(phase, "url", json_string_safe(s->obs.url));
    json_put_int(phase, "items", s->kind == PAGE_RESULTS ? s->n_cards : 0);
    json_push(l->phases, phase);
    run_event(l->run, "runner", "phase_learnt", json_incref(phase), "%s page '%s', %d items",
              page_kind_name(s->kind), s->title, s->n_cards);
    return (int)json_array_size(l->phases);
}

static void note_edge(struct learner *l, int to, const char *by, const char *label)
{
    json_t *edge = json_object();
    json_put_int(edge, "from", l->at);
    json_put_int(edge, "to", to);
    json_put_str(edge, "by", by);
    json_put(edge, "label", json_string_safe(label));
    json_push(l->edges, edge);
    l->at = to;
}

/* --- looking ---------------------------------------------------------------------------------- */

static int look(struct learner *l, struct survey *out, struct err *err)
{
    struct observation obs;
    int r = run_observe(l->run, OBSERVE_PAGE, &obs, err);
    return r ? r : survey_page(l->run->reader, l->pool, &l->want, l->intent, &obs, out, err);
}

/* Open the address of a link. *ret_ok: there is a page of this site that the tenant may see. */
static int visit(struct learner *l, const char *url, struct survey *out, bool *ret_ok,
                 struct err *err)
{
    struct settled s;
    const char *const *allowed = l->run->config->allowed_domains, *live;
    *ret_ok = false;
    if (!allow_url(allowed, url))
        return 0;
    int r = run_open(l->run, url, CAP_LOAD_MS, &s, err);
    r = r ? r : run_read_url(l->run, &live, err);
    if (!r && !allow_url(allowed, live)) /* the runner sees to it what then becomes of the run */
        r = err_set(err, E_FORBIDDEN, "'%.200s' leads to a host that the tenant may not use", url);
    r = r ? r : look(l, out, err);
    if (!r)
        *ret_ok =
            !strcmp(run_page_class(l->run, &out->obs, url), "ok") && out->kind != PAGE_BLOCKED;
    return r;
}

/* A worker that took over may stand elsewhere. */
static int begin(struct learner *l, struct err *err)
{
    struct settled s;
    const char *url, *start = l->run->progress.results_base_url;
    int r = run_read_url(l->run, &url, err);
    if (!r && *start && !url_same_page(url, start))
        r = run_open(l->run, start, CAP_LOAD_MS, &s, err);
    r = r ? r : look(l, &l->page, err);
    if (!r)
        l->page_phase = l->at = note_phase(l, &l->page);
    return r;
}

/* --- to the results --------------------------------------------------------------------------- */

static const struct choice *next_link(const struct choice *choices, int n, const json_t *tried)
{
    for (int i = 0; i < n; i++)
        if (*choices[i].href && !json_holds(tried, choices[i].name))
            return &choices[i];
    return NULL;
}

static void answer(struct learner *l, const char *name)
{
    for (int i = 0; i < l->want.n_names; i++)
        l->answered[i] = l->answered[i] || !strcmp(l->want.names[i], name);
}

/* Follow the links that say what the objective says, as long as they lead to something to choose
 * from.
 */
static int follow_links(struct learner *l, struct err *err)
{
    json_t *tried = json_keep(l->pool, json_array());
    int r = 0;
    for (int i = 0; !r && i < MAX_LINKS; i++) {
        struct choice choices[COMPILE_FILTERS_MAX];
        struct survey there;
        bool ok;
        bool lost = l->page.kind == PAGE_OTHER || l->page.kind == PAGE_FORM;
        if (l->page.kind != PAGE_RESULTS && !lost)
            return 0;
        int n = survey_choices(l->pool, &l->want, &l->page, lost, choices);
        const struct choice *link = next_link(choices, n, tried);
        if (!link)
            return 0;
        json_push(tried, json_string_safe(link->name));
        r = visit(l, link->href, &there, &ok, err);
        if (r || !ok || there.kind != PAGE_RESULTS)
            continue;
        l->page = there;
        answer(l, link->name);
        note_edge(l, l->page_phase = note_phase(l, &l->page), "link", link->label);
    }
    return r;
}

static void choose_filters(struct learner *l)
{
    struct choice choices[COMPILE_FILTERS_MAX];
    int n = survey_choices(l->pool, &l->want, &l->page, false, choices);
    for (int i = 0; i < n; i++)
        if (!*choices[i].href) {
            answer(l, choices[i].name);
            l->lesson.filters[l->lesson.n_filters++] = choices[i];
        }
    if (l->page.n_cards < l->page.n_listed) /* the intent of the click leaves some out */
        answer(l, l->want.n_names ? l->want.names[0] : "");
    l->lesson.search_field = survey_search_field(l->pool, &l->page);
}

/* --- one item, and the next page ---------------------------------------------------------------
 */

static int n_known(const struct survey *s)
{
    int n = s->n_seen;
    for (int i = 0; i < s->n_fields; i++)
        n += !s->fields[i].seen && *s->fields[i].reveal;
    return n;
}

/* A page about one thing; another list, which a card may lead to as well, is none. */
static bool tells(const struct survey *s)
{
    bool list = s->kind == PAGE_RESULTS && s->n_cards >= SURVEY_MANY_CARDS && !s->n_labelled;
    return n_known(s) > 0 && !list;
}

static int return_to_page(struct learner *l, struct err *err)
{
    struct settled s;
    const char *url;
    int r = run_back(l->run, &s, err);
    r = r ? r : run_read_url(l->run, &url, err);
    if (!r && !url_same_page(url, l->page.obs.url))
        r = run_open(l->run, l->page.obs.url, CAP_LOAD_MS, &s, err);
    if (!r)
        note_edge(l, l->page_phase, "back", "");
    return r;
}

static int learn_detail(struct learner *l, struct err *err)
{
    int r = 0, opened = 0;
    for (int i = 0; !r && !l->has_detail && i < l->page.n_cards && opened < MAX_DETAILS; i++) {
        const char *href = l->page.cards[i].href;
        struct survey there;
        bool ok;
        if (!url_is_web(href) || !url_same_site(href, l->page.obs.url) ||
            url_same_page(href, l->page.obs.url))
            continue;
        opened++;
        r = pause_between(l->run, NULL, err);
        r = r ? r : visit(l, href, &there, &ok, err);
        if (r || !ok || !tells(&there))
            continue;
        there.kind = PAGE_DETAIL;
        l->detail = there;
        l->has_detail = true;
        note_edge(l, note_phase(l, &l->detail), "open", l->page.cards[i].title);
    }
    return r || !l->has_detail ? r : return_to_page(l, err);
}

static int learn_next_page(struct learner *l, struct err *err)
{
    struct target t;
    struct survey there;
    bool ok;
    if (reader_find_next_page(l->run->reader, l->pool, &l->page.obs, 1, &t, NULL))
        return 0;
    l->lesson.has_next = true;
    const struct node *n = field_node(&l->page.obs, &t);
    if (!n || !url_is_web(n->href) || !url_same_site(n->href, l->page.obs.url))
        return 0;
    int r = visit(l, n->href, &there, &ok, err);
    l->lesson.has_next = ok && there.kind == PAGE_RESULTS;
    if (!r && l->lesson.has_next)
        note_edge(l, note_phase(l, &there), "next_page", t.label);
    return r;
}

static int learn_results(struct learner *l, struct err *err)
{
    choose_filters(l);
    bool rows = l->page.rows_do && l->want.n_fields;
    int r = rows || !l->page.opens ? 0 : learn_detail(l, err);
    return r ? r : learn_next_page(l, err);
}

/* --- what came of it ---------------------------------------------------------------------------
 */

static const char *looked_for(struct learner *l)
{
    const char *out = "";
    for (int i = 0; i < l->want.n_fields; i++)
        out = pool_printf(l->pool, "%s%s%s", out, i ? ", " : " with ", l->want.fields[i]);
    return out;
}

static int nothing(struct learner *l, struct step_result *out)
{
    out->failure_subclass = "nothing_to_learn";
    if (l->page.kind == PAGE_BLOCKED) {
        out->outcome = OUTCOME_BLOCKED;
        return step_fail(l->run, out, "page_blocked",
                         "page_blocked: a challenge or a block ('%.80s') stands before '%.150s'",
                         l->page.title, l->page.obs.url);
    }
    return step_fail(
        l->run, out, "extractor_error",
        "nothing_to_learn: '%.80s' shows %d list items and none of the values; looked for "
        "a list of '%.40s'%.100s, for a page about one, and for quoted fields of a form",
        l->page.title, l->page.n_cards, l->want.entity, looked_for(l));
}

static json_t *missing(const struct survey *s)
{
    bool rows = s->kind == PAGE_RESULTS;
    json_t *out = json_array();
    for (int i = 0; i < s->n_fields; i++)
        if (rows ? !s->fields[i].in_rows : !s->fields[i].seen && !*s->fields[i].reveal)
            json_push(out, json_string_safe(s->fields[i].name));
    return out;
}

/* Words of the objective that nothing on the pages answered: the plan does not know them. */
static json_t *unanswered(const struct learner *l)
{
    json_t *out = json_array();
    for (int i = 0; l->page.kind == PAGE_RESULTS && i < l->want.n_names; i++)
        if (!l->answered[i])
            json_push(out, json_string_safe(l->want.names[i]));
    return out;
}

static void keep(struct learner *l, json_t *steps)
{
    const struct survey *read = l->has_detail ? &l->detail : &l->page;
    json_t *learned = json_object();
    json_put(learned, "domain", json_string_safe(url_site(l->pool, l->lesson.url)));
    json_put_int(learned, "phases", (json_int_t)json_array_size(l->phases));
    json_put_int(learned, "edges", (json_int_t)json_array_size(l->edges));
    json_put_int(learned, "compiled_steps", (json_int_t)json_array_size(steps));
    json_put(learned, "micro_plan", steps);
    json_put(learned, "graph", json_pack("{s:O,s:O}", "phases", l->phases, "edges", l->edges));
    json_put(learned, "missing_fields", read->kind == PAGE_FORM ? json_array() : missing(read));
    json_put(learned, "unanswered", unanswered(l));
    json_decref(l->run->progress.learned);
    l->run->progress.learned = learned;
}

static bool can_compile(const struct learner *l)
{
    if (l->page.kind == PAGE_RESULTS) {
        bool some = false;
        for (int i = 0; i < l->page.n_fields; i++)
            some = some || l->page.fields[i].in_rows;
        return l->has_detail || some;
    }
    return l->page.kind == PAGE_FORM || (l->page.kind == PAGE_DETAIL && n_known(&l->page));
}

static int finish(struct learner *l, struct step_result *out)
{
    l->lesson.want = &l->want;
    l->lesson.intent = l->intent;
    l->lesson.page = &l->page;
    l->lesson.detail = l->has_detail ? &l->detail : NULL;
    l->lesson.url = url_no_fragment(l->pool, l->page.obs.url);
    json_t *steps = can_compile(l) ? compile_lesson(l->pool, &l->lesson) : NULL;
    if (!steps)
        return nothing(l, out);
    keep(l, steps);
    out->label = l->page.title;
    return step_ok(l->run, out, "learn:%s:%d phases:%d steps", page_kind_name(l->page.kind),
                   (int)json_array_size(l->phases), (int)json_array_size(steps));
}

int step_learn(struct run *run, struct step_result *out, struct err *err)
{
    struct learner l = {.run = run, .pool = run->step_pool};
    l.phases = json_keep(l.pool, json_array());
    l.edges = json_keep(l.pool, json_array());
    l.lesson.search_field = "";
    objective_parse(l.pool, json_str(run->step->params, "objective", ""), &l.want);
    l.intent = card_intent(l.pool, &l.want);
    int r = begin(&l, err);
    r = r ? r : follow_links(&l, err);
    if (!r && l.page.kind == PAGE_RESULTS)
        r = learn_results(&l, err);
    return r ? r : finish(&l, out);
}
