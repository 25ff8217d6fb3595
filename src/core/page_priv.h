/*
 * page_priv.h - what page.c, page_names.c and page_json.c share; for no one else.
 */
#ifndef MANTIS_CORE_PAGE_PRIV_H
#define MANTIS_CORE_PAGE_PRIV_H

#include "core/page.h"

/* Accessible names of all nodes; roles are there already. Linear in nodes and text. */
void page_names(struct pool *pool, struct page *page);

/* True for one of the blank-separated words of list. */
bool word_in(const char *list, const char *word);

#endif
