/*
 * report_page.h - reports for people: Markdown, and one HTML page that needs nothing else, neither script nor
 * network. One arm, or the champion and the challenger with what was decided between them.
 */
#ifndef MANTIS_GATE_REPORT_PAGE_H
#define MANTIS_GATE_REPORT_PAGE_H

#include "gate/decide.h"

struct report_page {
    const char *title;
    const struct report *arms[2]; /* the second may be NULL */
    const struct gate_verdict *verdict; /* NULL: nothing was decided */
};

/* In pool. Links lead to the console of the deployment (about.runner). */
char *report_page_html(struct pool *pool, const struct report_page *page);
char *report_page_markdown(struct pool *pool, const struct report_page *page);

/* What both say of an arm. */
struct report_rate {
    int n, passed, errors; /* runs */
    double rate, low, high; /* share that passed and its 95 % interval (Wilson), of all runs */
    double cost, median_s;
};
struct report_rate report_rate_of(const struct report *report, const char *category); /* NULL: of all */

/* Categories of all arms, sorted, NULL-terminated. */
const char *const *report_categories(struct pool *pool, const struct report_page *page);

/* "pass", "fail" or "error". */
const char *report_word(const struct task_result *result);

/* Why it did not pass: the error, else the first thing that the oracle said; "" it passed, or nobody said. */
const char *report_why(const struct task_result *result);

/* Address of a run in the console; "" when it is not known where. */
const char *report_run_link(struct pool *pool, const struct report *report, const struct task_result *result);

/* The same run (task and repeat) of another report; NULL: not there. */
const struct task_result *report_find_like(const struct report *report, const struct task_result *like);

#endif
