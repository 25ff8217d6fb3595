#include "run/inner/detect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define MIN_TOLERANCE_PX 8
#define TOLERANCE_SHARE  0.004 /* of the screen's diagonal */
#define BUCKET_PX        8
#define TYPED_BYTES      32
#define VARIED           0.6
#define MONOTONOUS       0.25
#define WIDER            2 /* samples */

/* --- samples --------------------------------------------------------------------------------- */

static bool is_scroll_like(const struct action *a)
{
    static const char *const keys[] = {"page_down", "pagedown", "page_up", "pageup",
                                       "up",        "down",     "j",       "k"};
    if (a->type == ACTION_SCROLL || a->type == ACTION_WAIT)
        return true;
    for (size_t i = 0; a->type == ACTION_KEY_PRESS && a->keys && i < ARRAY_SIZE(keys); i++)
        if (str_eq_fold(a->keys, keys[i])) /* whole names: "backspace" holds a k */
            return true;
    return false;
}

static double tolerance_factor(const char *reasoning)
{
    static const struct {
        const char *word;
        double factor;
    } classes[] = {{"submit", 1.5}, {"button", 1.5},    {"dropdown", .75}, {"drop-down", .75},
                   {"select", .75}, {"menu item", .75}, {"link", .5},      {"anchor", .5}};
    for (size_t i = 0; reasoning && i < ARRAY_SIZE(classes); i++)
        if (str_has_words_fold(reasoning, classes[i].word))
            return classes[i].factor;
    return 1;
}

static uint64_t mix(uint64_t h, int v)
{
    return str_hash(h, &v, sizeof(v));
}

static uint64_t mix_text(uint64_t h, const char *s, size_t max)
{
    return s ? str_hash(h, s, strnlen(s, max)) : mix(h, 0);
}

static uint64_t hash_params(const struct action *a)
{
    uint64_t h = mix(STR_HASH_START, (int)a->type);
    int numbers[] = {a->x,           a->y,           a->to_x, a->to_y, (int)a->button,
                     a->clear_first, a->press_enter, a->dx,   a->dy,   (int)(a->seconds * 1000)};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        h = mix(h, numbers[i]);
    h = mix_text(h, a->text, SIZE_MAX / 2);
    return mix_text(h, a->keys, SIZE_MAX / 2);
}

static uint64_t hash_signature(const struct action *a)
{
    uint64_t h = mix(STR_HASH_START, (int)a->type);
    switch (a->type) {
    case ACTION_CLICK:
    case ACTION_DOUBLE_CLICK:
    case ACTION_MOVE:
        return mix(mix(h, a->x / BUCKET_PX), a->y / BUCKET_PX);
    case ACTION_DRAG:
        return mix(mix(h, a->to_x), a->to_y);
    case ACTION_TYPE_TEXT:
        return mix_text(h, a->text, TYPED_BYTES);
    case ACTION_KEY_PRESS:
        return mix_text(h, a->keys, SIZE_MAX / 2);
    case ACTION_SCROLL:
        return mix(mix(h, a->dx > 0 ? 1 : a->dx < 0 ? -1 : 0), a->dy > 0 ? 1 : a->dy < 0 ? -1 : 0);
    case ACTION_WAIT:
    case ACTION_DONE:
        break;
    }
    return h;
}

struct loop_sample loop_sample_of(const struct action *a, const char *url, const char *hash,
                                  const struct frame *frame)
{
    struct loop_sample s = {.type = a->type,
                            .params = hash_params(a),
                            .signature = hash_signature(a),
                            .x = a->x,
                            .y = a->y,
                            .to_x = a->to_x,
                            .to_y = a->to_y,
                            .scroll_like = is_scroll_like(a),
                            .tolerance = tolerance_factor(a->reasoning),
                            .url = *url ? str_hash(STR_HASH_START, url, strlen(url)) : 0};
    snprintf(s.frame, sizeof(s.frame), "%s", hash);
    if (frame && frame->pixels) {
        frame_small(frame, s.small);
        s.flat = frame_small_is_flat(s.small);
    }
    return s;
}

/* --- what changed ---------------------------------------------------------------------------- */

static bool same_url(const struct loop_sample *a, const struct loop_sample *b)
{
    return !a->url || !b->url || a->url == b->url;
}

static bool same_frame(const struct loop_sample *a, const struct loop_sample *b)
{
    if (!*a->frame || !*b->frame)
        return true;
    return a->flat && b->flat ? !frame_small_differ(a->small, b->small)
                              : !strcmp(a->frame, b->frame);
}

/* More than one URL, or more than one picture. Pairs are compared all with all, because an unknown
 * value equals every other. */
static bool progressed(const struct loop_sample *s, int n)
{
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            if (!same_url(&s[i], &s[j]) || !same_frame(&s[i], &s[j]))
                return true;
    return false;
}

bool loop_same_frames(const struct loop_sample *samples, int n, int last)
{
    if (n < last)
        return false;
    const struct loop_sample *s = samples + n - last;
    for (int i = 0; i < last; i++)
        if (!*s[i].frame || !same_frame(&s[i], &s[0]))
            return false;
    return true;
}

/* --- the signals ----------------------------------------------------------------------------- */

static bool repeats(const struct loop_rules *rules, const struct loop_sample *s, int n)
{
    for (int i = 1; i < n; i++)
        if (s[i].params != s[0].params)
            return false;
    return !s[0].scroll_like || !progressed(s, n);
}

static int tolerance_px(const struct loop_rules *rules, const struct loop_sample *first)
{
    double diagonal = hypot(rules->width, rules->height);
    double base = fmax(MIN_TOLERANCE_PX, round(TOLERANCE_SHARE * diagonal));
    return rules->plain_tolerance ? MIN_TOLERANCE_PX : (int)(base * first->tolerance);
}

static bool near(const struct loop_sample *a, const struct loop_sample *b, int px)
{
    return abs(a->x - b->x) <= px && abs(a->y - b->y) <= px &&
           (a->type != ACTION_DRAG ||
            (abs(a->to_x - b->to_x) <= px && abs(a->to_y - b->to_y) <= px));
}

static bool drifts(const struct loop_rules *rules, const struct loop_sample *s, int n)
{
    bool points =
        s->type == ACTION_CLICK || s->type == ACTION_DOUBLE_CLICK || s->type == ACTION_DRAG;
    int px = tolerance_px(rules, s);
    for (int i = 1; points && i < n; i++)
        if (s[i].type != s->type || !near(s, &s[i], px))
            return false;
    return points;
}

static bool stands_still(const struct loop_rules *rules, const struct loop_sample *s, int n)
{
    for (int i = 0; i < n; i++)
        if (!s[i].url && !*s[i].frame)
            return false;
    return !progressed(s, n);
}

static const struct {
    const char *name;
    bool (*fires)(const struct loop_rules *rules, const struct loop_sample *s, int n);
} signals[] = {{"state", stands_still}, {"repeat", repeats}, {"drift", drifts}};

const char *loop_signal(const struct loop_rules *rules, const struct loop_sample *samples, int n,
                        int window)
{
    if (window < 2)
        window = 2;
    for (size_t i = 0; n >= window && i < ARRAY_SIZE(signals); i++)
        if (signals[i].fires(rules, samples + n - window, window))
            return signals[i].name;
    return NULL;
}

/* --- the window ------------------------------------------------------------------------------ */

static int distinct(const struct loop_sample *s, int n)
{
    int out = 0;
    for (int i = 0; i < n; i++) {
        bool seen = false;
        for (int j = 0; j < i; j++)
            seen = seen || s[j].signature == s[i].signature;
        out += !seen;
    }
    return out;
}

int loop_window(const struct loop_rules *rules, const struct loop_sample *samples, int n, int base)
{
    if (rules->plain_window || base <= 2 || n < base)
        return base;
    const struct loop_sample *s = samples + n - base;
    double diversity = (double)distinct(s, base) / base;
    bool on = progressed(s, base);
    if (diversity >= VARIED || on)
        return base + WIDER;
    return diversity <= MONOTONOUS ? base - 1 : base; /* base is above 2 here */
}

const char *loop_detect(const struct loop_rules *rules, const struct loop_sample *samples, int n,
                        int base)
{
    int window = loop_window(rules, samples, n, base);
    if (n < window)
        return NULL;
    const char *signal = loop_signal(rules, samples, n, window);
    bool on = progressed(samples + n - window, window);
    return !rules->plain_window && on && signal && strcmp(signal, "state") ? NULL : signal;
}
