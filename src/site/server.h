/*
 * server.h - what site.c, server.c, request.c and control.c share: the site and one request.
 */
#ifndef MANTIS_SITE_SERVER_H
#define MANTIS_SITE_SERVER_H

#include "site/kind.h"
#include "sys/httpd.h"

struct site {
    const struct site_kind *kind;
    struct loop *loop;
    struct pool *pool; /* as long as the site */
    char *dir, *admin_token, *url;

    struct pool *state_pool; /* from reset to reset */
    void *state;
    int64_t seed;
    json_t *log; /* array, oldest first */
    int64_t log_seq;

    struct httpd httpd;
    struct site_request *requests;
};

enum request_stage {
    REQUEST_READING,
    REQUEST_DUE,  /* has its answer, which may go out */
    REQUEST_GONE, /* the client left, or the answer is never to come: drop the connection */
};

struct site_request {
    struct site *site;
    struct site_request *next, **prev;
    struct pool *pool;
    struct MHD_Connection *conn;
    enum request_stage stage;

    const char *method, *path, *rest;
    json_t *query, *form;
    const struct site_file *files, **files_end;
    struct site_file *file; /* the one whose pieces are coming */
    struct buf body;

    struct MHD_Response *response; /* NULL with `never` */
    int status;
    int64_t delay_ms;
    bool never;

    struct httpd_hold hold;  /* while the answer is not due */
    struct loop_timer timer; /* ends a delay */
};

/* server.c */
int server_start(struct site *site, const struct site_spec *spec, struct err *err) MUST_CHECK;
void server_stop(struct site *site);
void server_hold(struct site_request *req); /* suspend until released */

/* site.c */
void site_reset(struct site *site, int64_t seed);

/* request.c */
void request_dispatch(struct site_request *req);
bool request_dispatch_to(struct site_request *req, const struct site_route *routes); /* NULL: no */
void request_read_args(struct site_request *req); /* fills query and form */

/* control.c */
extern const struct site_route control_routes[];

#endif
