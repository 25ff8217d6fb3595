/*
 * gateway.h - the one way from a worker to a model: a Unix socket on which `serve` takes a run's
 * calls, adds the key, reserves what a call may cost at worst, and settles what it did cost
 * (design.md 1).
 *
 * HTTP on <DATA>/gateway/model.sock: POST /<profile>/chat/completions, POST /<profile>/messages,
 * GET /<profile>/models, each with "Authorization: Bearer <credential>". A call names a profile,
 * never an address; the model server of this pod is behind the profile that it was started for.
 * Answers pass as they came: status, Retry-After, Content-Type, body; and X-Mantis-Model-Seconds
 * says how long the server had the call. The gateway's own errors are {"error": {"type",
 * "message"}}, the types those of err.h; "budget_cap" (402) is the one that ends a run.
 * docs/processes.md tells the same.
 *
 * Who is let in: a process of the run's own uid, or this process, that knows the credential of an attempt that is
 * not over. Threads: the loop's. A call to open or find waits for small files only.
 */
#ifndef MANTIS_SCHED_GATEWAY_H
#define MANTIS_SCHED_GATEWAY_H

#include <sys/types.h>

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "brain/model/profile.h"
#include "core/cost.h"
#include "store/store.h"
#include "sys/loop.h"
#include "sys/settings.h"

struct gateway;
struct gateway_run;

/* The model server of this pod, as it is now. */
struct gateway_pod {
    const char *profile;    /* whose calls go there */
    const char *base_url;   /* "http://127.0.0.1:18080/v1" */
    const char *not_ready;  /* why it takes no calls just now; NULL: it takes them */
    const char *model;      /* what a call names */
    const char *key_secret; /* "" none */
    int slots;              /* calls at once; 0: as many as come */
    bool keeps_prompts;     /* llama-server: each slot keeps the prompt it had last */
};

/* False: there is none. Strings in pool. */
typedef bool gateway_pod_fn(void *arg, struct pool *pool, struct gateway_pod *out);

/* All borrowed. */
struct gateway_config {
    struct loop *loop;
    const struct settings *settings;
    struct store *store; /* what a tenant's ended runs have cost today; NULL: nothing */
    gateway_pod_fn *pod; /* NULL: none */
    void *pod_arg;
};

/* E_IO: the socket cannot be made. */
int gateway_create(const struct gateway_config *config, struct gateway **out,
                   struct err *err) MUST_CHECK;
/* Calls under way end; whoever has a gateway_run must not use it any more. NULL is fine. */
void gateway_destroy(struct gateway *gateway);

/* What an isolated worker must see: where the socket is, and the folders of profiles and prompts. Absolute; borrowed. */
const char *gateway_dir(const struct gateway *gateway);
const struct profile_dirs *gateway_profile_dirs(const struct gateway *gateway);
const struct cost_rates *gateway_rates(const struct gateway *gateway);

/* An attempt of a run; or somebody else of the tenant, whose key names no run. Strings are copied. */
struct gateway_client {
    struct run_key key;
    uid_t uid;                    /* the worker's; 0: this process's own */
    double max_cost;              /* USD, of the run; 0 none */
    const json_t *account;        /* {"costs", "claude_cost_by_path"}: what it has cost so far, as the
                                     store has it; NULL nothing */
    double day_cap;               /* USD, of the tenant's runs of a day; 0 none */
    const char *anthropic_secret; /* the tenant's own key comes first; "" none */
    bool anthropic_required;      /* and the shared one never */
    bool candidate;               /* settings.shadow_url takes the place of the pod's address */
};

/* The attempt may call models until gateway_close(). Never NULL. */
struct gateway_run *gateway_open(struct gateway *gateway, const struct gateway_client *client);

/* The same for a process's own calls: the socket's path in this process, and the credential. Good until
 * gateway_close(). */
void gateway_entry(const struct gateway_run *run, const char **ret_socket, const char **ret_credential);

/* Is there a key for Claude that such a client may use? As of struct gateway_client. */
bool gateway_has_claude(struct gateway *gateway, const char *anthropic_secret, bool anthropic_required);

/* "model" of the start message: {"socket","credential","dirs"{},"pod","claude"}. Holds the credential. New
 * reference. */
json_t *gateway_link(const struct gateway_run *run);

/* The store has these "costs" of the run, which know more than models. */
void gateway_told_cost(struct gateway_run *run, const json_t *costs);

/*
 * A checkpoint as its worker sent it, with the truth about money: what was paid for calls of the run that are not
 * in its claude_cost_by_path and gpu_seconds is added to them, there as "unanswered::<model>" (core/cost.h). Nobody
 * counts the answer of a call that broke off, nor one that came when the worker died. Of calls under way nothing is
 * in it. New reference, the same checkpoint where it is complete. run NULL: likewise.
 */
json_t *gateway_complete(const struct gateway_run *run, const json_t *checkpoint);

/* By the run's key; NULL: it has called no model since the start of `serve`. */
struct gateway_run *gateway_run_of(struct gateway *gateway, struct run_key key);

/* The attempt is over: the credential is void, its calls end now. NULL is fine. */
void gateway_close(struct gateway_run *run);

/* The run is over: nothing of it is remembered. */
void gateway_forget(struct gateway *gateway, struct run_key key);

/* --- what a tenant pays beside its runs (gateway_tenant.c) --- */

/*
 * A tenant's own call to the pod's model, which whoever asks carries out: it waits for its turn in the one line of
 * all, and is paid by the time from go() to gateway_leave(). Until then it holds what that time may come to.
 */
struct gateway_order {
    const char *tenant;
    double day_cap;  /* USD, of the tenant's day; 0 none */
    double max_cost; /* USD, of this call; 0 none */
    int timeout_ms;  /* that it may take */
    /* One of them is called once, from the loop, never inside gateway_wait(). timeout_ms: less than was asked for
     * where there is no money for more. E_BUDGET; E_TIMEOUT: it waited CAP_GATEWAY_WAIT_MS. */
    void (*go)(void *arg, int timeout_ms);
    void (*refuse)(void *arg, const struct err *err);
    void *arg;
};
struct gateway_ticket;
struct gateway_ticket *gateway_wait(struct gateway *gateway, const struct gateway_order *order);

/* A call under way takes so long from now on. How much of it there is money for, in ms; that is held, too. */
int gateway_prolong(struct gateway_ticket *ticket, int ms);

/* Does a call of another tenant wait for a slot, while this tenant's calls have more than its share of them? */
bool gateway_crowded(const struct gateway_ticket *ticket);

/* The call is over, or not wanted any more. Neither go() nor refuse() comes afterwards. NULL is fine. */
void gateway_leave(struct gateway_ticket *ticket);

/* The tenant has paid so much, for no run. */
void gateway_charge(struct gateway *gateway, const char *tenant, double usd);

/* What the calls of a client that is no run came to, {"<model>": row of core/cost.h}, new reference; they end, and
 * nothing of it is remembered. NULL: there is no such client. */
json_t *gateway_take(struct gateway *gateway, struct run_key key);

#endif
