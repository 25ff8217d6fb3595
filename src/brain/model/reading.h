/*
 * reading.h - what the files that read a reply share.
 */
#ifndef MANTIS_BRAIN_MODEL_READING_H
#define MANTIS_BRAIN_MODEL_READING_H

#include "brain/model/literal.h"
#include "brain/model/reply.h"

#define SUMMARY_CHARS   200 /* of a done that was said in words */
#define FACT_CHARS      200
#define PREDICTED_CHARS 240
#define REASONING_CHARS 500

struct reading {
    struct pool *pool;
    const struct profile *profile;
    const struct said *said;
    const struct reply_facts *facts;
    const char *text; /* of the reply, without thinking and prediction */
    bool in_words;    /* what is read was written as text: (0,0) and negative points are no points */
    const char *note; /* why what was found is no action, NULL nothing was */
    struct model_reply *out;
};

/* Text of a reply without what is not its action: thinking and prediction are put into out. */
void reply_split(struct reading *r);

/* What is said, in the end, by words alone: a line DONE. */
bool words_line(struct reading *r, const char *line, struct action *out);

/* Does the model's name for an action mean anything? */
bool vocabulary_has(const struct reading *r, const char *name);

/* name(named..., positional...) as an action; false, with r->note, when it is none. bare: a positional
 * argument had no quotes. */
bool vocabulary_read(struct reading *r, const char *name, const json_t *named, const json_t *positional, bool bare,
                     struct action *out);

/* --- arguments: may have any of several names (blank-separated) and be of any kind -------------- */

/* The first that is there and not null, NULL none. */
const json_t *argument(const json_t *args, const char *names);

/* A number, or a text that starts with one; *decimal: it is written with a decimal point. False, and
 * *out as it was, when it is none. */
bool argument_number(const json_t *value, double *out, bool *decimal);

const char *argument_text(struct pool *pool, const json_t *value); /* of a text or number, else NULL */

/* Truth as models say it: true/1/yes/success; *known is false for what is neither that nor a no. */
bool argument_truth(const json_t *value, bool *known);
bool argument_flag(const json_t *args, const char *names);

/* A point anywhere in args by the given names, as screen pixels. */
bool point_read(struct reading *r, const json_t *args, const char *const *pairs, const char *x_key,
                const char *y_key, struct point *out);

/* At most n characters. */
const char *cut_chars(struct pool *pool, const char *s, size_t n);

#endif
