/*
 * reply.h - what a model answered becomes one action (brains.md sections 2-7).
 *
 * A reply is first taken apart (said_*: text, thinking, tool calls, tokens), then the strategies that
 * the profile names are tried in order; the first that finds an action gives it. A reply is never an
 * error: what nobody can read becomes a wait that says so. Pure; the text is untrusted.
 */
#ifndef MANTIS_BRAIN_MODEL_REPLY_H
#define MANTIS_BRAIN_MODEL_REPLY_H

#include "brain/model/profile.h"
#include "core/action.h"
#include "core/cost.h"

struct said_call {
    const char *name;
    const json_t *arguments; /* object; {} when it was no JSON */
};

/* One reply taken apart. Strings live in the pool it was read into, "" for none. */
struct said {
    const char *text;
    const char *thinking;
    const struct said_call *calls;
    int n_calls;
    const json_t *content; /* anthropic: the blocks as they came, for struct model_exchange; NULL */
    const char *model, *finish; /* which model said it; why it stopped: "length" is cut off */
    int64_t input_tokens, output_tokens; /* all of the input, cached parts included */
    int64_t cached_tokens, cache_write_tokens;
    double server_s; /* how long the model was at it, where a gateway says so; 0 not known */
};

/* What it is paid for: input without what the cache held. */
struct token_use said_use(const struct said *said);

/* body: the whole answer. A body that is no reply (no choices, no content) is E_UPSTREAM. */
int said_read(struct pool *pool, enum profile_api api, const json_t *body, struct said *out,
              struct err *err) MUST_CHECK;

/* Only the tokens of it. False: it does not say them. */
bool said_tokens(enum profile_api api, const json_t *body, struct said *out);

struct reply_facts {
    struct space_view view;
    struct point pointer;     /* where it is, {-1,-1} unknown */
    const json_t *host_tools; /* [{name, ...}] that may be called, NULL none */
};

/* The last point that was read, as the model wrote it: in its own coordinates. */
struct said_point {
    bool there;
    double x, y;
    bool fraction; /* of the screen, whatever its space (space.h) */
};

struct model_reply {
    struct action action;     /* screen pixels */
    struct said_point point;
    const char *strategy;     /* that found it; "" when none did (action is a wait, unparsed) */
    const char *thinking;     /* "" none */
    const json_t *predicted;  /* text or array of predicate tokens (agent-loop.md 8.1), NULL none */
    const char *tool;         /* a host tool to call instead (the action is a wait); NULL none */
    const json_t *tool_args;  /* object */
    bool zoom;                /* it wants to see this part of the screen larger */
    struct rect zoom_area;    /* screen pixels */
};

void reply_read(struct pool *pool, const struct profile *profile, const struct said *said,
                const struct reply_facts *facts, struct model_reply *out);

/* A way to read a reply, by the name profiles use; NULL unknown. */
const struct reply_strategy *reply_strategy(const char *name);
const char *reply_strategies(struct pool *pool); /* "tool_call, native, ..." */
bool reply_knows(const char *action);            /* is there such an action for a profile's map? */

#endif
