#include "run/mask.h"

#include <string.h>

#include "base/str.h"

enum {
    INSET_PX = 2,   /* of a field whose border stays to be seen */
    AROUND_W = 640, /* px: a field around the place in it that was clicked */
    AROUND_H = 64,
};

void mask_init(struct mask *m, const struct answers *answers, bool has_dom)
{
    *m = (struct mask){.answers = answers, .has_dom = has_dom, .clicked = {-1, -1}};
}

bool mask_speaks_of_secret(const char *text)
{
    static const char *const words[] = {"password", "passphrase", "passcode", "pin"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (str_has_words_fold(text, words[i]))
            return true;
    return false;
}

/* --- where ----------------------------------------------------------------------------------- */

static void add(struct mask *m, struct rect r)
{
    if (m->n == MASK_MAX) {
        m->n = 1;
        m->rects[0] = (struct rect){0, 0, INT16_MAX, INT16_MAX};
        return;
    }
    m->rects[m->n++] = r;
}

static bool is_secret(const struct mask *m, const struct node *n)
{
    return node_is_password(n) || (m->answers->texts && (answer_shows_in(m->answers, n->value) ||
                                                         answer_shows_in(m->answers, n->text)));
}

static struct rect box_of(const struct node *n)
{
    struct rect r = n->box;
    bool field = !n->text[0] && r.w > 4 * INSET_PX && r.h > 4 * INSET_PX;
    int by = field ? INSET_PX : 0;
    return (struct rect){r.x + by, r.y + by, r.w - 2 * by, r.h - 2 * by};
}

/* A secret that is spread over boxes of one character each shows in none of them: all of them,
 * while there is an answer. */
static bool is_box_of_answer(const struct mask *m, const struct node *n)
{
    const char *max = node_attr(n, "maxlength");
    return m->answers->texts && !strcmp(n->tag, "input") && max && !strcmp(max, "1") && n->value[0];
}

static void read_page(struct mask *m, const struct page *page)
{
    m->n = 0;
    m->by_place = m->blind = false;
    for (int i = 0; i < page->n_nodes; i++) {
        const struct node *n = &page->nodes[i];
        if ((n->flags & NODE_IN_VIEW) && (is_secret(m, n) || is_box_of_answer(m, n)))
            add(m, box_of(n));
    }
}

static uint64_t place_of(const struct observation *obs)
{
    uint64_t h = str_hash(STR_HASH_START, obs->url, strlen(obs->url));
    return str_hash(h, obs->title, strlen(obs->title));
}

/* --- what is under them ------------------------------------------------------------------------
 */

/* FNV-1a of the colours: the fourth byte of a pixel is nobody's. */
static uint64_t hash_pixels(uint64_t h, const struct frame *f)
{
    for (int y = 0; y < f->height; y++) {
        const uint32_t *row = (const void *)(f->pixels + (size_t)y * (size_t)f->stride);
        for (int x = 0; x < f->width; x++)
            h = (h ^ (row[x] & 0xffffff)) * 0x100000001b3u;
    }
    return h;
}

static uint64_t under(const struct mask *m, const struct frame *frame)
{
    uint64_t h = STR_HASH_START;
    for (int i = 0; i < m->n; i++) {
        struct rect r = m->rects[i];
        struct frame part;
        if (frame_crop(frame, &r, &part))
            h = hash_pixels(h, &part);
    }
    return h;
}

/* --- looks and actions -------------------------------------------------------------------------
 */

bool mask_wants_page(const struct mask *m, const struct observation *obs)
{
    return m->has_dom && !obs->page && (m->n || m->blind || m->where != place_of(obs));
}

void mask_seen(struct mask *m, struct pool *pool, struct observation *obs)
{
    uint64_t where = place_of(obs);
    if (obs->page)
        read_page(m, obs->page);
    else if (!m->has_dom && m->where != where)
        m->n = 0;
    if (obs->page || !m->has_dom)
        m->where = where;
    m->known = !m->by_place && obs->frame.pixels != NULL;
    if (m->n && m->known)
        m->under = under(m, &obs->frame);
    if (m->n && obs->frame.pixels) {
        struct rect *masks = pool_alloc(pool, sizeof(m->rects));
        memcpy(masks, m->rects, sizeof(m->rects));
        obs->frame.masks = masks;
        obs->frame.n_masks = m->n;
    }
}

static void cover_place(struct mask *m)
{
    struct rect r = {m->clicked.x - AROUND_W / 2, m->clicked.y - AROUND_H / 2, AROUND_W, AROUND_H};
    if (m->clicked.x < 0)
        r = (struct rect){0, 0, INT16_MAX, INT16_MAX};
    for (int i = 0; i < m->n; i++)
        if (!memcmp(&m->rects[i], &r, sizeof(r)))
            return;
    m->by_place = true;
    add(m, r);
}

void mask_before(struct mask *m, const struct action *a, bool secret)
{
    if (a->type == ACTION_CLICK || a->type == ACTION_DOUBLE_CLICK)
        m->clicked = (struct point){a->x, a->y};
    if (a->type == ACTION_TYPE_TEXT && secret && m->has_dom)
        m->blind = true;
    else if (a->type == ACTION_TYPE_TEXT && secret)
        cover_place(m);
    for (int i = 0; m->by_place && a->type == ACTION_SCROLL && i < m->n; i++) {
        m->rects[i].y = 0;
        m->rects[i].h = INT16_MAX;
    }
}

bool mask_fits(struct mask *m, struct frame *frame)
{
    if (m->blind)
        return false;
    if (m->n && !m->by_place) {
        uint64_t now = under(m, frame);
        if (m->known && now != m->under)
            return false;
        m->under = now;
        m->known = true;
    }
    frame->masks = m->rects;
    frame->n_masks = m->n;
    return true;
}
