/*
 * fill.h - the kinds of fields, and how each is given a value (plans.md 8.4). The table is in
 * fill_field.c.
 */
#ifndef MANTIS_RUN_STEPS_FILL_H
#define MANTIS_RUN_STEPS_FILL_H

#include "run/steps/steps.h"

struct fill {
    struct run *run;
    struct aim aim;
    const struct node *node; /* of aim.obs; NULL on planes that show only pixels */
    const char *label, *value;
    struct step_result *out;
};

/* One try; *ret_landed: the field was read back and shows the value. E_GONE, E_CANCELLED; anything else
 * ends the step as fill_error, with the message. */
typedef int fill_fn(struct fill *f, int try_no, bool *ret_landed, struct err *err);
fill_fn fill_text, fill_boxes, fill_toggle, fill_slider, fill_date, fill_picker, fill_file;

/* Does this kind fit the field (and the value)? */
typedef bool fill_fits_fn(const struct fill *f);
fill_fits_fn fill_is_boxes, fill_is_toggle, fill_is_slider, fill_is_date, fill_is_picker, fill_is_file;

/* Go from control to control with Tab until the one that has the focus is the field that is meant, by its
 * label, aria-label, placeholder, name or the words in front of it; f->aim and f->out are of that one then.
 * At most 100 presses or 15 s. */
int fill_walk(struct fill *f, bool *ret_found, struct err *err) MUST_CHECK;

/* Look once more and find the field again; *ret_node NULL when it is gone. */
int fill_look_again(struct fill *f, struct observation *obs, const struct node **ret_node,
                    struct err *err) MUST_CHECK;

/* The type attribute of an <input>, "" of others. */
const char *fill_input_type(const struct node *n);

/* The files of the run that name is one of; NULL: none. In the step's pool. */
const char *fill_path_of(struct run *run, const char *name);

/* The files there are, for a message. */
const char *fill_file_names(struct run *run);

#endif
