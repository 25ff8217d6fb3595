#include "run/inner/trajectory.h"

#include <string.h>

#include "base/str.h"

#define TEXT_BYTES 300

/* Characters, not bytes: continuation bytes do not begin one. */
static size_t characters(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

json_t *trajectory_action(struct pool *pool, const struct action *a)
{
    json_t *o = action_to_json(a), *params = json_object_get(o, "params");
    if (a->type == ACTION_TYPE_TEXT)
        json_put_str(params, "text",
                     pool_printf(pool, "<%zu chars>", characters(a->text ? a->text : "")));
    if (!json_object_get(o, "reasoning"))
        json_put_str(o, "reasoning", "");
    return o;
}

static json_t *cut(struct pool *pool, const char *s)
{
    return json_string_safe(str_cut(pool, s, TEXT_BYTES));
}

static json_t *shared(json_t *v)
{
    return v ? json_incref(v) : json_null();
}

/* What a field holds may be what was typed into it. */
static json_t *without_value(json_t *focused)
{
    if (!focused)
        return json_null();
    json_t *o = json_copy(focused);
    json_object_del(o, "value");
    return o;
}

static json_t *observed_state(struct pool *pool, const struct trajectory_step *s)
{
    json_t *o = json_object();
    json_put(o, "url", cut(pool, s->url));
    json_put(o, "title", cut(pool, s->title));
    json_put(o, "focused_input", without_value(s->focused_input));
    json_put(o, "type_verified", shared(s->type_verified));
    json_put_bool(o, "backtracked", s->left_gallery);
    json_put_bool(o, "gallery_trap", s->left_gallery);
    json_put_str(o, "warning", s->warning);
    return o;
}

static json_t *rewards(const struct trajectory_step *s)
{
    json_t *o = json_object();
    if (s->evaluated)
        json_put_num(o, "world_model_error", s->world_model_error);
    return o;
}

static json_t *tool_call(const struct trajectory_step *s)
{
    return json_pack("{s:s,s:{s:s,s:O?},s:s}", "action_type", "tool_call", "params", "name",
                     s->tool, "args", s->tool_args, "reasoning", "");
}

/* Against what was predicted. */
static const char *outcome(const struct trajectory_step *s)
{
    return !s->evaluated              ? "not_evaluated"
           : s->world_model_error < 0 ? "other_than_predicted"
                                      : "as_predicted";
}

json_t *trajectory_json(struct pool *pool, const struct trajectory_step *s)
{
    json_t *o = json_object();
    bool done = s->action->type == ACTION_DONE;
    json_put_int(o, "step", s->step);
    json_put(o, "action", s->tool ? tool_call(s) : trajectory_action(pool, s->action));
    json_put(o, "thinking", cut(pool, s->thinking));
    json_put_num(o, "reward", s->evaluated ? s->world_model_error : 0);
    json_put_bool(o, "done", done);
    json_put_num(o, "inference_time", s->inference_s);
    json_put(o, "feedback", cut(pool, s->feedback));
    json_put_str(o, "timestamp", s->timestamp);
    json_put(o, "reward_components", rewards(s));
    json_put_str(o, "frame_hash", s->frame_hash);
    json_put(o, "observed_state", observed_state(pool, s));
    json_put(o, "predicted_outcome", shared(s->predicted));
    json_put(o, "predicate_results", shared(s->predicate_results));
    json_put_str(o, "done_rejected_reason", s->done_rejected);
    json_put_str(o, "loop_recovery_reason", s->loop_recovery);
    json_put_str(o, "substituted_by", s->substituted_by);
    json_put(o, "action_effect_observed", s->effect < 0 ? json_null() : json_boolean(s->effect));
    json_put(o, "grounding", shared((json_t *)s->grounding));
    json_put(o, "hypothesized_state",
             s->predicted ? json_pack("{s:O}", "expected", s->predicted) : json_null());
    json_put(o, "observed_outcome", json_string_safe(outcome(s)));
    if (s->brain_used)
        json_put_str(o, "brain_used", s->brain_used);
    json_put_str(o, "executor_backend", s->backend);
    return o;
}
