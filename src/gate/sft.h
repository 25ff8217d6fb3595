/*
 * sft.h - training rows in the trainer's chat format (promotion.md section 4): of labelled traces, of rollouts, of a
 * teacher's trajectories; and pairs of a good and a bad answer to one prompt.
 *
 * The system text is made of the profile's own prompt by the code that makes it for the model when it works
 * (brain/model/request.h), so both are the same bytes. Threads: any one. Blocks: reads the header of each picture.
 */
#ifndef MANTIS_GATE_SFT_H
#define MANTIS_GATE_SFT_H

#include "brain/model/profile.h"

/* Borrowed. */
struct sft_config {
    const struct profile *profile; /* whose system text */
    const char *screenshots_root;  /* "" none: no row has an image */
    bool require_screenshot;       /* a row without its image is dropped */
    int screen_w, screen_h;        /* px, as it is told; nothing is rescaled */
};

/* What became of steps; the sum of all is how many were looked at. */
struct sft_counts {
    int64_t written, sources;     /* rows; traces and the like that gave one */
    int64_t other_label, no_text, no_image; /* dropped */
    int64_t other_size;           /* of those written: pictures of another size than the row tells */
};

/* {"conversations","image","metadata"}: each is given to take(), borrowed. The code that take() returns ends it. */
typedef int sft_take_fn(void *arg, const json_t *row, struct err *err);
struct sft_sink {
    sft_take_fn *take;
    void *arg;
};

/* Rows of the steps whose label is one of labels (array of strings). E_INVALID: no labelled trace; a prompt that cannot
 * be filled. */
int sft_labelled(const struct sft_config *config, const json_t *labels, const json_t *labelled,
                 const struct sft_sink *sink, struct sft_counts *counts, struct err *err) MUST_CHECK;

/* A rollout, or what a teacher did: {rollout_id or trajectory_id, task_id, task, success, terminal_reward, trajectory:
 * [{step, screenshot_path, thinking, action}]}. */
struct sft_source_config {
    struct sft_config sft;
    const char *source;     /* metadata.source */
    bool include_failed;    /* also one without success, or with less reward */
    double min_reward;      /* of those that say one */
    int most_steps;         /* of each; 0 all */
    const char *task;       /* in place of its own; "" its own */
};
int sft_rollout(const struct sft_source_config *config, const json_t *rollout, const struct sft_sink *sink,
                struct sft_counts *counts, struct err *err) MUST_CHECK;

/* --- pairs (pairs.c) --- */

/* Gathers rows of labelled traces by plan and step; pairs_write() then gives {"conversations" (prompt), "chosen",
 * "rejected", "image", "metadata"} of each bad answer and a good one that says something else. Copies what it keeps. */
struct pairs;
struct pairs *pairs_create(void);
void pairs_destroy(struct pairs *pairs); /* NULL is fine */
int pairs_add(struct pairs *pairs, const struct sft_config *config, const json_t *labelled,
              struct sft_counts *counts, struct err *err) MUST_CHECK;
int pairs_write(struct pairs *pairs, const struct sft_sink *sink, struct sft_counts *counts,
                struct err *err) MUST_CHECK;

/* --- for the files of this module --- */

enum sft_picture { SFT_NO_PICTURE, SFT_PICTURE, SFT_PICTURE_OF_OTHER_SIZE };

/* What a row is made of. image "" none. */
struct sft_step {
    const char *type; /* of the step, chooses what is added to the system text; "" none */
    const char *task, *brief, *image;
    const json_t *action;
    enum sft_picture picture;
};

/* Where a step of a labelled trace has its picture, below the root; "" its names are none. In pool. */
const char *sft_picture_of(struct pool *pool, const json_t *labelled, const json_t *step);

/* Is it a PNG, and of the told size? A path that leads out of the root is none. *ret_path in pool. */
enum sft_picture sft_picture_at(struct pool *pool, const struct sft_config *config, const char *below,
                                const char **ret_path);

/* Counts it; *out NULL: it is dropped. metadata is taken over. New reference. */
int sft_make_row(struct pool *pool, const struct sft_config *config, const struct sft_step *step,
                 json_t *metadata, struct sft_counts *counts, json_t **out, struct err *err) MUST_CHECK;

#endif
