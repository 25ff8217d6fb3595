/*
 * log.h - one JSON object per line on stderr: {"ts","level","logger","msg",...} (http-api.md 19).
 *
 * LOG_LEVEL picks the level (DEBUG, INFO, WARNING, ERROR); MANTIS_LOG_FORMAT other than "json"
 * prints plain text. Never pass a token, key or user input that may hold one. A line is one line,
 * whatever is in it, and always well-formed: bytes that are no UTF-8 become U+FFFD, a message longer
 * than LOG_MESSAGE_BYTES is cut.
 * Threads: any; a line is never torn by another.
 */
#ifndef MANTIS_BASE_LOG_H
#define MANTIS_BASE_LOG_H

#include <stdbool.h>

#define LOG_MESSAGE_BYTES 8192

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Whom a line is about; fields may be NULL. */
struct log_ctx {
    const char *tenant_id;
    const char *run_id;
    const char *request_id;
    const char *trace_id; /* of the caller's traceparent */
    const char *client;   /* address */
};

/* Read LOG_LEVEL and MANTIS_LOG_FORMAT; call once at start. */
void log_setup(void);

/* on: lines below WARNING are collected until log_flush(), which a full buffer, a WARNING, a BUG() and
 * the end of the program do too. For a program that flushes once per turn of its loop. */
void log_buffer(bool on);
void log_flush(void);

void log_msg(enum log_level level, const char *logger, const struct log_ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define log_debug(logger, ctx, ...) log_msg(LOG_DEBUG, logger, ctx, __VA_ARGS__)
#define log_info(logger, ctx, ...) log_msg(LOG_INFO, logger, ctx, __VA_ARGS__)
#define log_warning(logger, ctx, ...) log_msg(LOG_WARNING, logger, ctx, __VA_ARGS__)
#define log_error(logger, ctx, ...) log_msg(LOG_ERROR, logger, ctx, __VA_ARGS__)

#endif
