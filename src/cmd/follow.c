#include "cmd/follow.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/event_stream.h"
#include "cmd/table.h"
#include "cmd/typing.h"
#include "core/run.h"
#include "sys/input.h"

#define AWAY_MS        60000 /* how long a server may be away before we give up */
#define RETRY_MS       500   /* between tries while it is */
#define REDRAW_MS      250   /* the live line's clock */
#define HINT_MIN_MS    100
#define HINT_MAX_MS    10000
#define DATA_CHARS     80
#define FAILED_LINES   10 /* of a result; more are counted */
#define BAR_CELLS      24
#define PLACE_TAIL     200 /* log lines that tell where the run is when it is first looked at */
#define RECENT         3
#define RECENT_BYTES   200
#define INTERVAL_MIN_S 0.1
#define INTERVAL_MAX_S 86400

/* While the events come by themselves, the status is asked for what they do not say: a pause. */
#define LOOK_IDLE_MS 5000
#define LOOK_NEWS_MS 500
#define DRAIN_MS     10000 /* for the last events of a run that is over */

/* What is known of the run between two looks. */
struct view {
    const struct follow *follow;
    struct progress_line line;
    int64_t started_us;  /* wall clock: of the run; until that is known, of this command */
    char *last_line;     /* newest log line printed; owned */
    json_t *last_status; /* owned */
    char status[64], said[128];
    char now[256];                 /* "step 3/7 click: Open the first listing" */
    int rows, step, done, n_steps; /* steps are the plan's: a loop goes back in it */
    double cost_usd;
    char recent[RECENT][RECENT_BYTES]; /* events that have no line of their own, the newest last */
    bool asking;                       /* an answer is waited for at the terminal */
    bool pause_said, away_said;

    bool polls; /* no stream here, or none wanted */
    bool ended; /* the stream said so */
    struct event_stream *stream;
    char from[64]; /* time of the first event that is printed; "" all */
    bool any;      /* an event came from the stream */
};

bool follow_is_terminal(const json_t *status)
{
    enum run_state state;
    if (json_is_boolean(json_object_get(status, "terminal")))
        return json_flag(status, "terminal", false);
    return run_state_parse(json_str(status, "status", ""), &state) && run_state_terminal(state);
}

bool follow_succeeded(const json_t *status)
{
    return strcmp(json_str(status, "status", ""), "succeeded") == 0;
}

char *follow_reason(struct pool *pool, const json_t *status)
{
    static const char *const keys[] = {"error", "halt_reason", "halt_class", "terminal_status"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *text = json_str(status, keys[i], "");
        if (*text && strcmp(text, json_str(status, "status", "")) != 0)
            return table_clean(pool, str_cut(pool, text, 300), 0);
    }
    return pool_strdup(pool, "");
}

char *follow_step_line(struct pool *pool, const json_t *detail, int width)
{
    bool ok = json_flag(detail, "success", false), skip = json_flag(detail, "skip", false);
    const char *data = table_clean(pool, json_str(detail, "data", ""), DATA_CHARS);
    char *line = pool_printf(pool, "[%d] %-13s %-4s %5.2fs  %s",
                             (int)json_int(detail, "step_index", -1), json_str(detail, "type", "?"),
                             ok     ? "ok"
                             : skip ? "skip"
                                    : "FAIL",
                             json_num(detail, "duration", 0), data);
    return table_clean(pool, line, width);
}

char *follow_failed_steps(struct pool *pool, const json_t *result)
{
    const json_t *details = json_object_get(result, "step_details");
    char *text = pool_strdup(pool, "");
    size_t i;
    int n = 0;
    json_t *d;
    json_array_foreach ((json_t *)details, i, d) {
        if (json_flag(d, "success", true) || json_flag(d, "skip", false) || n++ >= FAILED_LINES)
            continue;
        text = pool_printf(pool, "%s[%d] FAIL  \"%s\": %s\n", text, (int)json_int(d, "step", -1),
                           table_clean(pool, json_str(d, "intent", ""), DATA_CHARS),
                           table_clean(pool, json_str(d, "data", ""), 0));
    }
    return n > FAILED_LINES ? pool_printf(pool, "%sand %d more\n", text, n - FAILED_LINES) : text;
}

/* Less than the lower bound is a server asked without end. */
bool follow_interval_ok(double interval_s)
{
    return interval_s == 0 || (interval_s >= INTERVAL_MIN_S && interval_s <= INTERVAL_MAX_S);
}

static char *event_line(struct pool *pool, const json_t *event, const char *raw, int width)
{
    const json_t *detail = json_object_get(event, "detail");
    if (strcmp(json_str(event, "kind", ""), "step_end") == 0 && json_is_object(detail))
        return follow_step_line(pool, detail, width);
    const char *text = json_str(event, "message", json_str(event, "summary", raw));
    char *when = str_cut(pool, json_str(event, "ts", ""), strlen("2026-03-04T05:06:07"));
    return table_clean(pool, pool_printf(pool, "%s%s%s", when, *when ? " " : "", text), width);
}

char *follow_log_line(struct pool *pool, const char *raw, int width)
{
    json_t *event = NULL;
    if (json_parse(raw, strlen(raw), "log line", &event, NULL) == 0)
        json_keep(pool, event);
    return event_line(pool, event, raw, width);
}

/* --- the live line --------------------------------------------------------------------------- */

static const char *facts(struct pool *pool, const struct view *v)
{
    const char *rows =
        v->rows ? pool_printf(pool, ", %d row%s", v->rows, v->rows == 1 ? "" : "s") : "";
    return v->cost_usd > 0 ? pool_printf(pool, "%s, %.4f USD", rows, v->cost_usd) : rows;
}

/* "[######......] 3/7"; "" before the first step. */
static const char *bar(struct pool *pool, const struct view *v)
{
    if (v->n_steps <= 0)
        return "";
    int full = v->done > v->n_steps ? BAR_CELLS : BAR_CELLS * v->done / v->n_steps;
    char *text = pool_printf(pool, "[%*s] %d/%d  ", BAR_CELLS, "", v->step, v->n_steps);
    for (int i = 0; i < BAR_CELLS; i++)
        text[1 + i] = i < full ? '#' : '.';
    return text;
}

static const char *panel(struct pool *pool, const struct view *v, double elapsed)
{
    const char *text =
        pool_printf(pool, "%s  %s%.1f s%s", v->status, bar(pool, v), elapsed, facts(pool, v));
    if (*v->now)
        text = pool_printf(pool, "%s\n%s", text, table_clean(pool, v->now, 0));
    for (int i = 0; i < RECENT; i++)
        if (*v->recent[i])
            text = pool_printf(pool, "%s\n  %s", text, v->recent[i]);
    return v->asking ? pool_printf(pool, "%s\nanswer (not shown), then Enter:", text) : text;
}

static void draw(struct view *v)
{
    struct pool *pool = pool_create(NULL);
    int64_t so_far_us = clock_wall_us() - v->started_us; /* by two clocks */
    double elapsed = so_far_us > 0 ? (double)so_far_us / 1e6 : 0;
    progress_line_show(&v->line, v->follow->panel
                                     ? panel(pool, v, elapsed)
                                     : pool_printf(pool, "%s %.1f s%s  %s", v->status, elapsed,
                                                   facts(pool, v), table_clean(pool, v->now, 0)));
    pool_destroy(pool);
}

static void note_step(struct view *v, const json_t *detail, int step_index)
{
    char number[32] = "";
    int n_steps = (int)json_int(detail, "n_steps", v->follow->n_steps);
    if (n_steps > 0) {
        snprintf(number, sizeof(number), "/%d", n_steps);
        v->n_steps = n_steps;
        v->step = step_index + 1;
    }
    const char *type = json_str(detail, "type", ""), *intent = json_str(detail, "intent", "");
    if (*type)
        snprintf(v->now, sizeof(v->now), "step %d%s %s%s%.160s", step_index + 1, number, type,
                 *intent ? ": " : "", intent);
}

/* Where the run is, as this event has it. True: a step ended. */
static bool note_place(struct view *v, const json_t *event)
{
    const json_t *detail = json_object_get(event, "detail");
    if (!json_is_object(detail))
        return false;
    note_step(v, detail, (int)json_int(detail, "step_index", json_int(event, "step_index", 0)));
    if (strcmp(json_str(event, "kind", ""), "step_end") != 0)
        return false;
    v->done = v->step;
    v->rows = (int)json_int(detail, "total_rows", v->rows);
    v->cost_usd = json_num(json_object_get(detail, "costs"), "total", v->cost_usd);
    return true;
}

/* --- log lines ------------------------------------------------------------------------------- */

static void print_line(struct view *v, const char *text)
{
    progress_line_clear(&v->line);
    fprintf(v->follow->out, "%s\n", text);
    fflush(v->follow->out);
}

/* The panel's last lines. */
static void note_recent(struct view *v, struct pool *pool, const char *line, const json_t *event)
{
    memmove(v->recent[0], v->recent[1], sizeof(v->recent) - sizeof(v->recent[0]));
    const char *text = json_str(event, "message", json_str(event, "summary", line));
    const char *ts = json_str(event, "ts", ""), *time = strchr(ts, 'T');
    snprintf(v->recent[RECENT - 1], RECENT_BYTES, "%.8s %s", time ? time + 1 : "",
             table_clean(pool, str_cut(pool, text, RECENT_BYTES - 16), 0));
}

static void print_event(struct view *v, struct pool *pool, const char *line, const json_t *event)
{
    bool step_end = note_place(v, event);
    int width = table_terminal_width(fileno(v->follow->out));
    enum follow_lines lines = v->follow->lines;
    if (lines == FOLLOW_RAW) {
        print_line(v, line);
    } else if (lines == FOLLOW_ALL || (step_end && lines == FOLLOW_STEPS)) {
        print_line(v, event_line(pool, event, line, width));
    } else if (v->follow->panel && strcmp(json_str(event, "kind", ""), "step_start") != 0) {
        note_recent(v, pool, line, event);
    }
}

/* Index of the first line that was not seen. */
static size_t first_new(const struct view *v, const json_t *lines)
{
    for (size_t i = json_array_size(lines); v->last_line && i > 0; i--) {
        const char *line = json_string_value(json_array_get(lines, i - 1));
        if (line && strcmp(line, v->last_line) == 0)
            return i;
    }
    return 0;
}

static void take_lines(struct view *v, struct pool *pool, const json_t *lines)
{
    for (size_t i = first_new(v, lines); i < json_array_size(lines); i++) {
        const char *line = json_string_value(json_array_get(lines, i));
        json_t *event = NULL;
        if (!line)
            continue;
        if (json_parse(line, strlen(line), "log line", &event, NULL) == 0)
            json_keep(pool, event);
        print_event(v, pool, line, event);
        if (i + 1 == json_array_size(lines)) {
            free(v->last_line);
            v->last_line = strdup(line);
        }
    }
}

/* --- looking --------------------------------------------------------------------------------- */

static bool may_ask(const struct view *v)
{
    return v->follow->panel && !v->follow->stop_on_pause && typing_possible();
}

static void set_asking(struct view *v, bool asking)
{
    if (asking == v->asking)
        return;
    v->asking = asking;
    asking ? typing_begin() : typing_end();
}

/* What was typed, if anything, goes to the run. A refusal is said, and asked again. */
static void take_answer(struct view *v)
{
    char line[TYPING_BYTES];
    int got = v->asking ? typing_line(line, sizeof(line)) : 0;
    if (got < 0)
        set_asking(v, false);
    if (got <= 0 || !*input_trim(line))
        return;
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    json_t *reply, *extra = json_keep(pool, json_object());
    json_put(extra, "user_input", json_string_safe(input_trim(line)));
    if (client_action(v->follow->client, pool, "resume", v->follow->run_id, extra, &reply, &err)) {
        progress_line_clear(&v->line);
        cmd_warning("%s", err.msg);
    } else {
        set_asking(v, false);
        snprintf(v->status, sizeof(v->status), "answered,");
    }
    explicit_bzero(line, sizeof(line));
    pool_destroy(pool);
}

static void say_status(struct view *v, const json_t *status)
{
    struct pool *pool = pool_create(NULL);
    const char *word = json_str(status, "status", ""), *prompt = json_str(status, "prompt", "");
    bool paused = strcmp(word, "paused") == 0;
    snprintf(v->status, sizeof(v->status), "%.63s", word);
    clock_parse_iso(json_str(status, "started_at", json_str(status, "created_at", "")),
                    &v->started_us);
    if (v->follow->say_status && strcmp(v->said, word) != 0) {
        progress_line_clear(&v->line);
        fprintf(stderr, "status=%s updated_at=%s\n", word, json_str(status, "updated_at", ""));
        snprintf(v->said, sizeof(v->said), "%.127s", word);
    }
    if (paused && !v->pause_said) {
        progress_line_clear(&v->line);
        const char *why = json_str(status, "pause_reason", json_str(status, "reason", "paused"));
        fprintf(stderr, "paused: %s%s%s\n", table_clean(pool, why, 0), *prompt ? ": " : "",
                table_clean(pool, prompt, 0));
        if (*prompt && !may_ask(v))
            fprintf(stderr, "answer with: mantis runs resume %s\n",
                    table_clean(pool, v->follow->run_id, 0));
    }
    v->pause_said = paused;
    set_asking(v, paused && *prompt && may_ask(v));
    pool_destroy(pool);
}

static int advised_wait_ms(struct view *v, struct pool *pool)
{
    json_t *phase;
    struct err ignored = {0};
    if (v->follow->interval_s > 0)
        return (int)(v->follow->interval_s * 1000);
    char *path = pool_printf(pool, "/v1/runs/%s", v->follow->run_id);
    if (client_call(v->follow->client, pool, "GET", path, NULL, &phase, &ignored))
        return 1500;
    int64_t ms = json_int(phase, "polling_backoff_ms_hint", 1500);
    return (int)(ms < HINT_MIN_MS ? HINT_MIN_MS : ms > HINT_MAX_MS ? HINT_MAX_MS : ms);
}

static int ask_logs(struct view *v, struct pool *pool, int tail, json_t **ret_lines, struct err *err)
{
    const struct follow *f = v->follow;
    json_t *logs, *extra = json_keep(pool, json_object());
    json_put_int(extra, "tail", tail);
    int r = client_action(f->client, pool, "logs", f->run_id, extra, &logs, err);
    *ret_lines = r ? NULL : json_object_get(logs, "events");
    return r;
}

/* What the live line shows of what was before: of more than is printed. */
static void learn_place(struct view *v)
{
    struct pool *pool = pool_create(NULL);
    json_t *lines = NULL, *line, *event;
    struct err ignored = {0};
    size_t i;
    if (v->line.width && ask_logs(v, pool, PLACE_TAIL, &lines, &ignored) == 0)
        json_array_foreach (lines, i, line)
            if (json_parse(json_string_value(line), json_string_length(line), "log line", &event, NULL) == 0)
                note_place(v, json_keep(pool, event));
    pool_destroy(pool);
}

/* Status first, then the log: what is printed after a terminal status is the whole log. */
static int look(struct view *v, struct pool *pool, json_t **ret_status, struct err *err)
{
    const struct follow *f = v->follow;
    json_t *lines;
    int r = client_action(f->client, pool, "status", f->run_id, NULL, ret_status, err);
    bool whole_log = !r && !v->stream && (v->polls || follow_is_terminal(*ret_status));
    if (whole_log)
        r = ask_logs(v, pool, f->tail, &lines, err);
    if (r)
        return r;
    if (whole_log)
        take_lines(v, pool, lines);
    say_status(v, *ret_status);
    return 0;
}

static void tick(struct view *v)
{
    take_answer(v);
    draw(v);
}

static int pause_for(struct view *v, int ms)
{
    int64_t until = clock_mono_ms() + ms;
    for (int64_t now; (now = clock_mono_ms()) < until;) {
        tick(v);
        int64_t next = v->line.width && now + REDRAW_MS < until ? now + REDRAW_MS : until;
        int r = loop_wait(v->follow->client->loop, NULL, NULL, next);
        if (r)
            return r;
    }
    return 0;
}

/* --- the stream ------------------------------------------------------------------------------ */

/* Where to begin so that the last `tail` lines come: a whole second before, the rest is left out.
 */
static void open_stream(struct view *v, struct pool *pool)
{
    const struct follow *f = v->follow;
    json_t *lines = NULL, *event = NULL;
    struct err ignored = {0};
    const char *since = "", *line = NULL;
    if (ask_logs(v, pool, f->tail, &lines, &ignored) == 0 && json_array_size(lines) == (size_t)f->tail)
        line = json_string_value(json_array_get(lines, 0));
    if (line && json_parse(line, strlen(line), "log line", &event, NULL) == 0) {
        snprintf(v->from, sizeof(v->from), "%s", json_str(json_keep(pool, event), "ts", ""));
        since = str_cut(pool, v->from, strlen("2026-03-04T05:06:07"));
    }
    v->stream = event_stream_create(f->client, f->run_id, since);
}

static void take_frame(struct view *v, const struct event_frame *frame)
{
    struct pool *pool = pool_create(NULL);
    json_t *event = NULL;
    v->any = true;
    v->ended = v->ended || strcmp(frame->name, "terminal") == 0;
    if (*frame->id && json_parse(frame->data, strlen(frame->data), "event", &event, NULL) == 0 &&
        strcmp(json_str(json_keep(pool, event), "ts", ""), v->from) >= 0)
        print_event(v, pool, frame->data, event);
    pool_destroy(pool);
}

/* Until it is time to look at the status. */
static int read_stream(struct view *v, int idle_ms, int news_ms, struct err *err)
{
    int64_t began = clock_mono_ms(), look_at = began + idle_ms;
    for (int64_t now; !v->ended && (now = clock_mono_ms()) < look_at;) {
        struct event_frame frame;
        tick(v);
        int64_t next = v->line.width && now + REDRAW_MS < look_at ? now + REDRAW_MS : look_at;
        int r = event_stream_next(v->stream, next, &frame, err);
        if (r)
            return r;
        if (frame.lost) {
            progress_line_clear(&v->line);
            cmd_warning("%s; trying again for a minute", frame.lost);
        }
        if (!frame.name)
            continue;
        take_frame(v, &frame);
        if (look_at > began + news_ms)
            look_at = began + news_ms;
    }
    return 0;
}

/* The events until the next look, or that there is no stream. */
static int wait_for_news(struct view *v, struct pool *pool, struct err *err)
{
    if (!v->polls && !v->stream)
        open_stream(v, pool);
    int r = v->polls ? 0 : read_stream(v, LOOK_IDLE_MS, LOOK_NEWS_MS, err);
    if (r && r != E_CANCELLED && !v->any) { /* an old server, or a gateway that cannot stream */
        err_clear(err);
        event_stream_destroy(v->stream);
        v->stream = NULL;
        v->polls = true;
        return 0;
    }
    return r;
}

static int drain(struct view *v, struct err *err)
{
    struct err why = {0};
    int r = v->stream ? read_stream(v, DRAIN_MS, DRAIN_MS, &why) : 0;
    if (r == E_CANCELLED)
        return err_set(err, r, "interrupted");
    if (r)
        cmd_warning("the last events are missing: %s", why.msg);
    return 0;
}

/* --- until the end --------------------------------------------------------------------------- */

static bool may_pass(int code)
{
    return err_retryable(code) || code == E_UPSTREAM || code == E_UNAVAILABLE || code == E_TIMEOUT;
}

static bool is_at_end(const struct view *v, const json_t *status)
{
    bool paused = strcmp(json_str(status, "status", ""), "paused") == 0;
    return follow_is_terminal(status) || (paused && v->follow->stop_on_pause);
}

/* What to do after a look; *ret_done: nothing more. */
static int after_look(struct view *v, struct pool *pool, json_t *status, bool *ret_done,
                      struct err *err)
{
    json_decref(v->last_status);
    v->last_status = json_incref(status);
    v->away_said = false;
    *ret_done = is_at_end(v, status);
    if (*ret_done)
        return follow_is_terminal(status) ? drain(v, err) : 0;
    bool polled = v->polls;
    int r = wait_for_news(v, pool, err);
    if (r || !(polled || v->ended))
        return r;
    return pause_for(v, polled ? advised_wait_ms(v, pool) : RETRY_MS)
               ? err_set(err, E_CANCELLED, "interrupted")
               : 0;
}

static int after_failure(struct view *v, int code, int64_t last_answer_ms, struct err *err)
{
    if (!may_pass(code) || clock_mono_ms() - last_answer_ms > AWAY_MS)
        return code;
    if (!v->away_said) {
        progress_line_clear(&v->line);
        cmd_warning("%s; trying again for a minute", err->msg);
    }
    v->away_said = true;
    snprintf(v->status, sizeof(v->status), "no answer,");
    err_clear(err);
    return pause_for(v, RETRY_MS) ? err_set(err, E_CANCELLED, "interrupted") : 0;
}

static int watch(struct view *v, struct err *err)
{
    int64_t last_answer = clock_mono_ms();
    for (bool done = false; !done;) {
        struct pool *pool = pool_create(NULL);
        json_t *status = NULL;
        int r = look(v, pool, &status, err);
        if (!r) {
            r = after_look(v, pool, status, &done, err);
            last_answer = clock_mono_ms();
        } else {
            r = after_failure(v, r, last_answer, err);
        }
        pool_destroy(pool);
        if (r)
            return r;
    }
    return 0;
}

int follow_run(const struct follow *follow, struct pool *pool, json_t **ret_status, struct err *err)
{
    struct view v = {.follow = follow, .started_us = clock_wall_us(), .status = "waiting"};
    v.polls = follow->lines == FOLLOW_RAW || follow->interval_s > 0;
    progress_line_init(&v.line, stderr);
    learn_place(&v);
    int r = watch(&v, err);
    event_stream_destroy(v.stream);
    set_asking(&v, false);
    progress_line_clear(&v.line);
    if (v.last_status)
        *ret_status = json_keep(pool, v.last_status);
    free(v.last_line);
    return r;
}
