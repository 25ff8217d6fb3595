#include "gate/compare.h"

#include <stdlib.h>
#include <string.h>

/* Results in the order of (task id, repeat). */
static int by_task(const void *a, const void *b)
{
    const struct task_result *x = *(const struct task_result *const *)a, *y = *(const struct task_result *const *)b;
    int order = strcmp(x->task_id, y->task_id);
    return order ? order : x->repeat - y->repeat;
}

static const struct task_result **sorted(struct pool *pool, const struct report *report)
{
    const struct task_result **list = pool_alloc(pool, (report->n + 1) * sizeof(*list));
    for (size_t i = 0; i < report->n; i++)
        list[i] = &report->results[i];
    qsort(list, report->n, sizeof(*list), by_task);
    return list;
}

static const char *label(struct pool *pool, const struct task_result *r)
{
    return r->repeat ? pool_printf(pool, "%s#%d", r->task_id, r->repeat) : r->task_id;
}

struct comparison compare_reports(struct pool *pool, const struct report *baseline, const struct report *candidate)
{
    const struct task_result **a = sorted(pool, baseline), **b = sorted(pool, candidate);
    const char **improved = pool_alloc(pool, (baseline->n + 1) * sizeof(*improved));
    const char **regressed = pool_alloc(pool, (baseline->n + 1) * sizeof(*regressed));
    struct comparison c = {.baseline_rate = report_count(baseline).pass_rate,
                           .candidate_rate = report_count(candidate).pass_rate,
                           .improvements = improved,
                           .regressions = regressed};
    int before = 0, after = 0;
    while (*a && *b) {
        int order = by_task(a, b);
        if (order) {
            order < 0 ? a++ : b++;
            continue;
        }
        before += (*a)->passed;
        after += (*b)->passed;
        if (!(*a)->passed && (*b)->passed)
            improved[c.wins++] = label(pool, *b);
        if ((*a)->passed && !(*b)->passed)
            regressed[c.losses++] = label(pool, *b);
        c.common++;
        a++;
        b++;
    }
    c.baseline_common_rate = c.common ? rate4((double)before / c.common) : 0;
    c.candidate_common_rate = c.common ? rate4((double)after / c.common) : 0;
    return c;
}

double compare_win_rate(const struct comparison *c)
{
    int disagreements = c->wins + c->losses;
    return disagreements ? rate4((double)c->wins / disagreements) : 0.5;
}

json_t *compare_json(const struct comparison *c)
{
    json_t *doc = json_object();
    json_put_num(doc, "baseline_pass_rate", c->baseline_rate);
    json_put_num(doc, "candidate_pass_rate", c->candidate_rate);
    json_put_num(doc, "delta", rate4(c->candidate_rate - c->baseline_rate));
    json_put_int(doc, "common_task_count", c->common);
    json_put(doc, "common",
             json_pack("{s:f,s:f,s:f}", "baseline_pass_rate", c->baseline_common_rate, "candidate_pass_rate",
                       c->candidate_common_rate, "delta", rate4(c->candidate_common_rate - c->baseline_common_rate)));
    json_put_int(doc, "candidate_wins", c->wins);
    json_put_int(doc, "candidate_losses", c->losses);
    json_put_num(doc, "win_rate", compare_win_rate(c));
    json_put(doc, "improvements", json_texts(c->improvements));
    json_put(doc, "regressions", json_texts(c->regressions));
    return doc;
}
