/*
 * metric.c - series are found by hash: what is counted is counted on every request, what is printed
 * is printed every few seconds, so order is made when printing.
 */
#include "base/metric.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

struct series {
    struct series *next; /* of the same hash slot */
    char *values[METRIC_LABELS];
    double value;      /* counter, gauge; sum of a histogram */
    uint64_t count;    /* histogram */
    uint64_t counts[]; /* per bucket, not cumulative; n_buckets of them */
};

#define SLOTS 256

struct metric {
    struct metric *next; /* by name */
    const struct metric_spec *spec;
    int n_labels;
    size_t n_series;
    struct series *slots[SLOTS];
};

struct metrics {
    struct metric *first;
};

static void *must(void *memory)
{
    if (!memory)
        BUG("out of memory");
    return memory;
}

struct metrics *metrics_create(void)
{
    return must(calloc(1, sizeof(struct metrics)));
}

static void free_series(struct metric *m, struct series *s)
{
    for (int i = 0; i < m->n_labels; i++)
        free(s->values[i]);
    free(s);
}

void metrics_destroy(struct metrics *metrics)
{
    while (metrics && metrics->first) {
        struct metric *m = metrics->first;
        metrics->first = m->next;
        for (int i = 0; i < SLOTS; i++)
            for (struct series *s = m->slots[i], *next; s; s = next) {
                next = s->next;
                free_series(m, s);
            }
        free(m);
    }
    free(metrics);
}

struct metric *metric_make(struct metrics *metrics, const struct metric_spec *spec)
{
    struct metric *m = must(calloc(1, sizeof(*m))), **p = &metrics->first;
    m->spec = spec;
    while (m->n_labels < METRIC_LABELS && spec->labels[m->n_labels])
        m->n_labels++;
    while (*p && strcmp((*p)->spec->name, spec->name) < 0)
        p = &(*p)->next;
    if (*p && strcmp((*p)->spec->name, spec->name) == 0)
        BUG("metric '%s' was made twice", spec->name);
    m->next = *p;
    *p = m;
    return m;
}

/* --- series ---------------------------------------------------------------------------------- */

/* FNV-1a; the NUL between two values counts too. */
static unsigned slot_of(const struct metric *m, const char *const *values)
{
    uint32_t h = 2166136261u;
    for (int i = 0; i < m->n_labels; i++)
        for (const char *p = values[i];; p++) {
            h = (h ^ (unsigned char)*p) * 16777619u;
            if (!*p)
                break;
        }
    return h % SLOTS;
}

static struct series *lookup(const struct metric *m, const char *const *values, unsigned slot)
{
    for (struct series *s = m->slots[slot]; s; s = s->next) {
        int i = 0;
        while (i < m->n_labels && strcmp(s->values[i], values[i]) == 0)
            i++;
        if (i == m->n_labels)
            return s;
    }
    return NULL;
}

static struct series *insert(struct metric *m, const char *const *values, unsigned slot)
{
    struct series *s = must(calloc(1, sizeof(*s) + m->spec->n_buckets * sizeof(s->counts[0])));
    for (int i = 0; i < m->n_labels; i++)
        s->values[i] = must(strdup(values[i]));
    s->next = m->slots[slot];
    m->slots[slot] = s;
    m->n_series++;
    return s;
}

/* The series of these values: its own, or "other" of a family that is full. */
static struct series *touch(struct metric *m, const char *const *values)
{
    static const char *const other[METRIC_LABELS] = {"other", "other", "other", "other"};
    unsigned slot = slot_of(m, values);
    struct series *s = lookup(m, values, slot);
    if (s)
        return s;
    if (m->n_series < CAP_METRIC_SERIES)
        return insert(m, values, slot);
    slot = slot_of(m, other);
    s = lookup(m, other, slot);
    return s ? s : insert(m, other, slot);
}

/* A scraper refuses the whole page for one byte that is not UTF-8. */
static const char *clean_value(struct pool **pool, const char *value)
{
    size_t len = value ? strlen(value) : 0;
    if (len <= CAP_METRIC_LABEL_BYTES && str_is_utf8(value ? value : "", len))
        return value ? value : "";
    if (!*pool)
        *pool = pool_create(NULL);
    json_t *safe = json_keep(*pool, json_string_safe(value));
    return str_cut(*pool, json_string_value(safe), CAP_METRIC_LABEL_BYTES);
}

static struct series *find(struct metric *m, va_list ap)
{
    struct pool *pool = NULL;
    const char *values[METRIC_LABELS] = {NULL}, *v;
    int n = 0;
    while ((v = va_arg(ap, const char *))) {
        if (n == m->n_labels)
            BUG("metric '%s' was given more than %d labels", m->spec->name, m->n_labels);
        values[n++] = clean_value(&pool, v);
    }
    if (n != m->n_labels)
        BUG("metric '%s' was given %d labels, not %d", m->spec->name, n, m->n_labels);
    struct series *s = touch(m, values);
    pool_destroy(pool);
    return s;
}

void metric_add(struct metric *m, double by, ...)
{
    if (!m || isnan(by) || (m->spec->type == METRIC_COUNTER && by < 0))
        return;
    va_list ap;
    va_start(ap, by);
    find(m, ap)->value += by;
    va_end(ap);
}

void metric_set(struct metric *m, double value, ...)
{
    if (!m)
        return;
    va_list ap;
    va_start(ap, value);
    find(m, ap)->value = value;
    va_end(ap);
}

void metric_observe(struct metric *m, double value, ...)
{
    if (!m || isnan(value))
        return;
    va_list ap;
    va_start(ap, value);
    struct series *s = find(m, ap);
    va_end(ap);
    s->value += value;
    s->count++;
    for (size_t i = 0; i < m->spec->n_buckets; i++)
        if (value <= m->spec->buckets[i]) {
            s->counts[i]++;
            break;
        }
}

void metric_zero(struct metric *m)
{
    for (int i = 0; m && i < SLOTS; i++)
        for (struct series *s = m->slots[i]; s; s = s->next)
            s->value = 0;
}

/* --- printing -------------------------------------------------------------------------------- */

/* The shortest text that reads back as the same number; whole numbers without an exponent. */
static void print_number(struct buf *out, double value)
{
    char text[40];
    if (isinf(value) || isnan(value)) {
        buf_adds(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    if (value == floor(value) && fabs(value) < 9007199254740992.0) {
        buf_addf(out, "%.0f", value == 0 ? 0.0 : value);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_adds(out, text);
}

static void print_escaped(struct buf *out, const char *s, bool in_quotes)
{
    for (; *s; s++) {
        if (*s == '\\')
            buf_adds(out, "\\\\");
        else if (*s == '\n')
            buf_adds(out, "\\n");
        else if (*s == '"' && in_quotes)
            buf_adds(out, "\\\"");
        else
            buf_addc(out, *s);
    }
}

/* name_suffix{labels,le="bound"}; bound NULL: without le. */
static void print_name(struct buf *out, const struct metric *m, const struct series *s,
                       const char *suffix, const double *bound)
{
    const char *between = "{";
    buf_addf(out, "%s%s", m->spec->name, suffix);
    for (int i = 0; i < m->n_labels; i++) {
        buf_addf(out, "%s%s=\"", between, m->spec->labels[i]);
        print_escaped(out, s->values[i], true);
        buf_addc(out, '"');
        between = ",";
    }
    if (bound) {
        buf_addf(out, "%sle=\"", between);
        print_number(out, *bound);
        buf_addc(out, '"');
    }
    if (bound || m->n_labels)
        buf_addc(out, '}');
    buf_addc(out, ' ');
}

static void print_histogram(struct buf *out, const struct metric *m, const struct series *s)
{
    const double infinity = INFINITY;
    uint64_t below = 0;
    for (size_t i = 0; i < m->spec->n_buckets; i++) {
        below += s->counts[i];
        print_name(out, m, s, "_bucket", &m->spec->buckets[i]);
        buf_addf(out, "%llu\n", (unsigned long long)below);
    }
    print_name(out, m, s, "_bucket", &infinity);
    buf_addf(out, "%llu\n", (unsigned long long)s->count);
    print_name(out, m, s, "_sum", NULL);
    print_number(out, s->value);
    buf_addc(out, '\n');
    print_name(out, m, s, "_count", NULL);
    buf_addf(out, "%llu\n", (unsigned long long)s->count);
}

static int by_values(const void *a, const void *b)
{
    const struct series *x = *(struct series *const *)a, *y = *(struct series *const *)b;
    int r = 0;
    for (int i = 0; i < METRIC_LABELS && x->values[i] && !r; i++)
        r = strcmp(x->values[i], y->values[i]);
    return r;
}

static struct series **sorted(const struct metric *m)
{
    struct series **all = must(calloc(m->n_series + 1, sizeof(struct series *)));
    size_t n = 0;
    for (int i = 0; i < SLOTS; i++)
        for (struct series *s = m->slots[i]; s; s = s->next)
            all[n++] = s;
    qsort(all, n, sizeof(struct series *), by_values);
    return all;
}

static void print_family(struct buf *out, const struct metric *m)
{
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    buf_addf(out, "# HELP %s ", m->spec->name);
    print_escaped(out, m->spec->help, false);
    buf_addf(out, "\n# TYPE %s %s\n", m->spec->name, types[m->spec->type]);
    struct series **all = sorted(m);
    for (struct series **s = all; *s; s++) {
        if (m->spec->type == METRIC_HISTOGRAM) {
            print_histogram(out, m, *s);
            continue;
        }
        print_name(out, m, *s, "", NULL);
        print_number(out, (*s)->value);
        buf_addc(out, '\n');
    }
    free(all);
}

void metrics_print(const struct metrics *metrics, struct buf *out)
{
    for (const struct metric *m = metrics->first; m; m = m->next)
        print_family(out, m);
}
