/*
 * keys.c - typing. A character that stands on the keyboard map goes by its key (and Shift); for the
 * others, keys of the map that mean nothing are given that meaning first.
 *
 * A browser reads the map late: its window system when it gets the change, and its toolkit (whose input
 * method makes the characters) once more, on a connection of its own. So a key that is given a meaning
 * and pressed at once comes out as what it meant before, or as nothing. Therefore
 * - the letters and signs of Western Europe are lent keys at the beginning, before there is a browser;
 * - before another one is lent, the browser has read what was typed, and before it is pressed, the map:
 *   it answers a ping in the order of its events, and a second one in a later turn of its loop, when its
 *   toolkit has seen what had arrived by the first;
 * - the key that was not used for longest is lent, and keeps its meaning until it is the turn of another one.
 * All keys of one text are lent before its first key is pressed. A text with more new characters than there are
 * spare keys is typed in parts.
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
#define READ_MS   10000 /* for a busy browser to read what was typed */

/* Four of one key each: plain, with Shift, and the same in the second group; what is most likely typed comes first. */
static const char lent_at_start[] = "éÉàÀèÈùÙâÂêÊîÎôÔûÛëËïÏçÇäÄöÖüÜß€áÁíÍóÓúÚñÑãÃõÕåÅøØæÆ–—‘’“”„…¿¡£°ìÌòÒýÝœŒ«»§·";

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
        for (int level = 0; level < 2 && level < per; level++)
            k->syms[k->min + i][level] = syms[i * per + level];
        if (!used)
            k->spare[k->n_spare++] = (uint8_t)(k->min + i);
    }
    free(reply);
    return 0;
}

struct key {
    xcb_keycode_t code;
    unsigned level; /* SHIFTED, GROUP_2 */
};
enum { SHIFTED = 1, GROUP_2 = 2 }; /* a core keyboard map's order: X11 protocol, section 5 */

static bool find_key(const struct keymap *k, xcb_keysym_t sym, struct key *out)
{
    for (unsigned level = 0; level < KEY_LEVELS; level++)
        for (int code = k->min; code <= k->max; code++)
            if (k->syms[code][level] == sym) {
                *out = (struct key){(xcb_keycode_t)code, level};
                return true;
            }
    return false;
}

static void set_key(struct display *d, uint8_t code, const xcb_keysym_t syms[KEY_LEVELS])
{
    struct keymap *k = &d->keymap;
    memcpy(k->syms[code], syms, sizeof(k->syms[code]));
    k->used[code] = ++k->uses;
    xcb_change_keyboard_mapping(d->conn, 1, code, KEY_LEVELS, syms);
}

/* Give the spare key that was not used for longest this meaning, with and without Shift; keys in pinned (by
 * keycode) and held ones are in use. false: all are. */
static bool lend(struct display *d, xcb_keysym_t sym, const bool pinned[256])
{
    const struct keymap *k = &d->keymap;
    int best = -1;
    for (int i = 0; i < k->n_spare; i++)
        if (!pinned[k->spare[i]] && !k->held[k->spare[i]] && (best < 0 || k->used[k->spare[i]] < k->used[best]))
            best = k->spare[i];
    if (best >= 0)
        set_key(d, (uint8_t)best, (const xcb_keysym_t[KEY_LEVELS]){sym, sym, sym, sym});
    return best >= 0;
}

static void press(struct display *d, xcb_keycode_t code, bool down)
{
    d->keymap.used[code] = ++d->keymap.uses;
    input_key(d, code, down);
}

/* The modifiers that a level needs. One that is held is down, and stays so. */
static void hold_level(struct display *d, unsigned level, bool down)
{
    static const struct {
        unsigned level;
        xcb_keysym_t sym;
    } table[] = {{SHIFTED, XKB_KEY_Shift_L}, {GROUP_2, XKB_KEY_Mode_switch}};
    struct key key;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if ((level & table[i].level) && find_key(&d->keymap, table[i].sym, &key) && !d->keymap.held[key.code])
            press(d, key.code, down);
}

static void tap(struct display *d, struct key key)
{
    hold_level(d, key.level, true);
    press(d, key.code, true);
    press(d, key.code, false);
    hold_level(d, key.level, false);
}

static int delivered(struct display *d, struct err *err)
{
    int r = x_sync(d, err);
    d->input_us = clock_mono_us();
    return r;
}

/* Until the browser has read what was typed so far, and the map as it is. */
static int wait_read(struct display *d, struct err *err)
{
    struct err e = {0};
    int64_t by = clock_mono_ms() + READ_MS;
    int r = 0;
    for (int i = 0; !r && i < 2; i++)
        r = display_ping(d, by, &e);
    if (r == E_TIMEOUT)
        return err_set(err, r, "typing: the browser has been busy for %d ms, or has no window, and would misread "
                               "characters that the keyboard lacks: try again", READ_MS);
    return r ? err_set(err, r, "%s", e.msg) : 0;
}

/* --- chords -------------------------------------------------------------------------------- */

/* Keys in pinned are others of the chord. */
static int key_of_name(struct display *d, const char *name, const bool pinned[256], struct key *out, struct err *err)
{
    xcb_keysym_t sym = xkb_keysym_from_name(name, XKB_KEYSYM_NO_FLAGS);
    if (sym == XKB_KEY_NoSymbol)
        return err_set(err, E_INVALID, "unknown key '%s'", name);
    if (find_key(&d->keymap, sym, out))
        return 0;
    int r = wait_read(d, err);
    if (!r && (!lend(d, sym, pinned) || !find_key(&d->keymap, sym, out)))
        r = err_set(err, E_UNSUPPORTED, "the keyboard has no key '%s'", name);
    return r ? r : wait_read(d, err);
}

struct chord {
    struct key keys[CHORD_MAX];
    int n;
    unsigned level; /* that one of them needs */
};

static int read_chord(struct display *d, const char *const *names, int n, struct chord *out,
                      struct err *err)
{
    if (n < 1 || n > CHORD_MAX)
        return err_set(err, E_INVALID, "a chord has 1 to %d keys, not %d", CHORD_MAX, n);
    bool pinned[256] = {false};
    *out = (struct chord){.n = n};
    for (int i = 0; i < n; i++) {
        int r = key_of_name(d, names[i], pinned, &out->keys[i], err);
        if (r)
            return r;
        pinned[out->keys[i].code] = true;
        out->level |= out->keys[i].level;
    }
    return 0;
}

static void hold(struct display *d, const struct chord *c, bool down)
{
    if (down)
        hold_level(d, c->level, true);
    for (int i = 0; i < c->n; i++)
        press(d, c->keys[down ? i : c->n - 1 - i].code, down);
    if (!down)
        hold_level(d, c->level, false);
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
    for (int i = 0; i < n; i++)
        d->keymap.held[c.keys[i].code] = down;
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

/* Keys for as much of s as there can be; *ret_end is where that ends, behind s. */
static int lend_keys(struct display *d, const char *s, const char **ret_end, struct err *err)
{
    *ret_end = s + strlen(s);
    if (all_have_keys(d, s))
        return 0;
    int r = wait_read(d, err);
    if (r)
        return r;
    *ret_end = lend_for(d, s);
    if (*ret_end == s)
        return err_set(err, E_UNSUPPORTED, "the keyboard has no spare keys");
    return wait_read(d, err);
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
    while (s < end) {
        struct key key;
        xcb_keysym_t sym = sym_of_char(next_char(&s));
        if (sym == XCB_NO_SYMBOL || !find_key(&d->keymap, sym, &key))
            continue;
        tap(d, key);
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
    int r = 0;
    while (*utf8 && !r) {
        const char *end;
        r = lend_keys(d, utf8, &end, err);
        if (!r)
            r = type_part(d, utf8, end, delay_ms, err);
        utf8 = end;
    }
    return r;
}

static void lend_at_start(struct display *d)
{
    struct keymap *k = &d->keymap;
    const char *s = lent_at_start;
    struct key group_2;
    int levels = find_key(k, XKB_KEY_Mode_switch, &group_2) ? KEY_LEVELS : KEY_LEVELS / 2;
    for (int i = 0; i < k->n_spare && *s; i++) {
        xcb_keysym_t syms[KEY_LEVELS] = {0};
        for (int level = 0; level < levels; level++)
            syms[level] = *s ? sym_of_char(next_char(&s)) : XCB_NO_SYMBOL;
        set_key(d, k->spare[i], syms);
    }
    for (int i = 0; i < k->n_spare; i++) /* so that the last ones are lent first */
        k->used[k->spare[i]] = (unsigned)(k->n_spare - i);
    k->uses = (unsigned)k->n_spare;
}

/* With the first key of XTEST's keyboard all clients are told of its map: now there are none. */
int keys_setup(struct display *d, struct err *err)
{
    int r = read_map(d, err);
    if (r)
        return r;
    lend_at_start(d);
    hold_level(d, SHIFTED, true);
    hold_level(d, SHIFTED, false);
    return 0;
}
