/*
 * crm.h - the customers of "Tallowmere", a made-up CRM: made from the seed by crm_data.c, guarded by
 * crm_login.c, shown by crm.c, changed by crm_edit.c, graded by crm_oracle.c.
 *
 * A customer is a JSON object, so that what changed can be told by comparing with the ones the seed
 * made: {id, number, name, company, email, phone, status, owner, newsletter, since, about, revenue,
 * archived, deleted, notes: [{text, by, on}]}. The status belongs to the number of a customer, all else
 * to the seed: a task may name a customer and a status that differs from the present one.
 */
#ifndef MANTIS_SITE_CRM_H
#define MANTIS_SITE_CRM_H

#include "site/kind.h"

#define CRM_CUSTOMERS 60
#define CRM_PAGE      12 /* rows on a page of the table */
#define CRM_USER      "dana@tallowmere.example"
#define CRM_PASSWORD  "harbor-lantern-42"

struct crm {
    bool soup;         /* odd seeds: the same pages with the habits of hurried people */
    json_t *customers; /* array; the one at i has id i + 1 */
    json_t *before;    /* the same as the seed made it */
    json_t *sessions;  /* token: {in, code, tries, next} */
    json_t *lists;     /* queries that the table was asked for, as {q, status, owner, page} */
    json_t *exports;   /* queries that were downloaded */
    bool trusting;     /* no code is asked for */
    int sign_ins;
};

/* crm_data.c */
extern const char *const crm_statuses[], *const crm_owners[]; /* NULL-terminated */
struct crm *crm_create(struct pool *pool, int64_t seed);
struct crm *crm_of(const struct site_request *req);

/* The customer with this id unless deleted; the path is "17/..." and *ret_rest what follows the id. */
json_t *crm_find(const struct crm *crm, const char *path, const char **ret_rest);
json_t *crm_add(struct crm *crm, json_t *customer); /* gives it id and number; takes it over */

struct crm_query {
    const char *text, *status, *owner, *sort; /* never NULL; sort "" is by name, "-name" the other way */
};

/* Borrowed customers that are there and not archived (status "Archived" asks for those). New array. */
json_t *crm_select(const struct crm *crm, const struct crm_query *query);

/* crm_login.c: NULL and an answer when the visitor is not signed in, else who it is. */
const char *crm_let_in(struct site_request *req);
bool crm_let_in_script(struct site_request *req); /* answers 401 in JSON */
site_handler_fn crm_show_login, crm_take_login, crm_show_code, crm_take_code, crm_resend, crm_sign_out;
extern const struct site_route crm_controls[];

/* crm_edit.c */
site_handler_fn crm_change, crm_create_one, crm_bulk;

/* crm_oracle.c */
extern const struct site_task crm_tasks[];
bool crm_grade(struct site *site, const char *task_id, json_t *reasons, json_t *diff);
json_t *crm_rows(struct site *site);

#endif
