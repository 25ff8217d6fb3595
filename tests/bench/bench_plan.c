/*
 * How long a plan takes from its text to its findings: bench_plan FILE. Prints the median in
 * milliseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/caps.h"
#include "plan/intake.h"
#include "plan/validate.h"
#include "sys/input.h"

#define ROUNDS 101

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static double once(const char *text, size_t len)
{
    static const struct intake_config config = {
        .repo_root = "", .env_url = "", .default_micro = ""};
    static const struct report_style plain;
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    struct plan *plan;
    json_t *document;
    double began = cpu_ms();
    int n, r = json_parse_named(text, len, "plan", &document, &err);
    r = r ? r : intake_document(pool, &config, json_keep(pool, document), "", &plan, &err);
    if (r) {
        fprintf(stderr, "%s\n", err.msg);
        exit(EXIT_FAILURE);
    }
    const struct finding *findings = plan_validate(pool, plan, &n);
    plan_findings_text(pool, "plan", plan, findings, n, &plain);
    double ms = cpu_ms() - began;
    pool_destroy(pool);
    return ms;
}

int main(int argc, char **argv)
{
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    double took[ROUNDS];
    char *text;
    size_t len;
    if (argc != 2 || input_read(pool, argv[1], CAP_PLAN_FILE_BYTES, &text, &len, &err)) {
        fprintf(stderr, "usage: bench_plan FILE (%s)\n", err.msg);
        return EXIT_FAILURE;
    }
    for (int i = 0; i < ROUNDS; i++)
        took[i] = once(text, len);
    qsort(took, ROUNDS, sizeof(took[0]), by_size);
    printf("%.3f\n", took[ROUNDS / 2]);
    pool_destroy(pool);
    return EXIT_SUCCESS;
}
