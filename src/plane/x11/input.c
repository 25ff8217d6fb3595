/*
 * input.c - pointer and wheel by XTEST 2.2. Every public call ends with a round trip: what it sent
 * has been handed to the client before it returns.
 */
#include "plane/x11/priv.h"

#include <stdlib.h>
#include <xcb/xtest.h>

#include "base/clock.h"

#define WHEEL_UP    4 /* X buttons 4-7 are wheel notches */
#define WHEEL_DOWN  5
#define WHEEL_LEFT  6
#define WHEEL_RIGHT 7

static int clamp(int v, int max)
{
    return v < 0 ? 0 : v > max ? max : v;
}

static void fake(struct display *d, uint8_t type, uint8_t detail, int x, int y)
{
    xcb_test_fake_input(d->conn, type, detail, XCB_CURRENT_TIME, d->root, (int16_t)x, (int16_t)y,
                        0);
}

static void move_to(struct display *d, int x, int y)
{
    fake(d, XCB_MOTION_NOTIFY, 0, clamp(x, d->width - 1), clamp(y, d->height - 1));
}

static void press_release(struct display *d, uint8_t button)
{
    fake(d, XCB_BUTTON_PRESS, button, 0, 0);
    fake(d, XCB_BUTTON_RELEASE, button, 0, 0);
}

void input_key(struct display *d, xcb_keycode_t code, bool down)
{
    fake(d, down ? XCB_KEY_PRESS : XCB_KEY_RELEASE, code, 0, 0);
}

static int delivered(struct display *d, struct err *err)
{
    int r = x_sync(d, err);
    d->input_us = clock_mono_us();
    return r;
}

int display_move(struct display *d, int x, int y, struct err *err)
{
    move_to(d, x, y);
    return delivered(d, err);
}

/* Two presses of one millisecond are one event to Chromium, and no double click
 * (ui::MouseEvent::IsRepeatedClickEvent). */
int display_button(struct display *d, enum button button, int clicks, struct err *err)
{
    enum { BETWEEN_MS = 30 };
    press_release(d, (uint8_t)button);
    for (int i = 1; i < clicks; i++) {
        int r = x_sync(d, err);
        if (!r)
            r = x_wait(d, NULL, NULL, clock_mono_ms() + BETWEEN_MS, "double click", NULL);
        if (r && r != E_TIMEOUT)
            return r;
        press_release(d, (uint8_t)button);
    }
    return delivered(d, err);
}

int display_drag(struct display *d, int x, int y, int to_x, int to_y, struct err *err)
{
    enum { MOVES = 12, MOVE_MS = 16 };
    int r;
    move_to(d, x, y);
    fake(d, XCB_BUTTON_PRESS, BUTTON_LEFT, 0, 0);
    /* A drag is a movement in time: pages sample it once per frame. */
    for (int i = 1; i <= MOVES; i++) {
        if ((r = x_sync(d, err)))
            return r;
        r = x_wait(d, NULL, NULL, clock_mono_ms() + MOVE_MS, "drag", NULL);
        if (r && r != E_TIMEOUT)
            break;
        move_to(d, x + (to_x - x) * i / MOVES, y + (to_y - y) * i / MOVES);
    }
    fake(d, XCB_BUTTON_RELEASE, BUTTON_LEFT, 0, 0);
    return delivered(d, err);
}

int display_wheel(struct display *d, int dx, int dy, struct err *err)
{
    for (int i = 0; i < abs(dy); i++)
        press_release(d, dy < 0 ? WHEEL_UP : WHEEL_DOWN);
    for (int i = 0; i < abs(dx); i++)
        press_release(d, dx < 0 ? WHEEL_LEFT : WHEEL_RIGHT);
    return delivered(d, err);
}
