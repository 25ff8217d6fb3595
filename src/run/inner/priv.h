/*
 * priv.h - what the files of the inner loop share about one sub-goal under way.
 */
#ifndef MANTIS_RUN_INNER_PRIV_H
#define MANTIS_RUN_INNER_PRIV_H

#include "brain/query.h"
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
    unsigned off;         /* enum inner_off */
    int budget, turns, n; /* brain calls allowed and made; actions carried out */
    struct action history[INNER_MAX_TURNS];
    const char *feedback[INNER_MAX_TURNS];
    struct loop_sample samples[INNER_MAX_TURNS];
    struct sight now;
    struct point last_top;                  /* the last click near the top edge */
    struct point filled[INNER_MAX_PENDING]; /* where the form controller typed */
    int n_filled, n_asked;                  /* of them; values that the brain found in the task */
    bool submitted;                         /* the form was sent: by a Return or by us */
    bool forced_submit;                     /* once only */
    struct point aimed;                     /* where was clicked last, or for whoever types; x < 0 nowhere */
    struct point missed;                    /* the first click that nothing came of, x < 0 none */
    const char *missed_by;                  /* who chose it and those behind it: "brain,director" */
    const char *circling;                   /* signal of the loop that it was told of, NULL none */
    struct point bare;                      /* the last click that gave nothing the focus, as it was asked */
    int directed_at;                        /* action that a director chose last */
    const char *thinking;                   /* of the last reply */
    const char *unheard;                    /* why it was silent last */
    const char *plan;                       /* the brain's own, "" none */
    int silence, rejections, risky, no_effect, unparsed, galleries;
    int predicted, evaluated, correct; /* predicates of all turns */
    int escalations;                   /* of a ladder */
    double reward;
    int64_t input_tokens, output_tokens, cached_tokens;
    json_t *rejected, *recovered; /* counts by reason, in the step's pool */
    json_t *backends;             /* counts by who carried it out */
    const char *termination;      /* NULL while it goes on */
    bool success;
    const char *summary;
};

struct chosen { /* what will be done */
    struct action action;
    const char *substituted_by; /* "" it is the brain's */
    const char *loop_recovery;  /* "" */
    const char *then[2];        /* keys that are pressed behind it, NULL none */
    const struct point *field;  /* that was clicked before it types; NULL none */
    bool acted; /* it was done already: now is what followed, before what was there */
    struct sight before;
    struct settled settled;
    const json_t *grounding; /* {x, y, confidence, cached} of a better point, NULL none */
};

struct turn_words { /* of the brain, about its action */
    const char *thinking;
    const json_t *predicted;
    double inference_s;
    const char *rejected; /* why its done was not taken, "" */
    const char *used;     /* which brain of a ladder, NULL there is one */
    const char *tool;     /* that was called in place of an action, NULL none */
    const json_t *tool_args;
};

int inner_see(struct inner *in, struct sight *out, struct err *err) MUST_CHECK;
void inner_forget(struct sight *s);

/* Does it aim by pixels? Guards and recoveries stand before the clicks of such a brain. */
bool inner_guarded(const struct inner *in);
bool inner_may_ask(const struct inner *in); /* it has answers */

int inner_choose(struct inner *in, const struct action *said, struct chosen *out,
                 struct err *err) MUST_CHECK;

/* out->known false: nobody answered. The answer lives as long as the screen that was asked about.
 * E_CANCELLED. */
int inner_question(struct inner *in, struct brain *who, enum question which,
                   const struct question_facts *facts, struct brain_answer *out,
                   struct err *err) MUST_CHECK;

/* A better point for a click, where it is wanted (15). */
int inner_ground(struct inner *in, const char *thinking, struct chosen *c,
                 struct err *err) MUST_CHECK;

/* The form controller (7.1, 7.2); *ret_applies: *out is what is done. */
int form_begin(struct inner *in, struct err *err) MUST_CHECK;
int form_fill(struct inner *in, const struct action *said, struct chosen *out, bool *ret_applies,
              struct err *err) MUST_CHECK;
int form_submit(struct inner *in, const struct action *said, struct chosen *out, bool *ret_applies,
                struct err *err) MUST_CHECK;
/* The click goes into a field that was given its value. */
bool form_was_filled(const struct inner *in, const struct action *a);
/* A click there gave nothing the focus, as the brain itself saw it. */
bool form_is_bare(const struct inner *in, const struct action *a);
const char *form_labels(struct inner *in, bool filled); /* "email, password", "" none */
bool form_is_all(
    const struct inner *in); /* the one thing to type was typed, and nothing else was asked */

/* A tool of the host in place of an action. */
json_t *inner_tools(struct inner *in); /* for a brain's turn; NULL none */
int inner_call_tool(struct inner *in, const struct brain_reply *reply,
                    const struct turn_words *words, struct err *err) MUST_CHECK;

/* Something took the place of what the brain said, or did not let it pass: a healing event. */
void inner_heal(struct inner *in, const char *kind, const char *by, const char *why);

/* The input alone, announced where it cannot be taken back; *ret_error: why it could not be made,
 * NULL it was. */
int inner_do(struct inner *in, const struct action *a, struct settled *s, const char **ret_error,
             struct err *err) MUST_CHECK;

/* One more turn that acted on nothing: a tool's. feedback lives in the step's pool. */
void inner_write_tool(struct inner *in, const struct turn_words *words, const char *feedback);

/* Do it, look, and write down what came of it. */
int inner_carry_out(struct inner *in, const struct chosen *c, const struct turn_words *words,
                    struct err *err) MUST_CHECK;

bool inner_same_place(struct point a, struct point b); /* within a few px; x < 0 is nowhere */
const char *inner_soft_loop(const struct inner *in);   /* signal, NULL none */
struct pending_value *inner_pending(struct inner *in); /* the first that nobody typed, NULL none */
struct action inner_keep_action(struct pool *pool,
                                const struct action *a); /* with copies of its texts */

#endif
