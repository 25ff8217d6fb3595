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

int display_press(struct display *d, enum button button, bool down, struct err *err)
{
    fake(d, down ? XCB_BUTTON_PRESS : XCB_BUTTON_RELEASE, (uint8_t)button, 0, 0);
    return delivered(d, err);
}

/* Part of a drag: go to (x, y) and stay there for ms. */
static int drag_to(struct display *d, int x, int y, int ms, struct err *err)
{
    move_to(d, x, y);
    int r = x_sync(d, err);
    if (r)
        return r;
    r = x_wait(d, NULL, NULL, clock_mono_ms() + ms, "drag", err);
    return r == E_TIMEOUT ? 0 : r;
}

/* n of 0..steps on the way from a to b. */
static int between(int a, int b, int n, int steps)
{
    return a + (b - a) * n / steps;
}

/*
 * A drag is a movement in time: pages sample it once per frame, and a browser that is asked to drag and
 * drop first makes a transfer of it with its own window system (XDND), which takes a moment at both
 * ends. So it begins with a short way, and rests on the target before it lets go.
 */
int display_drag(struct display *d, int x, int y, int to_x, int to_y, struct err *err)
{
    enum { MOVES = 16, FIRST = 3, MOVE_MS = 16, TAKE_MS = 90, REST_MS = 60 };
    struct err ignored = {0};
    move_to(d, x, y);
    fake(d, XCB_BUTTON_PRESS, BUTTON_LEFT, 0, 0);
    int r = x_sync(d, err);
    for (int i = 1; !r && i <= MOVES; i++)
        r = drag_to(d, between(x, to_x, i, MOVES), between(y, to_y, i, MOVES),
                    i == FIRST ? TAKE_MS : MOVE_MS, err);
    for (int i = 1; !r && i >= -1; i -= 2) /* a pointer that stands still is not asked where it is */
        r = drag_to(d, to_x, to_y + i, REST_MS, err);
    if (!r)
        r = drag_to(d, to_x, to_y, REST_MS, err);
    fake(d, XCB_BUTTON_RELEASE, BUTTON_LEFT, 0, 0); /* also when it was interrupted */
    int end = delivered(d, &ignored);
    return r ? r : end ? err_set(err, end, "%s", ignored.msg) : 0;
}

int display_wheel(struct display *d, int dx, int dy, struct err *err)
{
    for (int i = 0; i < abs(dy); i++)
        press_release(d, dy < 0 ? WHEEL_UP : WHEEL_DOWN);
    for (int i = 0; i < abs(dx); i++)
        press_release(d, dx < 0 ? WHEEL_LEFT : WHEEL_RIGHT);
    return delivered(d, err);
}
