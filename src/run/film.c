#include "run/film.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "record/record.h"
#include "core/passwords.h"
#include "run/steps/steps.h"
#include "run/telling.h"

enum { TEXT_BYTES = 300, TITLE_BYTES = 120, DEFAULT_FPS = 5 };

struct film {
    struct recorder *recorder;
    struct camera *camera;
    struct camera_watch *watch;
    int64_t spent_us; /* of the run's thread */
    struct pool *pool;
};

static bool on_picture(void *arg, const struct frame *frame)
{
    return recorder_frame(arg, frame);
}

/* --- words ------------------------------------------------------------------------------------ */

static const char *cut(struct pool *pool, const char *text)
{
    return str_squash(pool, str_cut(pool, text, TEXT_BYTES));
}

/* "2/7 Click: Open the first boat" */
static const char *step_words(struct pool *pool, const struct run *run)
{
    const struct step *step = run->asked_step ? run->asked_step : run->step;
    const struct step_type *type = step_type_find(step->type);
    return pool_printf(pool, "%d/%d %s: %s", run->index + 1, run->plan->n_steps,
                       type ? type->overlay : step->type,
                       cut(pool, telling_words(run, pool, step->intent)));
}

void film_step(struct film *film, const struct run *run)
{
    if (!film)
        return;
    const char *words = step_words(run->step_pool, run);
    if (run->progress.retries > 0)
        words = pool_printf(run->step_pool, "%s (try %d)", words, run->progress.retries + 1);
    recorder_step(film->recorder, words);
}

void film_step_end(struct film *film, const struct run *run, const struct step_result *r)
{
    if (!film)
        return;
    struct pool *pool = run->step_pool;
    const char *words = pool_printf(pool, "%s %s", r->success || r->skip ? "[OK]" : "[FAIL]",
                                    step_words(pool, run));
    const char *why = r->skip ? "skipped" : r->success ? "" : cut(pool, telling_words(run, pool, r->data));
    if (*why)
        words = pool_printf(pool, "%s - %s", words, why);
    recorder_step_end(film->recorder, words);
}

void film_row(struct film *film, int ordinal, const json_t *row)
{
    enum { VALUES = 2 };
    const char *key;
    json_t *value;
    int n = 0;
    if (!film)
        return;
    struct pool *pool = pool_create(NULL);
    const char *title = pool_printf(pool, "Row %d", ordinal);
    json_object_foreach (json_object_get(row, "values"), key, value) {
        const char *text = json_is_null(value) ? "" : json_as_text(pool, value);
        if (*text && n++ < VALUES)
            title = pool_printf(pool, "%s%s%s", title, n == 1 ? ": " : ", ",
                                str_cut(pool, text, TITLE_BYTES));
    }
    recorder_row(film->recorder, title);
    pool_destroy(pool);
}

/* --- hands -------------------------------------------------------------------------------------
 */

static int kind_of(const struct action *a)
{
    static const int kinds[] = {
        [ACTION_CLICK] = MARK_CLICK,    [ACTION_DOUBLE_CLICK] = MARK_DOUBLE_CLICK,
        [ACTION_TYPE_TEXT] = MARK_TEXT, [ACTION_KEY_PRESS] = MARK_KEYS,
        [ACTION_SCROLL] = MARK_SCROLL,  [ACTION_DRAG] = MARK_DRAG};
    return a->type <= ACTION_DRAG ? kinds[a->type] : -1;
}

/* A dot per character, at most eight: not even how long it is. On a page with a secret on it
 * everything typed may be one. */
static const char *typed(const struct run *run, const char *text, bool secret)
{
    bool hide = secret || run->mask.n || run->mask.blind;
    return hide ? PASSWORD_MARK : cut(run->step_pool, telling_words(run, run->step_pool, text));
}

/* A single character is typed, whatever it is called. */
static const char *pressed(const struct run *run, const char *keys, bool secret)
{
    return strlen(keys) == 1 ? typed(run, keys, secret) : cut(run->step_pool, keys);
}

void film_action(struct film *film, const struct run *run, const struct action *a, bool secret)
{
    int kind = kind_of(a), w, h;
    if (!film || kind < 0)
        return;
    struct mark m = {
        .kind = (enum mark_kind)kind, .x = a->x, .y = a->y, .to_x = a->to_x, .to_y = a->to_y};
    const char *text = a->type == ACTION_TYPE_TEXT   ? typed(run, a->text, secret)
                       : a->type == ACTION_KEY_PRESS ? pressed(run, a->keys, secret)
                                                     : "";
    snprintf(m.text, sizeof(m.text), "%s", text);
    if (a->type == ACTION_CLICK && a->clicks > 1)
        m.kind = MARK_DOUBLE_CLICK;
    if (a->type == ACTION_SCROLL) {
        plane_size(run->plane, &w, &h);
        m.x = a->x < 0 ? w / 2 : a->x;
        m.y = a->y < 0 ? h / 2 : a->y;
        m.to_x = a->dx;
        m.to_y = a->dy;
    }
    recorder_mark(film->recorder, &m);
}

/* --- beginning and end --------------------------------------------------------------------------
 */

static unsigned cuts_of(const json_t *wanted)
{
    const char *cuts = json_str(wanted, "cuts", "both");
    return !strcmp(cuts, "raw")        ? RECORD_RAW
           : !strcmp(cuts, "polished") ? RECORD_POLISHED
                                       : RECORD_RAW | RECORD_POLISHED;
}

static const char *name_of(const struct run *run)
{
    return *run->plan->name ? run->plan->name : run->plan->session_name;
}

struct film *film_begin(struct run *run, struct camera *camera, const json_t *wanted,
                        const char *dir, int64_t since_us)
{
    if (!json_is_object(wanted) || !dir)
        return NULL;
    struct film *film = calloc(1, sizeof(*film));
    if (!film)
        BUG("out of memory");
    film->pool = pool_create(NULL);
    const struct slide_line lines[] = {
        {"Run", run->config->run_id},
        {"Steps", pool_printf(film->pool, "%d", run->plan->n_steps)},
    };
    const struct slide title = {
        name_of(run),
        cut(film->pool, telling_words(run, film->pool,
                             run->plan->n_steps ? run->plan->steps[0].intent : "")),
        lines, ARRAY_SIZE(lines)};
    struct recorder_config config = {.dir = dir,
                                     .format = json_str(wanted, "format", "mp4"),
                                     .fps = (int)json_int(wanted, "fps", DEFAULT_FPS),
                                     .cuts = cuts_of(wanted),
                                     .display = plane_kind(run->plane),
                                     .start_us = since_us,
                                     .title = &title};
    plane_size(run->plane, &config.width, &config.height);
    film->recorder = recorder_create(&config);
    film->camera = camera;
    film->watch = camera_subscribe(camera, config.fps, on_picture, film->recorder);
    return film;
}

static int failed_steps(const json_t *results)
{
    size_t i;
    int n = 0;
    json_t *r;
    json_array_foreach ((json_t *)results, i, r)
        n += !json_flag(r, "success", false) && !json_flag(r, "skip", false);
    return n;
}

void film_cut(struct film *film)
{
    if (!film)
        return;
    camera_unsubscribe(film->watch);
    film->watch = NULL;
    film->spent_us = camera_spent_us(film->camera);
}

void film_end(struct film *film, const struct run *run, const struct run_end *end, const char *why)
{
    if (!film)
        return;
    struct pool *pool = film->pool;
    const struct progress *p = &run->progress;
    int steps = (int)json_array_size(p->step_results), failed = failed_steps(p->step_results);
    bool good = !strcmp(end->status, "completed") && !failed;
    if (!*why)
        why = *end->halt_reason ? end->halt_reason : end->error;
    why = cut(pool, telling_words(run, pool, why));
    const struct slide_line lines[] = {
        {"Result", pool_printf(pool, "%s %s%s%s", good ? "[OK]" : "[FAIL]", end->status,
                               *why ? ": " : "", why)},
        {"Steps", pool_printf(pool, "%d done, %d failed", steps - failed, failed)},
        {"Rows", pool_printf(pool, "%zu", json_array_size(p->rows))},
        {"Cost", pool_printf(pool, "$%.4f", json_num(p->costs, "total", 0))},
        {"Run time", pool_printf(pool, "%.1f s, pauses not counted", run_elapsed_s(run))},
    };
    const struct slide outro = {name_of(run), pool_printf(pool, "run %s", run->config->run_id),
                                lines, ARRAY_SIZE(lines)};
    recorder_end(film->recorder, &outro);
}

json_t *film_result(struct film *film, struct loop *loop, int64_t deadline_mono_ms)
{
    if (!film)
        return NULL;
    struct err err = {0};
    if (recorder_wait(film->recorder, loop, deadline_mono_ms, &err))
        log_warning("mantis.worker", NULL, "%s", err.msg); /* the result says so, too */
    json_t *video = recorder_result(film->recorder);
    json_put_num(json_object_get(video, "encoder"), "run_seconds", (double)film->spent_us / 1e6);
    return video;
}

void film_destroy(struct film *film)
{
    if (!film)
        return;
    camera_unsubscribe(film->watch);
    recorder_destroy(film->recorder);
    pool_destroy(film->pool);
    free(film);
}
