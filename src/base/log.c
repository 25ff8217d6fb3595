#include "base/log.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char *const level_names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
static enum log_level threshold = LOG_INFO;
static bool plain_text;

void log_setup(void)
{
    const char *level = getenv("LOG_LEVEL"), *format = getenv("MANTIS_LOG_FORMAT");
    for (size_t i = 0; level && i < ARRAY_SIZE(level_names); i++)
        if (strcasecmp(level, level_names[i]) == 0)
            threshold = (enum log_level)i;
    plain_text = format && *format && strcmp(format, "json") != 0;
}

static void add(json_t *line, const char *key, const char *value)
{
    if (value)
        json_put_str(line, key, value);
}

static char *json_line(struct pool *pool, enum log_level level, const char *logger,
                       const struct log_ctx *ctx, const char *msg)
{
    char ts[CLOCK_ISO_BYTES];
    json_t *line = json_keep(pool, json_object());
    add(line, "ts", clock_iso(clock_wall_us(), ts));
    add(line, "level", level_names[level]);
    add(line, "logger", logger);
    add(line, "msg", msg);
    if (ctx) {
        add(line, "tenant_id", ctx->tenant_id);
        add(line, "run_id", ctx->run_id);
        add(line, "request_id", ctx->request_id);
    }
    return pool_printf(pool, "%s\n", json_text(pool, line));
}

void log_msg(enum log_level level, const char *logger, const struct log_ctx *ctx, const char *fmt, ...)
{
    if (level < threshold)
        return;
    struct pool *pool = pool_create(NULL);
    va_list ap;
    va_start(ap, fmt);
    char *msg = pool_vprintf(pool, fmt, ap);
    va_end(ap);
    if (plain_text) /* no line can be forged inside a message */
        for (char *p = msg; *p; p++)
            *p = (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p;
    char *line = plain_text ? pool_printf(pool, "%s %s: %s\n", level_names[level], logger, msg)
                            : json_line(pool, level, logger, ctx, msg);
    if (write(STDERR_FILENO, line, strlen(line)) < 0) {
        /* nowhere left to say it */
    }
    pool_destroy(pool);
}
