/*
 * mantis selftest - does a model click where it means to? Buttons on a page are shown to it as a
 * run would show them, and its clicks are held against where they are (brain/model/selftest.h,
 * docs/models.md). `serve` runs this before it is ready (MANTIS_SELFTEST).
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/brains.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "brain/model/http_transport.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/selftest_look.h"
#include "cmd/table.h"
#include "engine/base.h"
#include "engine/engine.h"
#include "sys/secrets.h"

#define EXIT_MISSES  1 /* it does not click where it means to */
#define EXIT_USAGE   2
#define EXIT_UNASKED 3 /* nobody knows: no answer, or nothing to be shown */

struct selftest {
    const char *config, *url, *profile_name, *model, *key_secret,
        *size; /* flags; NULL: not given */
    int timeout_s;
    bool json;
    struct pool *pool;
    struct loop *loop;
    struct settings settings;
    const struct profile *profile;
    struct model_link link;
    const char *base_url, *key;
    int width, height;
    int64_t deadline_mono_ms;
    struct selftest_sight sight;
    struct space_view view;
    struct selftest_click *clicks;
    struct selftest_result result;
};

/* --- whom to ask ------------------------------------------------------------------------------ */

static int choose_profile(struct selftest *t, struct err *err)
{
    const char *brain = t->settings.brain, *name = t->profile_name;
    if (!name)
        name = profile_of_spec(api_brain_for_worker(brain));
    if (!name)
        return err_set(err, E_INVALID,
                       "the brain '%.80s' (MANTIS_BRAIN, MANTIS_MODEL) is no one model: name a "
                       "profile with --profile",
                       brain);
    return profile_load(t->pool, &t->link.dirs, name, &t->profile, err);
}

/* A server that the operator names, the one of this pod, or the profile's maker's. */
static int choose_server(struct selftest *t, struct err *err)
{
    const struct settings *s = &t->settings;
    const struct engine_base *base = engine_base_find(t->profile->name);
    const char *named = t->url ? t->url : s->model_url;
    bool ours = *named || base;
    const char *origin;
    if (*named && engine_origin(t->pool, named, &origin, err))
        return t->url ? err_prefix(err, "--url") : E_INVALID;
    if (*named)
        t->base_url = pool_printf(t->pool, "%s/v1", origin);
    else if (base)
        t->base_url = pool_printf(t->pool, "http://127.0.0.1:%d/v1", s->llama_port);
    else
        t->base_url = t->profile->base_url;
    const char *model = t->model                   ? t->model
                        : *s->model_name && *named ? s->model_name
                        : base                     ? base->served_name
                                                   : NULL;
    t->link.server = (struct model_server){.ours = ours, .model = model, .constrains = ours};
    return 0;
}

/* The profile's own key goes to the profile's own server only. */
static int find_key(struct selftest *t, struct err *err)
{
    const struct settings *s = &t->settings;
    const char *name = t->key_secret ? t->key_secret : t->url ? "" : s->model_key_secret;
    t->key = "";
    if (*name) {
        t->key = secret_read(t->pool, s->secrets_dir, name);
        return *t->key ? 0
                       : err_set(err, E_INVALID, "there is no secret '%.80s' in '%.200s'", name,
                                 s->secrets_dir);
    }
    const char *own = t->profile->key_env;
    if (strcmp(t->base_url, t->profile->base_url) || !*own)
        return 0;
    t->key = secret_read(t->pool, s->secrets_dir, own);
    if (!*t->key && getenv(own))
        t->key = getenv(own);
    return 0;
}

static int connect_to(struct selftest *t, struct err *err)
{
    bool anthropic = t->profile->api == API_ANTHROPIC_MESSAGES;
    const char *line =
        pool_printf(t->pool, anthropic ? "x-api-key: %s" : "Authorization: Bearer %s", t->key);
    const char *headers[] = {*t->key ? line : NULL, NULL};
    const struct http_transport_config config = {.base_url = t->base_url, .headers = headers};
    return http_transport_create(t->loop, &config, &t->link.transport, err);
}

static int read_size(struct selftest *t, struct err *err)
{
    int end = 0;
    t->width = t->settings.display_width;
    t->height = t->settings.display_height;
    if (!t->size)
        return 0;
    if (sscanf(t->size, "%5dx%5d%n", &t->width, &t->height, &end) == 2 && !t->size[end] &&
        t->width >= 320 && t->height >= 240 && t->width <= CAP_SCREEN_SIDE_PX &&
        t->height <= CAP_SCREEN_SIDE_PX)
        return 0;
    return err_set(err, E_INVALID, "--size takes WxH from 320x240 to %dx%d, not '%.40s'",
                   CAP_SCREEN_SIDE_PX, CAP_SCREEN_SIDE_PX, t->size);
}

static int prepare(struct selftest *t, struct err *err)
{
    const char *const *warnings;
    int r = settings_load(t->pool, t->config, &t->settings, &warnings, err);
    if (r)
        return r;
    t->timeout_s = t->timeout_s ? t->timeout_s : t->settings.selftest_timeout_s;
    t->deadline_mono_ms = clock_mono_ms() + 1000 * (int64_t)t->timeout_s;
    t->link.dirs = profile_dirs_of(&t->settings);
    if (t->timeout_s < 1)
        return err_set(err, E_INVALID, "--timeout takes seconds, not %d", t->timeout_s);
    r = read_size(t, err);
    r = r ? r : choose_profile(t, err);
    r = r ? r : choose_server(t, err);
    r = r ? r : find_key(t, err);
    return r ? r : connect_to(t, err);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* A server that is silent twice in a row at first will be silent. */
static bool is_hopeless(const struct selftest *t, int asked)
{
    return asked == 2 && t->clicks[0].failure && t->clicks[1].failure;
}

static int ask_all(struct selftest *t, struct err *err)
{
    int r = 0, n = t->sight.n, i;
    t->clicks = pool_alloc(t->pool, (size_t)n * sizeof(*t->clicks));
    for (i = 0; i < n && !r && !is_hopeless(t, i); i++)
        r = selftest_ask(t->pool, &t->link, t->profile, &t->sight.picture, &t->view,
                         t->sight.targets[i].label, t->deadline_mono_ms, &t->clicks[i], err);
    for (; i < n; i++)
        t->clicks[i] = (struct selftest_click){.failure = "it was not asked any more", .said = ""};
    return r;
}

/* 0 when there is a result to be shown, whatever it is. */
static int test(struct selftest *t, struct err *err)
{
    int r = selftest_look(t->pool, t->loop, &t->settings, t->profile, t->width, t->height,
                          t->deadline_mono_ms, &t->sight, err);
    if (r)
        return err_prefix(err, "the page of buttons cannot be shown");
    t->view = (struct space_view){t->sight.screen_w, t->sight.screen_h, t->sight.picture.width,
                                  t->sight.picture.height};
    r = ask_all(t, err);
    if (!r)
        selftest_judge(t->pool, t->profile, &t->view, t->sight.targets, t->clicks, t->sight.n,
                       &t->result);
    return r;
}

/* --- as JSON -----------------------------------------------------------------------------------
 */

static json_t *px(double v)
{
    return json_real(rint(v * 10) / 10);
}

static json_t *fit_json(const struct selftest_fit *f)
{
    return json_pack("{s:s,s:i,s:o,s:o}", "coordinates", f->name, "hits", f->hits, "median_px",
                     px(f->median_px), "max_px", px(f->max_px));
}

static json_t *target_json(const struct selftest *t, int i)
{
    const struct selftest_target *target = &t->sight.targets[i];
    const struct selftest_click *c = &t->clicks[i];
    const struct rect *b = &target->box;
    struct point at;
    json_t *doc = json_pack("{s:s,s:[i,i,i,i],s:o}", "label", target->label, "box", b->x, b->y,
                            b->w, b->h, "said", json_string_safe(c->said));
    if (c->failure)
        json_put(doc, "failure", json_string_safe(c->failure));
    if (!c->is_click)
        return doc;
    double error = selftest_error_px(&t->profile->space, &t->view, target, c, &at);
    bool hit = at.x >= b->x && at.x < b->x + b->w && at.y >= b->y && at.y < b->y + b->h;
    json_put(doc, "point", json_pack("[f,f]", c->point.x, c->point.y));
    json_put(doc, "click", json_pack("[i,i]", at.x, at.y));
    json_put(doc, "error_px", px(error));
    json_put_bool(doc, "hit", hit);
    return doc;
}

static void put_result(json_t *doc, const struct selftest *t)
{
    const struct selftest_result *o = &t->result;
    json_t *targets = json_array();
    for (int i = 0; i < t->sight.n; i++)
        json_push(targets, target_json(t, i));
    json_put(doc, "screen", json_pack("[i,i]", t->view.screen_w, t->view.screen_h));
    json_put(doc, "picture", json_pack("[i,i]", t->view.image_w, t->view.image_h));
    json_put_int(doc, "asked", o->n);
    json_put_int(doc, "answered", o->n_answered);
    json_put_int(doc, "clicks", o->n_clicks);
    json_put_int(doc, "hits", o->profile.hits);
    json_put(doc, "median_px", o->n_clicks ? px(o->profile.median_px) : json_null());
    json_put(doc, "max_px", o->n_clicks ? px(o->profile.max_px) : json_null());
    json_put(doc, "best", o->n_clicks ? fit_json(&o->best) : json_null());
    json_put(doc, "targets", targets);
}

static const char *verdict_name(const struct selftest *t, int r)
{
    return selftest_verdict_name(r ? SELFTEST_UNASKED : t->result.verdict);
}

static void print_json(const struct selftest *t, int r, const struct err *err)
{
    json_t *doc = json_object();
    json_put_bool(doc, "ok", !r && t->result.verdict == SELFTEST_FITS);
    json_put_str(doc, "verdict", verdict_name(t, r));
    json_put(doc, "words", json_string_safe(r ? err->msg : t->result.words));
    json_put(doc, "advice", json_string_safe(r ? "" : t->result.advice));
    json_put_str(doc, "profile", t->profile->name);
    json_put_str(doc, "server", t->link.transport->where);
    json_put_str(doc, "coordinates", r ? "" : t->result.profile.name);
    if (!r)
        put_result(doc, t);
    fputs(json_pretty(t->pool, json_keep(t->pool, doc)), stdout);
}

/* --- as text ------------------------------------------------------------------------------------
 */

static json_t *rows_of(const struct selftest *t)
{
    json_t *rows = json_array();
    for (int i = 0; i < t->sight.n; i++) {
        const struct selftest_target *target = &t->sight.targets[i];
        const struct selftest_click *c = &t->clicks[i];
        struct point at = {0, 0};
        double error = selftest_error_px(&t->profile->space, &t->view, target, c, &at);
        const char *click = pool_printf(t->pool, "%d,%d", at.x, at.y);
        json_push(rows, json_pack("{s:s,s:s,s:s,s:s,s:o}", "button", target->label, "middle",
                                  pool_printf(t->pool, "%d,%d", target->box.x + target->box.w / 2,
                                              target->box.y + target->box.h / 2),
                                  "click", c->is_click ? click : "", "px",
                                  c->is_click ? pool_printf(t->pool, "%.0f", error) : "", "said",
                                  json_string_safe(c->failure ? c->failure : c->said)));
    }
    return json_keep(t->pool, rows);
}

static void print_text(const struct selftest *t)
{
    const struct selftest_result *o = &t->result;
    const json_t *columns =
        json_keep(t->pool, json_pack("[s,s,s,s,s]", "button", "middle", "click", "px", "said"));
    printf("profile    %s, points in %s\n", t->profile->name, o->profile.name);
    printf("model      %s\n", t->link.transport->where);
    printf("screen     %dx%d, sent as %dx%d\n\n", t->view.screen_w, t->view.screen_h,
           t->view.image_w, t->view.image_h);
    fputs(table_text(t->pool, columns, rows_of(t), table_terminal_width(STDOUT_FILENO)), stdout);
    if (o->n_clicks)
        printf("\nerror      %.0f px at the median, %.0f px at most; %d of %d inside the button\n",
               o->profile.median_px, o->profile.max_px, o->profile.hits, o->n_answered);
    if (o->n_clicks && strcmp(o->best.name, o->profile.name))
        printf("best       %s: %.0f px at the median, %.0f px at most; %d inside\n", o->best.name,
               o->best.median_px, o->best.max_px, o->best.hits);
    printf("verdict    %s: %s\n", selftest_verdict_name(o->verdict), o->words);
    if (*o->advice)
        printf("advice     %s\n", o->advice);
}

static int show(const struct selftest *t, int r, const struct err *err)
{
    static const int codes[] = {[SELFTEST_FITS] = 0,
                                [SELFTEST_OTHER_SPACE] = EXIT_MISSES,
                                [SELFTEST_SHIFTED] = EXIT_MISSES,
                                [SELFTEST_MISSES] = EXIT_MISSES,
                                [SELFTEST_UNREAD] = EXIT_MISSES,
                                [SELFTEST_UNASKED] = EXIT_UNASKED};
    if (t->json)
        print_json(t, r, err);
    else if (!r)
        print_text(t);
    if (r)
        cmd_error("%s", err->msg);
    return r ? EXIT_UNASKED : codes[t->result.verdict];
}

/* --- the command --------------------------------------------------------------------------------
 */

static void on_signal(void *arg, int signo)
{
    loop_interrupt(arg);
}

static int open_loop(struct selftest *t, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    int r = loop_create(&t->loop, err);
    return r ? r : loop_signals(t->loop, &set, on_signal, t->loop, err);
}

static int run(struct selftest *t)
{
    struct err err = {0};
    int r = open_loop(t, &err);
    r = r ? r : prepare(t, &err);
    if (r) {
        cmd_error("%s", err.msg);
        return EXIT_USAGE;
    }
    r = test(t, &err);
    return show(t, r, &err);
}

int cmd_selftest(int argc, char **argv)
{
    struct selftest t = {0};
    int n, code = 0;
    const struct option table[] = {
        {"--url", NULL, OPTION_STRING, &t.url, "URL",
         "model server [MANTIS_MODEL_URL, this pod's, or the profile's]"},
        {"--profile", NULL, OPTION_STRING, &t.profile_name, "NAME",
         "how it is asked and read, of profiles/ [MANTIS_BRAIN]"},
        {"--model", NULL, OPTION_STRING, &t.model, "NAME",
         "what a call names [MANTIS_MODEL_NAME, or the profile's]"},
        {"--key-secret", NULL, OPTION_STRING, &t.key_secret, "NAME",
         "file in the secrets directory that holds its key [MANTIS_MODEL_KEY_SECRET]"},
        {"--size", NULL, OPTION_STRING, &t.size, "WxH",
         "of the screen [MANTIS_DISPLAY_WIDTH, MANTIS_DISPLAY_HEIGHT]"},
        {"--timeout", NULL, OPTION_INT, &t.timeout_s, "SECONDS",
         "for all of it [MANTIS_SELFTEST_TIMEOUT_S]"},
        {"--config", NULL, OPTION_STRING, &t.config, "FILE",
         "settings as KEY=VALUE lines; the environment wins"},
        {"--json", NULL, OPTION_FLAG, &t.json, NULL, "print JSON"},
        {.name = NULL},
    };
    if (!options_read(table, "mantis selftest [options]", argc, argv, NULL, 0, &n, &code))
        return code;
    t.pool = pool_create(NULL);
    code = run(&t);
    http_transport_destroy(t.link.transport);
    loop_destroy(t.loop);
    pool_destroy(t.pool);
    return code;
}
