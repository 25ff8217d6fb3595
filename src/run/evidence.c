#include "run/evidence.h"

#include <string.h>

#include "base/caps.h"
#include "core/picture.h"
#include "run/record.h"
#include "run/step.h"

#define MARGIN_PX 8 /* around the boxes of a row */

void evidence_sight(const struct observation *obs, struct sight *out)
{
    int64_t age_us = obs->frame.taken_us ? clock_mono_us() - obs->frame.taken_us : 0;
    clock_iso(clock_wall_us() - (age_us > 0 ? age_us : 0), out->at);
    out->frame[0] = 0;
    if (obs->frame.pixels)
        frame_hash(&obs->frame, NULL, out->frame);
}

/* --- boxes ----------------------------------------------------------------------------------- */

static bool box_of(const json_t *entry, struct rect *out)
{
    const json_t *box = json_object_get(entry, "box");
    if (json_array_size(box) != 4)
        return false;
    *out = (struct rect){(int)json_integer_value(json_array_get(box, 0)),
                         (int)json_integer_value(json_array_get(box, 1)),
                         (int)json_integer_value(json_array_get(box, 2)),
                         (int)json_integer_value(json_array_get(box, 3))};
    return true;
}

/* What can be seen of a look: the viewport, or the whole frame. */
static struct rect window_of(const struct observation *obs)
{
    if (obs->page && obs->page->viewport.w > 0)
        return obs->page->viewport;
    return (struct rect){0, 0, obs->frame.width, obs->frame.height};
}

static bool in_window(struct rect box, struct rect window)
{
    return box.w > 0 && box.h > 0 && box.x < window.x + window.w && box.x + box.w > window.x &&
           box.y >= window.y && box.y + box.h <= window.y + window.h;
}

static int look_of(const json_t *entry, int n)
{
    int look = (int)json_int(entry, "look", n - 1);
    return look >= 0 && look < n ? look : n - 1;
}

static struct rect around(struct rect a, struct rect b)
{
    if (!a.w)
        return b;
    int x = a.x < b.x ? a.x : b.x, y = a.y < b.y ? a.y : b.y;
    int right = a.x + a.w > b.x + b.w ? a.x + a.w : b.x + b.w;
    int bottom = a.y + a.h > b.y + b.h ? a.y + a.h : b.y + b.h;
    return (struct rect){x, y, right - x, bottom - y};
}

/* The boxes of one look that can be seen in it, as one. Number of them. */
static int seen_in(const json_t *evidence, const struct observation *looks, int n, int look,
                   struct rect *out)
{
    const char *field;
    json_t *entry;
    struct rect box;
    int count = 0;
    *out = (struct rect){0};
    json_object_foreach ((json_t *)evidence, field, entry) {
        if (json_object_get(entry, "frame") || look_of(entry, n) != look || !box_of(entry, &box) ||
            !in_window(box, window_of(&looks[look])))
            continue;
        *out = around(*out, box);
        count++;
    }
    return count;
}

/* The look that shows most of it; -1: none shows anything. */
static int best_look(const json_t *evidence, const struct observation *looks, int n,
                     struct rect *out)
{
    int best = -1, most = 0;
    for (int i = 0; i < n; i++) {
        struct rect box;
        int count = seen_in(evidence, looks, n, i, &box);
        if (count <= most)
            continue;
        best = i;
        most = count;
        *out = box;
    }
    return best;
}

bool evidence_in_view(const json_t *evidence, const struct observation *looks, int n)
{
    struct rect box;
    return best_look(evidence, looks, n, &box) >= 0;
}

void evidence_stamp(struct run *run, json_t *evidence, const struct observation *looks,
                    const struct sight *sights, int n)
{
    const char *field;
    json_t *entry;
    struct rect box;
    json_object_foreach (evidence, field, entry) {
        if (!json_is_object(entry) || json_object_get(entry, "frame"))
            continue; /* carried over from another page */
        int look = look_of(entry, n);
        json_object_del(entry, "look");
        json_put_str(entry, "frame", sights[look].frame);
        json_put_str(entry, "at", sights[look].at);
        json_put_int(entry, "step_index", run->index);
        if (box_of(entry, &box) && !in_window(box, window_of(&looks[look])))
            json_put_bool(entry, "in_view", false);
    }
}

/* --- pictures -------------------------------------------------------------------------------- */

bool evidence_wants_picture(const struct run *run)
{
    const json_t *own = step_option(run->step, "row_images");
    if (!own)
        own = json_object_get(run->step->extract, "row_images");
    if (!run->config->screenshot_dir)
        return false;
    return own && !json_is_null(own) ? json_truthy(own) : run->config->row_images;
}

/* With a margin, as far as the frame goes. */
static bool cut(const struct frame *frame, struct rect *box, struct frame *out)
{
    *box = (struct rect){box->x - MARGIN_PX, box->y - MARGIN_PX, box->w + 2 * MARGIN_PX,
                         box->h + 2 * MARGIN_PX};
    return frame_crop(frame, box, out);
}

static const char *keep_picture(struct run *run, json_t *row, int ordinal,
                                const struct frame *frame, const char *hash, struct rect box)
{
    struct progress *p = &run->progress;
    struct frame part;
    const uint8_t *png;
    size_t len;
    struct err err = {0};
    if (!cut(frame, &box, &part))
        return "it was not on the screen";
    if (p->row_images >= CAP_ROW_IMAGES)
        return "the run has its most pictures of rows";
    struct pool *pool = pool_create(NULL);
    const char *name = pool_printf(pool, "row_%04d.png", ordinal), *why = NULL;
    if (picture_encode(pool, &part, PICTURE_PNG, 0, &png, &len, &err))
        why = "it could not be encoded";
    else if ((int64_t)len > CAP_ROW_IMAGE_BYTES - p->row_image_bytes)
        why = "the pictures of rows have their most bytes";
    else if (record_picture(run, name, png, len))
        why = "it could not be written";
    if (!why) {
        p->row_images++;
        p->row_image_bytes += (int)len;
        json_put(row, "image",
                 json_pack("{s:s,s:s,s:[i,i,i,i],s:I}", "name", name, "frame", hash, "box", box.x,
                           box.y, box.w, box.h, "bytes", (json_int_t)len));
    }
    pool_destroy(pool);
    return why;
}

void evidence_picture(struct run *run, json_t *row, int ordinal, const struct observation *looks,
                      const struct sight *sights, int n)
{
    struct rect box;
    const char *why = "nothing of it was in view";
    int look = best_look(json_object_get(row, "evidence"), looks, n, &box);
    if (look >= 0 && !looks[look].frame.pixels)
        why = "the look has no pixels";
    else if (look >= 0)
        why = keep_picture(run, row, ordinal, &looks[look].frame, sights[look].frame, box);
    if (why)
        json_put_str(row, "image_missing", why);
}
