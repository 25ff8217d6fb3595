/*
 * template.h - a small Mustache: pages as text with holes, values as JSON.
 *
 *   {{name}}  escaped for HTML     {{{name}}}  as it is     {{a.b}}  inside an object
 *   {{#list}}..{{/list}}  once per item; for an object or a true value, once
 *   {{^list}}..{{/list}}  when it is missing, false, empty or zero
 *   {{>head}}  another template here     {{! nothing}}     {{.}}  the item itself
 *
 * Names are looked for in the innermost section first, then outwards. A missing name prints
 * nothing. Sections and templates nest at most TEMPLATE_DEPTH deep; a page has at most
 * CAP_SITE_PAGE_BYTES. Source: mustache(5), without set delimiters and lambdas.
 */
#ifndef MANTIS_SITE_TEMPLATE_H
#define MANTIS_SITE_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#define TEMPLATE_DEPTH 16

/* Text of the template called name, or NULL when there is none. */
typedef const char *template_load_fn(void *arg, const char *name);

/* Append the filled template to out. E_INVALID: broken template, with what and where;
 * E_NOT_FOUND: a {{>name}} that is not there; E_TOOBIG: out is full. */
int template_render(const char *text, const json_t *view, template_load_fn *load, void *load_arg,
                    struct buf *out, struct err *err) MUST_CHECK;

#endif
