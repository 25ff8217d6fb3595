/*
 * sft_source.c - rows of rollouts and of a teacher's trajectories: the same row, from another shape.
 */
#include "gate/sft.h"

#include <string.h>

#include "gate/sft_action.h"

static const char *id_of(const json_t *rollout)
{
    return json_str(rollout, "rollout_id", json_str(rollout, "trajectory_id", ""));
}

static const json_t *steps_of(const json_t *rollout)
{
    const json_t *steps = json_object_get(rollout, "trajectory");
    return steps ? steps : json_object_get(rollout, "steps");
}

static bool is_kept(const struct sft_source_config *config, const json_t *rollout)
{
    bool success = json_flag(rollout, "success", false);
    double reward = json_num(rollout, "terminal_reward", success ? config->min_reward : 0);
    return config->include_failed || (success && reward >= config->min_reward);
}

static json_t *metadata_of(const struct sft_source_config *config, const json_t *rollout,
                           const json_t *step, size_t i)
{
    json_t *m = json_pack("{s:s,s:s,s:s,s:I,s:b}", "source", config->source, "rollout_id",
                          id_of(rollout), "task_id", json_str(rollout, "task_id", ""), "step",
                          (json_int_t)json_int(step, "step", (int64_t)i), "success",
                          json_flag(rollout, "success", false));
    const json_t *reward = json_object_get(rollout, "terminal_reward");
    if (reward)
        json_object_set(m, "terminal_reward", (json_t *)reward);
    return m;
}

static const char *rationale_of(const json_t *step)
{
    const char *thinking = json_str(step, "thinking", "");
    return *thinking ? thinking : json_str(json_object_get(step, "action"), "reasoning", "");
}

static int take_step(const struct sft_source_config *config, const json_t *rollout, size_t i,
                     const struct sft_sink *sink, struct sft_counts *counts, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    const json_t *step = json_array_get(steps_of(rollout), i);
    struct sft_step s = {.type = "",
                         .task = *config->task ? config->task : json_str(rollout, "task", ""),
                         .brief = rationale_of(step),
                         .action = json_object_get(step, "action")};
    json_t *row;
    s.picture = sft_picture_at(pool, &config->sft, json_str(step, "screenshot_path", ""), &s.image);
    int r = sft_make_row(pool, &config->sft, &s, metadata_of(config, rollout, step, i), counts,
                         &row, err);
    if (!r && row)
        r = sink->take(sink->arg, row, err);
    counts->written += !r && row;
    json_decref(row);
    pool_destroy(pool);
    return r;
}

int sft_rollout(const struct sft_source_config *config, const json_t *rollout,
                const struct sft_sink *sink, struct sft_counts *counts, struct err *err)
{
    size_t n = json_array_size(steps_of(rollout));
    int64_t before = counts->written;
    int r = 0;
    if (!json_is_array(steps_of(rollout)))
        return err_set(err, E_INVALID, "'trajectory' is no list");
    if (config->most_steps > 0 && n > (size_t)config->most_steps)
        n = (size_t)config->most_steps;
    for (size_t i = 0; !r && i < n; i++) {
        if (is_kept(config, rollout))
            r = take_step(config, rollout, i, sink, counts, err);
        else
            counts->other_label++;
    }
    counts->sources += counts->written > before;
    return r;
}
