/*
 * detect.h - is the brain going in circles? (agent-loop.md section 5)
 *
 * A sample is one carried-out action and the screen that followed. Three signals over the last few
 * samples: the same action, clicks that drift about one spot, the same screen. The window grows for
 * a brain that varies or gets on, and shrinks for one that does neither.
 *
 * Two screens are the same when their hashes are. Where next to nothing is on both, the hash does
 * not see that a line of text is another one, and does see a caret: there they are the same when
 * nothing larger than a caret or a spinner differs.
 */
#ifndef MANTIS_RUN_INNER_DETECT_H
#define MANTIS_RUN_INNER_DETECT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/action.h"
#include "core/frame.h"

struct loop_sample {
    enum action_type type;
    uint64_t params;    /* hash of type and all parameters: equal means identical */
    uint64_t signature; /* the same, coarser: clicks in buckets of 8 px, 32 typed bytes */
    int x, y, to_x, to_y;
    bool scroll_like; /* scroll, wait and the keys that page: repeating them is how they are used */
    double tolerance; /* class factor of its reasoning */
    uint64_t url;     /* hash; 0 unknown */
    char frame[FRAME_HASH_BYTES]; /* "" unknown */
    bool flat;                    /* next to nothing on it: its hash tells little */
    uint8_t small[FRAME_SMALL * FRAME_SMALL];
};

struct loop_rules {
    int width, height;    /* screen, px */
    bool plain_window;    /* MANTIS_LOOP_ADAPTIVE=disabled */
    bool plain_tolerance; /* MANTIS_ADAPTIVE_CLICK_TOL=disabled: 8 px */
};

/* hash: of the frame; url and hash "", frame NULL when unknown. */
struct loop_sample loop_sample_of(const struct action *action, const char *url, const char *hash,
                                  const struct frame *frame);

/* "repeat", "drift", "state", or NULL, over the last window samples; window is at least 2. */
const char *loop_signal(const struct loop_rules *rules, const struct loop_sample *samples, int n,
                        int window);

/* The window that stands for base just now (5.2). */
int loop_window(const struct loop_rules *rules, const struct loop_sample *samples, int n, int base);

/* The signal over that window, with progress taken into account; NULL: no loop. */
const char *loop_detect(const struct loop_rules *rules, const struct loop_sample *samples, int n,
                        int base);

/* Are the last n pictures the same, and are there so many? */
bool loop_same_frames(const struct loop_sample *samples, int n, int last);

#endif
