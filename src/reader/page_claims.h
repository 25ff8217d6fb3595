/*
 * page_claims.h - what the claims of page_visible.c share: the page that is asked about, and how an
 * answer is given. A claim looks at one clause.
 */
#ifndef MANTIS_READER_PAGE_CLAIMS_H
#define MANTIS_READER_PAGE_CLAIMS_H

#include "reader/clauses.h"
#include "reader/page_parts.h"

struct asker {
    struct scene *s;
    struct reader *reader;
    const struct observation *obs;
    const char *all_text; /* visible text and values of fields, lower case; made once */
    struct card *cards;   /* of page_list(), made once */
    int n_cards;
    enum list_status list_status;
    bool listed;
};

/* A claim's answer; reason in the scene's pool. UNKNOWN with reason NULL: not its kind of clause. */
typedef struct verdict claim_fn(struct asker *a, const struct clause *c);

#define NOT_MINE ((struct verdict){ANSWER_UNKNOWN, NULL})

struct verdict claim_say(struct asker *a, enum answer answer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

const char *claim_all_text(struct asker *a);
int claim_count_cards(struct asker *a);
const char *claim_heading(struct asker *a); /* never empty */

/* A quoted piece stands in the text (any case) as whole words and whole numbers: "$1" is not in
 * "$1,500" and "ide tab" not in "Tide table". */
bool claim_stands_in(struct asker *a, const char *text, const char *quote);

/* A switch-like thing with this name: 1 on, 0 off, -1 none. */
int claim_switch(const struct scene *s, const char *name);

/* A control by its name, and what is said about it: a value, a text, a state. */
claim_fn claim_control;

/* Whether what the page is about can be had. */
claim_fn claim_stock;

/* Quoted text, headings and titles; two quoted pieces of one clause must stand together. */
claim_fn claim_quoted;

#endif
