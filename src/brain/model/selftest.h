/*
 * selftest.h - does a model click where it means to? Known buttons are shown, each is asked for by its label
 * the way a run asks, and the answers are held against where the buttons are (docs/models.md).
 *
 * Judging is pure. What was said is kept in the model's own coordinates, so that it can be tried in every
 * coordinate space of space.h: the wrong one in a profile looks like a model that cannot see.
 */
#ifndef MANTIS_BRAIN_MODEL_SELFTEST_H
#define MANTIS_BRAIN_MODEL_SELFTEST_H

#include "brain/model/ask.h"

struct selftest_target {
    const char *label;
    struct rect box; /* screen pixels */
};

/* What came of one question. */
struct selftest_click {
    const char *failure;     /* there was no answer, because; NULL: there was */
    const char *said;        /* the answer's text, cut; "" none */
    bool is_click;           /* it names a point to be clicked */
    struct said_point point; /* likewise */
};

/* The clicks, read in one coordinate space. */
struct selftest_fit {
    const char *name; /* as a profile's "coordinates" would have it */
    struct space space;
    int hits;                  /* inside their button */
    double median_px, max_px;  /* from its middle; of the clicks there are */
};

enum selftest_verdict {
    SELFTEST_FITS,        /* three quarters of the answers hit */
    SELFTEST_OTHER_SPACE, /* not as the profile reads them, but in another space */
    SELFTEST_SHIFTED,     /* all are off by the same way */
    SELFTEST_MISSES,
    SELFTEST_UNREAD,  /* mostly no clicks were said */
    SELFTEST_UNASKED, /* mostly there was no answer */
};

struct selftest_result {
    enum selftest_verdict verdict;
    int n, n_answered, n_clicks;
    struct selftest_fit profile, best; /* as the profile has it; the space that fits best */
    struct point shift;                /* SHIFTED: median way from the middle of a button to its click, px */
    const char *words;                 /* what was found, complete */
    const char *advice;                /* what to change; "" nothing */
};

const char *selftest_verdict_name(enum selftest_verdict verdict); /* "other_space" */

/* One question, once (the profile's attempts do not count). 0 also without an answer; E_CANCELLED;
 * E_NOT_FOUND, E_INVALID: of the prompt. */
int selftest_ask(struct pool *pool, const struct model_link *link, const struct profile *profile,
                 const struct model_frame *picture, const struct space_view *view, const char *label,
                 int64_t deadline_mono_ms, struct selftest_click *out, struct err *err) MUST_CHECK;

/* n > 0 clicks, one for each target. view: of the screen and the picture that was sent. */
void selftest_judge(struct pool *pool, const struct profile *profile, const struct space_view *view,
                    const struct selftest_target *targets, const struct selftest_click *clicks, int n,
                    struct selftest_result *out);

/* From the middle of the target to the click, read in this space; *ret_at: the click on the screen. */
double selftest_error_px(const struct space *space, const struct space_view *view, const struct selftest_target *target,
                         const struct selftest_click *click, struct point *ret_at);

#endif
