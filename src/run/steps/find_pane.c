/*
 * find_pane.c - search the panes of a page that scroll by themselves. A list of thousands of rows often
 * has only those in the page that are seen. Rows that count up say how far away a row is, and most of
 * the way is then gone at once.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/look.h"
#include "run/steps/find.h"

#define PANE_MS     60000 /* for one pane */
#define JUMPS_MAX   40    /* by the numbers; then screen by screen */
#define SCREEN      0.8   /* of a pane's height */
#define FAR_PX      1000000
#define TOP_TURNS   60
#define ROWS_MIN    3
#define PANES_MAX   3
#define TEXT_BYTES  120

/* --- how far it is ---------------------------------------------------------------------------- */

/* "Invoice 20417": the words before its last number, and that. */
struct numbered {
    char words[TEXT_BYTES];
    long number;
};

static bool read_numbered(const char *text, struct numbered *out)
{
    size_t end = strlen(text), start;
    if (end >= TEXT_BYTES)
        return false;
    while (end && !isdigit((unsigned char)text[end - 1]))
        end--;
    for (start = end; start && isdigit((unsigned char)text[start - 1]);)
        start--;
    if (start == end || end - start > 9)
        return false;
    memcpy(out->words, text, start);
    out->words[start] = 0;
    out->number = strtol(text + start, NULL, 10);
    return true;
}

/* Pixels from the middle of the pane to the row that is wanted, by the rows that are in it. */
static bool guess(const struct page *page, int pane, const struct numbered *want, int *ret_px)
{
    struct numbered row;
    long first = 0, last = 0;
    int y_first = 0, y_last = 0, n = 0;
    for (int i = pane + 1; i < page->nodes[pane].end; i++) {
        const struct node *t = &page->nodes[i];
        if (!*t->text || !(t->flags & NODE_IN_VIEW) || !read_numbered(t->text, &row) ||
            !str_eq_fold(row.words, want->words))
            continue;
        if (n == 0 || t->box.y < y_first) {
            first = row.number;
            y_first = t->box.y;
        }
        if (n == 0 || t->box.y > y_last) {
            last = row.number;
            y_last = t->box.y;
        }
        n++;
    }
    if (n < ROWS_MIN || first == last || y_first == y_last)
        return false;
    double px = (double)(y_last - y_first) / (double)(last - first);
    double away = px * (double)(want->number - first) + y_first -
                  (page->nodes[pane].box.y + page->nodes[pane].box.h / 2.0);
    *ret_px = (int)(away > FAR_PX ? FAR_PX : away < -FAR_PX ? -FAR_PX : away);
    return true;
}

/* --- going through ---------------------------------------------------------------------------- */

struct search {
    struct run *run;
    const struct target_query *query;
    int nth; /* pane, largest first */
    struct numbered want;
    bool counts; /* what is wanted has a number */
    int jumps, last_px;
};

/* The nth largest pane in view, -1 none. */
static int pane_at(const struct page *page, int nth)
{
    int64_t below = INT64_MAX;
    int found = -1;
    for (int k = 0; k <= nth; k++) {
        int64_t best = 0;
        found = -1;
        for (int i = 0; i < page->n_nodes; i++) {
            const struct node *n = &page->nodes[i];
            int64_t area = (int64_t)n->box.w * n->box.h;
            if ((n->flags & NODE_SCROLLS) && (n->flags & NODE_IN_VIEW) && area > best &&
                area < below) {
                best = area;
                found = i;
            }
        }
        below = best;
    }
    return found;
}

/* Look at the pane: where the wheel goes, how high it is, what it shows, and how far the numbers say the
 * row is. */
struct sight {
    struct point at;
    int high, px;
    uint64_t words;
    bool known;
};

/* Rows of one height look the same after a turn of the wheel; their words do not. */
static uint64_t words_in(const struct page *page, int pane)
{
    uint64_t h = STR_HASH_START;
    for (int i = pane + 1; i < page->nodes[pane].end; i++) {
        const struct node *t = &page->nodes[i];
        if (*t->text && (t->flags & NODE_IN_VIEW))
            h = str_hash(h, t->text, strlen(t->text) + 1);
    }
    return h;
}

static int see(struct search *s, bool *ret_pane, struct sight *out, struct err *err)
{
    struct pool *pool = pool_create(s->run->step_pool);
    struct observation obs;
    int r = run_look_in(s->run, pool, &obs, err);
    int pane = !r && obs.page ? pane_at(obs.page, s->nth) : -1;
    *ret_pane = pane >= 0;
    if (pane >= 0) {
        const struct node *n = &obs.page->nodes[pane];
        *out = (struct sight){.at = node_point(obs.page, n),
                              .high = n->box.h,
                              .words = words_in(obs.page, pane)};
        out->known = s->counts && guess(obs.page, pane, &s->want, &out->px);
    }
    pool_destroy(pool);
    return r;
}

static int to_top(struct run *run, struct point at, struct err *err)
{
    int moved, r = 0;
    for (int i = 0; !r && i < TOP_TURNS; i++) {
        r = run_scroll_pane(run, &at, -FAR_PX, &moved, err);
        if (!moved)
            break;
    }
    return r;
}

/* One turn of the wheel on. *ret_moved false: this pane has been seen. */
static int go_on(struct search *s, bool *ret_moved, struct err *err)
{
    struct sight sight, after;
    bool pane;
    int moved = 0, r = see(s, &pane, &sight, err);
    *ret_moved = false;
    if (r || !pane)
        return r;
    bool nearer = s->jumps == 0 || abs(sight.px) < abs(s->last_px);
    if (sight.known && s->jumps < JUMPS_MAX && abs(sight.px) > sight.high / 4 && nearer) {
        s->jumps++;
        s->last_px = sight.px;
        r = run_scroll_pane(s->run, &sight.at, sight.px, &moved, err);
    } else {
        if (s->jumps < JUMPS_MAX) { /* no more guessing: all of it, from the top */
            s->jumps = JUMPS_MAX;
            r = to_top(s->run, sight.at, err);
        }
        if (!r)
            r = run_scroll_pane(s->run, &sight.at, (int)(sight.high * SCREEN), &moved, err);
    }
    if (!r)
        r = see(s, &pane, &after, err);
    *ret_moved = !r && pane && (moved || after.words != sight.words);
    return r;
}

static int search_pane(struct search *s, struct observation *obs, struct target *out,
                       struct err *err)
{
    int64_t end = clock_mono_ms() + PANE_MS;
    bool moved = true;
    int r = E_NOT_FOUND;
    while (r == E_NOT_FOUND && moved && clock_mono_ms() < end) {
        r = go_on(s, &moved, err);
        if (!r && moved)
            r = find_here(s->run, s->query, obs, out, err);
        else if (!r)
            r = E_NOT_FOUND;
    }
    return r;
}

int find_in_panes(struct run *run, const struct target_query *query, struct observation *obs,
                  struct target *out, struct err *err)
{
    const char *named = query->near && *query->near ? query->near : query->label;
    int r = E_NOT_FOUND;
    for (int i = 0; r == E_NOT_FOUND && i < PANES_MAX; i++) {
        struct search s = {.run = run, .query = query, .nth = i};
        struct sight sight;
        bool pane;
        s.counts = read_numbered(named, &s.want);
        r = see(&s, &pane, &sight, err);
        if (!r)
            r = pane ? search_pane(&s, obs, out, err) : E_NOT_FOUND;
        if (!pane)
            break;
    }
    return r;
}
