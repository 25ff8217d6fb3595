/*
 * literal.h - values and calls as models write them: JSON, Python literals, and what lies between.
 *
 * Read leniently: single or double quotes, True/False/None, bare words, trailing commas, k=v and k: v;
 * a quote inside a string that nobody escaped ends it only where a string can end. Nothing here knows
 * what the calls mean. Every value lives in pool. Work is bounded: after LITERAL_TRIES starts that
 * turn out to be nothing a text is given up.
 */
#ifndef MANTIS_BRAIN_MODEL_LITERAL_H
#define MANTIS_BRAIN_MODEL_LITERAL_H

#include "base/json.h"
#include "base/pool.h"

#define LITERAL_TRIES 100

/* The value at p, white space skipped; returns what follows it, NULL when there is no whole value. */
const char *literal_value(struct pool *pool, const char *p, json_t **out);

struct call {
    const char *prefix;       /* "pyautogui" of pyautogui.click(...), "" none */
    const char *name;
    const json_t *positional; /* array */
    const json_t *named;      /* object; one that is the only argument is taken apart into it */
    bool bare;                /* a positional argument is a word without quotes */
    const char *begin, *end;  /* in the text, prefix included */
};

/* The first well-formed name(...) at or behind p, which lies in the text that starts at text. */
bool literal_call(struct pool *pool, const char *text, const char *p, struct call *out);

/* The first object, or with arrays also array, at or behind *p that parses, strictly or leniently; *p
 * is moved behind it. NULL when there is none. Code fences need not be stripped. */
const json_t *literal_find(struct pool *pool, const char **p, bool arrays);

#endif
