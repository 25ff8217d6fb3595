#include "base/buf.h"
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char empty[1]; /* shared "" of bufs that hold nothing; never written but with NUL */

void buf_init(struct buf *b, size_t cap_bytes)
{
    *b = (struct buf){.data = empty, .cap = cap_bytes};
}

void buf_release(struct buf *b)
{
    if (b->data != empty)
        free(b->data);
    buf_init(b, b->cap);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data != empty)
        b->data[0] = 0;
}

int buf_reserve(struct buf *b, size_t n)
{
    if (b->failed || n > b->cap || b->len > b->cap - n) {
        b->failed = true;
        return E_TOOBIG;
    }
    size_t need = b->len + n + 1;
    if (need <= b->size)
        return 0;
    size_t size = b->size ? b->size : 64;
    while (size < need)
        size *= 2;
    char *data = realloc(b->data == empty ? NULL : b->data, size);
    if (!data) {
        b->failed = true;
        return E_NOMEM;
    }
    if (b->data == empty)
        data[0] = 0;
    b->data = data;
    b->size = size;
    return 0;
}

void buf_grew(struct buf *b, size_t n)
{
    if (b->len + n + 1 > b->size)
        BUG("buf_grew past what was reserved");
    b->len += n;
    b->data[b->len] = 0;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
    int r = buf_reserve(b, len);
    if (r)
        return r;
    if (len)
        memcpy(b->data + b->len, data, len);
    buf_grew(b, len);
    return 0;
}

int buf_adds(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

int buf_addc(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

int buf_add_html(struct buf *b, const char *s)
{
    static const char *const entity[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};
    for (; *s; s++) {
        const char *e = entity[(unsigned char)*s];
        int r = e ? buf_adds(b, e) : buf_addc(b, *s);
        if (r)
            return r;
    }
    return 0;
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0)
        BUG("bad format '%s'", fmt);
    int r = buf_reserve(b, (size_t)len);
    if (r)
        return r;
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)len + 1, fmt, ap);
    va_end(ap);
    buf_grew(b, (size_t)len);
    return 0;
}

int buf_splice(struct buf *b, size_t at, size_t len, const char *text)
{
    size_t n = strlen(text), rest = at + len;
    int r = buf_reserve(b, n);
    if (r)
        return r;
    memmove(b->data + at + n, b->data + rest, b->len - rest);
    memcpy(b->data + at, text, n);
    b->len = b->len - len + n;
    b->data[b->len] = 0;
    return 0;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n > b->len)
        BUG("buf_consume past the end");
    if (!n)
        return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    b->data[b->len] = 0;
}
