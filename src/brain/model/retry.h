/*
 * retry.h - what is done when a model server does not answer as it should: whether and when the call
 * is made again, and what a person is told (brains.md sections 2 and 10). Pure: nothing waits here.
 */
#ifndef MANTIS_BRAIN_MODEL_RETRY_H
#define MANTIS_BRAIN_MODEL_RETRY_H

#include "brain/model/profile.h"

struct model_failure {
    int status;           /* HTTP; 0: no answer at all (timeout, connection); 200: one that cannot be read */
    double retry_after_s; /* the server's Retry-After; < 0: it said none */
    const char *detail;   /* the server's or the client's own words, "" none; holds no secret */
};

struct retry {
    bool again;
    double wait_s; /* before it; also given when again is false */
};

/* attempt: how many calls failed before this one, from 0. jitter: 0..1, used where many clients
 * would come back at once. */
struct retry retry_next(const struct profile *profile, const struct model_failure *failure, int attempt,
                        double jitter);

/* E_UPSTREAM, or E_TIMEOUT for no answer; names the address, the status and what to do. url is the
 * call's address without user and password. Returns the code. */
int retry_explain(const struct profile *profile, const char *url, const struct model_failure *failure,
                  int calls, struct err *err);

#endif
