/*
 * page_find.h - the parts of page_find.c: what is wanted (find_words.c), what a control is called
 * (find_names.c), what it stands near (find_near.c), and what has no name (find_beside.c).
 */
#ifndef MANTIS_READER_PAGE_FIND_H
#define MANTIS_READER_PAGE_FIND_H

#include "reader/page_parts.h"

#define FIND_MAX_WANTED  12
#define FIND_MAX_ANCHORS 16

struct wanted {
    const char *plain;
    double weight;
    bool sentence; /* what is left of an intent: says more than the name */
};

struct hit {
    int node;
    double score;
    double near;      /* the part of score that the neighbourhood gave */
    const char *text; /* that matched best */
    const char *by; /* the wording it was matched by, when only a part of text matched; else NULL */
};

struct search {
    struct scene *s;
    const struct target_query *q;
    const char *intent; /* q->intent without what it says about the place */
    const char *near;   /* the place: plain words that stand in it; "" anywhere */
    bool only_near;     /* a thing elsewhere is none */
    int anchors[FIND_MAX_ANCHORS], n_anchors; /* nodes that show the words of near */
    struct wanted wanted[FIND_MAX_WANTED];
    int n_wanted;
    int n_unnamed;    /* geometry searches spent */
    const char *text; /* best matching text of the node at hand */
    const char *by;   /* as in struct hit */
    struct hit best, second, near_misses[3];
    struct hit rival; /* another thing that the same part of the wording fits */
};

/* Fill wanted, intent, near and only_near from q. */
void find_gather_wanted(struct search *f);

/* Compare one text of a node with all that is wanted; a better match raises *score, text and by. */
void find_take(struct search *f, const char *text, double weight, double *score);

/* How well node i is called what is wanted, 0..1; sets text and by. */
double find_text_score(struct search *f, int i);

/* Node i is what a site is searched with, whatever it is called: "What are you looking for?" */
bool find_is_search_box(const struct scene *s, int i);

/* The label that is clicked in place of a hidden check box, radio button or file field; -1: it is there
 * itself, or has none. */
int find_stand_in(const struct scene *s, int i);

/* A thing without a name that stands with the wanted words, or the words themselves; -1 none. */
int find_beside(struct search *f);

/* The places that f->near names. */
void find_anchors(struct search *f);

/* What it adds to the score of node i that it stands near one of them; 0 without any. */
double find_nearness(const struct search *f, int i);

#endif
