/*
 * page_parts.h - the parts of the "page" reader, one file per question, and what they share.
 */
#ifndef MANTIS_READER_PAGE_PARTS_H
#define MANTIS_READER_PAGE_PARTS_H

#include "reader/driver.h"
#include "reader/scene.h"

/* --- the driver's callbacks, see driver.h ------------------------------------------------------ */

int page_find(struct reader *reader, struct pool *pool, const struct observation *obs,
              const struct target_query *query, struct target *out, struct err *err);
/* page_find() that tells "there is none" from "several fit alike": *ret_several. */
int page_find_sure(struct pool *pool, const struct observation *obs, const struct target_query *query,
                   struct target *out, bool *ret_several, struct err *err);
int page_find_next_page(struct reader *reader, struct pool *pool, const struct observation *obs,
                        int current_page, struct target *out, struct err *err);
int page_find_more(struct reader *reader, struct pool *pool, const struct observation *obs,
                   struct target *out, struct err *err);
int page_find_reveal(struct reader *reader, struct pool *pool, const struct observation *obs,
                     const struct schema *schema, const char *const *done, int n_done, struct target *out,
                     struct err *err);
int page_find_dismiss(struct reader *reader, struct pool *pool, const struct observation *obs,
                      struct target *out, struct err *err);
int page_list(struct reader *reader, struct pool *pool, const struct observation *obs,
              const struct schema *schema, int max_cards, struct card **ret_cards, int *ret_n,
              enum list_status *ret_status, struct err *err);
int page_extract(struct reader *reader, struct pool *pool, const struct observation *obs, int n_obs,
                 const struct schema *schema, struct extraction *out, struct err *err);
int page_rows(struct reader *reader, struct pool *pool, const struct observation *obs,
              const struct schema *schema, int max_rows, struct extraction **ret_rows, int *ret_n,
              struct err *err);
int page_visible(struct reader *reader, struct pool *pool, const struct observation *obs,
                 const char *question, struct verdict *out, struct err *err);
int page_navigated(struct reader *reader, struct pool *pool, const struct observation *before,
                   const struct observation *after, const char *wanted, struct passage *out, struct err *err);
int page_shown_value(struct reader *reader, struct pool *pool, const struct observation *obs,
                     const char *dropdown, const char **out, struct err *err);

/* --- words ----------------------------------------------------------------------------------- */

#define PAGE_QUOTE_BYTES 200 /* a quoted piece that is longer is no name of anything on a page */

/* 0..1: equality 1 (MATCH_WHOLE without words like "your" and "button"), whole words in order, in any
 * order, the beginning of a word. A name that is only a part of what is wanted is no match. */
#define MATCH_WHOLE 0.97
double page_words_match(const char *want_plain, const char *have_plain);

/* --- repeated structure ------------------------------------------------------------------------ */

struct group {
    int *members; /* nodes, document order */
    int n;
    double score; /* how much it looks like the results of the page */
};

/* Groups of siblings alike enough to be items of one list, best first; at most max. With need_links
 * only those whose members lead somewhere. */
int page_groups(const struct scene *s, bool need_links, int max, struct group *out);

/* The same of items that are one text each: plain list entries, terms and links. */
int page_groups_plain(const struct scene *s, int max, struct group *out);

/* The only item of a list, -1 when there is none or more than one. */
int page_single_card(const struct scene *s);

/* The link or control that opens a card, -1; and what the card is called, "" when nothing does. */
int page_card_link(const struct scene *s, int card);
const char *page_card_title(const struct scene *s, int card, int link);
bool page_card_sponsored(const struct scene *s, int card);

/* Node i sits in a carousel, gallery or calendar. */
bool page_in_carousel(const struct scene *s, int i);

/* What the targets of one list share: host, first path segment, depth; the whole path for "/item?id=1". */
const char *page_url_shape(const struct scene *s, const char *url);

#endif
