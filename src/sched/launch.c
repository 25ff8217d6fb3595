/*
 * launch.c - what a worker is given: its program, user, environment, socket and first message.
 */
#include "sched/private.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

static const char *const passed_options[] = {"extraction_schema", "settle_ceiling_s",
                                             "nav_wait_s",        "auto_url_gate",
                                             "pause_on_captcha",  "type_delay_ms"};

/* Helpers of the inner loop that are switched off, by the run's request or else the server, by the names of run/inner/inner.h. New reference. */
static json_t *switched_off(const struct settings *set, const json_t *asked)
{
    const struct {
        const char *name;
        bool on;
    } table[] = {{"done_gate", set->done_gate},
                 {"loop_recovery", set->loop_recovery},
                 {"loop_adaptive", set->loop_adaptive},
                 {"adaptive_click_tol", set->adaptive_click_tol},
                 {"predicate_verify", set->predicate_verify},
                 {"perceptual_verify", set->perceptual_verify},
                 {"form_controller", set->form_controller},
                 {"verify_type", set->verify_type},
                 {"cua_director", set->cua_director}};
    json_t *names = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (!json_flag(asked, table[i].name, table[i].on))
            json_push(names, json_string(table[i].name));
    return names;
}

/* What the run asked for wins over what the server is set to. New reference. */
static json_t *worker_options(struct sched *s, const json_t *given)
{
    json_t *o = json_is_object(given) ? json_deep_copy(given) : json_object();
    json_t *defaults =
        json_pack("{s:i,s:f,s:b,s:b}", "type_delay_ms", s->settings->type_delay_ms, "nav_wait_s",
                  s->settings->nav_wait_s, "auto_url_gate", s->settings->auto_url_gate,
                  "pause_on_captcha", s->settings->pause_on_captcha);
    for (size_t i = 0; i < ARRAY_SIZE(passed_options); i++) {
        const char *key = passed_options[i];
        json_t *v = json_object_get(o, key);
        if ((!v || json_is_null(v)) && json_object_get(defaults, key))
            json_object_set(o, key, json_object_get(defaults, key));
    }
    json_decref(defaults);
    json_put_str(o, "browser", s->settings->browser); /* never the caller's to choose */
    json_put_bool(o, "sandbox_off", s->settings->sandbox_off);
    json_put_int(o, "profile_max_mb", s->settings->profile_max_mb);
    json_put(o, "inner_off", switched_off(s->settings, json_object_get(given, "inner")));
    json_put_int(o, "blur_tabs",
                 s->settings->recovery_tab_blur ? s->settings->recovery_tab_blur_count : -1);
    json_put_bool(o, "critic_frontier", s->settings->critic_frontier);
    json_put_str(o, "director_model", s->settings->director_model);
    return o;
}

static json_t *worker_dirs(struct slot *slot)
{
    struct pool *pool = slot->pool;
    const char *work = dirs_work(slot->sched, pool, slot->key);
    json_t *d = json_object();
    json_put_str(d, "work", work);
    json_put_str(d, "profile", dirs_profile(slot->sched, pool, slot->key.tenant, slot->profile));
    json_put_str(d, "tmp", slot->isolated ? "/tmp" : pool_printf(pool, "%s/tmp", work));
    json_put_str(d, "downloads", pool_printf(pool, "%s/downloads", work));
    json_put_str(d, "screenshots", pool_printf(pool, "%s/screenshots", work));
    json_put_str(d, "video", pool_printf(pool, "%s/video", work));
    return d;
}

/* Which models a reader asks, where that is set. New reference. */
static json_t *readers_of(const struct settings *set)
{
    json_t *r = json_object();
    json_put_str(r, "form_target", set->form_target_provider);
    json_put_str(r, "verify_model", set->verify_model);
    json_put_str(r, "escalation_model", set->verify_escalation_model);
    json_put_str(r, "phone_model", set->phone_reextract_model);
    json_put_str(r, "image_format", set->claude_image_format);
    json_put_int(r, "image_quality", set->claude_image_quality);
    json_put_bool(r, "phone_once", !set->phone_reextract);
    return r;
}

json_t *launch_message(struct slot *slot, const struct run_record *rec, json_t *journal)
{
    const struct settings *set = slot->sched->settings;
    const json_t *conf = rec->settings;
    json_t *m = json_pack("{s:s,s:s,s:s,s:i}", "type", "start", "run_id", rec->run_id, "tenant_id",
                          rec->tenant_id, "attempt", rec->attempts);
    json_object_set(m, "plan", (json_t *)rec->plan);
    json_put(m, "checkpoint",
             rec->checkpoint ? json_incref((json_t *)rec->checkpoint) : json_null());
    json_object_set(m, "journal", journal);
    if (answers_of(slot->sched, slot->key))
        json_object_set(m, "user_input", (json_t *)answers_of(slot->sched, slot->key));
    json_put_str(m, "brain", json_str(conf, "brain", set->brain));
    json_put_str(m, "reader", json_str(conf, "brain", set->brain));
    json_put(m, "readers", readers_of(set));
    json_put_str(m, "plane", json_str(conf, "plane", "browser_use_plane"));
    json_put_num(m, "max_cost", json_num(conf, "max_cost", set->max_cost_usd));
    json_put_int(m, "max_time_minutes",
                 json_int(conf, "max_time_minutes", set->max_runtime_minutes));
    json_put(m, "display",
             json_pack("{s:i,s:i}", "width", set->display_width, "height", set->display_height));
    json_put(m, "dirs", worker_dirs(slot));
    json_put(m, "options", worker_options(slot->sched, json_object_get(conf, "options")));
    json_put(m, "rates", account_rates(set));
    json_put(m, "model", slot->gateway ? gateway_link(slot->gateway) : json_null());
    json_put(m, "cache",
             cache_read(slot->sched, slot->pool, slot->key.tenant, json_object_get(conf, "cache")));
    return m;
}

/* Is it a variable that a profile's image.size_env, format_env or quality_env may name, as
 * "MANTIS_FARA_INPUT_WH"? */
static bool is_about_pictures(const char *entry)
{
    static const char *const ends[] = {"_INPUT_WH", "_IMAGE_FORMAT", "_IMAGE_QUALITY"};
    size_t len = strcspn(entry, "=");
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        size_t n = strlen(ends[i]);
        if (str_starts(entry, "MANTIS_") && len > n && !strncmp(entry + len - n, ends[i], n))
            return true;
    }
    return false;
}

/* It is the worker that reads the profile. */
static void pass_picture_settings(const char **env, size_t n, size_t max)
{
    for (char **e = environ; *e && n < max; e++)
        if (is_about_pictures(*e))
            env[n++] = *e;
}

/* What a worker that asks models must see; "keep" has room for four and a NULL. */
static void show_models(const struct gateway *gateway, const char **keep)
{
    const struct profile_dirs *dirs = gateway_profile_dirs(gateway);
    const char *all[] = {gateway_dir(gateway), dirs->share, dirs->profiles, dirs->prompts};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        if (all[i] && *all[i])
            *keep++ = all[i];
}

/* A program of the slot's user: what it is told, and what it is given. */
struct errand {
    const char *const *words; /* behind the program's name, NULL-terminated */
    struct proc_fd fds[3];
    size_t n_fds;
};

static int spawn_in(struct slot *slot, const struct errand *errand, unsigned flags, struct err *err)
{
    struct sched *s = slot->sched;
    struct pool *pool = slot->pool;
    const char *work = dirs_work(s, pool, slot->key);
    const char *path = getenv("PATH"), *tmp = pool_printf(pool, "%s/tmp", work);
    const char *argv[4] = {s->worker_program};
    for (size_t i = 0; errand->words[i]; i++)
        argv[i + 1] = errand->words[i];
    const char *profile = dirs_profile(s, pool, slot->key.tenant, slot->profile);
    const char *program_dir = dirname(pool_strdup(pool, s->worker_program));
    const char *keep[9] = {work, profile, program_dir, s->settings->repo_root};
    if (s->gateway)
        show_models(s->gateway, keep + 4);
    const char *env[16] = {
        pool_printf(pool, "PATH=%s", path && *path ? path : "/usr/local/bin:/usr/bin:/bin"),
        pool_printf(pool, "HOME=%s", work),
        "LANG=C.UTF-8",
        "TZ=UTC",
        pool_printf(pool, "TMPDIR=%s", flags & PROC_ISOLATE ? "/tmp" : tmp)};
    pass_picture_settings(env, 5, ARRAY_SIZE(env) - 1);
    struct proc_spec spec = {
        .argv = argv,
        .env = env,
        .cwd = work,
        .fds = errand->fds,
        .n_fds = errand->n_fds,
        .uid = slot->uid,
        .flags = flags,
        .keep = keep,
    };
    return proc_spawn(&spec, &slot->proc, err);
}

/* Isolated when the kernel lets us, else without, and say so once. */
static int spawn_isolated(struct slot *slot, const struct errand *errand, struct err *err)
{
    struct sched *s = slot->sched;
    struct err refused = {0};
    int r = spawn_in(slot, errand, PROC_ISOLATE | PROC_DIE_WITH_PARENT, &refused);
    if (!r) {
        slot->isolated = true;
    } else if (r == E_FORBIDDEN) {
        if (!s->warned_not_isolated)
            log_warning(LOGGER, NULL,
                        "namespaces are refused here; workers run without a private /tmp and are "
                        "swept up after");
        s->warned_not_isolated = true;
        slot->isolated = false;
        r = spawn_in(slot, errand, PROC_DIE_WITH_PARENT, err);
    } else if (err) {
        *err = refused;
    }
    return r;
}

/* It writes into the run's log, where there is one. */
static int spawn(struct slot *slot, struct errand *errand, struct err *err)
{
    int log_fd = dirs_open_log(slot->sched, slot->key);
    if (log_fd >= 0)
        errand->fds[errand->n_fds++] = (struct proc_fd){.from = log_fd, .to = 2};
    int r = spawn_isolated(slot, errand, err);
    if (log_fd >= 0)
        close(log_fd);
    return r;
}

int launch_mend(struct slot *slot, struct err *err)
{
    const char *work = dirs_work(slot->sched, slot->pool, slot->key);
    const char *words[] = {"--mend", pool_printf(slot->pool, "%s/video", work), NULL};
    struct errand errand = {.words = words};
    return spawn(slot, &errand, err);
}

static int make_pair(int out[2], struct err *err)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out))
        return err_sys(err, E_IO, "cannot make a socket for the worker");
    return 0;
}

static void close_pair(const int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

int launch_worker(struct slot *slot, int *ret_fd, int *ret_picture_fd, struct err *err)
{
    int words[2], pictures[2];
    int r = make_pair(words, err);
    if (r)
        return r;
    r = make_pair(pictures, err);
    if (r) {
        close_pair(words);
        return r;
    }
    struct errand errand = {.words = (const char *const[]){NULL},
                            .fds = {{.from = words[1], .to = 3}, {.from = pictures[1], .to = 4}},
                            .n_fds = 2};
    r = spawn(slot, &errand, err);
    if (r) {
        close_pair(words);
        close_pair(pictures);
        return r;
    }
    close(words[1]);
    close(pictures[1]);
    *ret_fd = words[0];
    *ret_picture_fd = pictures[0];
    return 0;
}
