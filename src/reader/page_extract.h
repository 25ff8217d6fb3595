/*
 * page_extract.h - candidates for the fields of a schema, from a page or from one card of it.
 */
#ifndef MANTIS_READER_PAGE_EXTRACT_H
#define MANTIS_READER_PAGE_EXTRACT_H

#include "reader/fields.h"
#include "reader/page_meta.h"
#include "reader/scene.h"

#define FINDING_MAX 24 /* candidates kept per field, the best ones */

struct candidate {
    const char *text;   /* the value as shown; NULL for none */
    const char *method; /* how it was found: a word for the evidence */
    const struct scene *scene;
    int node; /* that shows it, -1 when nobody sees it */
    double score;
};

struct finding {
    const struct field *field;
    enum meaning meaning;
    const char *own_name, *own_label; /* plain */
    struct candidate list[FINDING_MAX]; /* shown ones */
    int n;
    struct candidate meta; /* the best that only machines see */
};

/* The entity that is read: a whole page, or one card. */
struct source {
    const struct scene *scene;
    struct pool *tmp; /* of what is looked at right now; NULL outside page_collect() */
    const struct linked_data *ld;
    int root;           /* 0: the page */
    int heading;        /* node that names it, -1 */
    int link;           /* node of the card's link, -1 */
    const char *title;  /* of a card, NULL for a page */
    const char *url;
    double bonus;       /* newer observations of one page win ties */
};

struct finding *page_findings(struct pool *pool, const struct schema *schema);
/* The text is copied into keep when the candidate is. */
void page_offer(struct pool *keep, struct finding *f, struct candidate c);
void page_collect(const struct source *src, struct finding *findings, int n);

/* Choose among the candidates and write values and evidence; scratch is the scene's pool. src is the
 * newest source: its heading gives the parts that nothing else confirmed; url is the page's. */
void page_values(struct pool *pool, struct finding *findings, const struct schema *schema,
                  const struct source *src, const char *url, struct extraction *out);

#endif
