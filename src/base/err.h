/*
 * err.h - one closed list of error codes and the struct that carries a reason to a person.
 *
 * Functions return 0 or a negative E_* code. Where a person will be told, the last argument is a
 * struct err, which is untouched on success and complete as it is on failure: it names the field,
 * host, file or cap and what to do, quotes user text in single quotes, and holds no secret.
 * One table (err.c) maps a code to its JSON name, HTTP status and whether a retry can help;
 * nothing else decides these.
 */
#ifndef MANTIS_BASE_ERR_H
#define MANTIS_BASE_ERR_H

#include <stdbool.h>

enum err_code {
    E_OK = 0,
    E_INVALID = -1,       /* the caller asked wrongly: 400 */
    E_UNAUTHORIZED = -2,  /* no or unknown token: 401 */
    E_FORBIDDEN = -3,     /* known token, not allowed: 403 */
    E_NOT_FOUND = -4,     /* 404 */
    E_CONFLICT = -5,      /* somebody else holds it: 409 */
    E_TOOBIG = -6,        /* over a cap of base/caps.h: 413 */
    E_UNPROCESSABLE = -7, /* 422 */
    E_RATE_LIMITED = -8,  /* 429 */
    E_INTERNAL = -9,      /* our mistake: 500 */
    E_UPSTREAM = -10,     /* a server we depend on misbehaved: 502 */
    E_UNAVAILABLE = -11,  /* not ready: 503 */
    E_TIMEOUT = -12,      /* a deadline passed: 504 */
    E_GONE = -13,         /* the process or peer behind this handle is dead; close the handle */
    E_CANCELLED = -14,    /* the wait was interrupted on request */
    E_IO = -15,           /* the operating system said no; sys_errno says why */
    E_NOMEM = -16,        /* no memory for a size a stranger chose */
    E_PROTOCOL = -17,     /* the peer broke the protocol */
    E_UNSUPPORTED = -18,  /* this kind of part cannot do that */
    E_BUDGET = -19,       /* it could cost more than what is left of a cap: 402 */
};

#define ERR_MSG_MAX 512 /* bytes, NUL included */

/* Fixed size: the error path never allocates. Zero-initialise it, or call err_clear(). */
struct err {
    int code;      /* enum err_code */
    int sys_errno; /* errno behind it, 0 when none */
    char msg[ERR_MSG_MAX];
};

/* Set code and message; returns code, so `return err_set(err, E_X, "...")` is one line. err may be NULL. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same, with ": <strerror(errno)>" appended and errno kept in sys_errno. */
int err_sys(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Put "prefix: " in front of the message that is there; returns the code that is there. */
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

/* Name used in JSON and logs, for example "not_found"; "unknown" for a code outside the list. */
const char *err_name(int code);

/* HTTP status of a code; 500 for a code outside the list. */
int err_http_status(int code);

/* True when the same call may succeed later without any change by the caller. */
bool err_retryable(int code);

#define MUST_CHECK __attribute__((warn_unused_result))

/* Our own mistake: say where and abort. For the world's mistakes use E_*. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void bug_at(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
