/*
 * hand.h - one thing that a person does with a run's mouse, keyboard or clipboard (docs/live.md).
 *
 * The same reading holds for what a viewer sends and for what `serve` hands down: nothing that was not read
 * here comes near the display. What is typed is nobody's to log.
 */
#ifndef MANTIS_CORE_HAND_H
#define MANTIS_CORE_HAND_H

#include <stdbool.h>

#include "core/action.h"

enum hand_type {
    HAND_MOVE,
    HAND_DOWN,
    HAND_UP,
    HAND_WHEEL,
    HAND_KEY_DOWN,
    HAND_KEY_UP,
    HAND_KEY_PRESS,
    HAND_TEXT,
    HAND_PASTE,
    HAND_CLIPBOARD,
    HAND_COPY,
};

#define HAND_KEYS_MAX    8
#define HAND_NOTCHES_MAX 20

struct hand {
    enum hand_type type;
    int x, y;           /* pointer, wheel: screen pixels, may lie outside; clamped by the display */
    enum button button; /* down, up */
    int dx, dy;         /* wheel: notches */
    const char *keys[HAND_KEYS_MAX]; /* key: X keysym names in press order, in pool */
    int n_keys;
    const char *text; /* text, paste, clipboard: UTF-8, borrowed from the message */
};

/* Is it the type of a message that is a hand at all? */
bool hand_is(const char *type);

/* Only the pointer moves: of several in a row the last one counts. */
bool hand_is_move(const json_t *message);

/* E_INVALID with what is wrong; never quotes what is typed. */
int hand_read(struct pool *pool, const json_t *message, struct hand *out, struct err *err) MUST_CHECK;

#endif
