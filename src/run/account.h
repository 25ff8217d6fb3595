/*
 * account.h - what became of everything a list showed: "where did the other three cards go?"
 *
 * progress.accounts is an array of accounts, one for each list of rows that was read and each page of
 * cards that was gone through. A card's word changes while the run goes on (seen, opened, emitted);
 * core/completeness.h makes figures of it, and knows the words.
 */
#ifndef MANTIS_RUN_ACCOUNT_H
#define MANTIS_RUN_ACCOUNT_H

#include "run/run.h"
#include "run/step.h"

/* A card of the page of results at list_url, the run's current one. The first word stands: "" is "seen,
 * nothing happened yet" and gives way to any other. True when the card got the word now. */
bool account_card(struct run *run, const char *list_url, const char *key, const char *title,
                  const char *word);

/* What came of a card that was tried; an emitted one stays emitted. */
void account_fate(struct run *run, const char *key, const char *word);

/* What the step made of the open detail page: its card's word follows. */
void account_detail(struct run *run, const struct step_result *result);

/* A list that is over: words by item ({"key": "word"}), copies of items it showed twice. */
void account_list(struct run *run, const char *list, const char *url, const json_t *words,
                  int duplicates);

#endif
