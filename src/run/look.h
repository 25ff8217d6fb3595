/*
 * look.h - eyes and hands of a step: the plane and the reader, metered, capped and told about.
 * Everything that is returned lives in run->step_pool.
 */
#ifndef MANTIS_RUN_LOOK_H
#define MANTIS_RUN_LOOK_H

#include "run/run.h"

#define LOOK_TIMEOUT_MS 10000 /* then the look fails, E_TIMEOUT */
#define PAGE_TEXT_BYTES 65536 /* of a page's text that is searched for a phrase */

/* How long it may take after an input until the page is still, per occasion (plans.md section 8). An
 * upper bound: it ends as soon as nothing moves, and a page that never rests is looked at as it is. */
enum {
    CAP_CLICK_MS = 8000,
    CAP_TYPE_MS = 4000,
    CAP_SCROLL_MS = 1500,
    CAP_BACK_MS = 10000,
    CAP_LOAD_MS = 18000,
    CAP_GATE_MS = 2000,
};

/* What the reader needs to see: the frame, and the page on a plane that can read it. No file is made of the
 * frame: a brain that is a model makes the one picture it is sent (brain/model/picture.h). */
int run_look(struct run *run, struct observation *out, struct err *err) MUST_CHECK;
int run_look_in(struct run *run, struct pool *pool, struct observation *out, struct err *err) MUST_CHECK;
int run_observe(struct run *run, unsigned what, struct observation *out, struct err *err) MUST_CHECK;

/* The last picture of a run, for which there is less time. */
int run_last_look(struct run *run, int timeout_ms, struct observation *out, struct err *err) MUST_CHECK;

/* The URL now; "" when the plane cannot tell. Also kept in run->live_url. */
int run_read_url(struct run *run, const char **out, struct err *err) MUST_CHECK;

int run_act(struct run *run, const struct action *action, int cap_ms, struct settled *out,
            struct err *err) MUST_CHECK;
int run_click(struct run *run, struct point at, enum button button, struct settled *out,
              struct err *err) MUST_CHECK;
int run_key(struct run *run, const char *keys, int cap_ms, struct err *err) MUST_CHECK;
int run_type(struct run *run, const char *text, struct err *err) MUST_CHECK;
int run_open(struct run *run, const char *url, int cap_ms, struct settled *out,
             struct err *err) MUST_CHECK;
int run_back(struct run *run, struct settled *out, struct err *err) MUST_CHECK;
int run_close_tab(struct run *run, struct err *err) MUST_CHECK;
int run_settle(struct run *run, int cap_ms, struct err *err) MUST_CHECK;

/* Turn the wheel over the page until about dy_px passed or nothing moves; *ret_moved_px is what
 * scroll_y says, or an estimate from the picture on planes that cannot read it. */
int run_scroll_px(struct run *run, int dy_px, int *ret_moved_px, struct err *err) MUST_CHECK;

/* The same with the wheel turned over a pane at this point (NULL: as above). Its end is an end: that the
 * document moves then is no movement. */
int run_scroll_pane(struct run *run, const struct point *pane, int dy_px, int *ret_moved_px,
                    struct err *err) MUST_CHECK;

/* Take the overlay away that covers the page, if there is one. */
int run_dismiss_overlay(struct run *run, const struct observation *obs, bool *ret_done,
                        struct err *err) MUST_CHECK;

/* Ask for a target again and again while bringing it into view and uncovering it. E_NOT_FOUND: it is
 * not there, or cannot be brought into view. *obs and *out are of the last look. */
typedef int look_find_fn(struct run *run, void *arg, const struct observation *obs, struct target *out,
                         struct err *err);
int run_bring(struct run *run, look_find_fn *find, void *arg, struct observation *obs,
              struct target *out, struct err *err) MUST_CHECK;

/* The same for an ordinary query. */
int run_bring_query(struct run *run, const struct target_query *query, struct observation *obs,
                    struct target *out, struct err *err) MUST_CHECK;

/* A target that is only a point, looked at again before it is clicked; t->at is the better point when it is taken.
 * kind: of grounding_taken(). Nothing is asked of a page that says what stands there. */
int run_regard(struct run *run, const struct observation *obs, const char *kind, const char *wanted,
               struct target *t, struct err *err) MUST_CHECK;

/* Another point of the target: near the start of its first line. The middle of a link that wraps over
 * two lines may lie beside its words. */
struct point run_first_line(const struct target *target);

/* Yes or no, asked a second time after the page settled when the first answer was not yes. */
int run_ask(struct run *run, const char *question, struct verdict *out, struct err *err) MUST_CHECK;

/* What page does it show? See url.h page_class(). */
const char *run_page_class(struct run *run, const struct observation *obs, const char *asked_url);

/* Focused editable element, or NULL. */
const struct node *look_focused(const struct observation *obs);

#endif
