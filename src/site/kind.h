/*
 * kind.h - what one site brings (marketplace.c, lab.c), and what the server gives it.
 *
 * A new site is a file with one `const struct site_kind`, a row in site.c and a directory in sites/.
 * Handlers never block: they set one answer, perhaps with a delay, and return.
 */
#ifndef MANTIS_SITE_KIND_H
#define MANTIS_SITE_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/pool.h"
#include "site/site.h"

struct site_request; /* private to server.c but for what the functions below tell */

typedef void site_handler_fn(struct site_request *req);

enum site_method { SITE_GET = 1 << 0, SITE_POST = 1 << 1 };

struct site_route {
    unsigned methods;    /* enum site_method; HEAD is answered like GET */
    const char *pattern; /* exact path, or a prefix that ends with '*' */
    site_handler_fn *fn;
};

/* Grade one task: fill reasons (array of strings) and diff (object); true when it is done. */
typedef bool site_grade_fn(struct site *site, json_t *reasons, json_t *diff);

/* The rows a perfect run of a task would return: array of objects, new reference. */
typedef json_t *site_rows_fn(struct site *site);

struct site_task {
    const char *id;
    site_grade_fn *grade;
    site_rows_fn *rows; /* NULL: this task has none */
};

struct site_kind {
    const char *name, *about;
    const struct site_route *routes; /* ends with a NULL pattern; first match wins */
    const struct site_task *tasks;   /* ends with a NULL id */
    site_rows_fn *rows;              /* of GET /__env__/rows, or NULL */
    /* Build everything anew from the seed; what it returns is site_state() until the next reset. */
    void *(*create)(struct pool *pool, int64_t seed);
    site_handler_fn *missing; /* answers paths that no route has; NULL: a plain 404 */
    /* Calls of the control protocol that only this site has, asked with the admin token: like
     * routes, below /__env__/. NULL: none. */
    const struct site_route *controls;
    /* Grades the tasks that bring no function of their own; may be NULL when all do. */
    bool (*grade)(struct site *site, const char *task_id, json_t *reasons, json_t *diff);
};

extern const struct site_kind site_marketplace, site_lab, site_crm, site_shop, site_widgets, site_inbox, site_flaky;

/* --- the site ----------------------------------------------------------------------------- */

void *site_state(const struct site *site);

/* Add to the change log of GET /__env__/mutations. detail may be NULL; its reference is taken over. */
void site_log(struct site *site, const char *kind, const char *path, json_t *detail);

/* path with the arguments that are not empty: {"q", "a b"} gives "/boats/?q=a+b". */
const char *site_link(struct pool *pool, const char *path, const char *const args[][2], size_t n_args);

/* --- the request -------------------------------------------------------------------------- */

struct site *req_site(const struct site_request *req);
struct pool *req_pool(const struct site_request *req); /* lives until the answer is out */
const char *req_path(const struct site_request *req);
const char *req_rest(const struct site_request *req); /* what the route's '*' stands for */
bool req_is_post(const struct site_request *req);

/* Query arguments and form fields: objects of strings; a name that comes twice is joined by ','. */
const json_t *req_query(const struct site_request *req);
const json_t *req_form(const struct site_request *req);
const char *req_arg(const struct site_request *req, const char *name, const char *def);
int64_t req_arg_int(const struct site_request *req, const char *name, int64_t min, int64_t max, int64_t def);
const char *req_body(const struct site_request *req, size_t *ret_len);

/* Files of a multipart form, in the order they came; a field that was left empty is not there. */
struct site_file {
    const struct site_file *next;
    const char *field, *name; /* name as the visitor gave it */
    const char *data;
    size_t len;
};
const struct site_file *req_files(const struct site_request *req);

const char *req_cookie(const struct site_request *req, const char *name); /* NULL: not sent */
const char *req_header(const struct site_request *req, const char *name); /* NULL: not sent */

/* --- the answer: one of these per request ------------------------------------------------- */

void req_reply(struct site_request *req, int status, const char *content_type, const void *data, size_t len);
void req_reply_json(struct site_request *req, int status, json_t *value); /* takes value over */
void req_redirect(struct site_request *req, const char *location);

/* templates/<name>.html of the site, filled from view (borrowed). */
void req_reply_page(struct site_request *req, int status, const char *name, const json_t *view);

/* static/<path> of the site; 404 for what is not there or not allowed. */
void req_reply_file(struct site_request *req, const char *path);

/* Status 200 and these bytes, then nothing more until the client leaves. */
void req_reply_unfinished(struct site_request *req, const char *content_type, const void *data, size_t len);

/* No answer at all until the client leaves. */
void req_never(struct site_request *req);

/* After one of the above. */
void req_add_header(struct site_request *req, const char *name, const char *value);
void req_delay(struct site_request *req, int64_t delay_ms);

#endif
