/*
 * What a step costs beside its page work: a plan of waits with nested loops on a fake page, from
 * the worker's checkpoint to the bytes that the store gets. bench_steps FILE; prints milliseconds
 * per step, and its parts. The disk is not in it.
 */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/caps.h"
#include "core/delta.h"
#include "unit/run_rig.h"

static struct {
    int64_t send_us, receive_us, store_us;
    size_t bytes;
    int n;
    struct delta delta; /* of the worker */
    json_t *last;       /* that serve has */
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
    json_t *received = json_loads(sent, 0, NULL), *whole = delta_apply(spent.last, received);
    json_decref(spent.last);
    spent.last = whole;
    spent.receive_us += lap(&since);
    char *stored = json_dumps(whole, JSON_COMPACT);
    spent.store_us += lap(&since);
    spent.bytes = strlen(stored);
    spent.n++;
    json_decref(message);
    json_decref(received);
    free(sent);
    free(stored);
    return 0;
}

static void on_event(void *arg, const json_t *event)
{
}

static void empty_page(struct fake_web *web, struct pool *pool, const char *url,
                       struct fake_page *out)
{
}

static double ms(int64_t us)
{
    return (double)us / 1000 / spent.n;
}

int main(int argc, char **argv)
{
    static struct rig rig;
    json_t *steps = argc == 2 ? json_load_file(argv[1], 0, NULL) : NULL;
    if (!steps) {
        fprintf(stderr, "usage: bench_steps FILE: normalised steps\n");
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
    int64_t all = cpu_us() - began, rest = all - spent.send_us - spent.receive_us - spent.store_us;
    printf("%d %.3f %.3f %.3f %.3f %.3f %zu %s\n", spent.n, ms(all), ms(rest), ms(spent.send_us),
           ms(spent.receive_us), ms(spent.store_us), spent.bytes, rig.end.status);
    json_decref(doc);
    json_decref(spent.last);
    delta_release(&spent.delta);
    rig_release(&rig);
    return EXIT_SUCCESS;
}
