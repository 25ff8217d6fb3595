#include "gate/shadow_stats.h"

#include <string.h>

#include "gate/label.h"
#include "gate/report.h"

static struct shadow_counts *find(const struct shadow_stats *stats, const char *variant)
{
    for (int i = 0; i < stats->n; i++)
        if (strcmp(stats->variants[i].variant, variant) == 0)
            return (struct shadow_counts *)&stats->variants[i];
    return NULL;
}

const struct shadow_counts *shadow_stats_of(const struct shadow_stats *stats, const char *variant)
{
    return find(stats, variant);
}

int shadow_stats_add(struct pool *pool, struct shadow_stats *stats, const json_t *labelled, struct err *err)
{
    const char *variant = json_str(labelled, "variant", "");
    size_t i;
    json_t *step;
    variant = *variant ? variant : SHADOW_UNASSIGNED;
    struct shadow_counts *c = find(stats, variant);
    if (!c && stats->n == SHADOW_VARIANTS_MAX)
        return err_set(err, E_TOOBIG, "there are more than %d variants; is 'variant' a run's id?", SHADOW_VARIANTS_MAX);
    if (!c) {
        c = &stats->variants[stats->n++];
        *c = (struct shadow_counts){.variant = pool_strdup(pool, variant)};
    }
    c->runs++;
    json_array_foreach (json_object_get(labelled, "steps"), i, step) {
        bool failed = strcmp(json_str(step, "label", ""), LABEL_NEGATIVE) == 0;
        c->steps++;
        c->failures += failed;
        c->escalations += failed && strcmp(json_str(step, "label_reason", ""), "escalation") == 0;
    }
    return 0;
}

double shadow_rate(int64_t part, int64_t steps)
{
    return steps ? (double)part / (double)steps : 0;
}

static double escalation_rate(const struct shadow_counts *c)
{
    return shadow_rate(c->escalations, c->steps);
}

static double failure_rate(const struct shadow_counts *c)
{
    return shadow_rate(c->failures, c->steps);
}

double shadow_escalation_delta(const struct shadow_stats *stats)
{
    return escalation_rate(find(stats, SHADOW_CANDIDATE)) - escalation_rate(find(stats, SHADOW_BASELINE));
}

static json_t *variant_json(const struct shadow_counts *c)
{
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:f,s:f}", "variant", c->variant, "run_count", (json_int_t)c->runs,
                     "step_count", (json_int_t)c->steps, "failure_count", (json_int_t)c->failures, "escalation_count",
                     (json_int_t)c->escalations, "escalation_rate", rate4(escalation_rate(c)), "failure_rate",
                     rate4(failure_rate(c)));
}

static json_t *comparison_json(const struct shadow_stats *stats)
{
    const struct shadow_counts *a = find(stats, SHADOW_BASELINE), *b = find(stats, SHADOW_CANDIDATE);
    if (!a || !b)
        return json_object();
    return json_pack("{s:f,s:f,s:I,s:I,s:b}", "escalation_rate_delta", rate4(shadow_escalation_delta(stats)),
                     "failure_rate_delta", rate4(failure_rate(b) - failure_rate(a)), "baseline_runs",
                     (json_int_t)a->runs, "candidate_runs", (json_int_t)b->runs, "candidate_escalation_rate_lower",
                     shadow_escalation_delta(stats) <= 0);
}

json_t *shadow_stats_json(const struct shadow_stats *stats)
{
    json_t *variants = json_object();
    for (int i = 0; i < stats->n; i++)
        json_put(variants, stats->variants[i].variant, variant_json(&stats->variants[i]));
    return json_pack("{s:o,s:o}", "variants", variants, "comparison", comparison_json(stats));
}
