#include "plane/toolbar.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static const struct rect reload_button = {84, 52, 22, 22};
#define BAR_LEFT         124 /* address bar: icon, text; the icons at its right end come and go */
#define BAR_TOP          47
#define BAR_H            32
#define BAR_RIGHT_MARGIN 180
#define TAB_STRIP_H      40

#define SPINNER_MS 700  /* a loading tab's spinner moves at least this often */
#define STILL_MS   3000 /* one that has not moved for this long is none */
#define ANSWER_MS  700  /* the address bar answers keys within this, else something is in front */
#define FOCUS_MS   250  /* Control+L, which the page may look at first */
#define CALM_MS    30   /* of the bar after it took a text */

static struct rect bar_area(const struct toolbar *t)
{
    return (struct rect){BAR_LEFT, BAR_TOP, t->width - BAR_LEFT - BAR_RIGHT_MARGIN, BAR_H};
}

static void set(char **field, const char *value)
{
    free(*field);
    *field = strdup(value);
    if (!*field)
        BUG("out of memory");
}

int toolbar_init(struct toolbar *t, struct display *d, struct loop *loop, struct err *err)
{
    int height;
    *t = (struct toolbar){.display = d, .loop = loop, .pointer_x = -1, .pointer_y = -1};
    display_size(d, &t->width, &height);
    set(&t->url, "");
    set(&t->url_title, "");
    t->button_seen_us = clock_mono_us();
    int r = display_fingerprint(d, &reload_button, &t->idle_button, err);
    t->button = t->idle_button;
    return r;
}

void toolbar_release(struct toolbar *t)
{
    free(t->url);
    free(t->url_title);
    *t = (struct toolbar){0};
}

/* --- is it loading -------------------------------------------------------------------------- */

static bool pointer_on_button(const struct toolbar *t)
{
    const struct rect *b = &reload_button;
    return t->pointer_x >= b->x - 6 && t->pointer_x < b->x + b->w + 6 && t->pointer_y >= b->y - 6 &&
           t->pointer_y < b->y + b->h + 6;
}

/* The button alone could be caught in a state we do not know; a tab that loads also has a spinner.
 */
static bool spins(const struct toolbar *t, int within_ms)
{
    const struct rect strip = {0, 0, t->width, TAB_STRIP_H};
    return display_area_damage_us(t->display, &strip, clock_mono_us() - within_ms * 1000) != 0;
}

bool toolbar_loading(struct toolbar *t)
{
    int64_t changed = display_area_damage_us(t->display, &reload_button, t->button_seen_us);
    if (changed) {
        if (display_fingerprint(t->display, &reload_button, &t->button, NULL))
            return false;
        t->button_seen_us = changed + 1;
    }
    if (t->button == t->idle_button || pointer_on_button(t))
        return false;
    if (!spins(t, STILL_MS))
        t->idle_button = t->button; /* this is how it looks at rest now */
    return spins(t, SPINNER_MS);
}

/* --- the address ---------------------------------------------------------------------------- */

static int chord(struct toolbar *t, const char *a, const char *b, struct err *err)
{
    const char *names[] = {a, b};
    return display_chord(t->display, names, b ? 2 : 1, err);
}

struct shown {
    struct toolbar *t;
    int64_t since_us;
};

static bool bar_changed(void *arg)
{
    struct shown *s = arg;
    struct rect area = bar_area(s->t);
    return display_gone(s->t->display) ||
           display_area_damage_us(s->t->display, &area, s->since_us) != 0;
}

/* The page sees Control+L before the browser does, so keys sent at once would still go to the page:
 * wait until the bar shows that it has the focus. E_TIMEOUT: it did not. */
static int select_by_key(struct toolbar *t, struct err *err)
{
    struct shown s = {t, clock_mono_us()};
    int r = chord(t, "Control_L", "l", err);
    if (!r)
        r = loop_wait(t->loop, bar_changed, &s, clock_mono_ms() + FOCUS_MS);
    if (r == E_CANCELLED)
        return err_set(err, r, "the address bar: cancelled");
    return r == E_TIMEOUT ? err_set(err, r, "the address bar did not take the focus") : r;
}

/* A page may keep Control+L for itself, and a dialog swallows it: close what is in front and use
 * the mouse, which no page can intercept up there. */
static int select_by_mouse(struct toolbar *t, struct err *err)
{
    t->pointer_x = t->width / 2;
    t->pointer_y = BAR_TOP + BAR_H / 2;
    int r = chord(t, "Escape", NULL, err);
    if (!r)
        r = display_move(t->display, t->pointer_x, t->pointer_y, err);
    if (!r)
        r = display_button(t->display, BUTTON_LEFT, 1, err);
    return r ? r : chord(t, "Control_L", "a", err);
}

static int64_t soon(int ms, int64_t deadline_mono_ms)
{
    int64_t at = clock_mono_ms() + ms;
    return at < deadline_mono_ms ? at : deadline_mono_ms;
}

/* A page's own selection could be copied where the address was meant. */
static bool is_address(const char *text)
{
    return !strpbrk(text, " \t\r\n") && strchr(text, ':');
}

static int copy(struct toolbar *t, struct pool *pool, int64_t deadline_mono_ms, const char **ret,
                struct err *err)
{
    int r = display_clipboard_set(t->display, "", err);
    if (!r)
        r = chord(t, "Control_L", "c", err);
    if (!r)
        r = display_clipboard_wait_taken(t->display, soon(ANSWER_MS, deadline_mono_ms), err);
    if (!r)
        r = display_clipboard_get(t->display, pool, soon(ANSWER_MS, deadline_mono_ms), ret, err);
    if (!r && !is_address(*ret))
        return err_set(err, E_TIMEOUT, "the address bar did not give its text");
    return r;
}

/* Select the address and copy it, which is also the proof that keys now go to the bar. */
static int copy_address(struct toolbar *t, struct pool *pool, int64_t deadline_mono_ms,
                        const char **ret, struct err *err)
{
    static int (*const ways[])(struct toolbar *, struct err *) = {select_by_key, select_by_mouse};
    struct err e = {0};
    int r = E_TIMEOUT;
    for (size_t i = 0; i < ARRAY_SIZE(ways) && r == E_TIMEOUT; i++) {
        r = ways[i](t, &e);
        if (!r)
            r = copy(t, pool, deadline_mono_ms, ret, &e);
    }
    return r ? err_set(err, r, "%s", e.msg) : 0;
}

/* Wait until the bar has shown what it was given; it may show nothing new. */
static int wait_calm(struct toolbar *t, int64_t deadline_mono_ms, struct err *err)
{
    bool capped;
    return display_wait_quiet(t->display, NULL, CALM_MS, soon(ANSWER_MS, deadline_mono_ms), &capped,
                              err);
}

/*
 * Typed, not pasted: Chromium fetches a paste in its own time, and Return would come before the
 * text. A blank typed and taken back at the end keeps it from completing the address to one it
 * knows.
 */
int toolbar_open_url(struct toolbar *t, struct pool *pool, const char *url,
                     int64_t deadline_mono_ms, struct err *err)
{
    const char *old;
    struct err e = {0};
    int r = copy_address(t, pool, deadline_mono_ms, &old, &e);
    if (r && r != E_TIMEOUT) /* an empty bar gives nothing to copy; the mouse has put us there */
        return err_set(err, r, "%s", e.msg);
    if (!r)
        set(&t->url, old);
    t->url_look = 0; /* wherever this leads, it is read again */
    r = display_type(t->display, pool_printf(pool, "%s ", url), 0, err);
    if (!r)
        r = chord(t, "BackSpace", NULL, err);
    if (!r)
        r = chord(t, "Return", NULL, err);
    t->user_has_it = false;
    return r;
}

bool toolbar_same(struct toolbar *t, const char *title)
{
    struct rect area = bar_area(t);
    uint64_t look;
    return *t->url && !strcmp(title, t->url_title) &&
           !display_fingerprint(t->display, &area, &look, NULL) && look == t->url_look;
}

/* First Escape undoes what was typed there, the second gives the focus to the page. */
static int leave_bar(struct toolbar *t, int64_t deadline_mono_ms, struct err *err)
{
    int r = chord(t, "Escape", NULL, err);
    if (!r)
        r = chord(t, "Escape", NULL, err);
    return r ? r : wait_calm(t, deadline_mono_ms, err);
}

int toolbar_read_url(struct toolbar *t, struct pool *pool, const char *title,
                     int64_t deadline_mono_ms, struct err *err)
{
    const char *url = "";
    struct rect area = bar_area(t);
    if (t->user_has_it || toolbar_same(t, title))
        return 0;
    int r = copy_address(t, pool, deadline_mono_ms, &url, err);
    if (!r)
        r = leave_bar(t, deadline_mono_ms, err);
    if (!r)
        r = display_fingerprint(t->display, &area, &t->url_look, err);
    if (r)
        return r;
    set(&t->url, url);
    set(&t->url_title, title);
    return 0;
}
