/*
 * draw.h - what is drawn over and around a recorded screen: cards, captions, and what hands did.
 *
 * A canvas is a picture that is drawn on. Text is any Unicode, in either direction, wrapped and cut to its box.
 * Threads: one thread per canvas; the first text of a process loads fonts (100 to 500 ms).
 * Costs:   for 1280x720: 0.4 ms to begin with a screen, 0.3 ms a caption or badge whose text was drawn before,
 * 2 ms a new one.
 */
#ifndef MANTIS_RECORD_DRAW_H
#define MANTIS_RECORD_DRAW_H

#include "core/frame.h"
#include "record/mark.h"

struct canvas;

struct canvas *canvas_create(int width, int height);
void canvas_destroy(struct canvas *canvas); /* NULL is fine */

/* The picture as it is: until the next call. */
struct frame canvas_frame(struct canvas *canvas);

/* Begin with a screen of the canvas's size; NULL: black. */
void canvas_screen(struct canvas *canvas, const struct frame *screen);

/* A card that fills the canvas: a heading, a line below it, and lines of label and value. */
struct slide_line {
    const char *label, *value;
};
struct slide {
    const char *heading, *below;
    const struct slide_line *lines;
    int n_lines;
};
void canvas_slide(struct canvas *canvas, const struct slide *card);

/* The bar at the bottom: what is being done, and above it how the last thing ended ("" nothing). */
void canvas_caption(struct canvas *canvas, const char *now, const char *before);

/* A sign in the upper right corner: time passes faster here. */
void canvas_lapse(struct canvas *canvas, int times);

/* What a hand did, so long ago. False: it is over. */
bool canvas_mark(struct canvas *canvas, const struct mark *mark, int64_t age_ms);

#endif
