/*
 * receiver.h - a web server for tests that may break every rule: answers are bytes, written as they
 * are, then the connection is closed, held in silence, or flooded. It keeps what it was sent.
 *
 * Listens on 127.0.0.1, a free port, one thread per connection; each connection is one request.
 */
#ifndef MANTIS_TESTS_RECEIVER_H
#define MANTIS_TESTS_RECEIVER_H

#include <stddef.h>

struct receiver;

enum receiver_then { RECEIVER_CLOSE, RECEIVER_HOLD, RECEIVER_FLOOD };

struct receiver_answer {
    const char *bytes; /* after the whole request was read; "": none */
    enum receiver_then then;
};

#define RECEIVER_OK {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", RECEIVER_CLOSE}
#define RECEIVER_500 {"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", RECEIVER_CLOSE}

/* Has a port but refuses connections until receiver_open(). The n-th request gets answers[n], those
 * after the last one the last. Answers are borrowed. Aborts the test when it cannot start. */
struct receiver *receiver_create(const struct receiver_answer *answers, size_t n);
void receiver_open(struct receiver *r);
void receiver_destroy(struct receiver *r); /* held connections are cut; NULL is fine */

int receiver_port(const struct receiver *r);
int receiver_count(struct receiver *r); /* requests read whole so far */
int receiver_held(struct receiver *r);  /* connections being held or flooded now */

struct receiver_request {
    char head[4096]; /* request line and headers */
    char body[16384];
};
/* The n-th, from 0; lives as long as the receiver. */
const struct receiver_request *receiver_request(struct receiver *r, int n);

/* Value of a header of a request, in a static buffer; NULL when there is none. */
const char *receiver_header(const struct receiver_request *request, const char *name);

#endif
