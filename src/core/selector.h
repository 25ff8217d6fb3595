/*
 * selector.h - CSS selectors over a page that was read: which nodes do they choose?
 *
 * The page tree is a snapshot, so nothing is asked of the live page. Known: type, *, #id, .class,
 * [attr] with = ~= |= ^= $= *= and the i flag, :first-child, :last-child, :nth-child(n), :checked,
 * :disabled, :enabled, :not(one simple selector), lists, and the combinators blank > + ~. Anything
 * else is refused by name. Frames and open shadow roots are folded into the tree, so a selector
 * sees through them. Source: Selectors Level 4, reduced.
 */
#ifndef MANTIS_CORE_SELECTOR_H
#define MANTIS_CORE_SELECTOR_H

#include "base/err.h"
#include "core/page.h"

struct selector;

#define SELECTOR_MAX_BYTES 1000

/* E_INVALID names the place that is not understood. Lives in pool. */
int selector_parse(struct pool *pool, const char *text, const struct selector **out,
                   struct err *err) MUST_CHECK;

bool selector_matches(const struct selector *s, const struct page *page, int node);

/* The first match at or after node from, in document order; -1 none. */
int selector_next(const struct selector *s, const struct page *page, int from);

#endif
