/*
 * chat.h - a call to the model server, inside src/api (http-api.md section 7).
 *
 * chat_request.c: what the model server is sent. chat.c: the call, and its answer when that comes whole.
 * chat_stream.c: an event stream, passed on as it comes.
 */
#ifndef MANTIS_API_CHAT_H
#define MANTIS_API_CHAT_H

#include "api/request.h"
#include "base/json_scan.h"
#include "sched/gateway.h"
#include "sys/httpc.h"

/* In the pool of its request, and with it to the end. */
struct chat {
    struct request *req;
    struct gateway_ticket *ticket;   /* its turn at the model; NULL: over, or not asked for */
    struct httpc_exchange *exchange; /* NULL: over, or not begun */
    bool short_time;                 /* it got less time than it may take: there is no money for more */
    const char *key;                 /* the model server's; "" none */

    int status; /* of its answer; 0: not there yet */
    const char *type;
    struct buf in; /* its body */
    bool over;     /* nothing more comes, */
    int result;    /* as it ended, or for this reason */
    struct err err;
    bool resumed; /* the caller is being answered */
    bool counted; /* in mantis_chat_completions_total */

    /* of a stream */
    bool streams, paused, cut;
    size_t taken; /* of `in` */
    size_t passed;
    struct chat *next, **link; /* api->chats; link NULL: not there */
    struct httpd_hold hold;
    struct loop_timer quiet, look;
    int64_t until_mono_ms;
    int64_t paused_mono_ms; /* when it was */
    uint64_t tokens_seen; /* tenants_generation() when the token was looked at last */
    unsigned char token_sha256[ID_SHA256_BYTES];
};

/* ---- what is sent (chat_request.c) ---- */

/* May this header of the caller go on? connection: what its Connection headers list, "" nothing. */
bool chat_header_passes(const char *name, const char *connection);

/* The lines for httpc: the caller's that may go on, our content type, and the key. In req->pool. */
const char *const *chat_headers(const struct request *req, const char *key);

/*
 * Put `served` in place of a "model" that reads `id`; every other byte of the body, which is JSON, stays.
 * model: what json_scan() says of it. E_INVALID: no object, not UTF-8, or "model" stands there twice, so that
 * two readers could differ.
 */
int chat_map_model(struct buf *body, const struct json_field *model, const char *id, const char *served,
                   struct err *err) MUST_CHECK;

/* ---- its ends (chat.c) ---- */

void chat_count(struct chat *chat, const char *outcome); /* the first one counts */
void chat_count_status(struct chat *chat, int status);
/* There is no money for more time. */
int chat_no_money(struct err *err);
/* No more of the answer is wanted, because: err. From the loop, not from inside httpc. */
void chat_break_off(struct chat *chat, const struct err *err);

/* ---- streams (chat_stream.c) ---- */

bool chat_is_stream(int status, const char *type);
int chat_stream_open(struct chat *chat); /* answer with it */
void chat_stream_grew(struct chat *chat); /* chat->in did */
void chat_stream_over(struct chat *chat);
void chat_stream_close(struct chat *chat); /* with the request; one that was never open is fine */
void chats_end(struct api *api);          /* the server stops: all are cut */

#endif
