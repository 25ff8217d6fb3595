/*
 * reader.h - questions about the screen, and answers that can be pointed at.
 *
 * Kinds: "page" (reads the DOM that the plane gave: free, no model), "script" (answers from a file,
 * for tests and for planes without a DOM), and models: "claude" and "vlm", which look at the pixels and
 * are asked only where there is no DOM or the page leaves a question open (docs/brains.md).
 * A reader answers only what it can ground in the observation; otherwise it says E_NOT_FOUND or
 * ANSWER_UNKNOWN and what it looked for. It never acts.
 * Threads: loop thread only. `page` and `script` do not block; a model's calls and the waits between them
 * take a few minutes at most (model_calls.h), and end within 2 s of a cancel.
 * Errors of all questions to a model: E_UNAVAILABLE (it does not answer), E_UPSTREAM (nothing that can be used; where
 * the page has answered, that answer stands instead of both and says so), E_UNSUPPORTED (no picture of the screen),
 * E_CANCELLED, and what else the transport says.
 * All results live in the pool that is passed in.
 */
#ifndef MANTIS_READER_READER_H
#define MANTIS_READER_READER_H

#include "base/err.h"
#include "base/pool.h"
#include "core/cost.h"
#include "core/observation.h"
#include "core/schema.h"

struct reader;
struct model_link; /* brain/model/ask.h */

/* One call to a model that was answered, for whoever counts. */
struct reader_use {
    const char *source;  /* which call it was, as "gate" */
    const char *counter; /* of core/cost.h: "claude_extract" or "claude_grounding" */
    const char *model;   /* that is paid by the token; NULL: a server of ours */
    struct token_use tokens;
    double seconds; /* that a server of ours had it; 0 not known */
};

typedef void reader_count_fn(void *arg, const struct reader_use *use);

/* What the kinds that are models need of their surroundings; borrowed for the reader's life. NULL or "" is
 * the usual (model_calls.h). */
struct reader_needs {
    const struct model_link *model; /* claude: Anthropic's server; vlm: the in-pod model; or the gateway */
    const struct model_link *pod;   /* claude with form_target: the in-pod model; NULL: Claude says it, too */
    const char *form_target;        /* MANTIS_FORM_TARGET_PROVIDER: profile of who says where to click */
    const char *extract_model;      /* the suite's _extractor_model, runtime.extractor_model of a plan */
    const char *verify_model;       /* MANTIS_VERIFY_MODEL */
    const char *escalation_model;   /* MANTIS_VERIFY_ESCALATION_MODEL */
    const char *phone_model;        /* MANTIS_PHONE_REEXTRACT_MODEL */
    const char *image_format;       /* MANTIS_CLAUDE_IMAGE_FORMAT: of what Claude is shown, jpeg, jpg or png */
    int image_quality;              /* MANTIS_CLAUDE_IMAGE_QUALITY: 1..95; 0: 85 */
    bool phone_once;                /* MANTIS_PHONE_REEXTRACT=0: a missing number is not looked for again */
    reader_count_fn *count;
    void *count_arg;
};

/* spec: "page", "script:<file>", "claude[:<profile>]", "vlm[:<profile>]". needs may be NULL where no kind needs any.
 * E_UNSUPPORTED names the kinds; E_NOT_FOUND; E_INVALID: a model without its link, too. */
int reader_create(const char *spec, const struct reader_needs *needs, struct reader **out,
                  struct err *err) MUST_CHECK;
void reader_destroy(struct reader *reader); /* NULL is fine */
const char *const *reader_kinds(void);      /* NULL-terminated */

bool reader_spec_is_model(const char *spec); /* needs a model_link; false for unknown */

/* Its first opinion, which costs nothing: the page reader of one that is a model, else itself. For questions
 * that are asked on the chance. */
struct reader *reader_free(struct reader *reader);
bool reader_is_model(const struct reader *reader);

/* What it said led to nothing: the next questions are asked anew, not answered from memory. */
void reader_forget(struct reader *reader);

/* --- find one thing ------------------------------------------------------------------------ */

enum target_kind { /* plans.md section 4, params.kind */
    TARGET_ANY,
    TARGET_BUTTON, /* button, or anything that submits or acts */
    TARGET_NAV_LINK,
    TARGET_TAB,
    TARGET_MENU_ITEM,
    TARGET_ROW_LINK,
    TARGET_CELL_LINK,
    TARGET_FIELD,  /* something text goes into */
    TARGET_SELECT, /* native or custom drop-down */
    TARGET_OPTION,
    TARGET_THING,  /* whatever is shown, a control or not: to be dragged, or clicked another way */
};
bool target_kind_parse(const char *name, enum target_kind *out); /* "nav_link"; false if unknown */

struct target_query {
    const char *label;           /* "" when only the intent is known */
    const char *const *aliases;  /* NULL-terminated or NULL */
    const char *intent;          /* the step's sentence: quoted words in it name the target */
    enum target_kind kind;
    const char *near;            /* words that stand in its row, card or group; NULL or "": anywhere */
    const struct rect *region;   /* only look here (screen px), NULL anywhere */
    const struct rect *prefer;   /* of equals, rather take one in here; NULL: no matter */
    const struct point *avoid;   /* NULL-able list of points that were tried and were wrong */
    int n_avoid;
    bool filter;                 /* it sets a filter of results; models are told */
    bool by_purpose;             /* the label was looked for in vain: a model finds what serves the intent */
};

struct target {
    struct point at;   /* where to click, screen px; may lie outside the viewport when !in_view */
    struct rect box;
    bool in_view;      /* else scroll towards it first */
    bool covered;      /* something lies on top of it */
    const char *label; /* what matched, as shown on the page */
    const char *tag, *role; /* without a DOM: "input" is typed into, the role "combobox" opened, else clicked */
    int node;          /* in observation.page, -1 when the reader has no DOM */
    double confidence; /* 0..1 */
};

/* E_NOT_FOUND: the message says what was looked for and the nearest things that were there. */
int reader_find(struct reader *reader, struct pool *pool, const struct observation *obs,
                const struct target_query *query, struct target *out, struct err *err) MUST_CHECK;

/* A point that is about to be clicked for what wanted says, looked at again: the better one near it, and how much it
 * is believed (agent-loop.md 15; whether it is taken: brain/model/grounding.h). Readers that are no model, and
 * pages that say what stands there, have no better one: the same at 0.5. fresh: nothing that is remembered
 * counts. E_CANCELLED and the like; that nobody answers is no error, but nothing to believe. */
struct regard {
    struct point at;
    double confidence;
};
int reader_regard(struct reader *reader, struct pool *pool, const struct observation *obs, struct point at,
                  const char *wanted, bool fresh, struct regard *out, struct err *err) MUST_CHECK;

/* A control that leads to the next page of results (rel=next, "Next", "›", page n+1). E_NOT_FOUND. */
int reader_find_next_page(struct reader *reader, struct pool *pool, const struct observation *obs,
                          int current_page, struct target *out, struct err *err) MUST_CHECK;

/* A control at the end of a list that loads more into it ("Show more"), or tries again when that
 * failed; one that leads to another page is none. E_NOT_FOUND. */
int reader_find_more(struct reader *reader, struct pool *pool, const struct observation *obs,
                     struct target *out, struct err *err) MUST_CHECK;

/* A control that reveals more of the entity ("Show phone", "Read more") and is not in done[].
 * Only names that contain one of schema->allowed_controls, or, when that list is empty, that speak of
 * showing a wanted field; never one of schema->forbidden_controls, and never contact, request, email
 * seller, loan or financing. E_NOT_FOUND when there is none left. */
int reader_find_reveal(struct reader *reader, struct pool *pool, const struct observation *obs,
                       const struct schema *schema, const char *const *done, int n_done,
                       struct target *out, struct err *err) MUST_CHECK;

/* A consent or newsletter overlay's least committing way out ("Reject all", "Close", "Accept").
 * E_NOT_FOUND when nothing covers the page. */
int reader_find_dismiss(struct reader *reader, struct pool *pool, const struct observation *obs,
                        struct target *out, struct err *err) MUST_CHECK;

/* --- list repeated things ------------------------------------------------------------------- */

struct card {
    const char *title; /* "unknown" when it has none */
    const char *href;  /* resolved, "" when it has none */
    struct target target; /* the element that opens it */
    bool sponsored;       /* marked as an advertisement */
    const char *text;     /* what it shows, one text a line; "" when that is not known */
};

enum list_status { LIST_OK, LIST_EMPTY, LIST_BLOCKED, LIST_ERROR };

/* Result cards of the page in reading order, all of them, in view or not. schema may be NULL; its
 * card_exclusions drop cards whose text contains one. At most max_cards. */
int reader_list(struct reader *reader, struct pool *pool, const struct observation *obs,
                const struct schema *schema, int max_cards, struct card **ret_cards, int *ret_n,
                enum list_status *ret_status, struct err *err) MUST_CHECK;

/* Drop the cards that the intent leaves out by what they say of themselves: "skip dealers" those with
 * a badge "Dealer", "from a private seller" those without "Private seller" when others have it. The
 * rest stays in order; how many they are. */
int reader_wanted_cards(struct pool *pool, const char *intent, struct card *cards, int n);

/* The card that the intent names: its first quoted text, in front of what it leaves out. In pool; NULL: it names none. */
const char *reader_named_card(struct pool *pool, const char *intent);

/* --- read values ----------------------------------------------------------------------------- */

struct extraction {
    json_t *values;   /* {field: value as the page shows it, trimmed}; only what was found */
    json_t *evidence; /* {field: {"url","method","text","box":[x,y,w,h],"look"}} beside it; look: which
                       observation, counted from 0; with "incomplete" when the page took more work
                       than CAP_READ_WORK */
    bool spam;        /* a schema indicator says this is not what is wanted */
    const char *spam_reason;
    bool sponsored;   /* of rows: the item is marked as an advertisement */
};

/* One entity from n observations of the same page (scrolled, revealed), the newest last. E_TOOBIG when
 * CAP_READ_WORK ended before anything was found; so does reader_rows(). */
int reader_extract(struct reader *reader, struct pool *pool, const struct observation *obs, int n_obs,
                   const struct schema *schema, struct extraction *out, struct err *err) MUST_CHECK;

/* Every visible item of a repeated structure as one extraction each, in reading order. */
int reader_rows(struct reader *reader, struct pool *pool, const struct observation *obs,
                const struct schema *schema, int max_rows, struct extraction **ret_rows, int *ret_n,
                struct err *err) MUST_CHECK;

/* --- yes or no -------------------------------------------------------------------------------- */

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

struct verdict {
    enum answer answer;
    const char *reason; /* what was seen, or what was looked for; never empty */
};

/* Does the page show what the sentence says? Decided by what can be shown: quoted text, headings,
 * counts ("at least 10 results"), labels, URL parts. UNKNOWN when that does not decide it. */
int reader_visible(struct reader *reader, struct pool *pool, const struct observation *obs,
                   const char *question, struct verdict *out, struct err *err) MUST_CHECK;

/* Did a click lead somewhere? By the looks before and after it. */
struct passage {
    enum answer navigated;
    const char *kind;   /* url_change, modal, no_change, wrong_target; "" not known */
    const char *reason; /* never empty */
};

/* wanted: what the click was to open. */
int reader_navigated(struct reader *reader, struct pool *pool, const struct observation *before,
                     const struct observation *after, const char *wanted, struct passage *out,
                     struct err *err) MUST_CHECK;

/* What the drop-down called so shows; whether that is right is for who asks to compare. E_NOT_FOUND. */
int reader_shown_value(struct reader *reader, struct pool *pool, const struct observation *obs, const char *dropdown,
                       const char **out, struct err *err) MUST_CHECK;

#endif
