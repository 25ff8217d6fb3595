/*
 * brain.h - screenshot in, action out: who decides the next move of a sub-goal (brains.md section 1).
 *
 * Kinds: "page" (finds what the sub-goal names on the page and acts on it), "script:<file>" (replays
 * actions), "mock" (always done, for walking a plan), "none" (refuses), and models: "chat:<profile>" (OpenAI-compatible
 * servers), "claude" (docs/brains.md). "ladder:<primary>,<fallback>" has two of them.
 * Threads: loop thread only. Blocks at most until deadline_mono_ms.
 */
#ifndef MANTIS_BRAIN_BRAIN_H
#define MANTIS_BRAIN_BRAIN_H

#include "base/err.h"
#include "base/pool.h"
#include "core/action.h"
#include "core/observation.h"
#include "reader/reader.h"

struct brain;

enum brain_caps {
    BRAIN_NEEDS_DOM = 1 << 0, /* only works on a plane with PLANE_HAS_DOM */
    BRAIN_CAN_PLAN = 1 << 1,  /* may be given sub-goals of more than one action */
    BRAIN_AIMS_BY_PAGE = 1 << 2, /* knows what it clicks: not second-guessed by guards for pixel brains */
    BRAIN_SEES = 1 << 3,         /* is shown the screen as a picture */
    BRAIN_ANSWERS = 1 << 4,      /* has answers to questions (query.h) */
    BRAIN_TELLS_HISTORY = 1 << 5,  /* says itself what was done and what came of it: the turn's text need not */
    BRAIN_TELLS_ATTEMPTS = 1 << 6, /* and what failed before */
    BRAIN_CALLS_TOOLS = 1 << 7,    /* is told of host_tools and may call them */
};

struct model_link; /* brain/model/ask.h */

/* What a kind may need of its surroundings; borrowed for the brain's life. A kind that has not what it
 * needs is E_INVALID. */
struct brain_needs {
    struct reader *reader;          /* page */
    const struct model_link *model; /* chat, claude: the server, or the gateway before it */
    const struct model_link *fallback; /* ladder: of its second brain; NULL: the same */
};

/* spec: "page", "mock", "none", "script:<file>", "chat:<profile>", "claude",
 * "ladder:<primary>,<fallback>" (ladder.c). E_UNSUPPORTED names the kinds; E_NOT_FOUND: no such profile. */
int brain_create(const char *spec, const struct brain_needs *needs, struct brain **out, struct err *err) MUST_CHECK;
void brain_destroy(struct brain *brain); /* NULL is fine */
/* The specs of the brains that a spec is made of: two of a ladder, else itself. Returns how many, 0 for a ladder
 * that is none. Whoever links brains to servers asks. */
int brain_parts(struct pool *pool, const char *spec, const char *out[2]);
unsigned brain_caps_of(const char *spec); /* without creating it; 0 for unknown */
bool brain_known(const char *spec);       /* its kind is built in */
const char *const *brain_kinds(void);     /* NULL-terminated */
const char *brain_name(const struct brain *brain); /* "page": what /v1/models says */
unsigned brain_abilities(const struct brain *brain); /* enum brain_caps; a ladder's change when it escalates */

struct brain_turn {
    const char *task;                /* the sub-goal text of agent-loop.md 1.5 */
    const char *prompt;              /* the turn's text of agent-loop.md 1.3, task and history included */
    const struct observation *obs;   /* the screen now */
    const struct action *history;    /* actions of this sub-goal so far, oldest first */
    const char *const *feedback;     /* one line per action (agent-loop.md 1.4) */
    int n_history;
    bool in_plan;                    /* a sub-goal of a plan, not a task of its own */
    const char *step_type;           /* of the plan's step, NULL none */
    const json_t *attempts;          /* [{x, y, label, kind, reason, hit}] of earlier failures, NULL none */
    const json_t *host_tools;        /* [{name, description, parameters}] that may be called, NULL none */
    const char *loop;                /* signal of the loop detector, NULL: it gets on */
    int frames;                      /* screenshots it is shown; 0: as its profile says */
    int steps_left;                  /* this one included */
    int64_t deadline_mono_ms;
};

struct brain_reply {
    struct action action;
    const char *thinking;         /* "" when none */
    const json_t *predicted;      /* predicate tokens (agent-loop.md 8.1) or NULL */
    const char *tool;             /* a host tool to call; the action is then a wait that says so. NULL none */
    const json_t *tool_args;      /* object */
    const char *used;             /* "primary" or "fallback" of a ladder; NULL: there is one brain only */
    const char *warning;          /* what the caller of the run should know, said once; NULL none */
    const char *escalated;        /* why the fallback was asked from this turn on, NULL: it was not */
    const char *model; /* that is paid by the token, in pool; NULL: this turn cost nothing */
    int64_t input_tokens, output_tokens;
    int64_t cache_read_tokens, cache_write_tokens; /* not in input_tokens */
    double gpu_s; /* seconds of a model of ours; 0: none */
};

/* The next action. A sub-goal it cannot ground ends with done(success=false) and a summary that says
 * what was looked for; E_* only when it could not be asked at all (E_UPSTREAM, E_TIMEOUT, E_CANCELLED). */
int brain_think(struct brain *brain, struct pool *pool, const struct brain_turn *turn,
                struct brain_reply *out, struct err *err) MUST_CHECK;

#endif
