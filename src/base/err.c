#include "base/err.h"
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int http_status;
    bool retryable;
} codes[] = {
    [-E_OK] = {"ok", 200, false},
    [-E_INVALID] = {"invalid", 400, false},
    [-E_UNAUTHORIZED] = {"unauthorized", 401, false},
    [-E_FORBIDDEN] = {"forbidden", 403, false},
    [-E_NOT_FOUND] = {"not_found", 404, false},
    [-E_CONFLICT] = {"conflict", 409, true},
    [-E_TOOBIG] = {"too_big", 413, false},
    [-E_UNPROCESSABLE] = {"unprocessable", 422, false},
    [-E_RATE_LIMITED] = {"rate_limited", 429, true},
    [-E_INTERNAL] = {"internal", 500, false},
    [-E_UPSTREAM] = {"upstream", 502, true},
    [-E_UNAVAILABLE] = {"unavailable", 503, true},
    [-E_TIMEOUT] = {"timeout", 504, true},
    [-E_GONE] = {"gone", 500, true},
    [-E_CANCELLED] = {"cancelled", 500, false},
    [-E_IO] = {"io", 500, true},
    [-E_NOMEM] = {"no_memory", 503, true},
    [-E_PROTOCOL] = {"protocol", 502, false},
    [-E_UNSUPPORTED] = {"unsupported", 400, false},
    [-E_BUDGET] = {"budget_cap", 402, false},
};

static bool known(int code)
{
    return code <= 0 && (size_t)-code < ARRAY_SIZE(codes);
}

const char *err_name(int code)
{
    return known(code) ? codes[-code].name : "unknown";
}

int err_http_status(int code)
{
    return known(code) ? codes[-code].http_status : 500;
}

bool err_retryable(int code)
{
    return known(code) && codes[-code].retryable;
}

void err_clear(struct err *err)
{
    *err = (struct err){0};
}

static int set_va(struct err *err, int code, int sys_errno, const char *fmt, va_list ap)
{
    if (!err)
        return code;
    err->code = code;
    err->sys_errno = sys_errno;
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    return code;
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_va(err, code, 0, fmt, ap);
    va_end(ap);
    return code;
}

int err_sys(struct err *err, int code, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;
    va_start(ap, fmt);
    set_va(err, code, saved, fmt, ap);
    va_end(ap);
    if (err) {
        size_t len = strlen(err->msg);
        char text[128];
        snprintf(err->msg + len, sizeof(err->msg) - len, ": %s",
                 strerror_r(saved, text, sizeof(text)));
    }
    return code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
    if (!err)
        return E_INTERNAL;
    char old[ERR_MSG_MAX];
    memcpy(old, err->msg, sizeof(old));
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    if (len >= 0 && (size_t)len < sizeof(err->msg))
        snprintf(err->msg + len, sizeof(err->msg) - (size_t)len, ": %s", old);
    return err->code;
}

void bug_at(const char *file, int line, const char *fmt, ...)
{
    log_flush();
    fprintf(stderr, "BUG at %s:%d: ", file, line);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}
