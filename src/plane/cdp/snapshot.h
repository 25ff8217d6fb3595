/*
 * snapshot.h - DOMSnapshot.captureSnapshot answers turned into a struct page: pure data in, data out.
 *
 * The snapshot is taken by the browser without any script of ours, gives the composed tree (slots
 * filled, shadow content below its host) and boxes in document CSS pixels; documents of other
 * processes come as further parts. Here they become one tree with boxes on the screen.
 * Source: DevTools DOMSnapshot domain; boxes checked against screenshots of Chromium 156.
 */
#ifndef MANTIS_PLANE_CDP_SNAPSHOT_H
#define MANTIS_PLANE_CDP_SNAPSHOT_H

#include "base/err.h"
#include "core/page.h"

/* What to ask for; snapshot_params() builds it. New reference. */
json_t *snapshot_params(void);

/* Where an <iframe> shows its document: content box in CSS pixels of its process's viewport. */
struct snapshot_quad {
    int64_t node; /* backend node id of the <iframe> */
    double x, y, w, h;
};

struct snapshot_part {
    const json_t *snapshot; /* borrowed; NULL when that process did not answer */
    int parent;             /* part that holds the owner; -1 for the first part */
    int64_t owner;          /* backend node id of the <iframe> this part is shown in */
    int64_t focus;          /* backend node id of the focused element, 0: none known */
    const struct snapshot_quad *quads; /* of the <iframe>s in this part; may lack some */
    int n_quads;
};

struct snapshot_view {
    struct rect viewport; /* part of the screen that shows the page */
    double scale;         /* screen pixels per CSS pixel */
    int scroll_x, scroll_y;
    const char *url, *title;
    int http_status;
};

/* Backend node ids of shown <iframe>s of one snapshot, at most n_max: those to ask quads for. */
int snapshot_iframes(const json_t *snapshot, int64_t *out, int n_max);

/*
 * Build the page in pool; part 0 holds the main document. Ends with page_finish().
 * Limits: CAP_PAGE_*; what is over is cut and page.truncated says so.
 * Errors: E_UPSTREAM when part 0 is not a snapshot; E_NOMEM.
 */
int snapshot_to_page(struct pool *pool, const struct snapshot_part *parts, int n_parts,
                     const struct snapshot_view *view, struct page **out, struct err *err) MUST_CHECK;

#endif
