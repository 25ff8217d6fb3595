/*
 * priv.h - what the files of the inner loop share about one sub-goal under way.
 */
#ifndef MANTIS_RUN_INNER_PRIV_H
#define MANTIS_RUN_INNER_PRIV_H

#include "run/inner/detect.h"
#include "run/inner/inner.h"
#include "run/inner/perceptual.h"
#include "run/inner/predicates.h"
#include "run/look.h"

#define SOFT_WINDOW 3
#define HARD_WINDOW 8

/* One look, with a pool of its own: pictures are large, and only the last two are needed. */
struct sight {
    struct pool *pool;
    struct observation obs;
    char hash[FRAME_HASH_BYTES];
    const struct node *focused;
};

struct inner {
    struct run *run;
    struct inner_goal *goal;
    struct loop_rules rules;
    unsigned off; /* enum inner_off */
    bool guarded; /* the brain aims by pixels: guards and recoveries stand before its clicks */
    int budget, turns, n; /* brain calls allowed and made; actions carried out */
    struct action history[INNER_MAX_TURNS];
    const char *feedback[INNER_MAX_TURNS];
    struct loop_sample samples[INNER_MAX_TURNS];
    struct sight now;
    struct point last_top; /* the last click near the top edge */
    const char *thinking;  /* of the last reply */
    const char *plan;      /* the brain's own, "" none */
    int silence, rejections, risky, no_effect, unparsed, galleries;
    int64_t input_tokens, output_tokens, cached_tokens;
    json_t *rejected, *recovered; /* counts by reason, in the step's pool */
    const char *termination;      /* NULL while it goes on */
    bool success;
    const char *summary;
};

struct chosen { /* what will be done */
    struct action action;
    const char *substituted_by; /* "" it is the brain's */
    const char *loop_recovery;  /* "" */
};

struct turn_words { /* of the brain, about its action */
    const char *thinking;
    const json_t *predicted;
    double inference_s;
    const char *rejected; /* why its done was not taken, "" */
};

int inner_see(struct inner *in, struct sight *out, struct err *err) MUST_CHECK;
void inner_forget(struct sight *s);

void inner_choose(struct inner *in, const struct action *said, struct chosen *out);

/* Do it, look, and write down what came of it. */
int inner_carry_out(struct inner *in, const struct chosen *c, const struct turn_words *words,
                    struct err *err) MUST_CHECK;

const char *inner_soft_loop(const struct inner *in);   /* signal, NULL none */
struct pending_value *inner_pending(struct inner *in); /* the first that nobody typed, NULL none */
struct action inner_keep_action(struct pool *pool,
                                const struct action *a); /* with copies of its texts */

#endif
