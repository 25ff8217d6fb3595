/*
 * fill_date.c - the browser's own fields for days and times. They are typed into part by part, in the
 * order of the browser's language; the value that is read back is always ISO 8601, so it tells
 * whether the order was right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/steps/date.h"
#include "run/steps/fill.h"

#define FIRST_PART_PX 14  /* from the left edge: inside the first part */
#define NEXT_PART     '>' /* between parts that do not pass the focus on */

/* What of a year, month, day, hour and minute comes in which order; most likely first. */
static const char *const orders[] = {"mdy", "dmy", "ymd"};

struct moment {
    struct day day;
    int hour, minute, week;
};

/* Value in ISO 8601, as the field will show it, and the keys for one order. */
typedef const char *iso_fn(struct pool *pool, const struct moment *m);
typedef const char *keys_fn(struct pool *pool, const struct moment *m, const char *order, int year_digits);
typedef bool read_fn(const char *value, struct moment *out);

/* --- what is meant ---------------------------------------------------------------------------- */

static bool read_day(const char *value, struct moment *out)
{
    return day_parse(value, &out->day);
}

static bool read_time(const char *value, struct moment *out)
{
    return time_parse(value, &out->hour, &out->minute);
}

static bool read_both(const char *value, struct moment *out)
{
    char day[64];
    size_t len = strlen(value), cut = len;
    while (cut > 0 && !(value[cut - 1] == ':'))
        cut--; /* behind the last colon */
    while (cut > 0 && value[cut - 1] != 'T' && value[cut - 1] != ' ')
        cut--;
    if (cut == 0 || cut >= sizeof(day))
        return false;
    snprintf(day, sizeof(day), "%.*s", (int)cut - 1, value);
    return day_parse(day, &out->day) && time_parse(value + cut, &out->hour, &out->minute);
}

static bool read_month(const char *value, struct moment *out)
{
    if (month_parse(value, &out->day) || day_parse(value, &out->day))
        return true;
    return sscanf(value, "%4d-%2d", &out->day.year, &out->day.month) == 2 && out->day.month >= 1 &&
           out->day.month <= 12;
}

static bool read_week(const char *value, struct moment *out)
{
    return sscanf(value, "%4d-W%2d", &out->day.year, &out->week) == 2;
}

/* --- what is typed ---------------------------------------------------------------------------- */

static const char *iso_day(struct pool *pool, const struct moment *m)
{
    return pool_printf(pool, "%04d-%02d-%02d", m->day.year, m->day.month, m->day.day);
}

static const char *iso_time(struct pool *pool, const struct moment *m)
{
    return pool_printf(pool, "%02d:%02d", m->hour, m->minute);
}

static const char *iso_both(struct pool *pool, const struct moment *m)
{
    return pool_printf(pool, "%sT%s", iso_day(pool, m), iso_time(pool, m));
}

static const char *iso_month(struct pool *pool, const struct moment *m)
{
    return pool_printf(pool, "%04d-%02d", m->day.year, m->day.month);
}

static const char *iso_week(struct pool *pool, const struct moment *m)
{
    return pool_printf(pool, "%04d-W%02d", m->day.year, m->week);
}

static const char *keys_day(struct pool *pool, const struct moment *m, const char *order, int digits)
{
    const char *out = "";
    for (const char *p = order; *p; p++)
        out = *p == 'y' ? pool_printf(pool, "%s%0*d", out, digits, m->day.year)
                        : pool_printf(pool, "%s%02d", out, *p == 'm' ? m->day.month : m->day.day);
    return out;
}

/* Clocks of 24 hours leave the letters out by themselves. */
static const char *keys_time(struct pool *pool, const struct moment *m, const char *order, int digits)
{
    bool twelve = strcmp(order, "mdy") == 0;
    int hour = !twelve ? m->hour : m->hour % 12 ? m->hour % 12 : 12;
    return pool_printf(pool, "%02d%02d%s", hour, m->minute,
                       !twelve ? "" : m->hour < 12 ? "AM" : "PM");
}

static const char *keys_both(struct pool *pool, const struct moment *m, const char *order, int digits)
{
    return pool_printf(pool, "%s%s", keys_day(pool, m, order, digits),
                       keys_time(pool, m, order, digits));
}

/* The month's name goes on by itself for nobody. */
static const char *keys_month(struct pool *pool, const struct moment *m, const char *order, int digits)
{
    if (!strcmp(order, "ymd"))
        return pool_printf(pool, "%04d%c%.3s", m->day.year, NEXT_PART, month_name(m->day.month));
    return pool_printf(pool, "%.3s%c%04d", month_name(m->day.month), NEXT_PART, m->day.year);
}

static const char *keys_week(struct pool *pool, const struct moment *m, const char *order, int digits)
{
    return !strcmp(order, "ymd") ? pool_printf(pool, "%0*d%02d", digits, m->day.year, m->week)
                                 : pool_printf(pool, "%02d%04d", m->week, m->day.year);
}

static const struct date_type {
    const char *type;
    read_fn *read;
    iso_fn *iso;
    keys_fn *keys;
    const char *example;
} types[] = {
    {"date", read_day, iso_day, keys_day, "2026-09-18"},
    {"time", read_time, iso_time, keys_time, "14:30"},
    {"datetime-local", read_both, iso_both, keys_both, "2026-09-18 14:30"},
    {"month", read_month, iso_month, keys_month, "2026-09"},
    {"week", read_week, iso_week, keys_week, "2026-W38"},
};

static const struct date_type *type_of(const struct node *n)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (str_eq_fold(fill_input_type(n), types[i].type))
            return &types[i];
    return NULL;
}

bool fill_is_date(const struct fill *f)
{
    return f->node && type_of(f->node);
}

/* A year passes the focus on once it is full: at six figures, or four where a limit says so. */
static int digits_of_year(const struct node *n)
{
    const char *max = node_attr(n, "max");
    return max && strcspn(max, "-") <= 4 ? 4 : 6;
}

static int type_parts(struct run *run, const char *keys, struct err *err)
{
    int r = 0;
    while (!r && *keys) {
        size_t len = strcspn(keys, (char[]){NEXT_PART, 0});
        r = run_type(run, pool_strndup(run->step_pool, keys, len), err);
        keys += len;
        if (!r && *keys++)
            r = run_key(run, "Right", CAP_TYPE_MS, err);
        else
            break;
    }
    return r;
}

static int type_in_order(struct fill *f, const char *keys, const char *want, bool *ret_landed,
                         struct err *err)
{
    struct observation obs;
    struct settled s = {0};
    const struct node *n;
    struct rect box = f->aim.target.box;
    struct point first = {box.x + FIRST_PART_PX, box.y + box.h / 2};
    int r = run_click(f->run, first, BUTTON_LEFT, &s, err);
    if (!r)
        r = type_parts(f->run, keys, err);
    if (!r)
        r = fill_look_again(f, &obs, &n, err);
    *ret_landed = !r && n && str_starts(n->value, want);
    return r;
}

int fill_date(struct fill *f, int try_no, bool *ret_landed, struct err *err)
{
    const struct date_type *t = type_of(f->node);
    struct pool *pool = f->run->step_pool;
    struct moment m = {0};
    int r = 0;
    if (!t->read(f->value, &m))
        return err_set(err, E_INVALID, "params.value of this field must be like '%s'", t->example);
    for (size_t i = 0; !r && !*ret_landed && i < ARRAY_SIZE(orders); i++)
        r = type_in_order(f, t->keys(pool, &m, orders[i], digits_of_year(f->node)),
                          t->iso(pool, &m), ret_landed, err);
    return r;
}
