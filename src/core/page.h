/*
 * page.h - a web page as it was read at one moment: a flat list of nodes with boxes on the screen.
 *
 * A page is data. The plane fills it from the browser (plane/cdp), a test from a JSON file; readers
 * only ever see this. Frames and open shadow roots are already folded in: a frame's document is a
 * child of its <iframe> node, a shadow root's content a child of its host.
 * Source of roles and names: WAI-ARIA 1.2, HTML-AAM and accname 1.2, reduced to what readers ask.
 */
#ifndef MANTIS_CORE_PAGE_H
#define MANTIS_CORE_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "base/pool.h"

/* Pixels; in a page: screen pixels of the whole display, so that a box can be clicked as it is. */
struct rect {
    int x, y, w, h;
};

struct attr {
    const char *name; /* lower case */
    const char *value;
};

enum node_flags {
    NODE_VISIBLE = 1 << 0,   /* has a box, not hidden by CSS; may be scrolled out of view */
    NODE_IN_VIEW = 1 << 1,   /* some of its box is inside the viewport */
    NODE_CLICKABLE = 1 << 2, /* browser says it reacts to clicks, or its tag or role does */
    NODE_EDITABLE = 1 << 3,  /* text can be typed into it */
    NODE_DISABLED = 1 << 4,
    NODE_CHECKED = 1 << 5,
    NODE_SELECTED = 1 << 6,
    NODE_FOCUSED = 1 << 7,
    NODE_EXPANDED = 1 << 8,
    NODE_COVERED = 1 << 9, /* the middle of its box shows another element (overlay, banner) */
    NODE_SCROLLS = 1 << 10, /* a pane or frame with more below or above than it shows */
};

/* Text is squashed of white space (str_squash). Strings are never NULL: "" when there is none. */
struct node {
    int parent;     /* index into page.nodes, -1 for the root; parents come before children */
    int end;        /* one past the last descendant: children of i are i+1 .. end-1 with parent i */
    const char *tag; /* lower case; "#text" for text, "#document" for a document */
    const char *text; /* of a #text node only */
    const char *role; /* ARIA role, explicit or implied by the tag; "" for none */
    const char *name; /* accessible name; "" for none */
    const char *value; /* current value of a form control; "" for none; "" for passwords */
    const char *href; /* resolved link target of an <a>, else "" */
    const struct attr *attrs;
    int n_attrs;
    unsigned flags; /* enum node_flags */
    int level;      /* heading level 1..6, else 0 */
    int frame;      /* which document it belongs to, 0 = the main one */
    struct rect box;
    struct rect line; /* of a #text that wraps: its first line; w = 0 otherwise */
};

struct page {
    const char *url;   /* of the main document */
    const char *title;
    struct node *nodes; /* document order */
    int n_nodes;
    bool truncated;      /* a cap of base/caps.h cut nodes */
    struct rect viewport; /* the part of the screen that shows the page */
    int scroll_x, scroll_y;   /* of the main document, CSS pixels */
    int content_w, content_h; /* size of the main document, CSS pixels */
    int http_status;          /* of the main document's response, 0 when unknown */
};

/* Attribute value, or NULL. name in lower case. */
const char *node_attr(const struct node *node, const char *name);

/* Also while the page shows it in plain ("show password"): then its autocomplete says what it is. */
bool node_is_password(const struct node *node);

/* All visible text below node i, squashed, at most max_bytes. */
char *page_text(struct pool *pool, const struct page *page, int i, size_t max_bytes);

/* What a person reads between the text nodes a and b, a first: "" when they are shown without a gap
 * (the browser trimmed the white space that would tell, so boxes, tags between them and punctuation
 * decide), "." between a price and its raised cents, else " ". */
const char *page_texts_gap(const struct page *page, int a, int b);

bool node_is_a(const struct page *page, int i, int ancestor); /* i is ancestor or below it */

struct point {
    int x, y;
};

bool rect_contains(struct rect r, int x, int y);

/* Where to click, for a node of page: the middle of the part of the box that is inside the viewport;
 * for an inline element whose words wrap, whose box has empty corners and perhaps an empty middle,
 * that of its first line. */
struct point node_point(const struct page *page, const struct node *node);

/*
 * Compute role, name, level and the tag-implied flags of every node from tags and attributes.
 * For whoever builds a page: call it last. Strings live in pool.
 */
void page_finish(struct pool *pool, struct page *page);

/* Fixture form, docs/internals/page-json.md: what page_to_json() prints page_from_json() reads.
 * page_from_json() calls page_finish(). E_INVALID. */
json_t *page_to_json(const struct page *page);
int page_from_json(struct pool *pool, const json_t *json, struct page **out, struct err *err) MUST_CHECK;

#endif
