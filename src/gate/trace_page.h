/*
 * trace_page.h - a labelled trace as one page for a browser: every step with its label, the reason, what was expected and
 * seen, and the screen after it. The page asks nobody for anything: pictures are in it, scripts are not.
 */
#ifndef MANTIS_GATE_TRACE_PAGE_H
#define MANTIS_GATE_TRACE_PAGE_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"

/* screenshots_root: where traces were exported to, "" no pictures. In pool. E_TOOBIG: the page has a cap, behind which
 * pictures are only named; a page without any is too large. */
int trace_page(struct pool *pool, const json_t *labelled, const char *screenshots_root, const char **out,
               struct err *err) MUST_CHECK;

#endif
