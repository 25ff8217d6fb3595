#include "run/steps/date.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ABBREVIATION 3

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

const char *month_name(int month)
{
    return months[month - 1];
}

/* The month that begins a word at p, 0 none. */
static int month_at(const char *p)
{
    size_t len = 0;
    while (isalpha((unsigned char)p[len]))
        len++;
    for (int m = 0; m < 12 && len >= ABBREVIATION; m++)
        if (len <= strlen(months[m]) && !strncasecmp(p, months[m], len))
            return m + 1;
    return len == 4 && !strncasecmp(p, "sept", 4) ? 9 : 0;
}

struct parts {
    int numbers[3], n;
    int month;    /* written as a word */
    bool month_first, year_first, foreign;
};

/* Numbers and a month's name, in their order; anything else that says something is foreign. */
static struct parts parts_of(const char *text)
{
    struct parts out = {0};
    for (const char *p = text; *p;) {
        if (isdigit((unsigned char)*p)) {
            char *end;
            long v = strtol(p, &end, 10);
            if (out.n == 3 || end - p > 4)
                out.foreign = true;
            else {
                out.year_first = out.year_first || (out.n == 0 && end - p == 4);
                out.numbers[out.n++] = (int)v;
            }
            p = end + (!strncasecmp(end, "st", 2) || !strncasecmp(end, "nd", 2) ||
                               !strncasecmp(end, "rd", 2) || !strncasecmp(end, "th", 2)
                           ? 2
                           : 0);
        } else if (isalpha((unsigned char)*p)) {
            int month = month_at(p);
            out.foreign = out.foreign || (month ? out.month : strncasecmp(p, "of ", 3)) != 0;
            out.month_first = month && out.n == 0;
            out.month = month ? month : out.month;
            p += strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
        } else {
            p++;
        }
    }
    return out;
}

static bool is_day(const struct day *d)
{
    return d->year >= 1000 && d->month >= 1 && d->month <= 12 && d->day >= 1 && d->day <= 31;
}

bool day_parse(const char *text, struct day *out)
{
    struct parts p = parts_of(text);
    const int *n = p.numbers;
    struct day d;
    if (p.foreign)
        return false;
    if (p.month && p.n == 2)
        d = p.year_first ? (struct day){n[0], p.month, n[1]} : (struct day){n[1], p.month, n[0]};
    else if (p.month || p.n != 3)
        return false;
    else if (p.year_first)
        d = (struct day){n[0], n[1], n[2]};
    else if (strchr(text, '.') || n[0] > 12)
        d = (struct day){n[2], n[1], n[0]};
    else
        d = (struct day){n[2], n[0], n[1]};
    if (!is_day(&d))
        return false;
    *out = d;
    return true;
}

bool month_parse(const char *text, struct day *out)
{
    struct parts p = parts_of(text);
    if (p.foreign || !p.month || p.n != 1 || p.numbers[0] < 1000)
        return false;
    *out = (struct day){p.numbers[0], p.month, 0};
    return true;
}

bool time_parse(const char *text, int *ret_hour, int *ret_minute)
{
    int hour, minute, used = 0;
    if (sscanf(text, " %2d:%2d%n", &hour, &minute, &used) != 2 || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59)
        return false;
    const char *rest = text + used;
    while (*rest == ' ')
        rest++;
    bool pm = !strncasecmp(rest, "pm", 2), am = !strncasecmp(rest, "am", 2);
    if (*rest && *rest != ':' && !pm && !am)
        return false;
    if ((pm || am) && (hour < 1 || hour > 12))
        return false;
    *ret_hour = pm ? hour % 12 + 12 : am ? hour % 12 : hour;
    *ret_minute = minute;
    return true;
}
