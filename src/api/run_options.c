#include "api/run_options.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "core/run.h"
#include "core/schema.h"
#include "plan/intake.h"

enum kind { FLAG, WHOLE, AMOUNT, TEXT, OBJECT, ANY };

enum field_flags {
    NOT_NULL = 1 << 0, /* it has a default that is not null, so null is a mistake */
    LATER = 1 << 1,    /* accepted while it asks for nothing */
    ABOVE_0 = 1 << 2,  /* a number that must be more than 0 */
};

#define CACHE_TTL_S  86400
#define VIDEO_FPS    5
#define CHECKED_ONLY SIZE_MAX /* read for its type, used by nobody here */
#define AT(field)    offsetof(struct run_options, field)

struct row {
    const char *name;
    enum kind kind;
    size_t offset;
    unsigned flags;
    double min, max; /* of numbers; min == max: any */
};

/* clang-format off */
/* Of run mode and of /v1/cua alike. */
static const struct row shared_fields[] = {
    {"proxy_city", TEXT, CHECKED_ONLY, LATER, 0, 0},
    {"proxy_state", TEXT, CHECKED_ONLY, LATER, 0, 0},
    {"proxy_country", TEXT, CHECKED_ONLY, LATER, 0, 0},
    {"proxy_provider", TEXT, CHECKED_ONLY, LATER, 0, 0},
    {"proxy_disabled", FLAG, CHECKED_ONLY, NOT_NULL, 0, 0},
    {"decompose", FLAG, CHECKED_ONLY, NOT_NULL, 0, 0},
    {"record_video", FLAG, CHECKED_ONLY, NOT_NULL, 0, 0}, /* video_wanted() */
    {"video_format", TEXT, CHECKED_ONLY, NOT_NULL, 0, 0},
    {"video_fps", WHOLE, CHECKED_ONLY, NOT_NULL, 1, 30},
    {"video_cuts", TEXT, CHECKED_ONLY, NOT_NULL, 0, 0},
    {"route_som_clicks", FLAG, CHECKED_ONLY, LATER, 0, 0},
};

static const struct row run_fields[] = {
    {"detached", FLAG, AT(detached), NOT_NULL, 0, 0},
    {"profile_id", TEXT, AT(profile_id), 0, 0, 0},
    {"workflow_id", TEXT, AT(workflow_id), 0, 0, 0},
    {"state_key", TEXT, AT(state_key), 0, 0, 0},
    {"resume_state", FLAG, AT(resume_state), NOT_NULL, 0, 0},
    {"run_id", TEXT, AT(run_id), 0, 0, 0},
    {"max_cost", AMOUNT, AT(max_cost), ABOVE_0, 0, 0},
    {"max_time_minutes", WHOLE, AT(max_time_minutes), ABOVE_0, 0, 0},
    {"max_steps", WHOLE, CHECKED_ONLY, NOT_NULL, 1, 1e9}, /* of task suites */
    {"cua_model", TEXT, AT(cua_model), 0, 0, 0},
    {"compute_backend", TEXT, AT(compute_backend), 0, 0, 0},
    {"allow_raw_long_plan", FLAG, CHECKED_ONLY, NOT_NULL, 0, 0},
    {"session_name", TEXT, CHECKED_ONLY, 0, 0, 0}, /* with plan_name: intake.h */
    {"base_url", TEXT, CHECKED_ONLY, 0, 0, 0},
    {"start_url", TEXT, CHECKED_ONLY, 0, 0, 0},
    {"dry_run", FLAG, AT(dry_run), NOT_NULL, 0, 0},
    {"user_input", ANY, AT(user_input), 0, 0, 0},
    {"extraction_schema", OBJECT, AT(extraction_schema), 0, 0, 0},
    {"cache_read", FLAG, AT(cache_read), NOT_NULL, 0, 0},
    {"cache_write", FLAG, AT(cache_write), NOT_NULL, 0, 0},
    {"cache_ttl_seconds", WHOLE, AT(cache_ttl_s), NOT_NULL, 0, 2592000},
    {"cache_key", TEXT, AT(cache_key), 0, 0, 0},
    {"row_images", FLAG, AT(row_images), NOT_NULL, 0, 0},
    {"live_viewer", FLAG, AT(live_viewer), NOT_NULL, 0, 0},
    {"callback_url", TEXT, AT(callback_url), 0, 0, 0},
    {"brain_budgets", OBJECT, CHECKED_ONLY, 0, 0, 0}, /* these runtime fields: intake.h */
    {"settle_ceiling_seconds", AMOUNT, AT(settle_ceiling_s), 0, 0, 3600},
    {"max_recoveries_per_run", WHOLE, CHECKED_ONLY, 0, 0, 1e6},
    {"max_recoveries_per_step", WHOLE, CHECKED_ONLY, 0, 0, 1e6},
    {"plan_name", TEXT, CHECKED_ONLY, 0, 0, 0},
    {"reason", TEXT, CHECKED_ONLY, 0, 0, 0},
    {"objective", TEXT, CHECKED_ONLY, 0, 0, 0},
    {"graph_learn", FLAG, CHECKED_ONLY, 0, 0, 0},
    {"graph_learn_only", FLAG, CHECKED_ONLY, 0, 0, 0},
};
#define CUA(field) offsetof(struct cua_options, field)
static const struct row cua_fields[] = {
    {"detached", FLAG, CUA(detached), NOT_NULL, 0, 0},
    {"instruction", TEXT, CUA(instruction), NOT_NULL, 0, 0},
    {"start_url", TEXT, CUA(start_url), 0, 0, 0},
    {"settle_time", AMOUNT, CUA(settle_s), NOT_NULL, 0, 30},
    {"max_steps", WHOLE, CUA(max_steps), NOT_NULL, 0, 0},
    {"frames_per_inference", WHOLE, CUA(frames), NOT_NULL, 1, 8},
    {"ground_clicks", FLAG, CUA(ground_clicks), NOT_NULL, 0, 0},
    {"live_viewer", FLAG, CUA(live_viewer), NOT_NULL, 0, 0},
    {"profile_id", TEXT, CUA(profile_id), 0, 0, 0},
    {"workflow_id", TEXT, CUA(workflow_id), 0, 0, 0},
    {"state_key", TEXT, CUA(state_key), 0, 0, 0},
    {"run_id", TEXT, CUA(run_id), 0, 0, 0},
    {"max_cost", AMOUNT, CUA(max_cost), ABOVE_0, 0, 0},
    {"max_time_minutes", WHOLE, CUA(max_time_minutes), ABOVE_0, 0, 0},
    {"cua_model", TEXT, CUA(cua_model), 0, 0, 0},
    {"callback_url", TEXT, CUA(callback_url), 0, 0, 0},
    {"perceptual_verify", FLAG, CHECKED_ONLY, 0, 0, 0},
    {"loop_recovery", FLAG, CHECKED_ONLY, 0, 0, 0},
    {"done_gate", FLAG, CHECKED_ONLY, 0, 0, 0},
    {"predicate_verify", FLAG, CHECKED_ONLY, 0, 0, 0},
    {"adaptive_settle", FLAG, CHECKED_ONLY, 0, 0, 0},
    {"form_controller", FLAG, CHECKED_ONLY, 0, 0, 0},
    {"loop_adaptive", FLAG, CHECKED_ONLY, 0, 0, 0},
    {"adaptive_click_tol", FLAG, CHECKED_ONLY, 0, 0, 0},
    {"reuse_session", FLAG, CHECKED_ONLY, 0, 0, 0},
    {"speculation", FLAG, CHECKED_ONLY, 0, 0, 0},
};
#undef CUA
/* clang-format on */

const char *const cua_switches[] = {"perceptual_verify", "loop_recovery",   "done_gate",
                                    "predicate_verify",  "form_controller", "loop_adaptive",
                                    "adaptive_click_tol", NULL};

static int read_object(const json_t *body, const char *name, const json_t **out, struct err *err)
{
    const json_t *v = json_object_get(body, name);
    if (!v || json_is_null(v))
        return 0;
    if (!json_is_object(v))
        return err_set(err, E_INVALID, "'%s' must be an object", name);
    *out = v;
    return 0;
}

static int check_range(const struct row *f, double v, struct err *err)
{
    if (!isfinite(v) || (f->min != f->max && (v < f->min || v > f->max)))
        return err_set(err, E_INVALID, "'%s' must be from %.0f to %.0f", f->name, f->min, f->max);
    if ((f->flags & ABOVE_0) && v <= 0)
        return err_set(err, E_INVALID, "'%s' must be more than 0", f->name);
    return 0;
}

static int read_number(const json_t *body, const struct row *f, void *into, struct err *err)
{
    int64_t whole = 0;
    double amount = 0;
    bool given = json_object_get(body, f->name) && !json_is_null(json_object_get(body, f->name));
    int r = f->kind == WHOLE ? json_read_int(body, f->name, &whole, err)
                             : json_read_number(body, f->name, &amount, err);
    if (r || !given)
        return r;
    r = check_range(f, f->kind == WHOLE ? (double)whole : amount, err);
    if (!r && into && f->kind == WHOLE)
        *(int64_t *)into = whole;
    else if (!r && into)
        *(double *)into = amount;
    return r;
}

/* What a person answers: "" and null are none. */
static int read_any(const json_t *body, const struct row *f, void *into, struct err *err)
{
    const json_t *v = json_object_get(body, f->name);
    size_t size = json_truthy(v) ? json_dumpb(v, NULL, 0, JSON_FOR_CALLERS | JSON_ENCODE_ANY) : 0;
    if (size > CAP_USER_INPUT_BYTES)
        return err_set(err, E_INVALID, "'%s' is %zu bytes long; at most %u are taken", f->name, size,
                       CAP_USER_INPUT_BYTES);
    if (into && v && !json_is_null(v) && (!json_is_string(v) || json_string_length(v)))
        *(const json_t **)into = v;
    return 0;
}

static int read_field(const json_t *body, const struct row *f, void *out, struct err *err)
{
    void *into = f->offset == CHECKED_ONLY ? NULL : (char *)out + f->offset;
    bool flag = false;
    const char *text = "";
    const json_t *object = NULL;
    switch (f->kind) {
    case FLAG:
        return json_read_bool(body, f->name, into ? into : &flag, err);
    case TEXT:
        return json_read_string(body, f->name, into ? into : &text, err);
    case OBJECT:
        return read_object(body, f->name, into ? into : &object, err);
    case WHOLE:
    case AMOUNT:
        return read_number(body, f, into, err);
    case ANY:
        return read_any(body, f, into, err);
    }
    return 0;
}

/* True when the field's value wants something done. */
static bool asks(const json_t *body, const struct row *f)
{
    bool flag = false;
    const json_t *v = json_object_get(body, f->name);
    if (!v || json_is_null(v))
        return false;
    if (f->kind == FLAG)
        return json_read_bool(body, f->name, &flag, NULL) || flag;
    return !json_is_string(v) || json_string_length(v) > 0;
}

static int check_field(const json_t *body, const struct row *f, void *out, struct err *err)
{
    if ((f->flags & NOT_NULL) && json_is_null(json_object_get(body, f->name)))
        return err_set(err, E_INVALID, "'%s' must not be null; leave it out for the default",
                       f->name);
    int r = read_field(body, f, out, err);
    if (!r && (f->flags & LATER) && asks(body, f))
        return err_set(err, E_INVALID, "'%s' is not available in this version; leave it out",
                       f->name);
    return r;
}

/* The first word is the default. */
static int check_word(const json_t *body, const char *name, const char *const *words,
                      const char *list, struct err *err)
{
    const char *given = json_str(body, name, words[0]);
    for (size_t i = 0; words[i]; i++)
        if (strcmp(given, words[i]) == 0)
            return 0;
    return err_set(err, E_INVALID, "'%s' must be %s, not '%.40s'", name, list, given);
}

static const char *const video_formats[] = {"mp4", "webm", "gif", NULL};
static const char *const video_cuts[] = {"both", "polished", "raw", NULL};

static int check_video(const json_t *body, struct err *err)
{
    int r = check_word(body, "video_format", video_formats, "mp4, webm or gif", err);
    return r ? r : check_word(body, "video_cuts", video_cuts, "both, polished or raw", err);
}

json_t *video_wanted(const json_t *body)
{
    bool wanted = false;
    int64_t fps = VIDEO_FPS;
    if (json_read_bool(body, "record_video", &wanted, NULL) || !wanted ||
        json_read_int(body, "video_fps", &fps, NULL))
        return NULL;
    return json_pack("{s:s,s:I,s:s}", "format", json_str(body, "video_format", video_formats[0]),
                     "fps", (json_int_t)fps, "cuts", json_str(body, "video_cuts", video_cuts[0]));
}

static int check_schema(const json_t *json, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct schema *schema = NULL;
    size_t size = json ? json_dumpb(json, NULL, 0, JSON_COMPACT) : 0;
    int r = json ? schema_parse(pool, json, &schema, err) : 0;
    if (r)
        err_prefix(err, "'extraction_schema'");
    else if (size > CAP_RECIPE_BYTES)
        r = err_set(err, E_TOOBIG, "'extraction_schema' has %zu bytes; at most %d", size,
                    CAP_RECIPE_BYTES);
    else if (json && !schema)
        r = err_set(err, E_INVALID, "'extraction_schema' needs 'fields' with at least one name");
    else if (json)
        r = schema_check_names(json, "extraction_schema.", err);
    pool_destroy(pool);
    return r;
}

/* Which ends of the run the callback is for. */
static int read_events(const json_t *body, const json_t **out, struct err *err)
{
    const json_t *events = json_object_get(body, "callback_events"), *word;
    size_t i;
    if (!events || json_is_null(events))
        return 0;
    if (!json_is_array(events) || json_array_size(events) > RUN_N_STATES)
        return err_set(err, E_INVALID,
                       "'callback_events' must be an array of final status words, each once");
    json_array_foreach ((json_t *)events, i, word) {
        enum run_state state;
        const char *name = json_string_value(word);
        if (!name || !run_state_parse(name, &state) || !run_state_terminal(state))
            return err_set(err, E_INVALID,
                           "'callback_events[%zu]' must be a final status word: succeeded, "
                           "completed_with_failures, halted, failed, cancelled or timeout",
                           i);
    }
    *out = events;
    return 0;
}

static int read_table(const json_t *body, const struct row *fields, size_t n, void *out,
                      struct err *err)
{
    int r = intake_refuse_challenger(body, err);
    for (size_t i = 0; !r && i < n; i++)
        r = check_field(body, &fields[i], out, err);
    for (size_t i = 0; !r && i < ARRAY_SIZE(shared_fields); i++)
        r = check_field(body, &shared_fields[i], out, err);
    return r ? r : check_video(body, err);
}

int run_options_read(const json_t *body, struct run_options *out, struct err *err)
{
    *out = (struct run_options){.detached = true,
                                .profile_id = "",
                                .workflow_id = "",
                                .state_key = "",
                                .run_id = "",
                                .compute_backend = "",
                                .cua_model = "",
                                .callback_url = "",
                                .cache_key = "",
                                .cache_ttl_s = CACHE_TTL_S};
    int r = read_table(body, run_fields, ARRAY_SIZE(run_fields), out, err);
    if (!r)
        r = json_read_bool(body, "pause_on_captcha", &out->pause_on_captcha, err);
    const json_t *pause = json_object_get(body, "pause_on_captcha");
    out->has_pause_on_captcha = pause && !json_is_null(pause);
    if (!r)
        r = read_events(body, &out->callback_events, err);
    return r ? r : check_schema(out->extraction_schema, err);
}

int cua_options_read(const json_t *body, int max_steps_cap, struct cua_options *out,
                     struct err *err)
{
    *out = (struct cua_options){.instruction = "",
                                .start_url = "",
                                .max_steps = 30 < max_steps_cap ? 30 : max_steps_cap,
                                .frames = 1,
                                .profile_id = "",
                                .workflow_id = "",
                                .state_key = "",
                                .run_id = "",
                                .cua_model = "",
                                .callback_url = ""};
    int r = read_table(body, cua_fields, ARRAY_SIZE(cua_fields), out, err);
    if (r)
        return r;
    if (str_empty(out->instruction))
        return err_set(err, E_INVALID, "'instruction' is missing or empty");
    if (out->max_steps < 1 || out->max_steps > max_steps_cap)
        return err_set(err, E_INVALID,
                       "'max_steps' must be from 1 to %d (MANTIS_MAX_STEPS_PER_PLAN)",
                       max_steps_cap);
    return 0;
}

static bool describe(const struct row *fields, size_t n, size_t i, struct option_field *out)
{
    static const char *const types[] = {
        [FLAG] = "boolean", [WHOLE] = "integer", [AMOUNT] = "number",
        [TEXT] = "string",  [OBJECT] = "object", [ANY] = ""};
    if (i >= n + ARRAY_SIZE(shared_fields))
        return false;
    const struct row *f = i < n ? &fields[i] : &shared_fields[i - n];
    *out = (struct option_field){.name = f->name,
                                 .type = types[f->kind],
                                 .nullable = !(f->flags & NOT_NULL),
                                 .min = f->min,
                                 .max = f->max,
                                 .above_0 = (f->flags & ABOVE_0) != 0};
    return true;
}

bool run_options_field(size_t i, struct option_field *out)
{
    return describe(run_fields, ARRAY_SIZE(run_fields), i, out);
}

bool cua_options_field(size_t i, struct option_field *out)
{
    return describe(cua_fields, ARRAY_SIZE(cua_fields), i, out);
}
