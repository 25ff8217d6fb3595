/*
 * scene.h - one page made ready for questions: which part of the page each node is in, how much
 * text and how many links lie below it. Built once per question, in linear time.
 */
#ifndef MANTIS_READER_SCENE_H
#define MANTIS_READER_SCENE_H

#include "reader/reader.h"

enum zone { /* inherited by everything below */
    ZONE_MAIN = 1 << 0,
    ZONE_NAV = 1 << 1,    /* navigation, menus */
    ZONE_HEADER = 1 << 2, /* the site's */
    ZONE_FOOTER = 1 << 3,
    ZONE_ASIDE = 1 << 4,  /* sidebars, filters */
    ZONE_CRUMBS = 1 << 5,
    ZONE_PAGER = 1 << 6,
    ZONE_DIALOG = 1 << 7,
    ZONE_AD = 1 << 8,      /* marked as an advertisement in the markup */
    ZONE_RELATED = 1 << 9, /* "Similar listings" and the like */
    ZONE_TABLE = 1 << 10,
    ZONE_OLD = 1 << 11,    /* struck out: <del>, <s> */
};
#define ZONES_CHROME ((unsigned)(ZONE_NAV | ZONE_HEADER | ZONE_FOOTER | ZONE_CRUMBS | ZONE_PAGER))
#define ZONES_ASIDE ((unsigned)(ZONE_ASIDE | ZONE_AD | ZONE_RELATED | ZONE_DIALOG))

struct scene {
    struct pool *pool; /* results and scratch */
    const struct page *page;
    unsigned *zone;
    int *texts; /* [i]: visible text nodes before node i; n_nodes + 1 entries, so are the others */
    int *bytes; /* visible text bytes before node i, one per text for the gap */
    int *links; /* links that lead somewhere, before node i */
    int *marks; /* headings before node i */
    int heading; /* the page's main heading, -1 */
    int look;    /* which of the observations that were given */
    int64_t *work; /* left for the whole question, shared by its scenes; NULL: as much as it takes */
};

/* Take units of work, about a byte looked at each; false when none is left: stop with what there is. */
bool scene_work(const struct scene *s, size_t units);
bool scene_worn_out(const struct scene *s);

/* E_UNSUPPORTED when the observation has no page. */
int scene_create(struct pool *pool, const struct observation *obs, struct scene *out, struct err *err) MUST_CHECK;

/* Visible, with a box. */
bool scene_shown(const struct scene *s, int i);
/* A link with a target that can be opened: not "#", javascript:, tel:, mailto:. */
bool scene_leads(const struct scene *s, int i);
int scene_text_bytes(const struct scene *s, int i);
int scene_text_count(const struct scene *s, int i);
const char *scene_text(const struct scene *s, int i, size_t max_bytes);

/* What a person would call node i: its name, else its short text, else "". */
const char *scene_label(const struct scene *s, int i);

/* One of the blank-separated words is a word of node i's class or id ("site-footer" has "footer"). */
bool scene_classed(const struct scene *s, int i, const char *words);

/* Nearest node at or above i with one of these roles, -1. roles: blank-separated. */
int scene_up_to_role(const struct scene *s, int i, const char *roles);

/* Fill a target for node i. */
void scene_target(const struct scene *s, int i, double confidence, struct target *out);

/* The title or, on a short page, the text says that a challenge or block is in the way. */
const char *scene_blocked(const struct scene *s);

bool in_words(const char *list, const char *word);
int64_t rect_area(struct rect r);

#endif
