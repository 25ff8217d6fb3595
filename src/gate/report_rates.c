/*
 * What the pages of a report show: rates with their intervals, categories, what became of a run and why, and who else
 * ran a task.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "gate/report_page.h"

#define Z_95 1.959963984540054 /* of the normal distribution, two-sided 95 % */

static const char *category_of(const struct task_result *r)
{
    return json_str(r->metadata, "type", "other");
}

/* Wilson, JASA 22 (1927): stays within 0 and 1, and says something for all and for none. */
static void set_interval(struct report_rate *p)
{
    double n = p->n, z2 = Z_95 * Z_95, centre = p->rate + z2 / (2 * n);
    double half = Z_95 * sqrt(p->rate * (1 - p->rate) / n + z2 / (4 * n * n));
    p->low = fmax(0, (centre - half) / (1 + z2 / n));
    p->high = fmin(1, (centre + half) / (1 + z2 / n));
}

struct report_rate report_rate_of(const struct report *report, const char *category)
{
    struct report_rate p = {.high = 1};
    struct pool *pool = pool_create(NULL);
    double *seconds = pool_alloc(pool, sizeof(*seconds) * (report->n + 1));
    for (size_t i = 0; i < report->n; i++) {
        const struct task_result *r = &report->results[i];
        if (category && strcmp(category_of(r), category) != 0)
            continue;
        seconds[p.n++] = r->outcome.duration_s;
        p.passed += r->passed;
        p.errors += *r->outcome.error != '\0';
        p.cost += r->outcome.cost;
    }
    p.median_s = paired_median(seconds, (size_t)p.n);
    pool_destroy(pool);
    if (p.n > 0) {
        p.rate = (double)p.passed / p.n;
        set_interval(&p);
    }
    return p;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *report_categories(struct pool *pool, const struct report_page *page)
{
    size_t max = page->arms[0]->n + (page->arms[1] ? page->arms[1]->n : 0), n = 0, kept = 0;
    const char **names = pool_alloc(pool, sizeof(*names) * (max + 1));
    for (size_t a = 0; a < ARRAY_SIZE(page->arms) && page->arms[a]; a++)
        for (size_t i = 0; i < page->arms[a]->n; i++)
            names[n++] = category_of(&page->arms[a]->results[i]);
    if (n)
        qsort(names, n, sizeof(*names), compare_texts);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    names[kept] = NULL;
    return names;
}

const char *report_word(const struct task_result *r)
{
    return *r->outcome.error ? "error" : r->passed ? "pass" : "fail";
}

const char *report_why(const struct task_result *r)
{
    const json_t *reasons = json_object_get(json_object_get(r->outcome.raw, "oracle"), "reasons");
    const char *said = json_string_value(json_array_get(reasons, 0));
    return *r->outcome.error ? r->outcome.error : r->passed || !said ? "" : said;
}

const char *report_run_link(struct pool *pool, const struct report *report,
                            const struct task_result *result)
{
    const char *runner = json_str(report->about, "runner", ""), *id = result->outcome.run_id;
    bool web = str_starts(runner, "http://") || str_starts(runner, "https://");
    return web && *id ? pool_printf(pool, "%s/console#/runs/%s", runner, id) : "";
}

const struct task_result *report_find_like(const struct report *report,
                                           const struct task_result *like)
{
    for (size_t i = 0; report && i < report->n; i++)
        if (report->results[i].repeat == like->repeat &&
            strcmp(report->results[i].task_id, like->task_id) == 0)
            return &report->results[i];
    return NULL;
}
