#include "record/draw.h"

#include <math.h>
#include <pango/pangocairo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

enum {
    EDGE_PX = 16,
    PAD_PX = 10,
    RING_FROM_PX = 8, /* a ripple grows from here */
    RING_TO_PX = 36,
    SECOND_RING_MS = 100,
    ARROW_PX = 60,
};

/* A text is drawn once, and then copied while it stays: shaping is dear. */
struct label {
    char *text;
    int width, size;
    cairo_surface_t *surface;
    int w, h;
};

struct canvas {
    int width, height;
    cairo_surface_t *surface;
    cairo_t *cairo;
    PangoContext *pango;
    struct label now, before, badge;
};

struct colour {
    double r, g, b, a;
};

static const struct colour ink = {1, 1, 1, 1}, faint = {0.72, 0.76, 0.82, 1},
                           bar = {0.06, 0.07, 0.09, 0.94}, sign = {1, 0.45, 0, 1},
                           good = {0.45, 0.9, 0.55, 1}, bad = {1, 0.5, 0.45, 1};

static void set_colour(cairo_t *c, struct colour k)
{
    cairo_set_source_rgba(c, k.r, k.g, k.b, k.a);
}

#ifdef __SANITIZE_ADDRESS__
/* fontconfig keeps something of the first lookup for ever. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\n";
}
#endif

struct canvas *canvas_create(int width, int height)
{
    struct canvas *v = calloc(1, sizeof(*v));
    if (!v)
        BUG("out of memory");
    v->width = width;
    v->height = height;
    v->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    v->cairo = cairo_create(v->surface);
    v->pango = pango_cairo_create_context(v->cairo);
    return v;
}

static void forget(struct label *l)
{
    if (l->surface)
        cairo_surface_destroy(l->surface);
    free(l->text);
    *l = (struct label){0};
}

void canvas_destroy(struct canvas *v)
{
    if (!v)
        return;
    forget(&v->now);
    forget(&v->before);
    forget(&v->badge);
    g_object_unref(v->pango);
    cairo_destroy(v->cairo);
    cairo_surface_destroy(v->surface);
    pango_cairo_font_map_set_default(NULL); /* this thread's fonts */
    free(v);
}

struct frame canvas_frame(struct canvas *v)
{
    cairo_surface_flush(v->surface);
    return (struct frame){.width = v->width,
                          .height = v->height,
                          .stride = cairo_image_surface_get_stride(v->surface),
                          .pixels = cairo_image_surface_get_data(v->surface)};
}

/* CAIRO_FORMAT_RGB24 is BGRX on the machines there are. */
void canvas_screen(struct canvas *v, const struct frame *screen)
{
    cairo_surface_flush(v->surface);
    uint8_t *to = cairo_image_surface_get_data(v->surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(v->surface);
    for (int y = 0; y < v->height; y++) {
        if (screen)
            memcpy(to + (size_t)y * stride, screen->pixels + (size_t)y * (size_t)screen->stride,
                   4 * (size_t)v->width);
        else
            memset(to + (size_t)y * stride, 0, 4 * (size_t)v->width);
    }
    cairo_surface_mark_dirty(v->surface);
}

/* --- text ------------------------------------------------------------------------------------- */

/* At most so wide, in at most so many lines; what is longer ends in dots. */
static PangoLayout *lay_out(struct canvas *v, const char *text, int width, int size, int lines,
                            bool bold)
{
    PangoLayout *l = pango_layout_new(v->pango);
    PangoFontDescription *font = pango_font_description_from_string("Sans");
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    if (bold)
        pango_font_description_set_weight(font, PANGO_WEIGHT_BOLD);
    pango_layout_set_font_description(l, font);
    pango_font_description_free(font);
    pango_layout_set_auto_dir(l, TRUE);
    pango_layout_set_wrap(l, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_ellipsize(l, PANGO_ELLIPSIZE_END);
    pango_layout_set_width(l, width * PANGO_SCALE);
    pango_layout_set_height(l, -lines);
    pango_layout_set_text(l, text, -1);
    return l;
}

static void size_of(PangoLayout *l, int *w, int *h)
{
    PangoRectangle r;
    pango_layout_get_pixel_extents(l, NULL, &r);
    *w = r.width;
    *h = r.height;
}

/* "[OK] ..." in green, "[FAIL] ..." in red. */
static struct colour colour_of(const char *text, struct colour plain)
{
    return str_starts(text, "[OK]") ? good : str_starts(text, "[FAIL]") ? bad : plain;
}

static void draw_label(struct label *l, PangoLayout *layout, struct colour colour)
{
    PangoRectangle r;
    pango_layout_get_pixel_extents(layout, NULL, &r);
    l->w = r.width;
    l->h = r.height;
    l->surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, l->w + 1, l->h + 1);
    cairo_t *c = cairo_create(l->surface);
    set_colour(c, colour);
    cairo_move_to(c, -r.x, -r.y);
    pango_cairo_show_layout(c, layout);
    cairo_destroy(c);
}

static void need_label(struct canvas *v, struct label *l, const char *text, int width, int size,
                       int lines, bool bold, struct colour colour)
{
    if (l->text && !strcmp(l->text, text) && l->width == width && l->size == size)
        return;
    forget(l);
    l->text = strdup(text);
    if (!l->text)
        BUG("out of memory");
    l->width = width;
    l->size = size;
    PangoLayout *layout = lay_out(v, text, width, size, lines, bold);
    draw_label(l, layout, colour);
    g_object_unref(layout);
}

static void put_label(struct canvas *v, const struct label *l, double x, double y)
{
    cairo_set_source_surface(v->cairo, l->surface, x, y);
    cairo_paint(v->cairo);
}

static void round_box(cairo_t *c, double x, double y, double w, double h, double r)
{
    cairo_new_sub_path(c);
    cairo_arc(c, x + w - r, y + r, r, -M_PI / 2, 0);
    cairo_arc(c, x + w - r, y + h - r, r, 0, M_PI / 2);
    cairo_arc(c, x + r, y + h - r, r, M_PI / 2, M_PI);
    cairo_arc(c, x + r, y + r, r, M_PI, 3 * M_PI / 2);
    cairo_close_path(c);
}

/* --- captions ----------------------------------------------------------------------------------
 */

void canvas_caption(struct canvas *v, const char *now, const char *before)
{
    int width = v->width - 2 * EDGE_PX, h = 2 * PAD_PX;
    if (!*now && !*before)
        return;
    need_label(v, &v->now, now, width, 20, 2, true, colour_of(now, ink));
    need_label(v, &v->before, before, width, 15, 1, false, colour_of(before, faint));
    h += (*now ? v->now.h : 0) + (*before ? v->before.h + PAD_PX / 2 : 0);
    double y = v->height - h;
    set_colour(v->cairo, bar);
    cairo_rectangle(v->cairo, 0, y, v->width, h);
    cairo_fill(v->cairo);
    y += PAD_PX;
    if (*before) {
        put_label(v, &v->before, EDGE_PX, y);
        y += v->before.h + PAD_PX / 2.0;
    }
    if (*now)
        put_label(v, &v->now, EDGE_PX, y);
}

/* A box with text, its middle at x, its lower edge at y; all of it on the canvas. */
static void draw_badge(struct canvas *v, const char *text, int size, double x, double y,
                       double alpha)
{
    need_label(v, &v->badge, text, v->width * 2 / 3, size, 3, true, ink);
    double w = v->badge.w + 2.0 * PAD_PX, h = v->badge.h + 2.0 * PAD_PX;
    x = fmin(fmax(x - w / 2, EDGE_PX), v->width - w - EDGE_PX);
    y = fmin(fmax(y - h, EDGE_PX), v->height - h - EDGE_PX);
    cairo_push_group(v->cairo);
    set_colour(v->cairo, bar);
    round_box(v->cairo, x, y, w, h, 8);
    cairo_fill_preserve(v->cairo);
    set_colour(v->cairo, sign);
    cairo_set_line_width(v->cairo, 2);
    cairo_stroke(v->cairo);
    put_label(v, &v->badge, x + PAD_PX, y + PAD_PX);
    cairo_pop_group_to_source(v->cairo);
    cairo_paint_with_alpha(v->cairo, alpha);
}

void canvas_lapse(struct canvas *v, int times)
{
    char text[32];
    snprintf(text, sizeof(text), "\u25b6\u25b6 %d\u00d7", times);
    draw_badge(v, text, 18, v->width, EDGE_PX, 1);
}

/* --- marks --------------------------------------------------------------------------------------
 */

static void ring(struct canvas *v, const struct mark *m, double t)
{
    if (t < 0 || t >= 1)
        return;
    struct colour k = sign;
    k.a = 1 - t * 0.7;
    set_colour(v->cairo, k);
    cairo_set_line_width(v->cairo, 4);
    cairo_arc(v->cairo, m->x, m->y, RING_FROM_PX + (RING_TO_PX - RING_FROM_PX) * t, 0, 2 * M_PI);
    cairo_stroke(v->cairo);
    cairo_arc(v->cairo, m->x, m->y, 5, 0, 2 * M_PI);
    cairo_fill(v->cairo);
}

static void draw_click(struct canvas *v, const struct mark *m, double age_ms, double lasts_ms)
{
    ring(v, m, age_ms / lasts_ms);
}

static void draw_double(struct canvas *v, const struct mark *m, double age_ms, double lasts_ms)
{
    ring(v, m, age_ms / (lasts_ms - SECOND_RING_MS));
    ring(v, m, (age_ms - SECOND_RING_MS) / (lasts_ms - SECOND_RING_MS));
}

/* Fades in the last fifth. */
static double fade(double age_ms, double lasts_ms)
{
    return fmin(1, (lasts_ms - age_ms) / (lasts_ms / 5));
}

static void draw_keys(struct canvas *v, const struct mark *m, double age_ms, double lasts_ms)
{
    draw_badge(v, m->text, 26, v->width / 2.0, v->height * 0.8, fade(age_ms, lasts_ms));
}

static void draw_text(struct canvas *v, const struct mark *m, double age_ms, double lasts_ms)
{
    draw_badge(v, m->text, 20, v->width / 2.0, v->height * 0.8, fade(age_ms, lasts_ms));
}

static void arrow(struct canvas *v, double x, double y, double to_x, double to_y)
{
    double angle = atan2(to_y - y, to_x - x);
    cairo_set_line_width(v->cairo, 6);
    cairo_move_to(v->cairo, x, y);
    cairo_line_to(v->cairo, to_x, to_y);
    for (int side = -1; side <= 1; side += 2) {
        cairo_move_to(v->cairo, to_x, to_y);
        cairo_line_to(v->cairo, to_x - 18 * cos(angle + side * 0.6),
                      to_y - 18 * sin(angle + side * 0.6));
    }
    cairo_stroke(v->cairo);
}

static void draw_scroll(struct canvas *v, const struct mark *m, double age_ms, double lasts_ms)
{
    struct colour k = sign;
    double dx = m->to_x > 0 ? 1 : m->to_x < 0 ? -1 : 0, dy = m->to_y > 0 ? 1 : m->to_y < 0 ? -1 : 0;
    double from = -ARROW_PX / 2.0 + 20 * age_ms / lasts_ms;
    k.a = fade(age_ms, lasts_ms);
    set_colour(v->cairo, k);
    arrow(v, m->x + dx * from, m->y + dy * from, m->x + dx * (from + ARROW_PX),
          m->y + dy * (from + ARROW_PX));
}

static void draw_drag(struct canvas *v, const struct mark *m, double age_ms, double lasts_ms)
{
    struct colour k = sign;
    double t = fmin(1, age_ms / (lasts_ms * 0.7));
    k.a = fade(age_ms, lasts_ms);
    set_colour(v->cairo, k);
    cairo_arc(v->cairo, m->x, m->y, 6, 0, 2 * M_PI);
    cairo_fill(v->cairo);
    arrow(v, m->x, m->y, m->x + (m->to_x - m->x) * t, m->y + (m->to_y - m->y) * t);
}

static const struct {
    int lasts_ms;
    void (*draw)(struct canvas *v, const struct mark *m, double age_ms, double lasts_ms);
} marks[MARK_KINDS] = {
    [MARK_CLICK] = {600, draw_click},   [MARK_DOUBLE_CLICK] = {600 + SECOND_RING_MS, draw_double},
    [MARK_KEYS] = {1500, draw_keys},    [MARK_TEXT] = {1800, draw_text},
    [MARK_SCROLL] = {800, draw_scroll}, [MARK_DRAG] = {900, draw_drag},
};

int mark_lasts_ms(enum mark_kind kind)
{
    return marks[kind].lasts_ms;
}

bool canvas_mark(struct canvas *v, const struct mark *m, int64_t age_ms)
{
    if (age_ms >= marks[m->kind].lasts_ms)
        return false;
    if (age_ms >= 0)
        marks[m->kind].draw(v, m, (double)age_ms, marks[m->kind].lasts_ms);
    return true;
}

/* --- cards --------------------------------------------------------------------------------------
 */

/* Returns how far down it goes. */
static double put_text(struct canvas *v, const char *text, double x, double y, int width, int size,
                       int lines, bool bold, struct colour colour)
{
    int w, h;
    PangoLayout *l = lay_out(v, text, width, size, lines, bold);
    size_of(l, &w, &h);
    set_colour(v->cairo, colour);
    cairo_move_to(v->cairo, x, y);
    pango_cairo_show_layout(v->cairo, l);
    g_object_unref(l);
    return y + h;
}

void canvas_slide(struct canvas *v, const struct slide *card)
{
    double left = v->width * 0.1, y = v->height * 0.16;
    int width = (int)(v->width * 0.8), column = (int)(v->width * 0.2);
    cairo_set_source_rgb(v->cairo, 0.08, 0.1, 0.14);
    cairo_paint(v->cairo);
    set_colour(v->cairo, sign);
    cairo_rectangle(v->cairo, left, y - 24, 64, 6);
    cairo_fill(v->cairo);
    y = put_text(v, card->heading, left, y, width, 40, 2, true, ink) + 8;
    y = put_text(v, card->below, left, y, width, 22, 3, false, faint) + 28;
    for (int i = 0; i < card->n_lines && y < v->height - 2 * EDGE_PX; i++) {
        put_text(v, card->lines[i].label, left, y, column - EDGE_PX, 20, 1, false, faint);
        y = put_text(v, card->lines[i].value, left + column, y, width - column, 20, 2, false,
                     colour_of(card->lines[i].value, ink)) +
            8;
    }
}
