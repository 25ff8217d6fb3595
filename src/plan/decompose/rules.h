/*
 * rules.h - private to the rules decomposer: what a clause can say, and the plan that grows of it.
 */
#ifndef MANTIS_PLAN_DECOMPOSE_RULES_H
#define MANTIS_PLAN_DECOMPOSE_RULES_H

#include "base/err.h"
#include "base/json.h"
#include "plan/decompose/match.h"

struct draft;
struct clause;

/* Adds the steps of a clause; E_INVALID when they make no sense where it stands. */
typedef int build_fn(struct draft *d, const struct clause *c, struct err *err);

struct rule {
    const char *form; /* match.h */
    build_fn *build;
    const char *argument; /* what tells rules of one builder apart, "" none */
};

struct clause {
    const struct rule *rule;
    struct match match;
    const char *text; /* as it stands in the prose */
    int sentence;
};

/* One page after another, or one result after another: what a later clause can repeat. */
struct block {
    int start;  /* first step of the body, -1: there was none yet */
    int count;  /* results to open; pages hang on the block as a whole */
    bool opens; /* its results are opened, so it ends with going back */
    bool open;  /* clauses still belong to its body */
    int pages;  /* index of the loop over pages, -1 none */
};

struct draft {
    struct pool *pool;
    const char *prose;
    const struct clause *clauses;
    int n_clauses, at; /* clause under way */
    json_t *steps;     /* kept by pool */
    struct block block;
    int each;            /* "for each of the first N": 0 none, -1 all */
    const char *asked;   /* what the user was asked for, "" nothing */
    const char *field;   /* the one last filled in or cleared, "" none */
    const char *guard;   /* variable that the rest of the sentence hangs on, "" none */
    int guard_sentence;
    int n_vars;
};

/* The rule whose form the words have; NULL: none. Words of politeness at both ends do not count. */
const struct rule *rule_find(const struct word *words, int n, struct match *out);

/* The longest row of words from i on that only leads over to what follows; returns where it ends. */
int rule_skip(const struct word *words, int n, int i);

/* What clauses can say, for messages. */
extern const char rules_help[];

/* "did you mean" for a clause that has one of the forms people try; NULL: none. */
const char *rule_advice(const struct word *words, int n);

/* All clauses of the prose in order; E_INVALID naming the first that is not understood. */
int clauses_read(struct pool *pool, const char *prose, struct clause **out, int *ret_n,
                 struct err *err);

/* --- draft.c: steps --------------------------------------------------------------------------- */

/* A new last step; params and hints are there. Borrowed. */
json_t *draft_step(struct draft *d, const char *type, const char *intent);
json_t *draft_params(json_t *step);
json_t *draft_hints(json_t *step);
int draft_count(const struct draft *d);

/* A piece of the clause; what the user was asked for becomes {{user_input}}. */
const char *draft_piece(const struct draft *d, const struct clause *c, char name);
const char *draft_value(const struct draft *d, const struct clause *c, char name);

void draft_aliases(json_t *step, const char *const *aliases);
json_t *draft_press(struct draft *d, const char *type, const char *intent, const char *label,
                    const char *kind);

/* --- blocks.c --------------------------------------------------------------------------------- */

void block_open(struct draft *d, int count, const char *noun, const char *intent);
void block_of_rows(struct draft *d);
void block_close(struct draft *d);

/* --- fields.c --------------------------------------------------------------------------------- */

struct field_list {
    json_t *fields;    /* NULL: nothing that is read off the page's body */
    bool rows;         /* of every item of a list */
    int max;           /* of them; 0 not said */
    const char *noun;  /* "item" */
    bool address;      /* the page's own address is asked for */
};

/* "title, price (number) and phone if shown from each of the first 5 boats". False: no list of fields. */
bool fields_read(struct pool *pool, const char *prose, const struct word *words, int n,
                 struct field_list *out);

build_fn build_open_url, build_open_label, build_search, build_click, build_click_if, build_check, build_banner, build_cart,
    build_submit_form, build_key, build_type, build_clear, build_choose, build_sort, build_filter, build_login,
    build_results, build_each, build_open_it, build_repeat, build_pages, build_next_page, build_extract,
    build_address, build_ask, build_verify, build_if, build_scroll, build_wait, build_back, build_stop,
    build_nothing, build_drag, build_pointer, build_download;

#endif
