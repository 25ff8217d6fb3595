/*
 * metric.h - counters, gauges and histograms, printed as Prometheus text
 * (text/plain; version=0.0.4, prometheus.io/docs/instrumenting/exposition_formats).
 *
 * A family is made once with its label names; a series appears when it is first touched. Each family
 * keeps at most CAP_METRIC_SERIES series; further label values are counted as "other".
 * Threads: one.
 */
#ifndef MANTIS_BASE_METRIC_H
#define MANTIS_BASE_METRIC_H

#include <stddef.h>

#include "base/buf.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

#define METRIC_LABELS 4

struct metric_spec {
    const char *name, *help;
    enum metric_type type;
    const char *labels[METRIC_LABELS]; /* NULL after the last */
    const double *buckets;             /* histogram: upper bounds, rising, +Inf not listed */
    size_t n_buckets;
};

struct metrics; /* a registry */
struct metric;  /* a family */

struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics);

/* spec and what it points to must outlive the registry (they are static tables). */
struct metric *metric_make(struct metrics *metrics, const struct metric_spec *spec);

/* Label values in the order of spec->labels, NULL-terminated varargs; NULL metric is fine. Values that
 * are not UTF-8 or longer than CAP_METRIC_LABEL_BYTES are mended. A counter ignores what is below 0;
 * it is set only to mirror a count that is kept elsewhere. */
void metric_add(struct metric *metric, double by, ...) __attribute__((sentinel));
void metric_set(struct metric *metric, double value, ...) __attribute__((sentinel));
void metric_observe(struct metric *metric, double value, ...) __attribute__((sentinel));

/* Every series of a counter or gauge is 0 again: before adding up anew what it mirrors. */
void metric_zero(struct metric *metric);

/* Families by name, series by label values, HELP and TYPE first; families without series still print
 * HELP and TYPE. */
void metrics_print(const struct metrics *metrics, struct buf *out);

#endif
