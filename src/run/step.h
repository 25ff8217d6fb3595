/*
 * step.h - what a step type is: one row of the table in steps.c, one file under steps/.
 *
 * To add a type: write steps/<type>.c with a step_fn, declare it in steps/steps.h, add a row.
 */
#ifndef MANTIS_RUN_STEP_H
#define MANTIS_RUN_STEP_H

#include "run/run.h"

enum step_flags {
    STEP_IRREVERSIBLE = 1 << 0, /* journalled, never sent again blindly */
    STEP_READ_ONLY = 1 << 1,    /* leaves the page as it is: need not be done again when it is reopened */
    STEP_MUST_CHANGE = 1 << 2, /* success without any change of the page is none (plans.md 10.1) */
    STEP_AIMS = 1 << 3,        /* expect_url_* hints are checked afterwards (plans.md 10.2) */
    STEP_OPENS = 1 << 4,       /* its page opens again by its address, whatever was done before */
    STEP_OWN_PROOF = 1 << 5,   /* looks itself whether what an earlier attempt sent worked */
};

enum outcome {
    OUTCOME_NORMAL,
    OUTCOME_DUPLICATE,      /* an item that was taken before */
    OUTCOME_EXHAUSTED,      /* no card is left on the page of results */
    OUTCOME_LOGIN,          /* the site wanted a login */
    OUTCOME_BLANK_TAB,
    OUTCOME_BLOCKED,        /* the page is a wall */
    OUTCOME_SCAN_ERROR,
    OUTCOME_UNHEARD, /* the reader's server did not answer: nothing was seen, and nothing was done */
    OUTCOME_BUDGET,         /* the brain used its budget up or went in circles */
    OUTCOME_REJECTED,       /* what was extracted does not count, and the schema wants the run to end */
    OUTCOME_AGAIN,          /* the plan wants it tried again */
    OUTCOME_DONE,           /* the plan ends here, well or not */
    OUTCOME_UNCONFIRMED,    /* sent by an attempt that died; nobody saw what came of it */
    OUTCOME_BUSY,           /* the server says to come again later */
    OUTCOME_REFUSED,        /* sent, and the page says that it was not taken: may be sent again */
    OUTCOME_UNMET,          /* sent, the page is another, and what was expected is not on it */
};

/* failure_subclass: what was aimed at takes no text. The next attempt looks elsewhere. */
#define FAILURE_NOT_INPUT "not_input"
/* failure_class and halt_class: the reader's model did not answer (agent-loop.md 11). */
#define FAILURE_UNHEARD "anthropic_unreachable"

/* Strings live in the run's step pool. */
struct step_result {
    bool success, skip;
    enum outcome outcome;
    const char *data;          /* never NULL after a step function returned 0 */
    const char *skip_reason;   /* "" */
    const char *failure_class; /* "": to be found out from data */
    const char *failure_subclass;
    const char *backend;       /* "plan": our own hands; "vision": the brain; "brain_fallback" */
    const char *label;         /* what was aimed at, "" none */
    const char *final_url, *page_title, *screenshot;
    struct point at;           /* where it was clicked; -1,-1 nowhere */
    const char *prompt;        /* a person is asked this before the run goes on; NULL: nobody */
    const char *pause_reason;  /* with prompt: "user_input" */
    int steps_used;
    int rows;                  /* rows it added */
    bool verified_change;      /* something on the page or in the URL is different from before */
    bool navigated;            /* its input opened another document */
    bool untouched;            /* on pixels: around the click nothing is different */
    bool late;                 /* what an earlier attempt did showed only now (late.h) */
    const char *complaint_before; /* what the page complained of before the input (complaint.h); "" */
    bool undone_before;        /* it said even then that something was not done */
    const char *effect_key;    /* journal entry to close with "observed"; NULL none */
    bool sent;                 /* what cannot be taken back may have left: never pressed again blindly */
    bool from_journal;         /* an earlier attempt's outcome: that one judged it, on its own page */
    json_t *fields;            /* extracted values, owned, may be NULL */
    json_t *task;              /* what the suite's result says of a task, owned, may be NULL */
    json_t *new_rows;          /* {values,evidence} each, owned, may be NULL: taken when it succeeded */
};

/*
 * Carry run->step out. 0: *out says how it went, failures included. E_GONE, E_CANCELLED and
 * E_INTERNAL end the attempt; any other code becomes a failed result that quotes err. E_UNAVAILABLE: a model was not heard.
 */
typedef int step_fn(struct run *run, struct step_result *out, struct err *err);

struct step_type {
    const char *name;
    step_fn *run;
    unsigned flags;      /* enum step_flags */
    const char *overlay; /* what a person is told that it does: in events and recordings */
};

const struct step_type *step_type_find(const char *name); /* NULL when unknown */
const struct step_type *step_type_at(size_t i);           /* NULL past the end: for tests and docs */

/* Dispatch order of plans.md section 8, from the guard on. */
int step_dispatch(struct run *run, struct step_result *out, struct err *err) MUST_CHECK;

bool step_guard_holds(const struct run *run); /* false: run->step is skipped (plans.md 9.2) */

/* True when the click step scans result cards rather than one labelled element. */
bool step_is_listing(const struct step *step);

struct step_result step_result_empty(void); /* nothing happened yet: texts "", clicked nowhere */

/* All return 0, so that a step can end with `return step_fail(...)`. */
int step_ok(struct run *run, struct step_result *out, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int step_fail(struct run *run, struct step_result *out, const char *failure_class, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* It was sent, and nobody saw what came of it. */
int step_unconfirmed(struct run *run, struct step_result *out, const char *why);

/* Find what the query asks for, in view; scrolls through the page when it is not there at once.
 * E_NOT_FOUND after that (also told as an event, with what the reader saw instead). */
int step_find(struct run *run, const struct target_query *query, struct observation *obs,
              struct target *out, struct err *err) MUST_CHECK;

/* Target query from params.label, aliases, kind, hints.region and the intent. */
struct target_query step_query(struct run *run, enum target_kind default_kind);
const char *step_label(struct run *run); /* params.label, quoted words of the intent, or the intent */

/* params.<key>, else hints.<key>, else NULL. */
const json_t *step_option(const struct step *step, const char *key);

/* The schema that is asked for: the step's, else the request's, each over the recipe it names. NULL when
 * there is none. */
int step_schema(struct run *run, struct schema **out, struct err *err) MUST_CHECK;
int step_schema_of(struct run *run, const struct step *step, struct schema **out,
                   struct err *err) MUST_CHECK;

/* An extraction that was not told what of: fails, and warns. Returns 0. */
int step_no_schema(struct run *run, struct step_result *out);

#endif
