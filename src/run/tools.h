/*
 * tools.h - functions of the host that a plan or a brain may call by name (agent-loop.md section 19).
 *
 * A tool is a row: its name, what arguments it takes, who answers. The host hands its rows to the
 * run (run_config.tools); host_tools[] are those of a worker.
 * Threads: loop thread only.
 */
#ifndef MANTIS_RUN_TOOLS_H
#define MANTIS_RUN_TOOLS_H

#include "base/err.h"
#include "base/json.h"

struct run;

/* Strings live in the run's step pool; NULL: not said. */
struct tool_reply {
    const char *value;         /* the answer, as text */
    const char *error;         /* kind of error, "bad_arguments"; value says more */
    const char *prompt;        /* asks a person: the run stands still until there is an answer */
    const char *pause_reason;  /* of that; NULL: "user_input" */
};

/* args: an object that fits the tool's schema. E_GONE, E_CANCELLED end the attempt; any other code is
 * told as the tool's error. */
typedef int tool_fn(struct run *run, const json_t *args, struct tool_reply *out, struct err *err);

struct tool {
    const char *name;
    const char *about;  /* one sentence, for a brain */
    const char *schema; /* JSON Schema of the arguments; type, properties, required are checked */
    tool_fn *call;
};

extern const struct tool tool_request_user_input;
extern const struct tool *const host_tools[]; /* NULL-terminated */

/* Call run->config->tools by name; args NULL: none. *ret_text is the line that callers read:
 * "tool:<n>:ok:<value, 200 bytes>", "tool:<n>:error:<kind>:<message>", "tool:<n>:not_registered:...",
 * "tool:<n>:pause". *ret_ok: it did what it is for. E_GONE, E_CANCELLED. */
int tool_call(struct run *run, const char *name, const json_t *args, struct tool_reply *out,
              const char **ret_text, bool *ret_ok, struct err *err) MUST_CHECK;

#endif
