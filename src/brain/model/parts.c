#include "brain/model/parts.h"

#include <math.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/str.h"
#include "core/run.h"

#define ATTEMPTS_TOLD 3
#define REASON_BYTES  120
#define FACTS_TOLD    10

/* --- history --------------------------------------------------------------------------------- */

static struct space_view view_of(const struct parts *p)
{
    return (struct space_view){p->turn->screen_w, p->turn->screen_h, p->image_w, p->image_h};
}

/* A whole number looks like one. */
static json_t *number(double v)
{
    return v == (double)(int64_t)v ? json_integer((json_int_t)v) : json_real(v);
}

/* What the model said of a point: its own coordinates, not the screen's. */
static void tell_point(const struct parts *p, json_t *params, const char *x_key, const char *y_key)
{
    const struct space_view view = view_of(p);
    struct point at = {(int)json_int(params, x_key, 0), (int)json_int(params, y_key, 0)};
    double x, y;
    if (!json_object_get(params, x_key) || !json_object_get(params, y_key))
        return;
    space_from_screen(&p->profile->space, &view, at, &x, &y);
    json_put(params, x_key, number(x));
    json_put(params, y_key, number(y));
}

static const char *action_line(const struct parts *p, const struct action *a)
{
    json_t *json = action_to_json(a), *params = json_object_get(json, "params");
    tell_point(p, params, "x", "y");
    tell_point(p, params, "start_x", "start_y");
    tell_point(p, params, "end_x", "end_y");
    const char *call =
        pool_printf(p->pool, "%s(%s)", action_type_name(a->type), json_text(p->pool, params));
    json_decref(json);
    return str_empty(a->reasoning) ? call : pool_printf(p->pool, "%s # %s", call, a->reasoning);
}

/* Steps that stand there as a conversation are not told a second time. */
static int told_as_talk(const struct parts *p)
{
    int n =
        p->turn->n_exchanges < p->profile->exchanges ? p->turn->n_exchanges : p->profile->exchanges;
    return n < p->turn->n_history ? n : p->turn->n_history;
}

static const char *history_text(const struct parts *p)
{
    const struct model_turn *t = p->turn;
    int end = t->n_history - told_as_talk(p);
    int first = t->n_history > p->profile->history ? t->n_history - p->profile->history : 0;
    const char *out = "Recent actions:";
    for (int i = first; i < end; i++) {
        const char *came = t->feedback && !str_empty(t->feedback[i])
                               ? pool_printf(p->pool, " -> %s", t->feedback[i])
                               : "";
        out = pool_printf(p->pool, "%s\n  %d. %s%s", out, i - first + 1,
                          action_line(p, &t->history[i]), came);
    }
    if (first < end)
        return out;
    return pool_printf(p->pool, "%s\n  %s", out, t->n_history ? "as above" : "none");
}

/* --- blocks ---------------------------------------------------------------------------------- */

static const char *attempt_line(const struct parts *p, const json_t *a)
{
    const json_t *hit = json_object_get(a, "hit");
    json_t *at = json_pack("{s:I,s:I}", "x", json_int(a, "x", -1), "y", json_int(a, "y", -1));
    tell_point(p, at, "x", "y");
    const char *line =
        pool_printf(p->pool, "- clicked (%g,%g) targeting \"%s\" → %s", json_num(at, "x", 0),
                    json_num(at, "y", 0), json_str(a, "label", ""),
                    failure_outcome(p->pool, json_str(a, "kind", "")));
    json_decref(at);
    const char *reason = str_cut(p->pool, json_str(a, "reason", ""), REASON_BYTES);
    if (*reason)
        line = pool_printf(p->pool, "%s; %s", line, reason);
    if (json_is_object(hit))
        line = pool_printf(p->pool, "%s [hit %s: \"%s\"]", line, json_str(hit, "tag", ""),
                           json_str(hit, "text", ""));
    else if (json_is_string(hit) && *json_string_value(hit))
        line = pool_printf(p->pool, "%s [hit %s]", line, json_string_value(hit));
    return line;
}

static const char *attempts_text(const struct parts *p)
{
    size_t n = json_array_size(p->turn->attempts);
    const char *out = "";
    if (!p->profile->tell_attempts || !n)
        return out;
    for (size_t i = n > ATTEMPTS_TOLD ? n - ATTEMPTS_TOLD : 0; i < n; i++)
        out = pool_printf(p->pool, "%s\n%s", out,
                          attempt_line(p, json_array_get(p->turn->attempts, i)));
    return pool_printf(p->pool, "\nEarlier attempts at this failed. Do not repeat them:%s", out);
}

static const char *facts_text(const struct parts *p)
{
    const struct model_turn *t = p->turn;
    const char *out = "";
    for (int i = t->n_history - 1, told = 0; p->profile->tell_facts && i >= 0 && told < FACTS_TOLD;
         i--)
        if (!str_empty(t->history[i].fact)) {
            out = pool_printf(p->pool, "\n- %s%s", t->history[i].fact, out);
            told++;
        }
    return *out ? pool_printf(p->pool, "\nFacts you wanted to remember:%s", out) : out;
}

/* --- texts ----------------------------------------------------------------------------------- */

static const char *task_text(const struct parts *p)
{
    return pool_printf(p->pool, "Task: %s", p->turn->task);
}

/* The turn's prompt begins with the task; behind the task alone it is not said again. */
static const char *turn_text(const struct parts *p)
{
    const char *task = task_text(p), *prompt = p->turn->prompt;
    if (p->profile->layout == LAYOUT_FRAMES_FIRST || str_empty(prompt))
        return prompt ? prompt : "";
    return str_starts(prompt, task) ? prompt + strlen(task) + strspn(prompt + strlen(task), "\n")
                                    : prompt;
}

/* What it is shown is the size it is told. */
static void told_size(const struct parts *p, int *w, int *h)
{
    request_image_size(p->profile, p->image_w, p->image_h, w, h);
}

static const char *size_text(const struct parts *p)
{
    int w, h;
    told_size(p, &w, &h);
    const char *size = pool_printf(p->pool, "Screen size: %dx%d pixels", w, h);
    space_size(&p->profile->space, w, h, &w, &h);
    return p->profile->space.kind == SPACE_UNIT || p->profile->space.kind == SPACE_PER_MILLE
               ? pool_printf(p->pool, "%s; points are given from 0 to %d in x and y", size, w)
               : size;
}

/* A prompt ends with its own line break, a task need not. */
static const char *with_break(struct pool *pool, const char *s)
{
    return !*s || str_ends(s, "\n") ? s : pool_printf(pool, "%s\n", s);
}

static void make_user(struct parts *p)
{
    const char *turn = turn_text(p), *size = size_text(p);
    const char *rest =
        pool_printf(p->pool, "%s%s%s", history_text(p), facts_text(p), attempts_text(p));
    if (p->profile->layout == LAYOUT_TASK_FIRST) {
        p->before = pool_printf(p->pool, "%s\n%s", task_text(p), size);
        p->after = pool_printf(p->pool, "\n%s%s", with_break(p->pool, turn), rest);
        return;
    }
    p->before = "";
    turn = with_break(p->pool, *turn ? turn : task_text(p));
    p->after = pool_printf(p->pool, "\n%s%s\n%s", turn, size, rest);
}

/* The prompt, and behind it what is added for steps of this type. */
static struct prompt system_prompt(const struct parts *p)
{
    const char *type = p->turn->step_type ? p->turn->step_type : "";
    const char *context = json_str(p->profile->context_texts, type, NULL);
    struct prompt prompt = p->profile->system;
    if (context)
        prompt.text = pool_printf(p->pool, "%s\n%s", prompt.text, context);
    return prompt;
}

static int make_system(struct parts *p, struct err *err)
{
    const struct prompt prompt = system_prompt(p);
    int w, h;
    told_size(p, &w, &h);
    const struct prompt_value values[] = {{"WIDTH", pool_printf(p->pool, "%d", w)},
                                          {"HEIGHT", pool_printf(p->pool, "%d", h)},
                                          {"EXAMPLES", p->turn->examples ? p->turn->examples : ""}};
    return prompt_fill(p->pool, &prompt, values, ARRAY_SIZE(values), &p->system, err);
}

int parts_make(struct pool *pool, const struct profile *profile, const struct model_server *server,
               const struct model_turn *turn, struct parts *out, struct err *err)
{
    int frames = request_frames(profile, turn);
    const struct model_frame *now = turn->n_frames ? &turn->frames[turn->n_frames - 1] : NULL;
    *out = (struct parts){.pool = pool,
                          .profile = profile,
                          .server = server,
                          .turn = turn,
                          .image_w = now ? now->width : turn->screen_w,
                          .image_h = now ? now->height : turn->screen_h,
                          .first_frame = turn->n_frames > frames ? turn->n_frames - frames : 0};
    make_user(out);
    return make_system(out, err);
}

/* --- pieces ---------------------------------------------------------------------------------- */

const char *parts_label(const struct parts *p, int frame)
{
    int back = p->turn->n_frames - 1 - frame;
    return back ? pool_printf(p->pool, "[Frame t-%d]", back) : "[Frame CURRENT]";
}

const char *parts_zoom_label(const struct parts *p)
{
    const struct space_view view = view_of(p);
    const struct rect *a = &p->turn->zoom_area;
    double x, y, to_x, to_y;
    space_from_screen(&p->profile->space, &view, (struct point){a->x, a->y}, &x, &y);
    space_from_screen(&p->profile->space, &view, (struct point){a->x + a->w, a->y + a->h}, &to_x,
                      &to_y);
    return pool_printf(p->pool, "[Zoom of (%g,%g) to (%g,%g)]", x, y, to_x, to_y);
}

bool parts_tools(const struct parts *p)
{
    return p->profile->tools_use == TOOLS_ALWAYS ||
           (p->profile->tools_use == TOOLS_SELF_HOSTED && p->server->ours);
}

const char *parts_base64(struct pool *pool, const struct model_frame *frame)
{
    char *out = pool_alloc(pool, 4 * ((frame->len + 2) / 3) + 1);
    EVP_EncodeBlock((unsigned char *)out, frame->data, (int)frame->len);
    return out;
}

const char *parts_media_type(const struct profile *profile)
{
    static const char *const types[] = {
        [PICTURE_PNG] = "image/png", [PICTURE_JPEG] = "image/jpeg", [PICTURE_WEBP] = "image/webp"};
    return types[profile->format];
}

/* --- by server ------------------------------------------------------------------------------- */

static const struct {
    const char *path;
    const char *key; /* the header that carries it, up to the key */
    json_t *(*body)(const struct parts *p);
    json_t *(*question)(const struct parts *p, const char *question,
                        const struct model_frame *frame, int max_tokens);
} apis[] = {
    [API_OPENAI_CHAT] = {"/chat/completions", "Authorization: Bearer ", openai_body,
                         openai_question},
    [API_ANTHROPIC_MESSAGES] = {"/messages", "x-api-key: ", anthropic_body, anthropic_question},
};

const char *request_path(enum profile_api api)
{
    return apis[api].path;
}

static void wipe(void *arg)
{
    explicit_bzero(arg, strlen(arg));
}

static const char *key_line(struct pool *pool, enum profile_api api, const char *key)
{
    char *line = pool_printf(pool, "%s%s", apis[api].key, key);
    pool_defer(pool, wipe, line);
    return line;
}

const char *const *request_headers(struct pool *pool, const struct profile *p, const char *key)
{
    const char **lines = pool_alloc(pool, (json_object_size(p->headers) + 3) * sizeof(*lines)),
               *name;
    size_t n = 0;
    json_t *value;
    lines[n++] = "Content-Type: application/json";
    json_object_foreach ((json_t *)p->headers, name, value)
        lines[n++] = pool_printf(pool, "%s: %s", name, json_string_value(value));
    if (*key)
        lines[n++] = key_line(pool, p->api, key);
    return lines;
}

const char *const *request_bearer(struct pool *pool, const char *credential)
{
    const char **lines = pool_alloc(pool, 2 * sizeof(*lines));
    lines[0] = key_line(pool, API_OPENAI_CHAT, credential);
    return lines;
}

void request_image_size(const struct profile *profile, int screen_w, int screen_h, int *ret_w,
                        int *ret_h)
{
    int longer = screen_w > screen_h ? screen_w : screen_h;
    double scale =
        profile->max_side && longer > profile->max_side ? (double)profile->max_side / longer : 1;
    bool fixed = profile->space.kind == SPACE_FIXED;
    *ret_w = fixed ? profile->space.width : (int)fmax(1, rint(screen_w * scale));
    *ret_h = fixed ? profile->space.height : (int)fmax(1, rint(screen_h * scale));
}

int request_frames(const struct profile *profile, const struct model_turn *turn)
{
    return turn->most_frames ? turn->most_frames
           : turn->in_plan   ? profile->plan_frames
                             : profile->frames;
}

int request_build(struct pool *pool, const struct profile *profile,
                  const struct model_server *server, const struct model_turn *turn, json_t **out,
                  struct err *err)
{
    struct parts parts;
    int r = parts_make(pool, profile, server, turn, &parts, err);
    if (!r)
        *out = json_keep(pool, apis[profile->api].body(&parts));
    return r;
}

int request_system(struct pool *pool, const struct profile *profile, int screen_w, int screen_h,
                   const char *step_type, const char **out, struct err *err)
{
    const struct model_turn turn = {.step_type = step_type};
    struct parts parts = {.pool = pool,
                          .profile = profile,
                          .turn = &turn,
                          .image_w = screen_w,
                          .image_h = screen_h};
    int r = make_system(&parts, err);
    if (!r)
        *out = parts.system;
    return r;
}

json_t *request_question(struct pool *pool, const struct profile *profile,
                         const struct model_server *server, const char *question,
                         const struct model_frame *frame, int max_tokens)
{
    const struct parts parts = {.pool = pool, .profile = profile, .server = server};
    return json_keep(pool, apis[profile->api].question(&parts, question, frame, max_tokens));
}
