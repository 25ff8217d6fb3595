/*
 * subgoal.h - what a sub-goal text asks for, as the page brain understands it.
 */
#ifndef MANTIS_BRAIN_SUBGOAL_H
#define MANTIS_BRAIN_SUBGOAL_H

#include "base/pool.h"
#include "core/page.h"
#include "reader/reader.h"

enum verb {
    VERB_CLICK, /* also open, press, follow, choose: anything unknown with a target */
    VERB_TYPE,
    VERB_SELECT,
    VERB_SCROLL,
    VERB_BACK,
    VERB_WAIT,
    VERB_KEY,
    VERB_DISMISS,
    VERB_HOVER,
    VERB_ADDRESS,   /* load a URL */
    VERB_ITEM,      /* open the n-th of what the page lists */
    VERB_NEXT_PAGE, /* of results */
    VERB_LOOK,      /* only see whether it is so */
    VERB_TICK,      /* a box, a radio button, a switch */
};

#define SUBGOAL_MAX_AVOID 8

struct subgoal {
    enum verb verb;
    const char *sentence;       /* the sub-goal itself */
    const char *criterion;      /* how success shows; "" when not said */
    const char *label;          /* target's name when the text gives one, else "" */
    const char *const *aliases; /* NULL-terminated */
    enum target_kind kind;
    const char *value;                     /* what to type, or the option to choose */
    const char *keys;                      /* VERB_KEY: a chord */
    bool press_enter;                      /* VERB_TYPE: "search for X" */
    int direction;                         /* VERB_SCROLL: -1 up, 1 down */
    bool to_end;                           /* VERB_SCROLL: to the top or bottom */
    int times;                             /* VERB_SCROLL: passes */
    double seconds;                        /* VERB_WAIT */
    int ordinal;                           /* VERB_ITEM: from 1; -1 the last */
    bool off;                              /* VERB_TICK: to be cleared */
    const char *near;                      /* words that stand beside the target, "" none */
    struct point avoid[SUBGOAL_MAX_AVOID]; /* clicked before, in vain */
    int n_avoid;
};

/* Read the text of agent-loop.md 1.5. Strings live in pool. */
void subgoal_parse(struct pool *pool, const char *task, struct subgoal *out);

#endif
