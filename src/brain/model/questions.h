/*
 * questions.h - what a model is asked besides the next action (brains.md sections 8 and 11): the text
 * of a question, and what its answer says. Pure. The first JSON in an answer counts; an answer without
 * any is no answer. Points in answers are the model's and come out as screen pixels.
 */
#ifndef MANTIS_BRAIN_MODEL_QUESTIONS_H
#define MANTIS_BRAIN_MODEL_QUESTIONS_H

#include "brain/model/reply.h"

enum question {
    QUESTION_FORM_VALUES, /* what the task says to type; no picture */
    QUESTION_FOCUSED,     /* has a field the focus after a click? */
    QUESTION_DONE,        /* does the screen show what is claimed? */
    QUESTION_SUBMIT,      /* where is the button that sends the form? */
    QUESTION_DIRECTOR,    /* the single safest next action of one who goes in circles */
    QUESTION_GROUNDING,   /* the point that a click meant */
};

struct question_facts { /* texts "" or NULL when there are none */
    struct space_view view;
    const char *task, *summary, *description;
    struct point at;              /* focused, grounding: screen pixels */
    const struct action *history; /* director: the last ten are told, what was typed is not */
    int n_history;
    const char *filled, *pending; /* director: labels */
    bool submitted;
};

/* Its text, from prompts/ask_*.txt, for a model that points as profile says. */
int question_text(struct pool *pool, const struct profile_dirs *dirs, const struct profile *profile,
                  enum question which, const struct question_facts *facts, const char **out,
                  struct err *err) MUST_CHECK;

bool question_sees(enum question which);      /* a screenshot goes with it */
int question_max_tokens(enum question which); /* of the answer */

struct form_value {
    const char *label, *value;
};

/* At most max; labels in lower case. 0 also when there was no answer. */
int answer_form_values(struct pool *pool, const char *reply, struct form_value *out, int max);

struct focused_answer {
    bool focused;
    const char *label, *type; /* type: text, password, email, number, search or other */
};
bool answer_focused(struct pool *pool, const char *reply, struct focused_answer *out);

struct done_answer {
    bool valid;
    const char *reason;
};
bool answer_done(struct pool *pool, const char *reply, struct done_answer *out);

struct submit_answer {
    bool found;
    struct point at;
    const char *label;
};
bool answer_submit(struct pool *pool, const struct profile *profile, const struct space_view *view,
                   const char *reply, struct submit_answer *out);

/* Click, scroll, key_press or wait, its reasoning "claude-director: ...". */
bool answer_director(struct pool *pool, const struct profile *profile, const struct space_view *view,
                     const char *reply, struct action *out);

/* JSON or the first two whole numbers; false for "none". */
bool answer_grounding(struct pool *pool, const struct profile *profile, const struct space_view *view,
                      const char *reply, struct point *out);

#endif
