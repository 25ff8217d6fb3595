#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool faked;
static int64_t fake_mono_us, fake_wall_us;
static int64_t skipped_us; /* by clock_skip_ms() */

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return skipped_us + (faked ? fake_mono_us : read_us(CLOCK_MONOTONIC));
}

int64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

int64_t clock_wall_us(void)
{
    return skipped_us + (faked ? fake_wall_us : read_us(CLOCK_REALTIME));
}

const char *clock_iso(int64_t wall_us, char out[CLOCK_ISO_BYTES])
{
    time_t s = (time_t)(wall_us / 1000000);
    struct tm tm;
    gmtime_r(&s, &tm);
    char text[96]; /* wide enough for any int, so that the compiler sees no truncation */
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06d+00:00", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(wall_us % 1000000));
    snprintf(out, CLOCK_ISO_BYTES, "%.32s", text);
    return out;
}

/* Days that do not exist are refused, so "2026-02-31" does not quietly mean March. */
static bool read_date(const char **at, int64_t *ret_seconds)
{
    struct tm tm = {0}, given;
    const char *p = strptime(*at, "%Y-%m-%d", &tm);
    if (p && (*p == 'T' || *p == ' ')) {
        const char *clock = p + 1;
        p = strptime(clock, "%H:%M:%S", &tm);
        if (!p)
            p = strptime(clock, "%H:%M", &tm);
    }
    if (!p)
        return false;
    given = tm;
    *ret_seconds = timegm(&tm);
    *at = p;
    return tm.tm_mday == given.tm_mday && tm.tm_mon == given.tm_mon && tm.tm_sec == given.tm_sec;
}

/* "", "Z", "+02:00"; without one it is UTC. */
static bool read_zone(const char *p, int64_t *ret_seconds)
{
    int hours, minutes, len = 0;
    char sign;
    *ret_seconds = 0;
    if (!*p || strcmp(p, "Z") == 0)
        return true;
    if (sscanf(p, "%c%2d:%2d%n", &sign, &hours, &minutes, &len) < 3 || p[len] ||
        !strchr("+-", sign) || hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
        return false;
    *ret_seconds = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

/* Microseconds of ".123456"; further digits count for nothing. */
static int read_fraction(const char **at)
{
    int us = 0, weight = 100000;
    if (**at != '.')
        return 0;
    for ((*at)++; isdigit((unsigned char)**at); (*at)++, weight /= 10)
        us += (**at - '0') * weight;
    return us;
}

bool clock_parse_iso(const char *text, int64_t *ret_us)
{
    int64_t seconds, offset;
    if (!read_date(&text, &seconds))
        return false;
    int us = read_fraction(&text);
    if (!read_zone(text, &offset))
        return false;
    *ret_us = (seconds - offset) * 1000000 + us;
    return true;
}

int clock_days_since(const char *iso_date)
{
    int year, month, day;
    if (sscanf(iso_date, "%4d-%2d-%2d", &year, &month, &day) != 3)
        return -1;
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    int64_t past_s = clock_wall_us() / 1000000 - (int64_t)timegm(&tm);
    return past_s < 0 ? -1 : (int)(past_s / 86400);
}

void clock_skip_ms(int64_t ms)
{
    skipped_us += ms * 1000;
}

void clock_fake(int64_t mono_us, int64_t wall_us)
{
    faked = true;
    skipped_us = 0;
    fake_mono_us = mono_us;
    fake_wall_us = wall_us;
}

void clock_fake_off(void)
{
    faked = false;
}
