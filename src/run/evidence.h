/*
 * evidence.h - where the values of a row were seen, and a picture of the row when one is wanted.
 *
 * A reader says of each value its URL, box and text; the runner adds the frame that showed it (its
 * hash), when, and in which step. A picture is cut from that very frame, around the boxes.
 */
#ifndef MANTIS_RUN_EVIDENCE_H
#define MANTIS_RUN_EVIDENCE_H

#include "base/clock.h"
#include "run/run.h"

/* What one look is called in evidence. */
struct sight {
    char frame[FRAME_HASH_BYTES]; /* "" without pixels */
    char at[CLOCK_ISO_BYTES];     /* UTC, of the capture */
};
void evidence_sight(const struct observation *obs, struct sight *out);

/* Replaces each entry's "look" by "frame" and "at" of that look (the last one when it names none), adds
 * "step_index", and "in_view": false where the box was scrolled out of the frame. */
void evidence_stamp(struct run *run, json_t *evidence, const struct observation *looks,
                    const struct sight *sights, int n);

/* A picture per row: row_images of the step's params, hints or extract, else of the request. */
bool evidence_wants_picture(const struct run *run);

/* Something of the row can be seen in this look. Before evidence_stamp(). */
bool evidence_in_view(const json_t *evidence, const struct observation *looks, int n);

/* Cut the row out of the look that shows most of it and keep it as row_<ordinal>.png. The row gets
 * "image": {"name","frame","box","bytes"}, or "image_missing": why there is none. Before evidence_stamp(). */
void evidence_picture(struct run *run, json_t *row, int ordinal, const struct observation *looks,
                      const struct sight *sights, int n);

#endif
