/*
 * keys.c - typing. A character that stands on the keyboard map goes by its key (and Shift); for the
 * others, keys of the map that mean nothing are given that meaning first.
 *
 * Borrowed keys are lent for good, oldest loan taken first: the browser reads the map when it gets
 * the change, not when the key was pressed, so a key that is taken back at once would come out as
 * something else. All keys of one text are lent before its first key is pressed. A text with more
 * new characters than there are spare keys is typed in parts, each after the browser has read the
 * part before: it answers a ping in the order of its events.
 */
#include "plane/x11/priv.h"

#include <stdlib.h>
#include <string.h>
#include <xcb/xtest.h>
#include <xkbcommon/xkbcommon-keysyms.h>
#include <xkbcommon/xkbcommon.h>

#include "base/clock.h"
#include "base/str.h"

#define CHORD_MAX 8
#define READ_MS   1000 /* a browser reads keys much sooner; a stuck one is not waited for longer */

static int read_map(struct display *d, struct err *err)
{
    const xcb_setup_t *setup = xcb_get_setup(d->conn);
    struct keymap *k = &d->keymap;
    void *reply = NULL;
    k->min = setup->min_keycode;
    k->max = setup->max_keycode;
    uint8_t n = (uint8_t)(k->max - k->min + 1);
    int r = x_reply(d, xcb_get_keyboard_mapping(d->conn, k->min, n).sequence, &reply, err);
    if (r)
        return r;
    if (!reply)
        return err_set(err, E_IO, "the display server has no keyboard map");
    const xcb_keysym_t *syms = xcb_get_keyboard_mapping_keysyms(reply);
    int per = ((xcb_get_keyboard_mapping_reply_t *)reply)->keysyms_per_keycode;
    for (int i = 0; i < n; i++) {
        bool used = false;
        for (int j = 0; j < per; j++)
            used |= syms[i * per + j] != XCB_NO_SYMBOL;
        k->syms[k->min + i][0] = per > 0 ? syms[i * per] : XCB_NO_SYMBOL;
        k->syms[k->min + i][1] = per > 1 ? syms[i * per + 1] : XCB_NO_SYMBOL;
        if (!used)
            k->spare[k->n_spare++] = (uint8_t)(k->min + i);
    }
    free(reply);
    return 0;
}

int keys_setup(struct display *d, struct err *err)
{
    return read_map(d, err);
}

struct key {
    xcb_keycode_t code;
    bool shift;
};

static bool find_key(const struct keymap *k, xcb_keysym_t sym, struct key *out)
{
    for (int shift = 0; shift < 2; shift++)
        for (int code = k->min; code <= k->max; code++)
            if (k->syms[code][shift] == sym) {
                *out = (struct key){(xcb_keycode_t)code, shift};
                return true;
            }
    return false;
}

/* Give the next spare key this meaning, with and without Shift; keys in pinned (by keycode) are in
 * use. false: all are. */
static bool lend(struct display *d, xcb_keysym_t sym, const bool pinned[256])
{
    struct keymap *k = &d->keymap;
    for (int i = 0; i < k->n_spare; i++) {
        uint8_t code = k->spare[k->next_spare++ % k->n_spare];
        if (pinned[code])
            continue;
        k->syms[code][0] = k->syms[code][1] = sym;
        xcb_change_keyboard_mapping(d->conn, 1, code, 2, k->syms[code]);
        return true;
    }
    return false;
}

static xcb_keycode_t shift_code(const struct display *d)
{
    struct key key = {0};
    find_key(&d->keymap, XKB_KEY_Shift_L, &key);
    return key.code;
}

static void tap(struct display *d, struct key key, xcb_keycode_t shift)
{
    if (key.shift)
        input_key(d, shift, true);
    input_key(d, key.code, true);
    input_key(d, key.code, false);
    if (key.shift)
        input_key(d, shift, false);
}

static int delivered(struct display *d, struct err *err)
{
    int r = x_sync(d, err);
    d->input_us = clock_mono_us();
    return r;
}

/* --- chords -------------------------------------------------------------------------------- */

static int key_of_name(struct display *d, const char *name, struct key *out, struct err *err)
{
    xcb_keysym_t sym = xkb_keysym_from_name(name, XKB_KEYSYM_NO_FLAGS);
    if (sym == XKB_KEY_NoSymbol)
        return err_set(err, E_INVALID, "unknown key '%s'", name);
    if (find_key(&d->keymap, sym, out))
        return 0;
    static const bool none[256];
    if (!lend(d, sym, none) || !find_key(&d->keymap, sym, out))
        return err_set(err, E_UNSUPPORTED, "the keyboard has no key '%s'", name);
    return 0;
}

struct chord {
    struct key keys[CHORD_MAX + 1]; /* with the Shift that one of them needs in front */
    int n;
};

static int read_chord(struct display *d, const char *const *names, int n, struct chord *out,
                      struct err *err)
{
    bool shift = false;
    if (n < 1 || n > CHORD_MAX)
        return err_set(err, E_INVALID, "a chord has 1 to %d keys, not %d", CHORD_MAX, n);
    for (int i = 0; i < n; i++) {
        int r = key_of_name(d, names[i], &out->keys[i + 1], err);
        if (r)
            return r;
        shift |= out->keys[i + 1].shift;
    }
    out->n = n + 1;
    out->keys[0] = (struct key){shift ? shift_code(d) : 0, false};
    return 0;
}

static void hold(struct display *d, const struct chord *c, bool down)
{
    for (int i = 0; i < c->n; i++) {
        xcb_keycode_t code = c->keys[down ? i : c->n - 1 - i].code;
        if (code)
            input_key(d, code, down);
    }
}

int display_chord(struct display *d, const char *const *names, int n, struct err *err)
{
    struct chord c;
    int r = read_chord(d, names, n, &c, err);
    if (r)
        return r;
    hold(d, &c, true);
    hold(d, &c, false);
    return delivered(d, err);
}

int display_hold(struct display *d, const char *const *names, int n, bool down, struct err *err)
{
    struct chord c;
    int r = read_chord(d, names, n, &c, err);
    if (r)
        return r;
    hold(d, &c, down);
    return delivered(d, err);
}

/* --- text ---------------------------------------------------------------------------------- */

/* Next code point of valid UTF-8; advances *s. */
static uint32_t next_char(const char **s)
{
    const unsigned char *p = (const unsigned char *)*s;
    int extra = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
    uint32_t cp = extra ? *p & (0x3fu >> extra) : *p;
    for (int i = 1; i <= extra; i++)
        cp = cp << 6 | (p[i] & 0x3f);
    *s += extra + 1;
    return cp;
}

/* XCB_NO_SYMBOL for what no key stands for (control characters). */
static xcb_keysym_t sym_of_char(uint32_t cp)
{
    if (cp == '\n')
        return XKB_KEY_Return;
    if (cp == '\t')
        return XKB_KEY_Tab;
    if (cp < 0x20 || cp == 0x7f)
        return XCB_NO_SYMBOL;
    return xkb_utf32_to_keysym(cp);
}

/* Lend keys for the characters from s on that have none; returns where the spare keys ran out, or
 * the end. */
static const char *lend_for(struct display *d, const char *s)
{
    bool pinned[256] = {false};
    while (*s) {
        const char *here = s;
        struct key key;
        xcb_keysym_t sym = sym_of_char(next_char(&s));
        if (sym == XCB_NO_SYMBOL)
            continue;
        if (!find_key(&d->keymap, sym, &key) &&
            !(lend(d, sym, pinned) && find_key(&d->keymap, sym, &key)))
            return here;
        pinned[key.code] = true;
    }
    return s;
}

/* Until the browser has read what was typed with the map as it is. */
static int wait_read(struct display *d, struct err *err)
{
    struct err e = {0};
    int r = display_ping(d, clock_mono_ms() + READ_MS, &e);
    return r && r != E_TIMEOUT ? err_set(err, r, "%s", e.msg) : 0;
}

static bool all_have_keys(const struct display *d, const char *s)
{
    while (*s) {
        struct key key;
        xcb_keysym_t sym = sym_of_char(next_char(&s));
        if (sym != XCB_NO_SYMBOL && !find_key(&d->keymap, sym, &key))
            return false;
    }
    return true;
}

static int pause_ms(struct display *d, int ms, struct err *err)
{
    int r = x_wait(d, NULL, NULL, clock_mono_ms() + ms, "typing", err);
    return r == E_TIMEOUT ? 0 : r;
}

/* Type [s, end), every character of which has a key now. */
static int type_part(struct display *d, const char *s, const char *end, int delay_ms,
                     struct err *err)
{
    xcb_keycode_t shift = shift_code(d);
    while (s < end) {
        struct key key;
        xcb_keysym_t sym = sym_of_char(next_char(&s));
        if (sym == XCB_NO_SYMBOL || !find_key(&d->keymap, sym, &key))
            continue;
        tap(d, key, shift);
        int r = 0;
        if (delay_ms > 0 && !(r = delivered(d, err)))
            r = pause_ms(d, delay_ms, err);
        if (r)
            return r;
    }
    return delivered(d, err);
}

int display_type(struct display *d, const char *utf8, int delay_ms, struct err *err)
{
    if (!str_is_utf8(utf8, strlen(utf8)))
        return err_set(err, E_INVALID, "text to type is not UTF-8");
    int r = all_have_keys(d, utf8) ? 0 : wait_read(d, err); /* what the last call typed */
    while (*utf8 && !r) {
        const char *end = lend_for(d, utf8);
        if (end == utf8)
            return err_set(err, E_UNSUPPORTED, "the keyboard has no spare keys");
        r = type_part(d, utf8, end, delay_ms, err);
        if (!r && *end)
            r = wait_read(d, err);
        utf8 = end;
    }
    return r;
}
