/*
 * fake_transport.h - a transport that answers from a list and keeps what it was sent. Its waits take
 * no time: the clocks are moved on.
 */
#ifndef MANTIS_TESTS_FAKE_TRANSPORT_H
#define MANTIS_TESTS_FAKE_TRANSPORT_H

#include "brain/model/transport.h"

#define FAKE_CALLS 64

struct fake_answer {
    int status;           /* HTTP; below 0: the error code that the call fails with */
    double retry_after_s; /* 0 none */
    const char *body;     /* a failing call: why */
    int64_t takes_ms;     /* of the fake clock */
};

struct fake_transport {
    struct transport base;
    const struct fake_answer *answers; /* borrowed; the last one is given for good */
    int n_answers;
    struct pool *pool; /* of what is kept */
    int calls;
    const char *paths[FAKE_CALLS];
    const json_t *bodies[FAKE_CALLS]; /* NULL: a GET */
    const json_t *headers[FAKE_CALLS];
    int64_t left_ms[FAKE_CALLS]; /* until its deadline */
    int rests;
    int64_t rested_ms[FAKE_CALLS];
    double server_s;  /* of every answer, as a gateway says it */
    bool interrupted; /* rests end with E_CANCELLED */
};

void fake_transport_init(struct fake_transport *t, struct pool *pool, const struct fake_answer *answers, int n);

#endif
