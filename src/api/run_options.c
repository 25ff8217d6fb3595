#include "api/run_options.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "core/schema.h"

enum kind { FLAG, WHOLE, AMOUNT, TEXT, OBJECT, ANY };

enum field_flags {
    NOT_NULL = 1 << 0, /* it has a default that is not null, so null is a mistake */
    LATER = 1 << 1,    /* accepted while it asks for nothing */
};

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
static const struct row fields[] = {
    {"detached", FLAG, AT(detached), NOT_NULL, 0, 0},
    {"profile_id", TEXT, AT(profile_id), 0, 0, 0},
    {"workflow_id", TEXT, AT(workflow_id), 0, 0, 0},
    {"state_key", TEXT, AT(state_key), 0, 0, 0},
    {"resume_state", FLAG, AT(resume_state), NOT_NULL, 0, 0},
    {"run_id", TEXT, AT(run_id), 0, 0, 0},
    {"max_cost", AMOUNT, AT(max_cost), 0, 0, 0},
    {"max_time_minutes", WHOLE, AT(max_time_minutes), 0, 0, 0},
    {"max_steps", WHOLE, CHECKED_ONLY, NOT_NULL, 1, 1e9}, /* of task suites */
    {"cua_model", TEXT, CHECKED_ONLY, 0, 0, 0},           /* a host of one model ignores it */
    {"compute_backend", TEXT, AT(compute_backend), 0, 0, 0},
    {"proxy_city", TEXT, CHECKED_ONLY, LATER, 0, 0},
    {"proxy_state", TEXT, CHECKED_ONLY, LATER, 0, 0},
    {"proxy_country", TEXT, CHECKED_ONLY, LATER, 0, 0},
    {"proxy_provider", TEXT, CHECKED_ONLY, LATER, 0, 0},
    {"proxy_disabled", FLAG, CHECKED_ONLY, NOT_NULL, 0, 0}, /* there is no proxy yet */
    {"decompose", FLAG, CHECKED_ONLY, NOT_NULL, 0, 0},      /* of prose; intake.h */
    {"allow_raw_long_plan", FLAG, CHECKED_ONLY, NOT_NULL, 0, 0},
    {"session_name", TEXT, CHECKED_ONLY, 0, 0, 0}, /* with plan_name: intake.h */
    {"base_url", TEXT, CHECKED_ONLY, 0, 0, 0},
    {"start_url", TEXT, CHECKED_ONLY, 0, 0, 0},
    {"dry_run", FLAG, CHECKED_ONLY, NOT_NULL | LATER, 0, 0},
    {"user_input", ANY, CHECKED_ONLY, LATER, 0, 0},
    {"extraction_schema", OBJECT, AT(extraction_schema), 0, 0, 0},
    {"cache_read", FLAG, CHECKED_ONLY, NOT_NULL | LATER, 0, 0},
    {"cache_write", FLAG, CHECKED_ONLY, NOT_NULL | LATER, 0, 0},
    {"cache_ttl_seconds", WHOLE, CHECKED_ONLY, NOT_NULL, 0, 2592000},
    {"cache_key", TEXT, CHECKED_ONLY, 0, 0, 0},
    {"record_video", FLAG, CHECKED_ONLY, NOT_NULL | LATER, 0, 0},
    {"video_format", TEXT, CHECKED_ONLY, NOT_NULL, 0, 0},
    {"video_fps", WHOLE, CHECKED_ONLY, NOT_NULL, 1, 30},
    {"live_viewer", FLAG, CHECKED_ONLY, NOT_NULL | LATER, 0, 0},
    {"route_som_clicks", FLAG, CHECKED_ONLY, LATER, 0, 0},
    {"callback_url", TEXT, CHECKED_ONLY, LATER, 0, 0},
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
/* clang-format on */

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

static int read_field(const json_t *body, const struct row *f, struct run_options *out,
                      struct err *err)
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
        return 0;
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

static int check_field(const json_t *body, const struct row *f, struct run_options *out,
                       struct err *err)
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

static int check_caps(const json_t *body, const struct run_options *o, struct err *err)
{
    const json_t *cost = json_object_get(body, "max_cost"),
                 *time = json_object_get(body, "max_time_minutes");
    if (cost && !json_is_null(cost) && o->max_cost <= 0)
        return err_set(err, E_INVALID, "'max_cost' must be more than 0");
    if (time && !json_is_null(time) && o->max_time_minutes <= 0)
        return err_set(err, E_INVALID, "'max_time_minutes' must be more than 0");
    return 0;
}

static int check_video_format(const json_t *body, struct err *err)
{
    const char *format = json_str(body, "video_format", "mp4");
    if (strcmp(format, "mp4") != 0 && strcmp(format, "webm") != 0 && strcmp(format, "gif") != 0)
        return err_set(err, E_INVALID, "'video_format' must be mp4, webm or gif, not '%.40s'",
                       format);
    return 0;
}

static int check_schema(const json_t *json, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct schema *schema = NULL;
    int r = json ? schema_parse(pool, json, &schema, err) : 0;
    if (r)
        err_prefix(err, "'extraction_schema'");
    else if (json && !schema)
        r = err_set(err, E_INVALID, "'extraction_schema' needs 'fields' with at least one name");
    pool_destroy(pool);
    return r;
}

int run_options_read(const json_t *body, struct run_options *out, struct err *err)
{
    *out = (struct run_options){.detached = true,
                                .profile_id = "",
                                .workflow_id = "",
                                .state_key = "",
                                .run_id = "",
                                .compute_backend = ""};
    int r = 0;
    for (size_t i = 0; !r && i < ARRAY_SIZE(fields); i++)
        r = check_field(body, &fields[i], out, err);
    if (!r)
        r = json_read_bool(body, "pause_on_captcha", &out->pause_on_captcha, err);
    const json_t *pause = json_object_get(body, "pause_on_captcha");
    out->has_pause_on_captcha = pause && !json_is_null(pause);
    if (!r)
        r = check_caps(body, out, err);
    if (!r)
        r = check_video_format(body, err);
    return r ? r : check_schema(out->extraction_schema, err);
}
