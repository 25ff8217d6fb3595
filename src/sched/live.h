/*
 * live.h - runs that are watched, and the persons who take them over (docs/live.md).
 *
 * A view belongs to a run, not to its worker: it may be opened before the run starts and stays open from one
 * attempt to the next. Of a run that is watched the newest JPEG of every region is kept here once; a view
 * holds a number, what it has seen, so that a slow one costs what a fast one does and gets less.
 * Threads: loop thread only.
 */
#ifndef MANTIS_SCHED_LIVE_H
#define MANTIS_SCHED_LIVE_H

#include "base/buf.h"
#include "core/lease.h"
#include "core/patches.h"
#include "core/view_token.h"
#include "sched/sched.h"
#include "sched/tenants.h"

/* --- tokens ------------------------------------------------------------------------------------ */

/* The person behind an API token. */
void sched_view_who(const struct sched *sched, const unsigned char token_sha256[32], char out[LEASE_WHO_BYTES]);

/* A token for a run; *ret_expires_us in Unix time. In pool. */
const char *sched_view_token(const struct sched *sched, struct pool *pool, struct run_key key, unsigned rights,
                             const char *who, int64_t *ret_expires_us);

/* Is the API token of that person in force? Of VIEW_ANYBODY: is one of the tenant's? */
bool sched_view_in_force(const struct sched *sched, struct tenants *tenants, const char *tenant, const char *who);

/* E_UNAUTHORIZED. Strings live in pool. */
int sched_view_admit(const struct sched *sched, struct pool *pool, const char *token, const char *run_id,
                     struct view_token *out, struct err *err) MUST_CHECK;

/* --- views ------------------------------------------------------------------------------------- */

struct sched_view;

/* From the loop. None may open or close a view. */
struct sched_view_events {
    void (*news)(void *arg);                          /* pictures, or what sched_view_state() says */
    void (*clipboard)(void *arg, const char *text);   /* answer to HAND_COPY; NULL: never asked for */
};

/* kind: what this view shows. E_NOT_FOUND, E_CONFLICT: the run is over; E_RATE_LIMITED: too many views. */
int sched_view_open(struct sched *sched, struct run_key key, enum patches_kind kind,
                    const struct sched_view_events *events, void *arg, struct sched_view **out,
                    struct err *err) MUST_CHECK;
void sched_view_close(struct sched_view *view); /* NULL is fine; a lease of its stays held */

/* The message of docs/live.md with what changed since the last one, into out, which is empty; false: nothing. */
bool sched_view_next(struct sched_view *view, struct buf *out);

/* The newest frame of a PATCHES_FRAME view, once; NULL: the view has seen it. Counted: hand it back. */
struct picture {
    int refs;
    size_t len;
    unsigned char data[];
};
struct picture *sched_view_frame(struct sched_view *view);
void picture_put(struct picture *p); /* NULL is fine */

enum control { CONTROL_FREE, CONTROL_HELD, CONTROL_YOURS };

struct sched_view_state {
    enum run_state state;
    const char *pause_reason, *prompt; /* "" none; until the next turn */
    enum control control;
    bool ready;         /* the run stands still: what a person does reaches it */
    int64_t left_ms;    /* of the lease */
    int width, height;
    const char *released; /* why the controls are yours no more; told once; NULL: nothing new */
};
void sched_view_state(struct sched_view *view, struct sched_view_state *out);

/* --- taking over ------------------------------------------------------------------------------- */

struct takeover {
    const char *token; /* of a lease to go on with; NULL none */
    const char *who;
    bool take;         /* from the own other window */
};

/* The run pauses unless it is paused; view (NULL: none yet) has the controls from now on. *ret_lease: valid until
 * the loop's next turn. E_NOT_FOUND; E_CONFLICT: held, over, or it has no browser now. */
int sched_takeover(struct sched *sched, struct run_key key, const struct takeover *ask, struct sched_view *view,
                   const struct lease **ret_lease, struct err *err) MUST_CHECK;

/* Give them back; the run goes on unless it waits for an answer that did not come (*ret_state). When it cannot, they
 * are kept. E_NOT_FOUND, E_CONFLICT: not this lease, or it ran out; what sched_resume() refuses. */
int sched_takeover_release(struct sched *sched, struct run_key key, const char *token,
                           const json_t *user_input, enum run_state *ret_state, struct err *err) MUST_CHECK;

/* The same by the view that has them. */
int sched_view_release(struct sched_view *view, const json_t *user_input, struct err *err) MUST_CHECK;

/* A sign of life. E_CONFLICT: it has not got the controls. */
int sched_view_renew(struct sched_view *view, struct err *err) MUST_CHECK;

/* What its person does (core/hand.h), checked and handed down. E_INVALID; E_CONFLICT: it has not got the
 * controls; E_UNAVAILABLE: the run does not stand still yet, or is behind with what came before. */
int sched_view_hand(struct sched_view *view, const json_t *hand, struct err *err) MUST_CHECK;

/* Has somebody got them, and for how long? */
enum control sched_control(struct sched *sched, struct run_key key, int64_t *ret_left_ms);

#endif
