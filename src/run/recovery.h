/*
 * recovery.h - what is left to try once the retries of a required step are used up (agent-loop.md 9.4), and
 * within the budgets: runtime.max_recoveries_per_run (5) and max_recoveries_per_step (2).
 *
 * The decision comes from a driver, run_config.recovery. Kinds: "rules" (recovery_rules.c: a table of remedies that need no
 * model: go back to the form that the page shows, correct an address, take the nearest label, close an
 * overlay, reload), and "model" (recovery_model.c: the rules first, then Claude; chosen where run_config.helper
 * is there). A driver may look and may press what cannot do harm; it never presses what commits.
 */
#ifndef MANTIS_RUN_RECOVERY_H
#define MANTIS_RUN_RECOVERY_H

#include "run/rules.h"

enum recovery_mode {
    RECOVERY_HALT,   /* nothing is left; reasoning says why */
    RECOVERY_HINT,   /* try again, with what change adds to the hints (may be NULL) */
    RECOVERY_EDIT,   /* try again as change says (edits.h) */
    RECOVERY_INSERT, /* steps come first, in this step's section, not required and with its region; then try again */
    RECOVERY_REWIND, /* go on at step target, before this one; for forms that have to be filled in anew */
};

struct recovery_ask {
    const struct step *step; /* of the plan: placeholders of what people answer are not filled in */
    int index;
    const struct step_result *result;
    const struct observation *obs; /* how the failure left the page */
    const json_t *tried;           /* reasonings of earlier decisions for this step */
};

struct recovery_decision {
    enum recovery_mode mode;
    const char *name;      /* of the remedy: "rewind", "bad_url", ... */
    const char *reasoning; /* for people, and for telling it from earlier decisions; step pool */
    json_t *change;        /* owned, may be NULL */
    json_t *steps;         /* owned, may be NULL */
    int target;
};

struct recovery_driver {
    const char *name;
    int (*decide)(struct run *run, const struct recovery_ask *ask, struct recovery_decision *out,
                  struct err *err);
};

extern const struct recovery_driver recovery_rules, recovery_model;

/* 0: *out says how to go on. 1: there is no remedy or no budget left. E_GONE, E_CANCELLED, E_*. */
int recovery_try(struct run *run, struct step_result *result, struct next *out, struct err *err) MUST_CHECK;

/* Why a step that a model proposes in the place of step, or before it, is not done; NULL: it may be. proposed:
 * {"intent", "type", "params"}, of an edit as far as they change. In the step's pool. */
const char *recovery_refuses(struct run *run, const struct step *step, const json_t *proposed);

/* The same of a sentence that only says where to look. */
bool recovery_hint_commits(struct pool *pool, const struct step *step, const char *hint);

/* --- the parts of "rules" that answer without looking --------------------------------------- */

struct url_proposal {
    const char *url, *source; /* "pattern" or "page_link" */
    double confidence;
};

#define URL_PROPOSALS 12

/* Other addresses for one that did not open, best first; links of page (may be NULL) only when they share
 * words with intent and url. Returns how many. */
int recovery_urls(struct pool *pool, const char *url, const char *intent, const struct page *page,
                  struct url_proposal out[URL_PROPOSALS]);

/* Share of common letters pairs, 0..1, case and marks aside: "Send application" and "Send the application". */
double recovery_likeness(struct pool *pool, const char *a, const char *b);

/* Words that commit something: a label with one of them is never taken for one without it. */
bool recovery_commits_more(const char *proposed, const char *wanted);

#endif
