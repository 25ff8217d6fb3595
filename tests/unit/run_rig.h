/*
 * run_rig.h - a runner on a bench: plan text in, end and everything it told its host out.
 */
#ifndef MANTIS_TESTS_RUN_RIG_H
#define MANTIS_TESTS_RUN_RIG_H

#include "brain/driver.h"
#include "run/run.h"
#include "unit/run_fakes.h"

#define RIG_MAX_CHECKPOINTS 256

struct rig {
    struct loop *loop;
    struct pool *pool;
    struct fake_web web;
    struct plan *plan;
    struct run_config config;
    struct run_host host;
    struct run run;
    struct run_end end;
    json_t *checkpoints[RIG_MAX_CHECKPOINTS];
    int n_checkpoints;
    json_t *events;  /* all of them, in order */
    json_t *journal; /* {"key": {"state","detail"}}: survives a death */
    int journal_lost_after; /* the n-th entry is written and never acknowledged (the plane dies); 0 never */
    int n_journal;
    json_t *final; /* checkpoint document at the end */
    struct brain *brain; /* NULL: none */
    struct reader *reader; /* NULL: fake_reader() */
    json_t *pauses; /* what the host heard of them */
    void (*on_paused)(struct rig *rig, const json_t *pause); /* NULL: nobody hears it */
    int n_unpaused;
};

/* A brain that says these actions, one after the other, and the last one for ever. */
struct rig_brain {
    struct brain base;
    const struct action *actions;
    int n, asked;
    int silent; /* this many questions are not answered first */
    const char *const *thoughts; /* of the first turns, NULL-terminated; NULL: it says nothing */
    const char *model; /* paid by the token: input_tokens of it per turn; NULL: it costs nothing */
    int input_tokens;
    char task[2000]; /* as last told */
    char prompt[4000];
};
void rig_brain_init(struct rig_brain *brain, const struct action *actions, int n);

/* Steps as a JSON array in single quotes instead of double ones. */
void rig_init(struct rig *rig, fake_page_fn *page, const char *steps);
void rig_release(struct rig *rig);

/* checkpoint NULL: from the beginning. */
void rig_run(struct rig *rig, const json_t *checkpoint);

const json_t *rig_result(const struct rig *rig, int i); /* step result i; negative: from the end */
const char *rig_data(const struct rig *rig, int i);
int rig_n_results(const struct rig *rig);
int rig_n_events(const struct rig *rig, const char *kind);
json_t *rig_rows(const struct rig *rig); /* borrowed */

/* The practice site of these tests: two pages of boats, an ad, one dead card, phones behind a button. */
void boats_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out);
extern const char boats_plan[]; /* navigate, gate, click, extract_url, extract_data, back, loop x 3 */

#endif
