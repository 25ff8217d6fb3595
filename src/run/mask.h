/*
 * mask.h - which parts of the screen show a secret: password fields, and what shows an answer of
 * {{user_input}} (answer.h) or a password of the plan (passwords.h).
 *
 * With a page: the boxes of those nodes, as the page was last read; what is under them is remembered, and a
 * picture of the screen fits the masks only as long as the same is there. Without one: the field around the
 * place that was clicked before the secret was typed, as far as its border can be seen, and all above and below
 * it once something scrolled, until the address or the title is another one. Cautious rather than exact.
 * A picture that is made of an observation has its masks painted (core/picture.h). Pure but for mask_seen().
 * Threads: loop thread only.
 */
#ifndef MANTIS_RUN_MASK_H
#define MANTIS_RUN_MASK_H

#include "core/action.h"
#include "core/answer.h"
#include "core/observation.h"

#define MASK_MAX 64 /* more secrets than that cover the whole screen */

struct mask {
    const struct answers *answers, *passwords; /* borrowed */
    bool has_dom;
    struct frame_mask rects[MASK_MAX];
    int n;
    unsigned changes;    /* so often it was told something: a picture from before does not fit it */
    bool blind;          /* a secret is being typed, and nobody has read yet where it went */
    bool by_place;       /* rects are of places that were clicked: the page could not be read */
    bool unsure;         /* the last mask is of a place, and nobody has looked whether something was typed there */
    uint64_t before;     /* what was there before */
    bool known;          /* `under` is */
    uint64_t under;      /* what the last look saw under the rects */
    uint64_t where;      /* address and title of the last look that knew of all secrets */
    struct point clicked; /* last; x < 0: nowhere */
};

void mask_init(struct mask *m, const struct answers *answers, const struct answers *passwords, bool has_dom);

/* Has the page to be read, so that a picture of it has its masks? */
bool mask_wants_page(const struct mask *m, const struct observation *obs);

/* Something is looked at: where are its secrets? The frame gets the masks, in pool. */
void mask_seen(struct mask *m, struct pool *pool, struct observation *obs);

/* An action is about to be done. secret: what it types is one; screen: as it is now, NULL when it is not known or
 * not wanted (mask_wants_screen()). */
void mask_before(struct mask *m, const struct action *action, bool secret, const struct frame *screen);
bool mask_wants_screen(const struct mask *m, const struct action *action, bool secret);

/* Do the masks cover the secrets of this picture of the screen? If so they are put on it: until the next call
 * of this module. */
bool mask_fits(struct mask *m, struct frame *frame);

#endif
