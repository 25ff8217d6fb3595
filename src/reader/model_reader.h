/*
 * model_reader.h - the parts of the readers that are models ("claude", "vlm"), one file per kind of
 * question, and what they share.
 *
 * The page reader is asked first wherever there is a DOM. Its answer stands when it is one; what it
 * leaves open (E_NOT_FOUND, ANSWER_UNKNOWN, a required value that is missing) is asked of the model, and
 * stands all the same when the model cannot be asked. Where the DOM decides a question by itself (what
 * covers the page, which control has such a name), no model is asked.
 */
#ifndef MANTIS_READER_MODEL_READER_H
#define MANTIS_READER_MODEL_READER_H

#include "brain/model/ask.h"
#include "brain/model/grounding.h"
#include "brain/model/reply.h"
#include "reader/driver.h"
#include "reader/model_calls.h"

#define MODEL_KEPT_ANSWERS 32

/* Who is asked. */
struct mind {
    const struct model_link *link;
    const struct profile *profile;
    bool roles; /* a model per role; else the server's one */
};

struct model_reader {
    struct reader base;
    struct reader page; /* the first opinion */
    struct pool *pool;
    struct reader_needs needs;
    struct mind mind, aim; /* aim: where to click, by label or purpose */
    const char *models[ROLE_N];
    struct profile pictures; /* of the mind: how it is shown screenshots */
    const json_t *tools; /* profiles/tools/reader.json */
    struct kept_answer { /* the same question about the same picture is asked once */
        uint64_t key;
        json_t *input; /* owned, NULL none */
    } kept[MODEL_KEPT_ANSWERS];
    int next_kept;
    struct grounding_cache *regards; /* better points, by what the screen shows around them */
    int64_t quiet_until_ms; /* nobody answered: where the page has an answer, nobody is asked again so soon */
};

struct model_reader *model_reader_of(struct reader *reader);

/* roles: a model per call. profile: its name; one whose server speaks something else than api is E_INVALID. */
int model_reader_create(const struct reader_driver *driver, enum profile_api api, const char *profile,
                        const struct reader_needs *needs, struct reader **out, struct err *err) MUST_CHECK;
void model_reader_destroy(struct reader *reader);
void model_reader_forget(struct reader *reader);

/* --- the driver's callbacks, see driver.h ------------------------------------------------------ */

int model_find(struct reader *reader, struct pool *pool, const struct observation *obs,
               const struct target_query *query, struct target *out, struct err *err);
int model_find_next_page(struct reader *reader, struct pool *pool, const struct observation *obs,
                         int current_page, struct target *out, struct err *err);
int model_find_more(struct reader *reader, struct pool *pool, const struct observation *obs, struct target *out,
                    struct err *err);
int model_find_reveal(struct reader *reader, struct pool *pool, const struct observation *obs,
                      const struct schema *schema, const char *const *done, int n_done, struct target *out,
                      struct err *err);
int model_find_dismiss(struct reader *reader, struct pool *pool, const struct observation *obs, struct target *out,
                       struct err *err);
int model_list(struct reader *reader, struct pool *pool, const struct observation *obs, const struct schema *schema,
               int max_cards, struct card **ret_cards, int *ret_n, enum list_status *ret_status, struct err *err);
int model_extract(struct reader *reader, struct pool *pool, const struct observation *obs, int n_obs,
                  const struct schema *schema, struct extraction *out, struct err *err);
int model_rows(struct reader *reader, struct pool *pool, const struct observation *obs, const struct schema *schema,
               int max_rows, struct extraction **ret_rows, int *ret_n, struct err *err);
int model_visible(struct reader *reader, struct pool *pool, const struct observation *obs, const char *question,
                  struct verdict *out, struct err *err);
int model_navigated(struct reader *reader, struct pool *pool, const struct observation *before,
                    const struct observation *after, const char *wanted, struct passage *out, struct err *err);
int model_shown_value(struct reader *reader, struct pool *pool, const struct observation *obs, const char *dropdown,
                      const char **out, struct err *err);
int model_regard(struct reader *reader, struct pool *pool, const struct observation *obs, struct point at,
                 const char *wanted, bool fresh, struct regard *out, struct err *err);

/* A driver whose kinds differ in whom they ask. */
#define MODEL_READER(name, creates)                                                                                    \
    {                                                                                                                  \
        .kind = (name), .is_model = true, .create = (creates), .destroy = model_reader_destroy, .find = model_find,    \
        .find_next_page = model_find_next_page, .find_more = model_find_more, .find_reveal = model_find_reveal,        \
        .find_dismiss = model_find_dismiss, .list = model_list, .extract = model_extract, .rows = model_rows,          \
        .visible = model_visible, .navigated = model_navigated, .shown_value = model_shown_value,                      \
        .regard = model_regard, .forget = model_reader_forget,                                                         \
    }

/* --- the first opinion ------------------------------------------------------------------------- */

/* What the page reader said; had is false without a DOM. */
struct opinion {
    bool had;
    int r;
    struct err why; /* of r */
};

/* Ends a question that was asked of a model after the page: r and why are the model's. What the page said
 * stands when it could not be asked (model_unheard()). */
int opinion_end(const struct opinion *page, int r, const struct err *why, struct err *err);
bool model_unheard(int r);

/* --- asking ------------------------------------------------------------------------------------ */

struct look_question {
    enum call_id call;
    const struct mind *mind;              /* NULL: the reader's */
    const struct observation *const *obs; /* oldest first; of more than CALL_IMAGES the last */
    int n_obs;
    const char *const *labels;          /* of the screenshots, NULL: by their number */
    const struct prompt_value *values;  /* beside WIDTH and HEIGHT of a screenshot */
    int n_values;
    const json_t *parameters; /* of the tool, NULL: as its file says */
    const json_t *reads_as;   /* what the answer must fit, NULL: the parameters */
    int quality;              /* of the pictures, 0: the profile's */
    bool has_page;            /* the page has an answer: nobody is asked while nobody answers */
};

struct look_answer {
    const json_t *input;    /* of the tool, fitting its parameters */
    struct model_reply reply; /* of a call without a tool: an action of the model's */
    struct space_view view; /* of the last picture */
    const struct mind *mind;
};

/* One bad answer is asked for again, with what is wrong with it. E_UNAVAILABLE, E_UPSTREAM, E_UNSUPPORTED, E_CANCELLED, and
 * what else the transport says. */
int model_look(struct model_reader *m, struct pool *pool, const struct look_question *q, struct look_answer *out,
               struct err *err) MUST_CHECK;

/* --- model_body.c: what is sent ---------------------------------------------------------------- */

struct look_body {
    const struct mind *mind;
    const struct look_call *call;
    const char *model;
    const struct model_frame *frames;
    const struct profile *pictures; /* of their format */
    const char *const *labels;      /* NULL: none is said */
    int n_frames;
    const char *text;
    const char *description; /* of the tool */
    const json_t *parameters; /* NULL: no tool, it answers as it likes */
};

json_t *model_body(struct pool *pool, const struct look_body *b);
/* The same, going on behind a bad answer. */
json_t *model_body_again(struct pool *pool, const struct look_body *b, const json_t *body, const struct said *said,
                         const char *complaint);

/* --- model_fit.c: what is answered ------------------------------------------------------------- */

/* value as schema has it: known properties only, numbers and truths that were written as texts, texts that
 * were written as numbers, enums in any case. E_INVALID names what is missing or wrong. Of JSON schema: type, properties,
 * required, items, maxItems, enum. */
int model_fit(struct pool *pool, const json_t *schema, const json_t *value, json_t **out, struct err *err) MUST_CHECK;

/* --- model_point.c: what it points at ---------------------------------------------------------- */

/* x and y of an answer as a point of the screen. False: there is none, (0,0), or outside the picture. */
bool model_point(const struct look_answer *a, const json_t *at, struct point *out);

/* What stands there. act: "type", "select", or what it says else. E_NOT_FOUND: nothing does, on a page that can be
 * read. */
int model_target(struct pool *pool, const struct observation *obs, struct point at, const char *label, const char *act,
                 struct target *out, struct err *err) MUST_CHECK;

/* --- model_phone.c ----------------------------------------------------------------------------- */

/* The number of a field for phones that is missing, looked for where a description is; what is found is
 * added. Errors as of model_look(). */
int model_phone(struct model_reader *m, struct pool *pool, const struct observation *obs, int n_obs,
                const struct schema *schema, struct extraction *x, struct err *err) MUST_CHECK;

/* A value that a model read, with the node that shows it where a page is at hand. */
void model_put_value(struct pool *pool, const struct observation *obs, int n_obs, const char *field, const char *value,
                     struct extraction *out);

/* "boat", with its numbered fields, for prompts. */
const char *model_fields_told(struct pool *pool, const struct schema *schema);
const char *model_spam_told(struct pool *pool, const struct schema *schema);

#endif
