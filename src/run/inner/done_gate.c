#include "run/inner/done_gate.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

#define WAITED   3 /* actions */
#define NO_DELTA 5

static bool empty_summary(const struct done_facts *f)
{
    return str_empty(f->summary);
}

static bool plan_steps_incomplete(const struct done_facts *f)
{
    return f->plan_steps_left > 0;
}

static bool pending_form_values(const struct done_facts *f)
{
    return f->pending_values > 0;
}

static bool summary_missing_required_fields(const struct done_facts *f)
{
    for (const char *const *name = f->required_fields; name && *name; name++)
        if (!str_contains_fold(f->summary, *name))
            return true;
    return false;
}

static bool no_observed_delta_after_waits(const struct done_facts *f)
{
    if (f->n_samples < WAITED)
        return false;
    for (int i = f->n_samples - WAITED; i < f->n_samples; i++)
        if (f->samples[i].type != ACTION_WAIT)
            return false;
    return loop_same_frames(f->samples, f->n_samples, WAITED);
}

static bool no_progress_in_window(const struct done_facts *f)
{
    if (f->verification_only || !loop_same_frames(f->samples, f->n_samples, NO_DELTA))
        return false;
    for (int i = f->n_samples - NO_DELTA + 1; i < f->n_samples; i++)
        if (f->samples[i].url != f->samples[i - 1].url)
            return false;
    return true;
}

static const struct {
    const char *reason;
    bool (*rejects)(const struct done_facts *f);
} predicates[] = {
    {"empty_summary", empty_summary},
    {"plan_steps_incomplete", plan_steps_incomplete},
    {"pending_form_values", pending_form_values},
    {"summary_missing_required_fields", summary_missing_required_fields},
    {"no_observed_delta_after_waits", no_observed_delta_after_waits},
    {"no_progress_in_window", no_progress_in_window},
};

const char *done_rejected(const struct done_facts *facts)
{
    for (size_t i = 0; i < ARRAY_SIZE(predicates); i++)
        if (predicates[i].rejects(facts))
            return predicates[i].reason;
    return NULL;
}

bool done_verification_only(const char *sentence)
{
    static const char *const starts[] = {"verify",       "check that", "check if", "check whether",
                                         "confirm that", "make sure",  "ensure",   "see if",
                                         "see whether",  "is ",        "are ",     "does "};
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
        if (!strncasecmp(sentence, starts[i], strlen(starts[i])))
            return true;
    return false;
}
