/*
 * page_meta.h - what a page says to machines: JSON-LD, microdata, meta tags.
 * Source: schema.org; ogp.me; html.spec.whatwg.org section 5 (microdata).
 */
#ifndef MANTIS_READER_PAGE_META_H
#define MANTIS_READER_PAGE_META_H

#include "base/json.h"
#include "reader/fields.h"
#include "reader/scene.h"

struct meta_value {
    const char *text;
    const char *method; /* "json_ld", "microdata", "meta" */
    int node;           /* that shows it, -1 when nobody sees it */
    double score;
};

/* The page's JSON-LD: its objects in document order, named and judged once. */
struct linked_data;
const struct linked_data *page_linked_data(const struct scene *s); /* in the scene's pool; never NULL */

/* Best value of a field in the linked data, about the page's own entity, or, when about_url is not
 * NULL, about the listed entity whose url or name that is. False when there is none. */
bool page_ld_value(const struct scene *s, const struct linked_data *ld, const struct field *field,
                   enum meaning meaning, const char *about_url, const char *about_name,
                   struct meta_value *out);

/* Microdata below root, one call per value. */
typedef void page_meta_fn(void *arg, const struct meta_value *value);
void page_microdata(const struct scene *s, int root, const struct field *field, enum meaning meaning,
                    page_meta_fn *fn, void *arg);

/* <meta> tags of the document. */
void page_meta_tags(const struct scene *s, const struct field *field, enum meaning meaning, page_meta_fn *fn,
                    void *arg);

#endif
