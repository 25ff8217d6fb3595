#include "run/inner/perceptual.h"

#include <string.h>

#include "base/str.h"

static const char *const commit_words[] = {"submit", "confirm",  "buy",      "purchase",
                                           "send",   "delete",   "save",     "sign in",
                                           "log in", "register", "checkout", "place order"};

bool perceptual_commits(const char *text)
{
    for (size_t i = 0; text && i < ARRAY_SIZE(commit_words); i++)
        if (str_has_words_fold(text, commit_words[i]))
            return true;
    return false;
}

static bool ends_in_return(const char *keys)
{
    const char *plus = keys ? strrchr(keys, '+') : NULL;
    const char *last = plus ? plus + 1 : keys;
    return last && (str_eq_fold(last, "return") || str_eq_fold(last, "enter"));
}

bool perceptual_risky(const struct action *a, const char *thinking, const char *task)
{
    if (a->type == ACTION_KEY_PRESS)
        return ends_in_return(a->keys);
    if (a->type != ACTION_CLICK && a->type != ACTION_DOUBLE_CLICK)
        return false;
    return perceptual_commits(a->reasoning) || perceptual_commits(thinking) ||
           perceptual_commits(task);
}

static bool differ(const struct frame *a, const struct frame *b, const struct rect *area)
{
    char hash_a[FRAME_HASH_BYTES], hash_b[FRAME_HASH_BYTES];
    frame_hash(a, area, hash_a);
    frame_hash(b, area, hash_b);
    return strcmp(hash_a, hash_b) != 0;
}

static bool inside(const struct frame *f, const struct point *at)
{
    return at && at->x >= 0 && at->y >= 0 && at->x < f->width && at->y < f->height;
}

bool perceptual_compare(const struct frame *before, const struct frame *after,
                        const struct point *at, struct perceptual *out)
{
    static const char *const reasons[2][2] = {{"global_and_region_stable", "region_changed"},
                                              {"global_changed", "global_and_region_changed"}};
    if (!before->pixels || !after->pixels)
        return false;
    *out = (struct perceptual){.global_changed = differ(before, after, NULL)};
    if (inside(before, at)) {
        int half = PERCEPTUAL_CROP_PX / 2;
        struct rect crop = {at->x - half, at->y - half, PERCEPTUAL_CROP_PX, PERCEPTUAL_CROP_PX};
        out->region_changed = differ(before, after, &crop);
    }
    out->reason = reasons[out->global_changed][out->region_changed];
    return true;
}
