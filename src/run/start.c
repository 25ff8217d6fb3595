#include "run/start.h"

#include "run/inner/inner.h"
#include "run/tools.h"

static const char *text_or_null(const json_t *obj, const char *key)
{
    const char *s = json_str(obj, key, "");
    return *s ? s : NULL;
}

const char *start_dir(const json_t *start, const char *name)
{
    return text_or_null(json_object_get(start, "dirs"), name);
}

struct plane_config start_plane_config(const json_t *start)
{
    const json_t *display = json_object_get(start, "display");
    const json_t *options = json_object_get(start, "options");
    return (struct plane_config){
        .width = (int)json_int(display, "width", 1280),
        .height = (int)json_int(display, "height", 720),
        .profile_dir = start_dir(start, "profile"),
        .tmp_dir = start_dir(start, "tmp"),
        .download_dir = start_dir(start, "downloads"),
        .browser = text_or_null(options, "browser"),
        .sandbox_off = json_flag(options, "sandbox_off", false),
        .type_delay_ms = (int)json_int(options, "type_delay_ms", 0),
        .settle_ceiling_s = json_num(options, "settle_ceiling_s", 0),
    };
}

static const char *const *host_patterns(struct pool *pool, const json_t *list)
{
    const char **out = pool_alloc(pool, (json_array_size(list) + 1) * sizeof(*out));
    for (size_t i = 0; i < json_array_size(list); i++)
        out[i] = json_string_value(json_array_get(list, i));
    return out;
}

/* Saved sessions live in the profile: what the profile may be used for, they may. */
static const char *session_dir(struct pool *pool, const json_t *start)
{
    const char *profile = start_dir(start, "profile");
    return profile ? pool_printf(pool, "%s/mantis-sessions", profile) : NULL;
}

struct run_config start_run_config(struct pool *pool, const json_t *m, const struct minds *minds, const struct plan *plan)
{
    const json_t *options = json_object_get(m, "options");
    const json_t *schema = json_object_get(options, "extraction_schema");
    struct cost_rates rates;
    cost_rates_read(json_object_get(m, "rates"), &rates);
    return (struct run_config){
        .rates = rates,
        .models = minds->models,
        .helper = minds->helper,
        .director = minds->director,
        .grounder = minds->grounder,
        .tools = host_tools,
        .plan = plan,
        .checkpoint = json_object_get(m, "checkpoint"),
        .journal = json_object_get(m, "journal"),
        .max_cost = json_num(m, "max_cost", 0),
        .max_time_minutes = (int)json_int(m, "max_time_minutes", 0),
        .run_id = json_str(m, "run_id", ""),
        .screenshot_dir = start_dir(m, "screenshots"),
        .download_dir = start_dir(m, "downloads"),
        .session_dir = session_dir(pool, m),
        .nav_wait_s = json_num(options, "nav_wait_s", 0),
        .auto_url_gate = json_flag(options, "auto_url_gate", true),
        .pause_on_captcha = json_flag(options, "pause_on_captcha", true),
        .user_input = json_object_get(m, "user_input"),
        .extraction_schema = json_is_object(schema) ? schema : NULL,
        .spent = json_object_get(options, "spent"),
        .recipes = json_object_get(options, "recipes"),
        .cache = json_object_get(m, "cache"),
        .row_images = json_flag(options, "row_images", false),
        .inner_off = inner_off_read(json_object_get(options, "inner_off")),
        .ground_clicks = json_flag(options, "ground_clicks", false),
        .task_steps = (int)json_int(options, "task_steps", 0),
        .frames = (int)json_int(options, "frames", 0),
        .settle_ms = (int)(json_num(options, "settle_s", 0) * 1000),
        .blur_tabs = (int)json_int(options, "blur_tabs", 0),
        .critic_frontier = json_flag(options, "critic_frontier", false),
        .allowed_domains = host_patterns(pool, json_object_get(options, "allowed_domains")),
    };
}
