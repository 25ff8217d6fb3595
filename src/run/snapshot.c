#include "run/snapshot.h"

#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/id.h"

/* Focus and hover are left out of the states on purpose: clicking a dead button changes both. */
#define STATES (NODE_DISABLED | NODE_CHECKED | NODE_SELECTED | NODE_EXPANDED)

static void digest_page(const struct page *page, char out[65])
{
    struct buf b;
    buf_init(&b, 2 * CAP_PAGE_TEXT_BYTES);
    for (int i = 0; i < page->n_nodes; i++) {
        const struct node *n = &page->nodes[i];
        if (!(n->flags & NODE_VISIBLE) && *n->tag != '#')
            continue;
        buf_addf(&b, "%s\x1f%s\x1f%s\x1f%x\x1e", n->tag, n->text, n->value, n->flags & STATES);
    }
    id_sha256_hex(b.data ? b.data : "", b.len, out);
    buf_release(&b);
}

static void digest_focus(const struct page *page, char out[65])
{
    for (int i = 0; i < page->n_nodes; i++) {
        const struct node *n = &page->nodes[i];
        if ((n->flags & (NODE_FOCUSED | NODE_EDITABLE)) == (NODE_FOCUSED | NODE_EDITABLE)) {
            struct buf b;
            buf_init(&b, CAP_PAGE_TEXT_BYTES);
            buf_addf(&b, "%s\x1f%s\x1f%d", n->tag, n->name, i);
            id_sha256_hex(b.data, b.len, out);
            buf_release(&b);
            return;
        }
    }
}

void snapshot_take(const struct observation *obs, struct snapshot *out)
{
    memset(out, 0, sizeof(*out));
    id_sha256_hex(obs->url, strlen(obs->url), out->url);
    id_sha256_hex(obs->title, strlen(obs->title), out->title);
    if (obs->frame.pixels)
        frame_hash(&obs->frame, NULL, out->frame);
    if (!obs->page)
        return;
    digest_page(obs->page, out->page);
    digest_focus(obs->page, out->focus);
    out->scroll_x = obs->page->scroll_x;
    out->scroll_y = obs->page->scroll_y;
}

bool snapshot_same_url(const struct snapshot *a, const struct snapshot *b)
{
    return !strcmp(a->url, b->url);
}

bool snapshot_same(const struct snapshot *a, const struct snapshot *b)
{
    return snapshot_same_url(a, b) && !strcmp(a->title, b->title) && !strcmp(a->frame, b->frame) &&
           !strcmp(a->page, b->page) && !strcmp(a->focus, b->focus) && a->scroll_x == b->scroll_x &&
           a->scroll_y == b->scroll_y;
}
