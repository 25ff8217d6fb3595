/*
 * model_script.h - what the scripted model server answers: a JSON file of rules.
 *
 *   {"key": "k", "model": "scripted", "models": ["scripted"], "loading_ms": 0,
 *    "rules": [{"when": "billing", "times": 1, "text": "click(x=1, y=2)"}, ...]}
 *
 * The first rule counts whose "when" (a text, or a list of which all) stands in a text of the request
 * and which was not used "times" times. No "when": any request; no "times": any number.
 *
 *   text, thinking      what is said
 *   calls               [{"name", "arguments": {}}], the tools that are called
 *   finish              why it stopped, in the server's own word
 *   usage               {"input", "output", "cached"} instead of what is counted
 *   status, message     an error with this HTTP status; retry_after: its Retry-After in seconds
 *   delay_ms, pace_ms   before the first byte; before each further piece of a stream
 *   fault               "cut": ends in the middle; "bad_json"; "empty_choices"; "silence": no answer
 *
 * Unknown fields are errors: a test with a slip of the pen must not pass.
 */
#ifndef MANTIS_TESTS_MODEL_SCRIPT_H
#define MANTIS_TESTS_MODEL_SCRIPT_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"

struct model_script;

/* Takes over nothing; lives in pool. E_INVALID, and what json_parse_file() says. */
int model_script_read(struct pool *pool, const json_t *file, struct model_script **out, struct err *err) MUST_CHECK;

const char *model_script_key(const struct model_script *script); /* "" any key will do */
const json_t *model_script_models(const struct model_script *script); /* list of names */
int model_script_loading_ms(const struct model_script *script);

/* The rule for a request with these texts, which is used up by one; -1 none. */
int model_script_choose(struct model_script *script, const char *texts);
const json_t *model_script_rule(const struct model_script *script, int rule);

#endif
