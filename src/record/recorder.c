#include "record/record.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "record/cut.h"
#include "record/mend.h"
#include "sys/queue.h"

enum {
    TITLE_S = 3,
    OUTRO_S = 5,
    IDLE_MS = 300,     /* what was told by then is written, though nothing new comes */
    LAG_MS = 10000,    /* the encoder is so far behind: repeated pictures are left out */
    FIRST_MS = 10000,  /* for the first picture to come */
    LAPSE_AFTER_S = 5, /* of nothing new: from then on time passes faster in the polished cut */
    LAPSE_TIMES = 8,
    MARKS = 16, /* that are seen at once */
};

enum note_kind { NOTE_FRAME, NOTE_MARK, NOTE_STEP, NOTE_STEP_END, NOTE_ROW };

struct note {
    enum note_kind kind;
    int64_t at_us;
    uint8_t *pixels; /* of a frame: a buffer, rows packed */
    struct mark mark;
    char text[CAP_VIDEO_TEXT_BYTES];
};

/* A card that outlives who told it. */
struct kept_slide {
    struct pool *pool;
    struct slide card;
};

struct counts {
    int clicks, keys, types, scrolls, drags;
};

struct recorder {
    /* set before the thread starts, or before the queue is closed */
    struct recorder_config config;
    char *dir, *format, *display; /* owned, of config */
    struct kept_slide title, outro;
    int64_t created_us, start_us, end_us;
    struct queue *notes, *buffers; /* buffers: that are free */
    /* the teller's */
    pthread_t thread;
    bool started, joined;
    int n_buffers;
    int dropped; /* pictures that found no room */
    struct counts counts;
    /* the thread's, until it is done */
    struct cut raw, polished;
    struct canvas *canvas;
    uint8_t *screen; /* the buffer of the last picture; NULL: none yet */
    bool fresh;      /* it is not written yet */
    bool redraw;     /* something else on the polished picture is another */
    int64_t tick;    /* of the run: the next */
    int still;       /* ticks without anything new */
    int64_t lapsed;  /* ticks during which time passed faster in the polished cut */
    int64_t saved;   /* those of them that were left out of it */
    struct mark marks[MARKS];
    int n_marks;
    char now[CAP_VIDEO_TEXT_BYTES], before[CAP_VIDEO_TEXT_BYTES];
    char error[256];        /* as in the result; "" none */
    double cpu_s, finish_s; /* that the thread took, in all and after the end */
    /* shared */
    atomic_bool stop, done;
    int done_fd;
};

/* --- the thread: what is shown -----------------------------------------------------------------
 */

static void fail(struct recorder *rec, const char *kind, const char *why)
{
    if (!*rec->error)
        snprintf(rec->error, sizeof(rec->error), "%s%s%.200s", kind, *why ? ":" : "", why);
}

static int64_t tick_us(const struct recorder *rec, int64_t tick)
{
    return rec->start_us + tick * 1000000 / rec->config.fps;
}

static struct frame screen_of(const struct recorder *rec)
{
    return (struct frame){.width = rec->config.width,
                          .height = rec->config.height,
                          .stride = rec->config.width * 4,
                          .pixels = rec->screen};
}

static bool stopped(void *arg)
{
    return atomic_load(&((struct recorder *)arg)->stop);
}

/* A cut whose file cannot grow any more is over: what is in it is kept. */
static void write_tick(struct recorder *rec, struct cut *cut, const struct frame *frame)
{
    struct err err = {0};
    int r = cut_write(cut, frame, &err);
    if (!r)
        return;
    fail(rec, r == E_TOOBIG ? "too-large" : "write-failed", err.msg);
    if (r != E_TOOBIG || cut_finish(cut, stopped, rec, &err))
        cut_close(cut);
}

/* Marks that are over go. */
static void draw_marks(struct recorder *rec, int64_t at_us)
{
    int n = 0;
    for (int i = 0; i < rec->n_marks; i++)
        if (canvas_mark(rec->canvas, &rec->marks[i], (at_us - rec->marks[i].at_us) / 1000))
            rec->marks[n++] = rec->marks[i];
    rec->n_marks = n;
}

static void compose(struct recorder *rec, int64_t at_us, bool lapse)
{
    struct frame screen = screen_of(rec);
    canvas_screen(rec->canvas, &screen);
    draw_marks(rec, at_us);
    canvas_caption(rec->canvas, rec->now, rec->before);
    if (lapse)
        canvas_lapse(rec->canvas, LAPSE_TIMES);
}

static void polish_tick(struct recorder *rec, bool lagging)
{
    bool news = rec->fresh || rec->redraw || rec->n_marks;
    int idle = LAPSE_AFTER_S * rec->config.fps;
    bool begins_lapse = !news && rec->still == idle;
    rec->still = news ? 0 : rec->still + 1;
    rec->lapsed += rec->still > idle;
    if (rec->still > idle && rec->still % LAPSE_TIMES && !begins_lapse) {
        rec->saved++;
        return;
    }
    if (!news && !begins_lapse && lagging) {
        cut_skip(&rec->polished);
        return;
    }
    rec->redraw = rec->n_marks > 0; /* once more when they are gone */
    struct frame picture;
    if (news || begins_lapse) {
        compose(rec, tick_us(rec, rec->tick), begins_lapse);
        picture = canvas_frame(rec->canvas);
    }
    write_tick(rec, &rec->polished, news || begins_lapse ? &picture : NULL);
}

static void raw_tick(struct recorder *rec, bool lagging)
{
    struct frame screen = screen_of(rec);
    if (!rec->fresh && lagging)
        cut_skip(&rec->raw);
    else
        write_tick(rec, &rec->raw, rec->fresh ? &screen : NULL);
}

/* All ticks before at_us. Without a picture there is nothing to show: they wait for the first. */
static void advance(struct recorder *rec, int64_t at_us)
{
    while (rec->screen && tick_us(rec, rec->tick) < at_us && !atomic_load(&rec->stop)) {
        bool lagging = tick_us(rec, rec->tick) + LAG_MS * 1000 < clock_mono_us() && rec->tick > 0;
        if (rec->raw.encoder)
            raw_tick(rec, lagging);
        if (rec->polished.encoder)
            polish_tick(rec, lagging);
        rec->fresh = false;
        rec->tick++;
    }
}

/* --- the thread: what it is told ---------------------------------------------------------------
 */

static void take_frame(struct recorder *rec, struct note *n)
{
    if (rec->screen && !queue_push(rec->buffers, rec->screen))
        BUG("more buffers than there are");
    rec->screen = n->pixels;
    rec->fresh = true;
}

static const bool is_badge[MARK_KINDS] = {[MARK_KEYS] = true, [MARK_TEXT] = true};

/* Badges have one place: a new one takes it. */
static void drop_badges(struct recorder *rec)
{
    int n = 0;
    for (int i = 0; i < rec->n_marks; i++)
        if (!is_badge[rec->marks[i].kind])
            rec->marks[n++] = rec->marks[i];
    rec->n_marks = n;
}

static void take_mark(struct recorder *rec, struct note *n)
{
    if (is_badge[n->mark.kind])
        drop_badges(rec);
    if (rec->n_marks == MARKS) {
        memmove(rec->marks, rec->marks + 1, (MARKS - 1) * sizeof(rec->marks[0]));
        rec->n_marks--;
    }
    rec->marks[rec->n_marks++] = n->mark;
}

static void for_cuts(struct recorder *rec, void (*fn)(struct cut *cut, const char *text),
                     const char *text)
{
    if (rec->raw.encoder)
        fn(&rec->raw, text);
    if (rec->polished.encoder)
        fn(&rec->polished, text);
}

static void begin_caption(struct cut *cut, const char *text)
{
    cut_caption(cut, NULL, text);
}

static void end_caption(struct cut *cut, const char *text)
{
    cut_caption(cut, text, NULL);
}

static void take_step(struct recorder *rec, struct note *n)
{
    snprintf(rec->now, sizeof(rec->now), "%s", n->text);
    rec->redraw = true;
    for_cuts(rec, begin_caption, n->text);
    for_cuts(rec, cut_chapter, n->text);
}

static void take_step_end(struct recorder *rec, struct note *n)
{
    snprintf(rec->before, sizeof(rec->before), "%s", n->text);
    rec->now[0] = 0;
    rec->redraw = true;
    for_cuts(rec, end_caption, n->text);
}

static void take_row(struct recorder *rec, struct note *n)
{
    for_cuts(rec, cut_chapter, n->text);
}

static void (*const takers[])(struct recorder *rec, struct note *n) = {
    [NOTE_FRAME] = take_frame,       [NOTE_MARK] = take_mark, [NOTE_STEP] = take_step,
    [NOTE_STEP_END] = take_step_end, [NOTE_ROW] = take_row,
};

/* Until the teller has no more to say. */
static void listen(struct recorder *rec)
{
    void *item;
    int r;
    while (!atomic_load(&rec->stop) &&
           (r = queue_pop(rec->notes, clock_mono_ms() + IDLE_MS, &item)) != E_GONE) {
        if (r == E_TIMEOUT) {
            advance(rec, clock_mono_us() - IDLE_MS * 1000);
            if (!rec->screen && clock_mono_us() > rec->created_us + FIRST_MS * 1000)
                fail(rec, "x-display-not-ready", rec->display);
            continue;
        }
        struct note *n = item;
        advance(rec, n->at_us);
        takers[n->kind](rec, n);
        free(n);
    }
}

/* --- the thread: beginning and end -------------------------------------------------------------
 */

static void show_card(struct recorder *rec, const struct kept_slide *card, int seconds)
{
    if (!card->pool || !rec->polished.encoder)
        return;
    canvas_slide(rec->canvas, &card->card);
    struct frame picture = canvas_frame(rec->canvas);
    for (int i = 0;
         i < seconds * rec->config.fps && rec->polished.encoder && !atomic_load(&rec->stop); i++)
        write_tick(rec, &rec->polished, i ? NULL : &picture);
}

static void open_cut(struct recorder *rec, struct cut *cut, const char *name)
{
    const struct recorder_config *c = &rec->config;
    struct err err = {0};
    int r =
        cut_open(cut, rec->dir, name, rec->format, c->fps, c->width, c->height, stopped, rec, &err);
    if (r == E_NOT_FOUND)
        fail(rec, "ffmpeg-not-installed", "");
    else if (r && r != E_CANCELLED)
        fail(rec, "ffmpeg-startup-failed", err.msg);
}

static void finish_cut(struct recorder *rec, struct cut *cut)
{
    struct err err = {0};
    int r = cut->encoder ? cut_finish(cut, stopped, rec, &err) : 0;
    if (r && r != E_CANCELLED)
        fail(rec, "write-failed", err.msg);
}

static void end(struct recorder *rec)
{
    if (!rec->screen)
        fail(rec, "x-display-not-ready", rec->display);
    for_cuts(rec, end_caption, NULL); /* what was under way is not the outro's */
    for_cuts(rec, cut_chapter, NULL);
    show_card(rec, &rec->outro, OUTRO_S);
    finish_cut(rec, &rec->polished);
    finish_cut(rec, &rec->raw);
}

static void *work(void *arg)
{
    struct recorder *rec = arg;
    mend_forget(rec->dir);
    if (rec->config.cuts & RECORD_RAW)
        open_cut(rec, &rec->raw, CUT_RAW);
    if (rec->config.cuts & RECORD_POLISHED)
        open_cut(rec, &rec->polished, CUT_POLISHED);
    rec->canvas = canvas_create(rec->config.width, rec->config.height);
    if (!rec->polished.base_ms)
        show_card(rec, &rec->title, TITLE_S);
    listen(rec);
    advance(rec, rec->end_us);
    if (!atomic_load(&rec->stop))
        end(rec);
    else
        fail(rec, "interrupted", "");
    cut_close(&rec->raw);
    cut_close(&rec->polished);
    canvas_destroy(rec->canvas);
    struct timespec cpu;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    rec->cpu_s = (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9;
    rec->finish_s = rec->end_us ? (double)(clock_mono_us() - rec->end_us) / 1e6 : 0;
    atomic_store(&rec->done, true);
    uint64_t one = 1;
    if (write(rec->done_fd, &one, sizeof(one)) < 0)
        BUG("an eventfd that cannot be written");
    return NULL;
}

/* --- the teller ----------------------------------------------------------------------------------
 */

static char *kept(const char *text)
{
    char *copy = strdup(text ? text : "");
    if (!copy)
        BUG("out of memory");
    return copy;
}

static void keep_slide(struct kept_slide *out, const struct slide *card)
{
    struct pool *pool = pool_create(NULL);
    struct slide_line *lines = pool_alloc(pool, ((size_t)card->n_lines + 1) * sizeof(*lines));
    for (int i = 0; i < card->n_lines; i++)
        lines[i] = (struct slide_line){str_cut(pool, card->lines[i].label, CAP_VIDEO_TEXT_BYTES),
                                       str_cut(pool, card->lines[i].value, CAP_VIDEO_TEXT_BYTES)};
    out->card = (struct slide){.heading = str_cut(pool, card->heading, CAP_VIDEO_TEXT_BYTES),
                               .below = str_cut(pool, card->below, CAP_VIDEO_TEXT_BYTES),
                               .lines = lines,
                               .n_lines = card->n_lines};
    out->pool = pool;
}

struct recorder *recorder_create(const struct recorder_config *config)
{
    struct recorder *rec = calloc(1, sizeof(*rec));
    if (!rec)
        BUG("out of memory");
    rec->config = *config;
    rec->dir = kept(config->dir);
    rec->format = kept(config->format);
    rec->display = kept(config->display);
    if (config->title)
        keep_slide(&rec->title, config->title);
    rec->created_us = clock_mono_us();
    rec->start_us = config->start_us ? config->start_us : rec->created_us;
    rec->notes = queue_create(CAP_VIDEO_NOTES);
    rec->buffers = queue_create(CAP_VIDEO_FRAMES);
    rec->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = rec->done_fd < 0 ? errno : pthread_create(&rec->thread, NULL, work, rec);
    rec->started = !r;
    if (r)
        fail(rec, "spawn-failed", strerror(r));
    return rec;
}

/* Takes the note. */
static bool tell(struct recorder *rec, struct note *n)
{
    n->at_us = clock_mono_us();
    n->mark.at_us = n->at_us;
    if (rec->started && queue_push(rec->notes, n))
        return true;
    if (n->pixels && !queue_push(rec->buffers, n->pixels))
        free(n->pixels);
    free(n);
    return false;
}

static struct note *note_of(enum note_kind kind, const char *text)
{
    struct note *n = calloc(1, sizeof(*n));
    struct pool *pool = pool_create(NULL);
    if (!n)
        BUG("out of memory");
    n->kind = kind;
    snprintf(n->text, sizeof(n->text), "%s", str_cut(pool, text, sizeof(n->text) - 1));
    pool_destroy(pool);
    return n;
}

/* A free buffer; NULL: all of them wait for the encoder. */
static uint8_t *need_buffer(struct recorder *rec)
{
    void *buffer;
    if (!queue_pop(rec->buffers, 0, &buffer))
        return buffer;
    if (rec->n_buffers == CAP_VIDEO_FRAMES)
        return NULL;
    rec->n_buffers++;
    buffer = malloc(4 * (size_t)rec->config.width * (size_t)rec->config.height);
    if (!buffer)
        BUG("out of memory");
    return buffer;
}

bool recorder_frame(struct recorder *rec, const struct frame *frame)
{
    if (!rec->started || frame->width != rec->config.width || frame->height != rec->config.height)
        return true; /* it would not be taken later, either */
    uint8_t *to = need_buffer(rec);
    if (!to) {
        rec->dropped++;
        return false;
    }
    size_t row = 4 * (size_t)frame->width;
    for (int y = 0; y < frame->height; y++)
        memcpy(to + (size_t)y * row, frame->pixels + (size_t)y * (size_t)frame->stride, row);
    struct note *n = note_of(NOTE_FRAME, "");
    n->pixels = to;
    return tell(rec, n);
}

void recorder_mark(struct recorder *rec, const struct mark *mark)
{
    int *const counts[MARK_KINDS] = {
        [MARK_CLICK] = &rec->counts.clicks,   [MARK_DOUBLE_CLICK] = &rec->counts.clicks,
        [MARK_KEYS] = &rec->counts.keys,      [MARK_TEXT] = &rec->counts.types,
        [MARK_SCROLL] = &rec->counts.scrolls, [MARK_DRAG] = &rec->counts.drags,
    };
    struct note *n = note_of(NOTE_MARK, "");
    n->mark = *mark;
    ++*counts[mark->kind];
    tell(rec, n);
}

void recorder_step(struct recorder *rec, const char *caption)
{
    tell(rec, note_of(NOTE_STEP, caption));
}

void recorder_step_end(struct recorder *rec, const char *caption)
{
    tell(rec, note_of(NOTE_STEP_END, caption));
}

void recorder_row(struct recorder *rec, const char *title)
{
    tell(rec, note_of(NOTE_ROW, title));
}

void recorder_end(struct recorder *rec, const struct slide *outro)
{
    if (rec->outro.pool)
        return;
    keep_slide(&rec->outro, outro);
    rec->end_us = clock_mono_us();
    queue_close(rec->notes);
}

static bool is_done(void *arg)
{
    return atomic_load(&((struct recorder *)arg)->done);
}

static void woken(void *arg, uint32_t events)
{
    uint64_t n;
    struct recorder *rec = arg;
    if (read(rec->done_fd, &n, sizeof(n)) < 0)
        return; /* it was read already */
}

int recorder_wait(struct recorder *rec, struct loop *loop, int64_t deadline_mono_ms,
                  struct err *err)
{
    struct loop_fd *watch;
    if (!rec->started)
        return 0;
    int r = loop_fd_add(loop, rec->done_fd, EPOLLIN, woken, rec, &watch, err);
    if (r)
        return r;
    r = loop_wait(loop, is_done, rec, deadline_mono_ms);
    loop_fd_remove(watch);
    return r ? err_set(err, r, "the video was not complete in time") : 0;
}

static void join_thread(struct recorder *rec)
{
    if (!rec->started || rec->joined)
        return;
    if (!atomic_load(&rec->done))
        atomic_store(&rec->stop, true);
    queue_close(rec->notes);
    pthread_join(rec->thread, NULL);
    rec->joined = true;
}

void recorder_destroy(struct recorder *rec)
{
    void *item;
    if (!rec)
        return;
    join_thread(rec);
    while (!queue_pop(rec->notes, 0, &item)) {
        free(((struct note *)item)->pixels);
        free(item);
    }
    while (!queue_pop(rec->buffers, 0, &item))
        free(item);
    free(rec->screen);
    queue_destroy(rec->notes);
    queue_destroy(rec->buffers);
    if (rec->done_fd >= 0)
        close(rec->done_fd);
    pool_destroy(rec->title.pool);
    pool_destroy(rec->outro.pool);
    free(rec->dir);
    free(rec->format);
    free(rec->display);
    free(rec);
}

/* --- the result ----------------------------------------------------------------------------------
 */

/* -1: it is none of ours. */
static int64_t length_of(const struct cut *cut)
{
    return *cut->path ? cut_now_ms(cut) : -1;
}

json_t *recorder_result(struct recorder *rec)
{
    const struct counts *n = &rec->counts;
    join_thread(rec);
    json_t *o = json_object();
    json_put_str(o, "format", rec->format);
    if (!cut_tell_all(o, rec->dir, rec->format, length_of(&rec->raw), length_of(&rec->polished)))
        fail(rec, "empty-output", "");
    json_put(o, "error", *rec->error ? json_string_safe(rec->error) : json_null());
    json_put(o, "actions",
             json_pack("{s:i,s:i,s:i,s:i,s:i}", "clicks", n->clicks, "keys", n->keys, "types",
                       n->types, "scrolls", n->scrolls, "drags", n->drags));
    json_put_int(o, "clicks", n->clicks);
    json_put_int(o, "fps", rec->config.fps);
    json_put_int(o, "dropped_frames", rec->dropped);
    json_put(o, "encoder",
             json_pack("{s:f,s:f}", "cpu_seconds", rec->cpu_s, "finish_seconds", rec->finish_s));
    json_put_num(o, "time_lapsed_seconds", (double)rec->lapsed / rec->config.fps);
    json_put_num(o, "time_saved_seconds", (double)rec->saved / rec->config.fps);
    return o;
}
