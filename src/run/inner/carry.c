/*
 * carry.c - one action of the inner loop done, looked at and written down (agent-loop.md 1.2, 8 and
 * 9).
 */
#include "run/inner/priv.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "brain/model/grounding.h"
#include "run/allow.h"
#include "run/inner/feedback.h"
#include "run/inner/gallery.h"
#include "run/inner/trajectory.h"
#include "run/journal.h"

#define TOP_PX         100
#define SHOWN_BYTES    4096 /* of what an editable element holds */
#define GALLERY_LEAVES 3    /* ways back that are tried */

int inner_see(struct inner *in, struct sight *out, struct err *err)
{
    struct sight s = {.pool = pool_create(in->run->step_pool)};
    int r = run_look_in(in->run, s.pool, &s.obs, err);
    if (r) {
        pool_destroy(s.pool);
        return r;
    }
    if (s.obs.frame.pixels)
        frame_hash(&s.obs.frame, NULL, s.hash);
    s.focused = look_focused(&s.obs);
    *out = s;
    return 0;
}

void inner_forget(struct sight *s)
{
    pool_destroy(s->pool);
    *s = (struct sight){0};
}

/* --- doing ----------------------------------------------------------------------------------- */

static bool is_address(const struct action *a)
{
    return a->type == ACTION_TYPE_TEXT && a->text &&
           (str_starts(a->text, "http://") || str_starts(a->text, "https://"));
}

/* A typed address is loaded (agent-loop.md section 2): the browser is told, which is what typing it
 * into the bar would come to. */
static int open_address(struct run *run, const char *url, struct settled *s, struct err *err)
{
    if (!allow_url(run->config->allowed_domains, url))
        return err_set(err, E_INVALID, "the tenant may not open '%.200s'", url);
    return run_open(run, url, CAP_LOAD_MS, s, err);
}

static int do_it(struct run *run, const struct action *a, struct settled *s, struct err *err)
{
    int cap_ms = run->config->settle_ms ? run->config->settle_ms : CAP_CLICK_MS;
    return is_address(a) ? open_address(run, a->text, s, err) : run_act(run, a, cap_ms, s, err);
}

/* What cannot be taken back is on disk before it leaves. */
static int announce(struct inner *in, const struct action *a, struct err *err)
{
    struct step_result *effect = in->goal->effect;
    if (!effect || !journal_action_wanted(a, in->goal->sentence))
        return 0;
    return journal_send_action(in->run, a, &in->now.obs, effect, err);
}

int inner_do(struct inner *in, const struct action *a, struct settled *s, const char **ret_error,
             struct err *err)
{
    struct err wrong = {0};
    *ret_error = NULL;
    int r = announce(in, a, err);
    if (r)
        return r;
    r = do_it(in->run, a, s, &wrong);
    if (r && r != E_INVALID)
        return err_set(err, r, "%s", wrong.msg);
    if (r)
        *ret_error = pool_strdup(in->run->step_pool, wrong.msg);
    return 0;
}

/* A photo viewer swallows what is clicked next: Escape first, then back until it is gone. */
static int leave_gallery(struct inner *in, const struct action *a, const char *thinking,
                         struct sight *after, bool *ret_left, struct err *err)
{
    int r = 0;
    *ret_left = false;
    for (int i = 0; !r && a->type == ACTION_CLICK && i < GALLERY_LEAVES; i++) {
        const char *words = pool_printf(after->pool, "%s\n%s", after->obs.title, thinking);
        if (gallery_trap(words, &after->obs.frame) < GALLERY_IS_TRAP)
            break;
        r = run_key(in->run, i == 0 ? "Escape" : "alt+Left", CAP_BACK_MS, err);
        if (r)
            break;
        *ret_left = true;
        inner_forget(after);
        r = inner_see(in, after, err);
    }
    return r;
}

/* --- what came of it ------------------------------------------------------------------------- */

static const char *shown_in(struct sight *s)
{
    if (!s->focused || *s->focused->value)
        return s->focused ? s->focused->value : "";
    return page_text(s->pool, s->obs.page, (int)(s->focused - s->obs.page->nodes), SHOWN_BYTES);
}

static bool same_field(const struct node *a, const struct node *b)
{
    return a && b && !strcmp(a->tag, b->tag) && !strcmp(a->name, b->name) && a->box.x == b->box.x &&
           a->box.w == b->box.w;
}

static void note_typed(struct inner *in, const struct action *a)
{
    for (int i = 0; a->type == ACTION_TYPE_TEXT && i < in->goal->n_pending; i++)
        if (strstr(a->text, in->goal->pending[i].value))
            in->goal->pending[i].used = true;
}

static void note_sample(struct inner *in, const struct action *a, const struct sight *after)
{
    in->samples[in->n] = loop_sample_of(a, after->obs.url, after->hash, &after->obs.frame);
    if (a->type == ACTION_CLICK && a->y <= TOP_PX)
        in->last_top = (struct point){a->x, a->y};
    in->submitted = in->submitted || (a->type == ACTION_KEY_PRESS && !inner_pending(in) &&
                                      (str_eq_fold(a->keys, "return") || str_eq_fold(a->keys, "enter")));
    in->history[in->n++] = *a;
}

static struct predicate_view view_of(const struct sight *s)
{
    return (struct predicate_view){s->obs.url, s->obs.title, s->hash, s->focused};
}

static json_t *check_predictions(struct inner *in, const struct turn_words *words,
                                 const struct sight *after, json_t **ret_tokens,
                                 struct predicate_score *score)
{
    struct pool *pool = in->run->step_pool;
    struct predicate_view was = view_of(&in->now), is = view_of(after);
    *score = (struct predicate_score){0};
    *ret_tokens = NULL;
    if (in->off & INNER_NO_PREDICATES)
        return NULL;
    *ret_tokens = json_keep(pool, predicates_read(pool, words->predicted, words->thinking));
    json_t *results = predicates_check(pool, *ret_tokens, &was, &is, score);
    in->predicted += score->total;
    in->evaluated += score->evaluated;
    in->correct += score->correct;
    in->reward += predicates_error(score);
    return json_keep(pool, results);
}

/* 1 it showed, 0 it did not, -1 not looked. */
static int weigh(struct inner *in, const struct action *a, const char *thinking,
                 const struct sight *after, struct perceptual *out)
{
    struct point at = {a->x, a->y};
    bool click = a->type == ACTION_CLICK || a->type == ACTION_DOUBLE_CLICK;
    if ((in->off & INNER_NO_PERCEPTUAL) || !perceptual_risky(a, thinking, in->goal->sentence) ||
        !perceptual_compare(&in->now.obs.frame, &after->obs.frame, click ? &at : NULL, out))
        return -1;
    bool shown =
        out->global_changed || out->region_changed || strcmp(in->now.obs.url, after->obs.url) != 0;
    in->risky++;
    in->no_effect += !shown;
    if (click && !shown)
        grounding_cache_forget(in->run->grounding);
    return shown;
}

static void tell(struct inner *in, struct trajectory_step *t)
{
    struct pool *pool = in->run->step_pool;
    char at[CLOCK_ISO_BYTES];
    inner_count(in->backends, t->backend);
    t->timestamp = clock_iso(clock_wall_us(), at);
    run_event(in->run, "brain", "turn", trajectory_json(pool, t), "%s: %s",
              action_type_name(t->action->type), t->feedback);
}

/* --- what was put right ----------------------------------------------------------------------- */

static const char *chosen_by(const struct chosen *c)
{
    return *c->substituted_by ? c->substituted_by : "brain";
}

/* Where it went: what is typed for a brain went where was clicked for it. x < 0: nowhere. */
static struct point aimed_at(const struct inner *in, const struct chosen *c)
{
    const struct action *a = &c->action;
    bool clicks = a->type == ACTION_CLICK || a->type == ACTION_DOUBLE_CLICK;
    return clicks ? (struct point){a->x, a->y} : c->field ? *c->field : (struct point){-1, -1};
}

/* The first place counts: what nothing was seen to come of since may have been right, and slow. */
static void note_miss(struct inner *in, struct point at, const char *by)
{
    if (in->missed.x < 0) {
        in->missed = at;
        in->missed_by = by;
    } else if (!strstr(in->missed_by, by)) {
        in->missed_by = pool_printf(in->run->step_pool, "%s,%s", in->missed_by, by);
    }
}

/* A click that nothing came of, and then one elsewhere that something did come of, if only that it could be typed
 * there. The same click again that leaves the screen as it was got words selected, no more. */
static void heal_miss(struct inner *in, const struct chosen *c, struct action_outcome *o)
{
    const struct point at = aimed_at(in, c), missed = in->missed;
    bool types = c->action.type == ACTION_TYPE_TEXT;
    if (o->error || (at.x < 0 && !types))
        return;
    bool nothing = feedback_nothing_came(o);
    if (at.x >= 0)
        in->aimed = at;
    bool again = inner_same_place(in->aimed, missed);
    if (!types && (nothing || (again && loop_same_frames(in->samples, in->n, 2)))) {
        note_miss(in, at, chosen_by(c));
        return;
    }
    if (missed.x < 0 || nothing)
        return;
    in->missed.x = -1;
    if (!again)
        inner_heal(in, "missed_click", chosen_by(c),
                   pool_printf(in->run->step_pool,
                               "the screen showed nothing of the click at (%d,%d) by %s; (%d,%d) "
                               "was clicked then",
                               missed.x, missed.y, in->missed_by, in->aimed.x, in->aimed.y));
}

/* It went in circles, was told so or helped out, and does not any more. */
static void heal_loop(struct inner *in, const struct chosen *c, const char *loop)
{
    if (in->circling && !loop)
        inner_heal(in, "loop_left", chosen_by(c),
                   pool_printf(in->run->step_pool, "the last actions went in circles (%s)",
                               in->circling));
    in->circling = loop;
}

/* --- one action ------------------------------------------------------------------------------ */

/* A brain is not to think that it did what was done for it. */
static const char *told_instead(struct pool *pool, const struct chosen *c,
                                const struct turn_words *words, const char *line)
{
    if (*words->rejected)
        return pool_printf(pool, "your done was not accepted (%s); %s", words->rejected, line);
    return *c->substituted_by ? pool_printf(pool, "%s was done instead of what you said; %s",
                                            c->substituted_by, line)
                              : pool_strdup(pool, line);
}

static void write_down(struct inner *in, const struct chosen *c, const struct turn_words *words,
                       struct sight *after, const struct settled *s, const char *error)
{
    struct pool *pool = in->run->step_pool;
    const struct action *a = &in->history[in->n];
    struct perceptual effect;
    struct predicate_score score;
    json_t *tokens;
    bool types = a->type == ACTION_TYPE_TEXT && !is_address(a) && !(in->off & INNER_NO_READ_BACK);
    struct read_back typed = {.reason = ""};
    if (types)
        typed = feedback_read_back(pool, a->text, after->focused, shown_in(after), after->obs.page);
    struct trajectory_step t = {.step = in->turns,
                                .action = a,
                                .substituted_by = c->substituted_by,
                                .loop_recovery = c->loop_recovery,
                                .done_rejected = words->rejected,
                                .brain_used = words->used,
                                .grounding = c->grounding,
                                .left_gallery = !strcmp(c->loop_recovery, "gallery_trap"),
                                .thinking = words->thinking,
                                .inference_s = words->inference_s,
                                .frame_hash = after->hash,
                                .url = after->obs.url,
                                .title = after->obs.title,
                                .warning = error ? error : "",
                                .effect = weigh(in, a, words->thinking, after, &effect),
                                .backend = "vision"};
    t.predicate_results = check_predictions(in, words, after, &tokens, &score);
    t.predicted = tokens;
    t.evaluated = score.evaluated > 0;
    t.world_model_error = predicates_error(&score);
    if (types)
        t.type_verified = json_keep(pool, json_pack("{s:b,s:b,s:s}", "success", typed.success,
                                                    "known", typed.known, "reason", typed.reason));
    bool gained = after->focused && !same_field(after->focused, in->now.focused);
    if (a->type == ACTION_CLICK && gained)
        t.focused_input = json_keep(pool, feedback_focused_input(after->focused));
    note_sample(in, a, after);
    const char *soft = inner_soft_loop(in);
    const char *warning =
        soft
            ? pool_printf(pool, "the last actions go in circles (%s); do something different", soft)
            : "";
    struct action_outcome outcome = {.action = a,
                                     .before = &in->now.obs,
                                     .after = &after->obs,
                                     .error = error,
                                     .focused = after->focused,
                                     .focus_gained = gained,
                                     .typed = types ? &typed : NULL,
                                     .effect = t.effect >= 0 ? &effect : NULL,
                                     .new_tab = s->new_tab,
                                     .warning = warning};
    heal_miss(in, c, &outcome);
    heal_loop(in, c, soft);
    in->feedback[in->n - 1] = told_instead(pool, c, words, feedback_line(pool, &outcome));
    t.feedback = in->feedback[in->n - 1];
    tell(in, &t);
}

void inner_write_tool(struct inner *in, const struct turn_words *words, const char *feedback)
{
    struct pool *pool = in->run->step_pool;
    const char *args = words->tool_args ? json_text(pool, words->tool_args) : "";
    const char *call = pool_printf(pool, "%s(%s)", words->tool, args);
    struct action *a = &in->history[in->n];
    *a = (struct action){.type = ACTION_WAIT, .reasoning = call};
    struct trajectory_step t = {.step = in->turns,
                                .action = a,
                                .tool = words->tool,
                                .tool_args = words->tool_args,
                                .substituted_by = "",
                                .loop_recovery = "",
                                .done_rejected = "",
                                .brain_used = words->used,
                                .thinking = words->thinking,
                                .inference_s = words->inference_s,
                                .frame_hash = in->now.hash,
                                .url = in->now.obs.url,
                                .title = in->now.obs.title,
                                .warning = "",
                                .effect = -1,
                                .feedback = feedback,
                                .backend = "host"};
    in->feedback[in->n] = feedback;
    note_sample(in, a, &in->now);
    tell(in, &t);
}

/* What makes the field take its value; by then it was read back. */
static int press_behind(struct inner *in, const struct chosen *c, struct sight *after,
                        struct err *err)
{
    int r = 0;
    for (size_t i = 0; !r && i < ARRAY_SIZE(c->then) && c->then[i]; i++)
        r = run_key(in->run, c->then[i], CAP_TYPE_MS, err);
    if (r || !c->then[0])
        return r;
    inner_forget(after);
    return inner_see(in, after, err);
}

static void check_stops(struct inner *in, const struct action *a, const struct sight *after)
{
    bool leads = a->type == ACTION_CLICK || a->type == ACTION_DOUBLE_CLICK ||
                 a->type == ACTION_KEY_PRESS || a->type == ACTION_TYPE_TEXT;
    const char *loop = loop_detect(&in->rules, in->samples, in->n, HARD_WINDOW);
    if (!allow_url(in->run->config->allowed_domains, after->obs.url))
        in->termination = "off_allowlist";
    else if (leads && inner_vendor_page(after->obs.url))
        in->termination = "chrome_vendor_trap";
    else if (loop)
        in->termination = "loop";
    if (in->termination && !*in->summary)
        in->summary = loop && !strcmp(in->termination, "loop")
                          ? pool_printf(in->run->step_pool, "the same again and again (%s)", loop)
                          : pool_strdup(in->run->step_pool, after->obs.url);
}

int inner_carry_out(struct inner *in, const struct chosen *c, const struct turn_words *words,
                    struct err *err)
{
    struct settled s = c->settled;
    struct sight after = in->now;
    const char *error = NULL;
    bool left = false;
    in->history[in->n] = inner_keep_action(in->run->step_pool, &c->action);
    const struct action *a = &in->history[in->n];
    int r = c->acted ? 0 : inner_do(in, a, &s, &error, err);
    if (r)
        return r;
    if (!error)
        note_typed(in, a);
    if (c->acted)
        in->now = c->before;
    else
        r = inner_see(in, &after, err);
    if (!r && inner_guarded(in))
        r = leave_gallery(in, a, words->thinking, &after, &left, err);
    if (r)
        return r;
    in->galleries += left;
    struct chosen told = *c;
    if (left && !*told.loop_recovery)
        told.loop_recovery = "gallery_trap";
    write_down(in, &told, words, &after, &s, error);
    check_stops(in, a, &after);
    inner_forget(&in->now);
    in->now = after;
    return in->termination ? 0 : press_behind(in, c, &in->now, err);
}
