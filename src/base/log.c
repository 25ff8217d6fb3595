/*
 * log.c - lines are printed straight into one buffer: a served call costs one audit line, so a line
 * must cost well under a microsecond. Most of a line is plain ASCII and is copied as it is; the
 * date is printed once per second.
 */
#include "base/log.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BUFFER_BYTES      (64u << 10)
#define FIELD_BYTES       256  /* longest id that is printed */
#define ESCAPED           6    /* bytes that one byte may become: \u0001 */
#define LINE_REST_BYTES   512  /* names, quotes, time */
#define STALLED_READER_MS 1000 /* stderr that takes nothing for that long loses lines */
#define CUT_MARK          " [cut]"
#define REPLACEMENT       "\xEF\xBF\xBD"

static const char *const level_names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
static enum log_level threshold = LOG_INFO;
static bool plain_text;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char data[BUFFER_BYTES];
    size_t len;
    bool collecting;
    pid_t owner; /* a child of fork() must not print its parent's lines again */
    int64_t second;
    char date[sizeof("2026-03-04T05:06:07")]; /* of that second */
} out;

struct field {
    const char *name, *text;
    size_t len;
};

void log_setup(void)
{
    const char *level = getenv("LOG_LEVEL"), *format = getenv("MANTIS_LOG_FORMAT");
    for (size_t i = 0; level && i < ARRAY_SIZE(level_names); i++)
        if (strcasecmp(level, level_names[i]) == 0)
            threshold = (enum log_level)i;
    plain_text = format && *format && strcmp(format, "json") != 0;
}

/* --- what is written -------------------------------------------------------------------------- */

/* False when nothing more can be written. */
static bool wait_writable(void)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    return errno == EINTR || (errno == EAGAIN && poll(&p, 1, STALLED_READER_MS) > 0);
}

static void write_out(void)
{
    size_t done = 0;
    while (done < out.len) {
        ssize_t n = write(STDERR_FILENO, out.data + done, out.len - done);
        if (n >= 0)
            done += (size_t)n;
        else if (!wait_writable())
            break; /* nowhere left to say it */
    }
    out.len = 0;
}

void log_flush(void)
{
    pthread_mutex_lock(&lock);
    if (out.len) {
        if (out.owner == getpid())
            write_out();
        out.len = 0;
    }
    pthread_mutex_unlock(&lock);
}

void log_buffer(bool on)
{
    static bool at_exit;
    log_flush();
    pthread_mutex_lock(&lock);
    out.collecting = on;
    out.owner = getpid();
    if (on && !at_exit)
        at_exit = atexit(log_flush) == 0;
    pthread_mutex_unlock(&lock);
}

/* --- one line --------------------------------------------------------------------------------- */

static void add(const char *data, size_t len)
{
    memcpy(out.data + out.len, data, len);
    out.len += len;
}

#define ADD_TEXT(literal) add(literal, sizeof(literal) - 1)

static void add_date(void)
{
    int64_t now_us = clock_wall_us(), second = now_us / 1000000;
    char iso[CLOCK_ISO_BYTES];
    if (second != out.second || !out.date[0]) {
        memcpy(out.date, clock_iso(second * 1000000, iso), sizeof(out.date) - 1);
        out.second = second;
    }
    add(out.date, sizeof(out.date) - 1);
    char fraction[] = ".000000+00:00";
    int us = (int)(now_us % 1000000);
    for (int i = 6; i > 0; i--, us /= 10)
        fraction[i] = (char)('0' + us % 10);
    add(fraction, sizeof(fraction) - 1);
}

/* Bytes of the character at p, which is no ASCII; 0 when it is broken. */
static size_t character(const char *p, const char *end)
{
    unsigned char c = (unsigned char)*p;
    size_t len = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    return (size_t)(end - p) >= len && str_is_utf8(p, len) ? len : 0;
}

static void add_control(unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    char text[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    if (plain_text)
        ADD_TEXT("?");
    else if (c == '\n')
        ADD_TEXT("\\n");
    else if (c == '\t')
        ADD_TEXT("\\t");
    else
        add(text, sizeof(text));
}

/* One character that cannot be copied as it is; returns its bytes. */
static size_t add_special(const char *p, const char *end)
{
    unsigned char c = (unsigned char)*p;
    if (c < ' ' || c == 0x7f) {
        add_control(c);
        return 1;
    }
    if (c < 0x80) {
        if (!plain_text)
            ADD_TEXT("\\");
        add(p, 1);
        return 1;
    }
    size_t len = character(p, end);
    if (!len)
        ADD_TEXT(REPLACEMENT);
    else if (c == 0xC2 && (unsigned char)p[1] < 0xA0) /* controls of terminals, up to U+009F */
        ADD_TEXT("?");
    else
        add(p, len);
    return len ? len : 1;
}

static bool as_it_is(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= ' ' && u < 0x7f && u != '"' && u != '\\';
}

static void add_escaped(const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end) {
        const char *run = text;
        while (text < end && as_it_is(*text))
            text++;
        add(run, (size_t)(text - run));
        if (text < end)
            text += add_special(text, end);
    }
}

static void add_fields(const struct field *fields, const char *before, const char *between,
                       const char *after)
{
    for (; fields->name; fields++) {
        if (!fields->text)
            continue;
        add(before, strlen(before));
        add(fields->name, strlen(fields->name));
        add(between, strlen(between));
        add_escaped(fields->text, fields->len);
        add(after, strlen(after));
    }
}

static void add_line(enum log_level level, const struct field *fields)
{
    if (plain_text) {
        add(level_names[level], strlen(level_names[level]));
        ADD_TEXT(" ");
        add_escaped(fields[0].text, fields[0].len);
        ADD_TEXT(": ");
        add_escaped(fields[1].text, fields[1].len);
        add_fields(fields + 2, " ", "=", "");
        ADD_TEXT("\n");
        return;
    }
    ADD_TEXT("{\"ts\":\"");
    add_date();
    ADD_TEXT("\",\"level\":\"");
    add(level_names[level], strlen(level_names[level]));
    ADD_TEXT("\"");
    add_fields(fields, ",\"", "\":\"", "\"");
    ADD_TEXT("}\n");
}

/* --- a message -------------------------------------------------------------------------------- */

static size_t print_message(char *msg, size_t size, const char *fmt, va_list ap)
{
    int len = vsnprintf(msg, size, fmt, ap);
    if (len < 0)
        return 0;
    if ((size_t)len < size)
        return (size_t)len;
    memcpy(msg + size - sizeof(CUT_MARK), CUT_MARK, sizeof(CUT_MARK));
    return size - 1;
}

void log_msg(enum log_level level, const char *logger, const struct log_ctx *ctx, const char *fmt,
             ...)
{
    static const struct log_ctx nobody;
    char msg[LOG_MESSAGE_BYTES];
    if (level < threshold)
        return;
    if (!ctx)
        ctx = &nobody;
    va_list ap;
    va_start(ap, fmt);
    size_t msg_len = print_message(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    struct field fields[] = {
        {"logger", logger, 0},
        {"msg", msg, msg_len},
        {"tenant_id", ctx->tenant_id, 0},
        {"run_id", ctx->run_id, 0},
        {"request_id", ctx->request_id, 0},
        {"trace_id", ctx->trace_id, 0},
        {"client", ctx->client, 0},
        {NULL, NULL, 0},
    };
    size_t most = LINE_REST_BYTES;
    for (struct field *f = fields; f->name; f++) {
        if (f->text && f->text != msg)
            f->len = strnlen(f->text, FIELD_BYTES);
        most += f->len * ESCAPED;
    }
    static_assert(LINE_REST_BYTES + ESCAPED * (LOG_MESSAGE_BYTES + 6 * FIELD_BYTES) <= BUFFER_BYTES,
                  "the longest line fits");
    pthread_mutex_lock(&lock);
    if (out.len + most > BUFFER_BYTES)
        write_out();
    add_line(level, fields);
    if (!out.collecting || level >= LOG_WARNING)
        write_out();
    pthread_mutex_unlock(&lock);
}
