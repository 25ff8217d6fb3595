/*
 * webhook.c - the outbox is the queue: nothing is remembered here but the attempts under way, so a
 * restart needs no recovery. Whenever something may have become due, the soonest of each tenant are
 * asked for and started as far as there is room.
 *
 * Time. next_us is kept in the store, so it is of the wall clock, which people and time servers
 * set. What is compared with it is a clock of our own: the wall clock, but never falling back. A
 * wall clock that was set back between two starts is noticed by deliveries that are further away
 * than their step of the schedule.
 */
#include "sched/webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/address.h"
#include "sys/httpc.h"

#define LOGGER "mantis.server" /* fixed by tenancy.md section 9 */

#define ATTEMPT_MS     10000
#define PER_TENANT     4   /* attempts of one tenant at once */
#define PER_RECEIVER   2   /* attempts of one tenant to one receiver at once */
#define DUE_LIMIT      256 /* looked at in one go */
#define START_LIMIT    1000
#define RECHECK_MIN_MS 20
#define RECHECK_MS     30000 /* the wall clock may have been set forward */
#define STORE_AGAIN_MS 2000
#define SHOWN_BYTES    300
#define TURNS          4096 /* tenants told apart when it is asked whose turn it is */

/* Seconds before attempt 1, 2, 3 ...; 23 h 47 min in all. */
static const int schedule_s[] = {0,    1,    5,     30,    2 * 60, 5 * 60, 10 * 60, 30 * 60,
                                 3600, 7200, 14400, 14400, 14400,  14400,  14400};
_Static_assert(ARRAY_SIZE(schedule_s) == WEBHOOK_ATTEMPTS, "one wait per attempt");

struct attempt {
    struct attempt *next;
    struct webhooks *webhooks;
    struct pool *pool;
    struct store_delivery delivery; /* without payload; strings in pool */
    const char *origin, *shown_url;
    struct httpc_exchange *exchange; /* NULL: the answer is there */
    int64_t started_ms;

    /* what came of it, until the store has it */
    struct store_attempt made;
    enum delivery_state to;
    int64_t next_us;
    const char *outcome;
    struct loop_timer again;
};

struct webhooks {
    struct loop *loop;
    struct store *store;
    struct tenants *tenants;
    const struct settings *settings;
    webhook_outcome_fn *fn;
    void *arg;
    struct httpc
        *httpc; /* made for the first attempt: most of libcurl's memory comes with its use */
    struct attempt *attempts;
    struct loop_timer timer;
    uint64_t starts, last_start[TURNS]; /* of a tenant, by its hash: when it had its turn */
    int64_t time_us, mono_us; /* now_us() when it was last asked, and the monotonic clock then */
};

/* --- time ------------------------------------------------------------------------------------ */

static int64_t now_us(struct webhooks *w)
{
    int64_t mono = clock_mono_us(), wall = clock_wall_us();
    int64_t at_least = w->time_us + (mono - w->mono_us);
    w->mono_us = mono;
    w->time_us = wall > at_least ? wall : at_least;
    return w->time_us;
}

/* Between attempt number n and the next; 0 when n was the last. */
static int64_t step_us(int n)
{
    return n < WEBHOOK_ATTEMPTS ? schedule_s[n] * INT64_C(1000000) : 0;
}

/* No delivery waits longer than its step: one that would shows that the wall clock was ahead when
 * it was written, and by how much. */
static int find_lost_time(struct webhooks *w, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct store_delivery *list;
    int64_t now = clock_wall_us(), ahead = 0, next;
    int n = 0;
    int r = store_outbox_due(w->store, pool, INT64_MAX / 2, START_LIMIT, &list, &n, &next, err);
    for (int i = 0; !r && i < n; i++) {
        int64_t over = list[i].next_us - now - step_us(list[i].attempts);
        ahead = over > ahead ? over : ahead;
    }
    if (ahead)
        log_warning(LOGGER, NULL, "webhooks: the clock was set back by at least %lld s",
                    (long long)(ahead / 1000000));
    w->time_us = now + ahead;
    w->mono_us = clock_mono_us();
    pool_destroy(pool);
    return r;
}

/* --- addresses ------------------------------------------------------------------------------- */

const char *webhook_shown_url(struct pool *pool, const char *url)
{
    struct httpc_url u;
    if (httpc_url_parse(pool, url, &u, NULL))
        return "";
    return str_cut(pool, pool_printf(pool, "%s%s", u.origin, u.path), SHOWN_BYTES);
}

static bool is_local_name(struct pool *pool, const char *host)
{
    char *name = str_lower(pool, host);
    size_t len = strlen(name);
    while (len && name[len - 1] == '.')
        name[--len] = '\0';
    return strcmp(name, "localhost") == 0 || str_ends(name, ".localhost");
}

static int check_url(struct pool *pool, const char *url, bool allow_private, struct err *err)
{
    struct httpc_url u;
    if (strlen(url) > CAP_WEBHOOK_URL_BYTES)
        return err_set(err, E_INVALID, "the webhook address is longer than %d bytes",
                       CAP_WEBHOOK_URL_BYTES);
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return err_set(err, E_INVALID,
                           "the webhook address holds a blank or control character");
    const char *host = strstr(url, "://");
    if (!host || host[3] == '/' || httpc_url_parse(pool, url, &u, NULL) || u.port < 1)
        return err_set(err, E_INVALID,
                       "the webhook address is not http:// or https:// with a host and a port of 1 "
                       "to 65535");
    if (u.has_userinfo)
        return err_set(err, E_INVALID,
                       "the webhook address for host '%.200s' holds a user name or password: "
                       "deliveries are signed instead",
                       u.host);
    if (!allow_private && (is_local_name(pool, u.host) || address_text_is_public(u.host) == 0))
        return err_set(
            err, E_INVALID,
            "the webhook host '%.200s' is a private address; the operator can allow those "
            "with MANTIS_WEBHOOK_ALLOW_PRIVATE=1",
            u.host);
    return 0;
}

int webhook_check_url(const char *url, bool allow_private, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    int r = check_url(pool, url, allow_private, err);
    pool_destroy(pool);
    return r;
}

/* --- what came of an attempt ------------------------------------------------------------------ */

static void say(const struct attempt *a)
{
    const struct store_delivery *d = &a->delivery;
    struct log_ctx ctx = {.tenant_id = d->tenant_id, .run_id = d->run_id};
    int n = d->attempts + 1;
    if (a->to == DELIVERY_DELIVERED)
        log_info(LOGGER, &ctx,
                 "webhook delivered run_id=%s tenant=%s url=%s status=%d attempt=%d "
                 "delivery=%s",
                 d->run_id, d->tenant_id, a->shown_url, a->made.status, n, d->id);
    else
        log_warning(LOGGER, &ctx,
                    "webhook %s%s run_id=%s tenant=%s url=%s status=%d delivery=%s: %s",
                    pool_printf(a->pool, "attempt %d of %d failed", n, WEBHOOK_ATTEMPTS),
                    a->to == DELIVERY_DEAD ? ", gave up" : "", d->run_id, d->tenant_id,
                    a->shown_url, a->made.status, d->id, a->made.error);
}

static void free_attempt(struct attempt *a)
{
    struct attempt **p = &a->webhooks->attempts;
    while (*p != a)
        p = &(*p)->next;
    *p = a->next;
    if (a->exchange)
        httpc_cancel(a->exchange);
    loop_timer_clear(&a->again);
    pool_destroy(a->pool);
}

/* An attempt whose outcome the store does not take keeps its place: it must not be made again. */
static void keep(void *arg)
{
    struct attempt *a = arg;
    struct webhooks *w = a->webhooks;
    struct err err = {0};
    int r = store_outbox_attempt(w->store, a->delivery.id, &a->made, a->to, a->next_us, &err);
    if (r && r != E_NOT_FOUND) {
        struct log_ctx ctx = {.tenant_id = a->delivery.tenant_id, .run_id = a->delivery.run_id};
        log_warning(LOGGER, &ctx, "webhook outcome not stored, tried again in %d s: %s",
                    STORE_AGAIN_MS / 1000, err.msg);
        loop_timer_set(w->loop, &a->again, STORE_AGAIN_MS, keep, a);
        return;
    }
    say(a);
    if (w->fn)
        w->fn(w->arg, a->delivery.tenant_id, a->outcome);
    free_attempt(a);
    webhooks_wake(w);
}

/* status 0: there was no answer. final: no further attempt could end otherwise. */
static void decide(struct attempt *a, int status, const char *error, bool refused, bool final)
{
    struct webhooks *w = a->webhooks;
    int n = a->delivery.attempts + 1;
    a->made = (struct store_attempt){.due_us = a->delivery.next_us,
                                     .at_us = clock_wall_us(),
                                     .status = status,
                                     .duration_ms = (int)(clock_mono_ms() - a->started_ms),
                                     .error = pool_strdup(a->pool, error)};
    if (status >= 200 && status < 300)
        a->to = DELIVERY_DELIVERED;
    else
        a->to = final || n >= WEBHOOK_ATTEMPTS ? DELIVERY_DEAD : DELIVERY_PENDING;
    if (a->to == DELIVERY_PENDING)
        a->next_us = now_us(w) + step_us(n);
    a->outcome = a->to == DELIVERY_DELIVERED ? "delivered"
                 : refused                   ? "refused"
                 : a->to == DELIVERY_DEAD    ? "dead"
                                             : "retry";
    keep(a);
}

static const char *what_is_wrong(struct pool *pool, int status)
{
    if (status >= 200 && status < 300)
        return "";
    if (status >= 300 && status < 400)
        return pool_printf(pool, "answered %d: redirects are not followed", status);
    return pool_printf(pool, "answered %d", status);
}

static void answered(void *arg, int result, const struct httpc_answer *answer,
                     const struct err *err)
{
    struct attempt *a = arg;
    a->exchange = NULL;
    if (result)
        decide(a, 0, err->msg, result == E_FORBIDDEN, false);
    else
        decide(a, answer->status, what_is_wrong(a->pool, answer->status), false, false);
}

/* --- making one ------------------------------------------------------------------------------- */

static const char *body_of(struct pool *pool, const json_t *payload)
{
    char iso[CLOCK_ISO_BYTES];
    json_t *body = payload ? json_copy((json_t *)payload) : json_object();
    json_put_str(body, "delivered_at", clock_iso(clock_wall_us(), iso));
    const char *text = json_text(pool, body);
    json_decref(body);
    return text;
}

static const char *secret_of(const struct webhooks *w, struct pool *pool,
                             const struct store_delivery *d)
{
    const char *own =
        d->secret_name && *d->secret_name ? tenants_secret(w->tenants, pool, d->secret_name) : "";
    return *own ? own : w->settings->webhook_secret_default;
}

#define HEADERS 10

static void make_headers(const struct attempt *a, struct pool *pool, const char *trace,
                         const char *body, const char *headers[HEADERS])
{
    const struct store_delivery *d = &a->delivery;
    const char *secret = secret_of(a->webhooks, pool, d);
    long long unix_s = clock_wall_us() / 1000000;
    char hex[ID_SHA256_HEX_BYTES];
    int n = 0;
    headers[n++] = "Content-Type: application/json";
    headers[n++] = "User-Agent: mantis-cua/webhook";
    headers[n++] = pool_printf(pool, "X-Mantis-Delivery: %s", d->id);
    headers[n++] = pool_printf(pool, "X-Mantis-Event: %s", d->event);
    headers[n++] = pool_printf(pool, "X-Mantis-Attempt: %d", d->attempts + 1);
    headers[n++] = pool_printf(pool, "X-Mantis-Timestamp: %lld", unix_s);
    if (trace)
        headers[n++] = pool_printf(pool, "traceparent: %s", trace);
    if (secret && *secret) {
        id_hmac_sha256_hex(secret, body, strlen(body), hex);
        headers[n++] = pool_printf(pool, "X-Mantis-Signature: sha256=%s", hex);
        const char *timed = pool_printf(pool, "%lld.%s", unix_s, body);
        id_hmac_sha256_hex(secret, timed, strlen(timed), hex);
        headers[n++] = pool_printf(pool, "X-Mantis-Signature-V2: t=%lld,v1=%s", unix_s, hex);
    }
    headers[n] = NULL;
}

/* Goes with the pool once the request is on its way: a secret is read per use and not kept. */
static int send_request(struct attempt *a, const json_t *payload, struct err *err)
{
    struct webhooks *w = a->webhooks;
    struct pool *pool = pool_create(NULL);
    const char *headers[HEADERS];
    const char *body = body_of(pool, payload);
    make_headers(a, pool, json_str(payload, "traceparent", NULL), body, headers);
    bool anywhere = w->settings->webhook_allow_private;
    struct httpc_request req = {
        .method = "POST",
        .url = a->delivery.url,
        .headers = headers,
        .body = body,
        .body_len = strlen(body),
        .timeout_ms = ATTEMPT_MS,
        .max_answer_bytes = CAP_WEBHOOK_ANSWER_BYTES,
        .flags = HTTPC_STATUS_COUNTS | (anywhere ? HTTPC_NO_PROXY : HTTPC_PUBLIC_ONLY),
    };
    int r = check_url(pool, a->delivery.url, anywhere, err);
    if (!r && !w->httpc)
        r = httpc_create(w->loop, &w->httpc, err);
    if (!r)
        r = httpc_start(w->httpc, &req, answered, a, &a->exchange, err);
    pool_destroy(pool);
    return r;
}

static struct attempt *make_attempt(struct webhooks *w, const struct store_delivery *d)
{
    struct pool *pool = pool_create(NULL);
    struct attempt *a = pool_alloc(pool, sizeof(*a));
    struct httpc_url url;
    *a = (struct attempt){.webhooks = w, .pool = pool, .delivery = *d};
    a->delivery.payload = NULL;
    a->delivery.id = pool_strdup(pool, d->id);
    a->delivery.tenant_id = pool_strdup(pool, d->tenant_id);
    a->delivery.run_id = pool_strdup(pool, d->run_id);
    a->delivery.event = pool_strdup(pool, d->event);
    a->delivery.url = pool_strdup(pool, d->url);
    a->delivery.secret_name = pool_strdup(pool, d->secret_name ? d->secret_name : "");
    a->delivery.last_error = NULL;
    a->origin = httpc_url_parse(pool, d->url, &url, NULL) ? "" : url.origin;
    a->shown_url = webhook_shown_url(pool, d->url);
    a->started_ms = clock_mono_ms();
    a->next = w->attempts;
    w->attempts = a;
    return a;
}

static uint64_t *turn_of(struct webhooks *w, const char *tenant)
{
    return &w->last_start[str_hash(STR_HASH_START, tenant, strlen(tenant)) % TURNS];
}

static void start(struct webhooks *w, const struct store_delivery *d)
{
    struct attempt *a = make_attempt(w, d);
    struct err err = {0};
    *turn_of(w, d->tenant_id) = ++w->starts;
    int r = send_request(a, d->payload, &err);
    if (r) /* no later attempt could go there either */
        decide(a, 0, err.msg, r == E_INVALID, r == E_INVALID);
}

/* --- which ones ------------------------------------------------------------------------------- */

/* Not under way, and its tenant, most at once, and receiver do not have their share already. */
static bool may_start(const struct webhooks *w, const struct store_delivery *d, int most)
{
    struct pool *pool = pool_create(NULL);
    struct httpc_url url;
    const char *origin = httpc_url_parse(pool, d->url, &url, NULL) ? "" : url.origin;
    int all = 0, tenant = 0, receiver = 0;
    bool under_way = false;
    for (const struct attempt *a = w->attempts; a; a = a->next) {
        bool same_tenant = strcmp(a->delivery.tenant_id, d->tenant_id) == 0;
        all++;
        tenant += same_tenant;
        receiver += same_tenant && strcasecmp(a->origin, origin) == 0;
        under_way = under_way || strcmp(a->delivery.id, d->id) == 0;
    }
    pool_destroy(pool);
    return !under_way && all < WEBHOOK_PARALLEL && tenant < most && receiver < PER_RECEIVER;
}

struct turn {
    const struct store_delivery *d; /* NULL: had it */
    uint64_t last_start;
    int at; /* in the store's order */
};

static int by_turn(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->last_start != y->last_start)
        return x->last_start > y->last_start ? 1 : -1;
    return x->at - y->at;
}

/* One more of each tenant after the other, beginning with those that were not served for longest:
 * as soon as there is room, a tenant with nothing under way has some of it. */
static void start_in_turn(struct webhooks *w, struct pool *pool, const struct store_delivery *list,
                          int n)
{
    struct turn *turns = pool_alloc(pool, sizeof(*turns) * (size_t)(n + 1));
    for (int i = 0; i < n; i++)
        turns[i] = (struct turn){&list[i], *turn_of(w, list[i].tenant_id), i};
    qsort(turns, (size_t)n, sizeof(*turns), by_turn);
    for (int most = 1; most <= PER_TENANT; most++)
        for (int i = 0; i < n; i++)
            if (turns[i].d && may_start(w, turns[i].d, most)) {
                start(w, turns[i].d);
                turns[i].d = NULL;
            }
}

static void start_due(void *arg)
{
    struct webhooks *w = arg;
    struct pool *pool = pool_create(NULL);
    struct store_delivery *list;
    struct err err = {0};
    int64_t now = now_us(w), next = 0;
    int n = 0;
    if (store_outbox_due(w->store, pool, now, DUE_LIMIT, &list, &n, &next, &err)) {
        log_warning(LOGGER, NULL, "webhooks: the outbox cannot be read: %s", err.msg);
        next = now + STORE_AGAIN_MS * INT64_C(1000);
        n = 0;
    }
    if (next) {
        int64_t wait_ms = (next - now + 999) / 1000;
        wait_ms = wait_ms < RECHECK_MIN_MS ? RECHECK_MIN_MS : wait_ms;
        wait_ms = wait_ms > RECHECK_MS ? RECHECK_MS : wait_ms;
        loop_timer_set(w->loop, &w->timer, wait_ms, start_due, w);
    }
    /* one that ends at once wakes us again: the timer is set before */
    start_in_turn(w, pool, list, n);
    pool_destroy(pool);
}

void webhooks_wake(struct webhooks *w)
{
    loop_timer_set(w->loop, &w->timer, 0, start_due, w);
}

/* A result that was stored may have put a delivery in. The store must not be used from here. */
static void on_note(void *arg, const struct store_note *note)
{
    if (note->result)
        webhooks_wake(arg);
}

/* --- life ------------------------------------------------------------------------------------- */

int webhooks_create(struct loop *loop, struct store *store, struct tenants *tenants,
                    const struct settings *settings, webhook_outcome_fn *fn, void *arg,
                    struct webhooks **out, struct err *err)
{
    struct webhooks *w = calloc(1, sizeof(*w));
    if (!w)
        BUG("out of memory");
    *w = (struct webhooks){.loop = loop,
                           .store = store,
                           .tenants = tenants,
                           .settings = settings,
                           .fn = fn,
                           .arg = arg};
    int r = find_lost_time(w, err);
    if (r) {
        free(w);
        return r;
    }
    store_listen(store, on_note, w);
    webhooks_wake(w);
    *out = w;
    return 0;
}

void webhooks_destroy(struct webhooks *w)
{
    if (!w)
        return;
    while (w->attempts)
        free_attempt(w->attempts);
    httpc_destroy(w->httpc);
    loop_timer_clear(&w->timer);
    free(w);
}
