/*
 * snapshot_priv.h - shared by snapshot.c (tree), snapshot_doc.c (one document's JSON made easy to ask),
 * snapshot_box.c (where things are) and snapshot_cover.c (what lies on top of what), and nobody else.
 */
#ifndef MANTIS_PLANE_CDP_SNAPSHOT_PRIV_H
#define MANTIS_PLANE_CDP_SNAPSHOT_PRIV_H

#include "plane/cdp/snapshot.h"

/* Computed styles asked for, in this order. */
enum style {
    STYLE_VISIBILITY,
    STYLE_OPACITY,
    STYLE_POINTER_EVENTS,
    STYLE_CURSOR,
    STYLE_POSITION,
    STYLE_OVERFLOW_X,
    STYLE_OVERFLOW_Y,
    STYLE_BACKGROUND,
    STYLE_N,
};
extern const char *const snapshot_style_names[STYLE_N];

/* One document of a snapshot. Arrays are indexed by its node number and live in a scratch pool. */
struct doc {
    const json_t *json, *strings;
    int n;
    const json_t *parent, *type, *name, *value, *backend, *attributes;
    int *layout;      /* index into the layout arrays, -1: not laid out */
    int *words;       /* index of a second layout entry: what a pseudo element says; -1: none */
    int *line;        /* by layout entry: first of its lines in textBoxes when it wraps, -1: one line */
    int *content_doc; /* document shown in this <iframe>, -1: none */
    int *input_value, *text_value; /* string index, -1: none */
    unsigned char *bits;           /* enum doc_bits */
    double scroll_x, scroll_y;
};

enum doc_bits {
    DOC_CLICKABLE = 1 << 0,
    DOC_CHECKED = 1 << 1,
    DOC_SELECTED = 1 << 2,
    DOC_PSEUDO = 1 << 3,
};

/* False when the document is not what the protocol says, or too large for memory. */
bool doc_open(struct pool *tmp, const json_t *snapshot, int index, struct doc *out);
const char *doc_base_url(const json_t *snapshot, int index); /* "" when there is no such document */
const char *doc_string(const struct doc *d, const json_t *array, int i); /* "" when missing */
const char *doc_string_at(const struct doc *d, int string_index);
int doc_int(const json_t *array, int i, int def);
const char *doc_style(const struct doc *d, int i, enum style which);   /* "" when not laid out */
/* Bounds of a layout entry, in CSS pixels of the document; false when there are none. */
bool doc_bounds(const struct doc *d, int layout, double out[4]);
/* The same of the first line of a text that wraps; false when it stands on one line. */
bool doc_line_bounds(const struct doc *d, int layout, double out[4]);
int doc_paint_order(const struct doc *d, int i);
const char *doc_layout_text(const struct doc *d, int layout);

/* Beside every node of the page while it is being built. */
struct shadow_node {
    int paint_order;
    int source;      /* number of the document among all that were emitted */
    struct rect shown; /* the part of its box that is inside viewport and clips; empty: none */
    bool takes_clicks; /* pointer-events */
    bool opaque;       /* hides what is below it */
    bool own_layer;    /* paints apart from its parent */
};

struct source {
    int owner; /* page node of the <iframe> it is shown in, -1 for the main document */
};

/* --- boxes ----------------------------------------------------------------------------------- */

/* A rectangle in screen pixels, exact until it is stored. */
struct area {
    double x1, y1, x2, y2;
};

/* What scrolls or hides content: children are cut by the one that fits their CSS position. */
struct clip {
    struct area area;
    bool hides; /* overflow hidden or clip: what is outside cannot be scrolled to */
    int pane;   /* page node that scrolls it, plus 1; 0: the viewport */
};

struct open_node {
    int src;  /* node number in its document */
    int node; /* its place in the page, or its nearest kept ancestor's */
    bool skip, faded, pointer;
    int paint_order;
    bool takes_clicks;
    int spills; /* the pane, plus 1, that this element reaches out of above or below; 0 none */
    struct clip flow, absolute; /* for children in flow, and for absolutely positioned ones */
};

/* Where a document is shown. */
struct place {
    double x, y, scale; /* screen position of its viewport's corner */
    struct clip clip;
    int part, source;
};

struct area box_intersect(struct area a, struct area b);

/* A layout entry on the screen; false when it has no bounds. */
bool box_on_screen(const struct doc *d, const struct place *place, int layout, struct area *out);

/* The same of the first line of a text that wraps; *out stays when it stands on one line. */
void box_of_line(const struct doc *d, const struct place *place, int layout, struct rect *out);

/* Box and the flags that follow from it. Partly cut boxes become the part that shows, so that their
 * middle can be clicked; a box that is cut away whole stays where it is. */
void box_place(struct node *n, struct shadow_node *s, struct rect view, struct area box,
               const struct clip *clip, bool shown);

/* Everything of an element that its layout tells, and in *open what its children need of it. */
void box_of_element(const struct doc *d, int i, const struct place *place, struct rect view,
                    const struct open_node *parent, struct node *n, struct shadow_node *s,
                    struct open_node *open);

/* --- what covers what -------------------------------------------------------------------------- */

/* Set NODE_COVERED where the middle of a shown box shows something else. */
void snapshot_cover(struct pool *tmp, struct page *page, const struct shadow_node *shadow,
                    const struct source *sources);

#endif
