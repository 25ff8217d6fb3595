/*
 * follow.c - callers that read a run's events as they come.
 *
 * A run that is followed keeps its newest events as finished lines: each of its followers gets the
 * same pointers. What is older comes from the store. Followers are told from a timer, once however
 * many commits there were: ten thousand of them cost a walk through a list.
 */
#include "sched/private.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"

/* One event as it goes out. One piece of memory. */
struct kept {
    struct kept *next; /* newer */
    size_t size;
    struct sched_event event;
};

struct followed {
    struct keynode node;
    struct sched *sched;
    struct sched_follow *first;   /* its followers */
    struct sched_follow *calling; /* the next one to be told; NULL: nobody is being told */
    struct followed *next_woken;
    bool woken, telling, filled; /* filled: the newest were read from the store once */
    bool gone;                   /* from the store, and from the table */
    enum run_state state;
    bool over, has_class;
    char halt_class[CAP_HALT_CLASS_BYTES]; /* when has_class; "" none */
    int64_t last_seq;
    struct kept *oldest, *newest; /* without a gap up to last_seq */
    int n;
};

struct sched_follow {
    struct sched_follow *next, *prev;
    struct followed *run;
    sched_watch_fn *fn;
    void *arg;
};

/* --- lines -------------------------------------------------------------------------------------
 */

static const char *name_of(const json_t *event)
{
    const char *name = json_str(event, "kind", "");
    if (!*name)
        name = json_str(event, "type", "");
    return *name ? name : "message";
}

/* A name comes from a worker; a line break in it would end the frame. */
static void clean_name(char *name)
{
    for (; *name; name++)
        if (iscntrl((unsigned char)*name))
            *name = '_';
}

static struct kept *kept_create(const json_t *event)
{
    char *json = json_dumps(event, JSON_FOR_CALLERS);
    if (!json)
        BUG("an event cannot be printed");
    const char *ts = json_str(event, "ts", ""), *name = name_of(event);
    long long seq = (long long)json_int(event, "seq", 0);
    size_t json_size = strlen(json) + 1, name_size = strlen(name) + 1;
    size_t cursor_size = strlen(ts) + 24;
    size_t size = sizeof(struct kept) + json_size + name_size + cursor_size;
    struct kept *k = malloc(size);
    if (!k)
        BUG("out of memory");
    char *at = (char *)(k + 1);
    *k = (struct kept){.size = size, .event = {.seq = seq, .json = at}};
    memcpy(at, json, json_size);
    k->event.name = memcpy(at + json_size, name, name_size);
    clean_name(at + json_size);
    k->event.cursor = at + json_size + name_size;
    snprintf(at + json_size + name_size, cursor_size, "%s#%lld", ts, seq);
    free(json);
    return k;
}

static void forget_oldest(struct followed *f)
{
    struct kept *k = f->oldest;
    f->oldest = k->next;
    if (!f->oldest)
        f->newest = NULL;
    f->n--;
    f->sched->follows.bytes -= k->size;
    sched_free_later(f->sched, k);
}

static void forget_all(struct followed *f)
{
    while (f->oldest)
        forget_oldest(f);
}

static void keep(struct followed *f, const json_t *event)
{
    struct kept *k = kept_create(event);
    if (k->size > CAP_FOLLOW_LINE_BYTES || (f->newest && k->event.seq != f->newest->event.seq + 1))
        forget_all(f);
    if (k->size > CAP_FOLLOW_LINE_BYTES) {
        free(k);
        return;
    }
    if (f->newest)
        f->newest->next = k;
    else
        f->oldest = k;
    f->newest = k;
    f->n++;
    f->sched->follows.bytes += k->size;
    while (f->n > CAP_FOLLOW_LINES || (f->n > 1 && f->sched->follows.bytes > CAP_FOLLOW_BYTES))
        forget_oldest(f);
}

/* --- telling -----------------------------------------------------------------------------------
 */

static void free_if_alone(struct followed *f)
{
    if (f->first || f->telling || f->woken)
        return;
    forget_all(f);
    if (!f->gone)
        keymap_remove(&f->sched->follows.runs, &f->node);
    sched_free_later(f->sched, f); /* a peek may still show its halt_class */
}

/* Anything may happen to followers in here, but not to the scheduler itself. */
static void tell_followers(struct followed *f)
{
    f->telling = true;
    f->calling = f->first;
    while (f->calling) {
        struct sched_follow *one = f->calling;
        f->calling = one->next;
        one->fn(one->arg);
    }
    f->telling = false;
    free_if_alone(f);
}

static void tell_woken(void *arg)
{
    struct sched *s = arg;
    struct followed *f = s->follows.woken;
    s->follows.woken = NULL;
    while (f) {
        struct followed *next = f->next_woken;
        f->woken = false;
        tell_followers(f);
        f = next;
    }
}

static void wake(struct followed *f)
{
    struct follow_table *t = &f->sched->follows;
    if (f->woken)
        return;
    f->woken = true;
    f->next_woken = t->woken;
    t->woken = f;
    if (!t->timer.loop)
        loop_timer_set(f->sched->loop, &t->timer, 0, tell_woken, f->sched);
}

void follow_note(struct sched *s, const struct store_note *note)
{
    size_t i;
    json_t *event;
    struct followed *f = (struct followed *)keymap_find(&s->follows.runs, note->key);
    if (!f)
        return;
    json_array_foreach ((json_t *)note->events, i, event)
        keep(f, event);
    f->state = note->state;
    f->over = f->over || note->result;
    f->last_seq = note->last_seq;
    f->has_class = false;
    if (f->newest && f->newest->event.seq != f->last_seq)
        forget_all(f);
    wake(f);
}

void follow_gone(struct sched *s, struct run_key key)
{
    struct followed *f = (struct followed *)keymap_find(&s->follows.runs, key);
    if (!f)
        return;
    f->gone = true;
    keymap_remove(&s->follows.runs, &f->node);
    wake(f);
}

/* --- following ---------------------------------------------------------------------------------
 */

static int look_up(struct sched *s, struct pool *pool, struct run_key key, struct sched_peek *out,
                   struct err *err)
{
    struct err cause = {0};
    struct run_record rec;
    int r = store_run_get(s->store, pool, key, 0, &rec, &cause);
    if (r)
        return sched_run_error(&cause, err);
    bool terminal = run_state_terminal(rec.state);
    *out = (struct sched_peek){.state = rec.state,
                               .over = terminal && rec.has_result,
                               .last_seq = rec.last_seq,
                               .halt_class = terminal ? docs_halt_class(&rec) : NULL};
    return 0;
}

static void take_class(struct followed *f, const struct sched_peek *peek)
{
    snprintf(f->halt_class, sizeof(f->halt_class), "%s", peek->halt_class ? peek->halt_class : "");
    f->has_class = true;
}

static struct followed *followed_of(struct sched *s, struct run_key key)
{
    struct followed *f = (struct followed *)keymap_find(&s->follows.runs, key);
    struct sched_peek peek;
    if (f)
        return f;
    struct pool *pool = pool_create(NULL);
    if (look_up(s, pool, key, &peek, NULL) == 0) {
        f = keynode_create(sizeof(*f), key, &key);
        f->sched = s;
        f->state = peek.state;
        f->over = peek.over;
        f->last_seq = peek.last_seq;
        take_class(f, &peek);
        keymap_add(&s->follows.runs, &f->node, key);
    }
    pool_destroy(pool);
    return f;
}

struct sched_follow *sched_follow(struct sched *s, struct run_key key, sched_watch_fn *fn,
                                  void *arg)
{
    struct followed *f = followed_of(s, key);
    if (!f)
        return NULL;
    struct sched_follow *one = calloc(1, sizeof(*one));
    if (!one)
        BUG("out of memory");
    *one = (struct sched_follow){.run = f, .fn = fn, .arg = arg, .next = f->first};
    if (f->first)
        f->first->prev = one;
    f->first = one;
    return one;
}

void sched_unfollow(struct sched_follow *follow)
{
    if (!follow)
        return;
    struct followed *f = follow->run;
    if (f->calling == follow)
        f->calling = follow->next;
    if (follow->prev)
        follow->prev->next = follow->next;
    else
        f->first = follow->next;
    if (follow->next)
        follow->next->prev = follow->prev;
    free(follow);
    free_if_alone(f);
}

int sched_peek(struct sched *s, struct run_key key, struct sched_peek *out, struct err *err)
{
    struct followed *f = (struct followed *)keymap_find(&s->follows.runs, key);
    if (!f)
        return look_up(s, sched_turn_pool(s), key, out, err);
    if (!f->has_class && run_state_terminal(f->state)) {
        struct sched_peek now;
        int r = look_up(s, sched_turn_pool(s), key, &now, err);
        if (r)
            return r;
        take_class(f, &now);
    }
    bool terminal = run_state_terminal(f->state);
    *out = (struct sched_peek){.state = f->state,
                               .over = f->over,
                               .last_seq = f->last_seq,
                               .halt_class = terminal && *f->halt_class ? f->halt_class : NULL};
    return 0;
}

/* --- reading -----------------------------------------------------------------------------------
 */

/* The newest ones, once: whoever comes to a run that goes on begins near its end or reads it all.
 */
static void fill(struct followed *f)
{
    struct pool *pool = pool_create(NULL);
    json_t *events, *event;
    size_t i;
    f->filled = true;
    if (store_events_get(f->sched->store, pool, f->node.key, -1, CAP_FOLLOW_LINES, &events, NULL) ==
        0) {
        forget_all(f);
        json_array_foreach (events, i, event)
            keep(f, event);
    }
    pool_destroy(pool);
}

static bool covers(const struct followed *f, int64_t seq)
{
    return f->oldest && f->oldest->event.seq <= seq + 1;
}

static int read_kept(const struct followed *f, int64_t seq, struct sched_event *out, int limit)
{
    int n = 0;
    const struct kept *k = f->oldest;
    while (k && k->event.seq <= seq)
        k = k->next;
    for (; k && n < limit; k = k->next)
        out[n++] = k->event;
    return n;
}

static int read_stored(struct sched *s, struct run_key key, int64_t seq, struct sched_event *out,
                       int limit, int *ret_n, struct err *err)
{
    json_t *events, *event;
    size_t i;
    struct err cause = {0};
    struct pool *pool = pool_create(NULL);
    int r = store_events_get(s->store, pool, key, seq, limit, &events, &cause);
    *ret_n = 0;
    if (!r) {
        json_array_foreach (events, i, event) {
            struct kept *k = kept_create(event);
            sched_free_later(s, k);
            out[(*ret_n)++] = k->event;
        }
    }
    pool_destroy(pool);
    return r ? sched_run_error(&cause, err) : 0;
}

int sched_events_after(struct sched *s, struct run_key key, int64_t seq, struct sched_event *out,
                       int limit, int *ret_n, struct err *err)
{
    struct followed *f = (struct followed *)keymap_find(&s->follows.runs, key);
    if (f && f->last_seq <= seq) {
        *ret_n = 0;
        return 0;
    }
    if (f && !covers(f, seq) && !f->filled)
        fill(f);
    if (f && covers(f, seq)) {
        *ret_n = read_kept(f, seq, out, limit);
        return 0;
    }
    return read_stored(s, key, seq < 0 ? 0 : seq, out, limit, ret_n, err);
}

/* --- cursors -----------------------------------------------------------------------------------
 */

static bool looks_like_time(const char *s, size_t len)
{
    return len >= strlen("2026-01-01") && len < CLOCK_ISO_BYTES &&
           strspn(s, "0123456789-:.T+Z") >= len && s[4] == '-' && s[7] == '-';
}

static int bad_cursor(struct err *err)
{
    return err_set(err, E_UNPROCESSABLE,
                   "the cursor is neither '<time>#<number>' as sent with an event, nor a time");
}

static int parse_number(const char *text, int64_t *out, struct err *err)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno)
        return bad_cursor(err);
    *out = n;
    return 0;
}

/* A number that was never given out, of a store put back from a backup say: what comes next is not
 * to be passed over. */
static int no_later(struct sched *s, struct run_key key, int64_t *seq, struct err *err)
{
    struct run_record rec;
    struct err cause = {0};
    if (store_run_get(s->store, sched_turn_pool(s), key, 0, &rec, &cause))
        return sched_run_error(&cause, err);
    if (*seq > rec.last_seq)
        *seq = rec.last_seq;
    return 0;
}

int sched_cursor_parse(struct sched *s, struct run_key key, const char *cursor, int64_t *ret_seq,
                       struct err *err)
{
    const char *hash = cursor ? strchr(cursor, '#') : NULL;
    *ret_seq = 0;
    if (!cursor || !*cursor)
        return 0;
    size_t len = hash ? (size_t)(hash - cursor) : strlen(cursor);
    if (!looks_like_time(cursor, len))
        return bad_cursor(err);
    if (hash) {
        int r = parse_number(hash + 1, ret_seq, err);
        return r ? r : no_later(s, key, ret_seq, err);
    }
    char ts[CLOCK_ISO_BYTES];
    struct err cause = {0};
    snprintf(ts, sizeof(ts), "%s", cursor);
    int r = store_events_before(s->store, key, ts, ret_seq, &cause);
    return r ? sched_run_error(&cause, err) : 0;
}

static void end_followed(struct keynode *node)
{
    struct followed *f = (struct followed *)node;
    while (f->first) {
        struct sched_follow *one = f->first;
        f->first = one->next;
        free(one);
    }
    while (f->oldest) {
        struct kept *k = f->oldest;
        f->oldest = k->next;
        free(k);
    }
    free(f);
}

void follow_release(struct sched *s)
{
    loop_timer_clear(&s->follows.timer);
    keymap_release(&s->follows.runs, end_followed);
}
