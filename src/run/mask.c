#include "run/mask.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum {
    INSET_PX = 2,   /* of a field whose border stays to be seen */
    AROUND_W = 640, /* px: a field around the place in it that was clicked */
    AROUND_H = 64,
};

void mask_init(struct mask *m, const struct answers *answers, const struct answers *passwords,
               bool has_dom)
{
    *m = (struct mask){.answers = answers, .passwords = passwords, .has_dom = has_dom, .clicked = {-1, -1}};
}

/* --- where ----------------------------------------------------------------------------------- */

static const struct rect whole_screen = {0, 0, INT16_MAX, INT16_MAX};

static void add(struct mask *m, struct rect r, bool filled)
{
    if (m->n == MASK_MAX) {
        m->n = 1;
        m->rects[0] = (struct frame_mask){.at = whole_screen};
        return;
    }
    m->rects[m->n++] = (struct frame_mask){r, filled};
}

static bool shows(const struct answers *secrets, const struct node *n)
{
    return secrets->texts &&
           (answer_shows_in(secrets, n->value) || answer_shows_in(secrets, n->text));
}

static bool is_secret(const struct mask *m, const struct node *n)
{
    return node_is_password(n) || shows(m->answers, n) || shows(m->passwords, n);
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

static const uint8_t *pixel_at(const struct frame *f, int x, int y)
{
    return f->pixels + (size_t)y * (size_t)f->stride + 4 * (size_t)x;
}

static int level_at(const struct frame *f, int x, int y)
{
    const uint8_t *p = pixel_at(f, x, y);
    return (p[0] + p[1] + p[2]) / 3;
}

/* In the channel that differs most: the ground of a selection is another colour, and hardly darker. */
static int distance(const uint8_t *a, const uint8_t *b)
{
    int most = 0;
    for (int c = 0; c < 3; c++)
        if (abs(a[c] - b[c]) > most)
            most = abs(a[c] - b[c]);
    return most;
}

/* Does something stand in the field, selected or not? More columns with ink than a caret has, and no more than one
 * dot; a placeholder is too pale. */
static bool shows_ink(const struct frame *screen, struct rect r)
{
    enum { INK_LEVELS = 160, COLUMNS = 4 };
    struct frame f;
    int columns = 0;
    if (!frame_crop(screen, &r, &f))
        return false;
    const uint8_t *ground = pixel_at(&f, 2 < f.width ? 2 : 0, f.height / 2);
    for (int x = 0; x < f.width && columns < COLUMNS; x++)
        for (int y = 0; y < f.height; y++)
            if (distance(pixel_at(&f, x, y), ground) > INK_LEVELS) {
                columns++;
                break;
            }
    return columns == COLUMNS;
}

static void read_page(struct mask *m, const struct page *page, const struct frame *screen)
{
    m->n = 0;
    m->by_place = m->blind = false;
    for (int i = 0; i < page->n_nodes; i++) {
        const struct node *n = &page->nodes[i];
        if ((n->flags & NODE_IN_VIEW) && (is_secret(m, n) || is_box_of_answer(m, n)))
            add(m, box_of(n), shows_ink(screen, box_of(n)));
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

static uint64_t hash_area(const struct frame *frame, struct rect r)
{
    struct frame part;
    return frame_crop(frame, &r, &part) ? hash_pixels(STR_HASH_START, &part) : 0;
}

static uint64_t under(const struct mask *m, const struct frame *frame)
{
    uint64_t h = STR_HASH_START;
    for (int i = 0; i < m->n; i++) {
        struct rect r = m->rects[i].at;
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

/* What was typed after a click that missed its field is not there: nothing is to be covered. */
static void drop_empty(struct mask *m, const struct frame *frame)
{
    if (!m->unsure || !frame->pixels || !m->n)
        return;
    m->unsure = false;
    if (hash_area(frame, m->rects[m->n - 1].at) == m->before)
        m->n--;
}

void mask_seen(struct mask *m, struct pool *pool, struct observation *obs)
{
    uint64_t where = place_of(obs);
    m->changes++;
    drop_empty(m, &obs->frame);
    if (obs->page)
        read_page(m, obs->page, &obs->frame);
    else if (!m->has_dom && m->where != where)
        m->n = 0;
    if (obs->page || !m->has_dom)
        m->where = where;
    m->known = !m->by_place && obs->frame.pixels != NULL;
    if (m->n && m->known)
        m->under = under(m, &obs->frame);
    if (m->n && obs->frame.pixels) {
        struct frame_mask *masks = pool_alloc(pool, sizeof(m->rects));
        memcpy(masks, m->rects, sizeof(m->rects));
        obs->frame.masks = masks;
        obs->frame.n_masks = m->n;
    }
}

/* How far from a point in a field its border is, in one direction: the first line across that is
 * all of another colour. -1: none so near. */
static int border_at(const struct frame *f, struct point p, int dx, int dy, int most)
{
    enum { ACROSS = 6, OTHER_LEVELS = 12 }; /* px to both sides of the way */
    int ground = level_at(f, p.x, p.y);
    for (int i = 1; i <= most; i++) {
        bool all = true;
        for (int k = -ACROSS; all && k <= ACROSS; k++) {
            int x = p.x + dx * i + (dy ? k : 0), y = p.y + dy * i + (dx ? k : 0);
            if (x < 0 || y < 0 || x >= f->width || y >= f->height)
                return -1;
            all = abs(level_at(f, x, y) - ground) >= OTHER_LEVELS;
        }
        if (all)
            return i;
    }
    return -1;
}

/* The inside of the field around a point, by its border. */
static bool field_at(const struct frame *screen, struct point p, struct rect *out)
{
    if (!screen || p.x < 0 || p.y < 0 || p.x >= screen->width || p.y >= screen->height)
        return false;
    int up = border_at(screen, p, 0, -1, AROUND_H), down = border_at(screen, p, 0, 1, AROUND_H);
    int left = border_at(screen, p, -1, 0, AROUND_W), right = border_at(screen, p, 1, 0, AROUND_W);
    if (up < 0 || down < 0 || left < 0 || right < 0 || up + down < AROUND_H / 4)
        return false;
    *out = (struct rect){p.x - left + 1, p.y - up + 1, left + right - 1, up + down - 1};
    return true;
}

static void cover_place(struct mask *m, const struct frame *screen)
{
    struct rect r = {m->clicked.x - AROUND_W / 2, m->clicked.y - AROUND_H / 2, AROUND_W, AROUND_H};
    if (m->clicked.x < 0)
        r = whole_screen;
    else
        field_at(screen, m->clicked, &r);
    for (int i = 0; i < m->n; i++)
        if (rect_contains(m->rects[i].at, m->clicked.x, m->clicked.y))
            return;
    m->by_place = true;
    add(m, r, m->clicked.x >= 0);
    m->unsure = screen && screen->pixels;
    m->before = m->unsure ? hash_area(screen, r) : 0;
}

bool mask_wants_screen(const struct mask *m, const struct action *a, bool secret)
{
    return a->type == ACTION_TYPE_TEXT && secret && !m->has_dom;
}

void mask_before(struct mask *m, const struct action *a, bool secret, const struct frame *screen)
{
    m->changes++;
    if (a->type == ACTION_CLICK || a->type == ACTION_DOUBLE_CLICK)
        m->clicked = (struct point){a->x, a->y};
    if (a->type == ACTION_TYPE_TEXT && secret && m->has_dom)
        m->blind = true;
    else if (a->type == ACTION_TYPE_TEXT && secret)
        cover_place(m, screen);
    for (int i = 0; m->by_place && a->type == ACTION_SCROLL && i < m->n; i++) {
        m->rects[i].at.y = 0;
        m->rects[i].at.h = INT16_MAX;
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
