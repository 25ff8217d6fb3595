/*
 * date.h - days and times as plans write them and pages show them.
 */
#ifndef MANTIS_RUN_STEPS_DATE_H
#define MANTIS_RUN_STEPS_DATE_H

#include <stdbool.h>

struct day {
    int year, month, day; /* 1..12, 1..31 */
};

/* "2026-09-18", "18 September 2026", "Sep 18, 2026", "18.09.2026", "09/18/2026" (month first, unless
 * that cannot be). False when it is none of these. */
bool day_parse(const char *text, struct day *out);

/* "14:30", "2:30 pm". */
bool time_parse(const char *text, int *ret_hour, int *ret_minute);

/* A month and a year, as above a calendar: "September 2026". *out.day is 0. */
bool month_parse(const char *text, struct day *out);

const char *month_name(int month); /* "September" */

#endif
