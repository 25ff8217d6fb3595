/*
 * http_stub.h - a web server for tests: pages are strings, answers can be late.
 *
 * Listens on 127.0.0.1, a free port, one thread per connection. "?delay=MS" on any URL makes that
 * one answer late; stopping ends late answers at once.
 */
#ifndef MANTIS_TESTS_HTTP_STUB_H
#define MANTIS_TESTS_HTTP_STUB_H

struct http_stub;

struct http_page {
    const char *path;     /* "/list"; the query is not looked at. NULL ends the list */
    const char *body;     /* NULL: "" */
    int status;           /* 0: 200 */
    const char *type;     /* NULL: "text/html; charset=utf-8" */
    const char *location; /* sends a Location header */
    int delay_ms;         /* before the first byte; negative: never answers */
};

/* Pages are borrowed until stop; unknown paths are 404. Aborts the test when it cannot start. */
struct http_stub *http_stub_start(const struct http_page *pages);
void http_stub_stop(struct http_stub *s); /* NULL is fine */

int http_stub_port(const struct http_stub *s);
int http_stub_hits(struct http_stub *s, const char *path); /* requests for it so far */

/* "http://127.0.0.1:<port><path>" in a ring of four static buffers. */
const char *http_stub_url(const struct http_stub *s, const char *path);

#endif
