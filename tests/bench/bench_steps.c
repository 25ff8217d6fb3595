/*
 * What a step costs beside its page work: a plan of waits with nested loops on a fake page, from
 * the worker's checkpoint to its commit in the store. bench_steps FILE DATABASE; prints how many
 * steps, milliseconds of processor time per step, its parts, the same of the first and the last
 * EDGE steps, and how the run ended. Waiting for the disk is not in it.
 */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/caps.h"
#include "core/delta.h"
#include "store/store.h"
#include "unit/run_rig.h"

#define KEY  RUN_KEY("acme", "bench")
#define EDGE 100

static struct {
    int64_t send_us, receive_us, store_us;
    int n;
    int64_t at_us[CAP_STEP_RESULTS]; /* when each checkpoint was done */
    struct delta delta;              /* of the worker */
    json_t *last;                    /* that serve has */
    struct store *store;
} spent;

/* Processor time: others on the machine do not count. */
static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t lap(int64_t *since)
{
    int64_t now = cpu_us(), took = now - *since;
    *since = now;
    return took;
}

static int on_checkpoint(void *arg, const json_t *checkpoint, const json_t *events)
{
    int64_t since = cpu_us();
    json_t *message = delta_make(&spent.delta, checkpoint);
    char *sent = json_dumps(message, JSON_COMPACT);
    spent.send_us += lap(&since);
    json_t *received = json_loads(sent, 0, NULL);
    if (!delta_apply(&spent.last, received))
        return E_INVALID;
    spent.receive_us += lap(&since);
    int r = store_run_checkpoint(spent.store, KEY, received, events, NULL);
    spent.store_us += lap(&since);
    if (spent.n < CAP_STEP_RESULTS)
        spent.at_us[spent.n++] = since;
    json_decref(message);
    json_decref(received);
    free(sent);
    return r;
}

static void on_event(void *arg, const json_t *event)
{
}

static void empty_page(struct fake_web *web, struct pool *pool, const char *url,
                       struct fake_page *out)
{
}

static int open_store(const char *path)
{
    struct err err = {0};
    struct run_record rec = {.run_id = "bench", .tenant_id = "acme"};
    struct store_creation run = {.run = &rec};
    int r = store_open("sqlite", path, &spent.store, &err);
    r = r ? r : store_run_create(spent.store, &run, 1, &err);
    r = r ? r : store_run_start(spent.store, KEY, NULL, &err);
    if (r)
        fprintf(stderr, "%s\n", err.msg);
    return r;
}

static double ms(int64_t us, int n)
{
    return n ? (double)us / 1000 / n : 0;
}

static void print(int64_t all_us, const char *status)
{
    int n = spent.n, edge = n > EDGE ? EDGE : n - 1;
    int64_t rest_us = all_us - spent.send_us - spent.receive_us - spent.store_us;
    printf("%d %.3f %.3f %.3f %.3f %.3f %.3f %.3f %s\n", n, ms(all_us, n), ms(rest_us, n),
           ms(spent.send_us, n), ms(spent.receive_us, n), ms(spent.store_us, n),
           ms(spent.at_us[edge] - spent.at_us[0], edge),
           ms(spent.at_us[n - 1] - spent.at_us[n - 1 - edge], edge), status);
}

int main(int argc, char **argv)
{
    static struct rig rig;
    json_t *steps = argc == 3 ? json_load_file(argv[1], 0, NULL) : NULL;
    if (!steps || open_store(argv[2])) {
        fprintf(stderr, "usage: bench_steps FILE DATABASE: normalised steps, a store to make\n");
        return EXIT_FAILURE;
    }
    rig_init(&rig, empty_page, "[]");
    json_t *doc = json_pack("{s:o}", "steps", steps);
    if (plan_from_json(rig.pool, doc, &rig.plan, NULL))
        return EXIT_FAILURE;
    rig.config.plan = rig.plan;
    rig.host.checkpoint = on_checkpoint;
    rig.host.event = on_event;
    int64_t began = cpu_us();
    rig_run(&rig, NULL);
    if (spent.n)
        print(cpu_us() - began, rig.end.status);
    json_decref(doc);
    json_decref(spent.last);
    delta_release(&spent.delta);
    store_close(spent.store);
    rig_release(&rig);
    return spent.n ? EXIT_SUCCESS : EXIT_FAILURE;
}
