/*
 * suite.h - a task of a suite carried out: page, brain, proof, session (plans.md section 12).
 *
 * A task is a step of the type "task" (core/task.h): the runner records it, keeps a checkpoint
 * after it and goes on from there. task.c is the order of one, items.c a task over items and pages;
 * the others are the parts.
 */
#ifndef MANTIS_RUN_SUITE_SUITE_H
#define MANTIS_RUN_SUITE_SUITE_H

#include "core/task.h"
#include "run/inner/inner.h"
#include "run/step.h"

/* --- files that the browser downloaded (downloads.c) ------------------------------------------ */

struct downloads { /* what is in the directory: name and time of change of each */
    json_t *seen;  /* {"name": nanoseconds}, in the step's pool */
};
struct downloads downloads_now(struct run *run);

/* Name of a finished file that came since and matches glob, in the step's pool; NULL none. */
const char *downloads_since(struct run *run, const struct downloads *before, const char *glob);

/* --- proof (verify.c) ---------------------------------------------------------------------------
 */

/* Asked again until it holds, for at most CAP_GATE_MS, or longer while a download is under way.
 * *reason says what was seen. VERIFY_NONE holds. */
int suite_verify(struct run *run, const struct verify *v, const struct downloads *before,
                 bool *ret_holds, const char **ret_reason, struct err *err) MUST_CHECK;

/* One look: 1 it holds, 0 it does not, -1 this screen cannot tell. Pure but for the pool. */
int verify_observation(struct pool *pool, const struct verify *v, const struct observation *obs,
                       const char **ret_reason);

/* --- sessions (session.c) -----------------------------------------------------------------------
 */

/* Put the saved session of the suite's session_name into the browser. E_NOT_FOUND: there is none;
 * E_UNSUPPORTED on a plane without cookies. url: a page that needs its storage, "" none; it is
 * opened. */
int session_restore(struct run *run, const char *url, struct err *err) MUST_CHECK;
int session_keep(struct run *run, struct err *err) MUST_CHECK;

/* --- why it failed (category.c) ------------------------------------------------------------------
 */

struct attempt_facts {
    const struct inner_result *inner;
    const char *start_url, *url; /* where it began and stands */
    const char *page_class;      /* run_page_class(): ok, not_found, blocked ... */
    bool overlay;                /* something covers the page */
    bool spam;                   /* what was extracted is not what is wanted */
};

/* popup_trap, off_site, dead_link_404, gallery_trap, page_exhausted, context_rot, cloudflare,
 * dealer_listing, parse_failure, loop_stuck, off_source_drift or unknown. */
const char *failure_category(const struct attempt_facts *f);
bool says_no_more(const char *summary); /* "no more", "last page", "none left" ... */

/* --- the order of a task (task.c) ---------------------------------------------------------------
 */

/* Open url and say what is wrong with what came, "" nothing. */
int task_open(struct run *run, const char *url, const char **ret_wrong, struct err *err) MUST_CHECK;

/* One inner loop with this text, of the step that becomes result. */
int task_try(struct run *run, const char *text, const char *sentence, int max_steps,
             struct step_result *result, struct inner_result *out, struct err *err) MUST_CHECK;

/* A task over items and pages (items.c). result's task is added to. */
int task_items(struct run *run, const struct task *t, struct step_result *result,
               struct inner_result *out, struct err *err) MUST_CHECK;

/* {ORDINAL} 3rd, {N} 3, {PAGE_N} 2, {PAGE} page 2. In pool. */
const char *items_fill(struct pool *pool, const char *intent, int ordinal, int page);

#endif
