/*
 * bench_gateway [CALLS] [BYTES] - what the model gateway adds to a call: the same call to the
 * scripted model server directly and through the gateway, in turn, one at a time. Both ends of the
 * gateway's socket are on one loop here, so what the worker does for a call is in the figure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brain/model/transport.h"
#include "unit/gateway_rig.h"

#define CHAT "/chatty/chat/completions"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double one_call(const struct httpc_request *request)
{
    struct httpc_answer answer;
    struct err err = {0};
    struct pool *pool = pool_create(NULL);
    int64_t begun = clock_mono_us();
    if (httpc_call(rig.client, pool, request, &answer, &err) || answer.status != 200) {
        fprintf(stderr, "bench_gateway: %s\n", *err.msg ? err.msg : answer.body);
        exit(1);
    }
    pool_destroy(pool);
    return (double)(clock_mono_us() - begun) / 1000;
}

static void tell(const char *what, double *ms, int n)
{
    qsort(ms, (size_t)n, sizeof(*ms), by_value);
    printf("%-10s p50 %.3f ms  p99 %.3f ms\n", what, ms[n / 2], ms[n * 99 / 100]);
}

static struct httpc_request call_to(const char *url, const char *socket, const char *const *headers,
                                    const char *body)
{
    return (struct httpc_request){.method = "POST",
                                  .url = url,
                                  .socket = socket,
                                  .headers = headers,
                                  .body = body,
                                  .body_len = strlen(body),
                                  .timeout_ms = 10000,
                                  .max_answer_bytes = CAP_MODEL_ANSWER_BYTES};
}

static void measure(int n, const char *body, const char *what)
{
    const struct gateway_run *run = rig_run("acme", what, 0);
    const char *key[] = {"Authorization: Bearer " RIG_KEY, NULL};
    const char *credential[] = {pool_printf(rig.pool, "Authorization: Bearer %s", run->credential),
                                NULL};
    const char *url = pool_printf(rig.pool, "http://127.0.0.1:%d/v1/chat/completions",
                                  model_server_port(rig.server));
    const struct httpc_request direct = call_to(url, NULL, key, body);
    const struct httpc_request through =
        call_to("http://gateway" CHAT, rig.gateway->socket, credential, body);
    double *a = calloc((size_t)n, sizeof(*a)), *b = calloc((size_t)n, sizeof(*b));
    for (int i = -10; i < n; i++) { /* ten to warm up */
        double x = one_call(&direct), y = one_call(&through);
        if (i >= 0) {
            a[i] = x;
            b[i] = y;
        }
    }
    printf("%s, %d calls of %zu bytes\n", what, n, strlen(body));
    tell("  direct", a, n);
    tell("  gateway", b, n);
    free(a);
    free(b);
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 500;
    size_t bytes = argc > 2 ? (size_t)atol(argv[2]) : 110000;
    rig_set_up("[{\"text\":\"hello\"}]");
    char *picture = calloc(1, bytes + 1);
    memset(picture, 'A', bytes);
    const char *body = rig_chat(pool_printf(rig.pool, "data:image/png;base64,%s", picture));
    measure(n, body, "paid by the token");
    rig_pod(1, true);
    measure(n, body, "the pod's model");
    free(picture);
    rig_tear_down();
    return 0;
}
