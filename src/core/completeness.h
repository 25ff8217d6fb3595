/*
 * completeness.h - the account of a list: how many things it showed, how many became rows, and what
 * became of each of the others.
 *
 * A word says what became of one thing; some carry what they are about after a colon
 * ("missing_required:price"). Figures of the same word stand together.
 */
#ifndef MANTIS_CORE_COMPLETENESS_H
#define MANTIS_CORE_COMPLETENESS_H

#include "base/json.h"

#define WORD_EMITTED    "emitted"
#define WORD_OPENED     "opened_not_extracted"
#define WORD_DUPLICATE  "duplicate"
#define WORD_NOT_READ   "extract_failed"
#define WORD_MISSING    "missing_required:" /* and the field */
#define WORD_SPAM       "rejected:"         /* and why */
#define WORD_SPONSORED  "sponsored"
#define WORD_EXCLUDED   "excluded"
#define WORD_UNWANTED   "not_wanted"
#define WORD_BEFORE     "seen_before"
#define WORD_CACHED     "in_cache"
#define WORD_DEAD       "dead_link"
#define WORD_OFF_SITE   "off_site"
#define WORD_NO_CHANGE  "no_state_change"
#define WORD_LOGIN      "login_required"
#define WORD_BLANK      "blank_tab"
#define WORD_OVER_MAX   "over_max_items"
#define WORD_GONE       "went_away"
#define WORD_UNRESOLVED "no_address"

/* Count one thing with that word into counts ({"word": {"n", "examples"}}); a few names are kept. */
void completeness_count(json_t *counts, const char *word, const char *name);
void completeness_count_many(json_t *counts, const char *word, int n);

/* "why" of a word: a sentence. Static or of pool. */
const char *completeness_why(struct pool *pool, const char *word);

/* The accounts of a checkpoint as a caller gets them: [{"list","step_index","page"?,"url","seen","emitted",
 * "skipped":[{"reason","why","count","examples"}]}]; seen is emitted and all skipped. New reference. */
json_t *completeness_report(const json_t *accounts);

#endif
