/*
 * fill_picker.c - fields that open a calendar and take no typing. The month above the days is read, the
 * controls beside it are pressed until it is the right one, and the day is counted from the first.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/steps/date.h"
#include "run/steps/fill.h"

#define MONTHS_MAX  120 /* presses towards the month */
#define LEVELS_UP   6
#define DAYS_MIN    28

bool fill_is_picker(const struct fill *f)
{
    struct day day;
    return f->node && node_attr(f->node, "readonly") && day_parse(f->value, &day);
}

struct calendar {
    int header, group; /* text node of the month; the smallest part that holds it and the days */
    struct day month;
};

/* --- reading it ------------------------------------------------------------------------------- */

static bool seen(const struct page *page, int i)
{
    return page->nodes[i].text[0] && (page->nodes[i].flags & NODE_VISIBLE);
}

static int day_number(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= 2 && strspn(text, "0123456789") == len ? atoi(text) : 0;
}

static int count_days(const struct page *page, int group)
{
    int n = 0;
    for (int i = group + 1; i < page->nodes[group].end; i++)
        n += seen(page, i) && day_number(page->nodes[i].text) > 0;
    return n;
}

/* The text itself, or all of its parent's when month and year stand apart. */
static bool header_at(struct pool *pool, const struct page *page, int i, struct day *out)
{
    return seen(page, i) && (month_parse(page->nodes[i].text, out) ||
                             month_parse(page_text(pool, page, page->nodes[i].parent, 64), out));
}

static bool find_calendar(struct pool *pool, const struct page *page, struct calendar *out)
{
    for (int i = 0; i < page->n_nodes; i++) {
        if (!header_at(pool, page, i, &out->month))
            continue;
        int group = page->nodes[i].parent;
        for (int up = 0; up < LEVELS_UP && group > 0; up++, group = page->nodes[group].parent) {
            int days = count_days(page, group);
            if (days < DAYS_MIN)
                continue;
            *out = (struct calendar){i, group, out->month};
            return days < 3 * DAYS_MIN;
        }
    }
    return false;
}

/* A day of this month: the days before its 1st and behind its last are of others. */
static int find_day(const struct page *page, const struct calendar *c, int day)
{
    bool begun = false;
    for (int i = c->group + 1; i < page->nodes[c->group].end; i++) {
        int n = seen(page, i) ? day_number(page->nodes[i].text) : 0;
        begun = begun || n == 1;
        if (begun && n == day)
            return i;
    }
    return -1;
}

/* Whatever can be pressed right or left of the month's name, in its line; the nearest. */
static int find_turn(const struct page *page, const struct calendar *c, bool forward)
{
    struct rect h = page->nodes[c->header].box;
    int best = -1, best_d = 0;
    for (int i = c->group + 1; i < page->nodes[c->group].end; i++) {
        const struct node *n = &page->nodes[i];
        int mid = n->box.y + n->box.h / 2;
        int d = forward ? n->box.x - (h.x + h.w) : h.x - (n->box.x + n->box.w);
        if (!(n->flags & NODE_CLICKABLE) || !(n->flags & NODE_IN_VIEW) || mid < h.y - h.h ||
            mid > h.y + 2 * h.h || d < -2 || node_is_a(page, c->header, i))
            continue;
        if (best < 0 || d < best_d) {
            best = i;
            best_d = d;
        }
    }
    return best;
}

/* --- using it --------------------------------------------------------------------------------- */

static int press(struct fill *f, const struct page *page, int i, struct err *err)
{
    struct settled s = {0};
    return run_click(f->run, node_point(page, &page->nodes[i]), BUTTON_LEFT, &s, err);
}

static int months_between(const struct day *from, const struct day *to)
{
    return (to->year - from->year) * 12 + to->month - from->month;
}

/* E_NOT_FOUND: no calendar, or its month cannot be turned. */
static int turn_to(struct fill *f, const struct day *want, struct observation *obs,
                   struct calendar *c, struct err *err)
{
    int last = 0, r = 0;
    for (int i = 0; !r && i < MONTHS_MAX; i++) {
        r = run_look(f->run, obs, err);
        if (r)
            return r;
        if (!obs->page || !find_calendar(f->run->step_pool, obs->page, c))
            return err_set(err, E_NOT_FOUND, "'%s' shows no calendar", f->label);
        int away = months_between(&c->month, want), turn;
        if (!away)
            return 0;
        if ((i && abs(away) >= abs(last)) || (turn = find_turn(obs->page, c, away > 0)) < 0)
            return err_set(err, E_NOT_FOUND, "the calendar of '%s' does not go on from %s %d",
                           f->label, month_name(c->month.month), c->month.year);
        last = away;
        r = press(f, obs->page, turn, err);
    }
    return r;
}

static int read_back(struct fill *f, const struct day *want, bool *ret_landed, struct err *err)
{
    struct observation obs;
    struct day shown;
    const struct node *n;
    int r = fill_look_again(f, &obs, &n, err);
    *ret_landed = !r && n && day_parse(n->value, &shown) && shown.year == want->year &&
                  shown.month == want->month && shown.day == want->day;
    return r;
}

int fill_picker(struct fill *f, int try_no, bool *ret_landed, struct err *err)
{
    struct settled s = {0};
    struct observation obs;
    struct calendar c;
    struct day want = {0};
    day_parse(f->value, &want);
    int r = run_click(f->run, f->out->at, BUTTON_LEFT, &s, err);
    if (!r)
        r = turn_to(f, &want, &obs, &c, err);
    if (r)
        return r;
    int day = find_day(obs.page, &c, want.day);
    if (day < 0)
        return err_set(err, E_NOT_FOUND, "the calendar of '%s' has no day %d", f->label, want.day);
    r = press(f, obs.page, day, err);
    return r ? r : read_back(f, &want, ret_landed, err);
}
