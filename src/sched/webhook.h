/*
 * webhook.h - sends what the outbox holds (http-api.md section 15).
 *
 * Attempts at 0, 1, 5, 30 s, then with back-off up to 24 h after the first; 10 s each; 2xx is
 * delivered, all else is tried again. A receiver's name is resolved once per attempt, every address is
 * checked, and the connection goes to a checked address: private, loopback, link-local, multicast and
 * reserved ones are refused unless MANTIS_WEBHOOK_ALLOW_PRIVATE. Redirects are not followed. At most
 * WEBHOOK_PARALLEL attempts at once, and one tenant's slow receiver cannot hold up the others.
 * A receiver that was not seen to answer gets the same delivery id again: at least once, never twice
 * under two ids.
 * Threads: loop thread; nothing here blocks.
 */
#ifndef MANTIS_SCHED_WEBHOOK_H
#define MANTIS_SCHED_WEBHOOK_H

#include "sched/tenants.h"
#include "store/outbox.h"
#include "sys/loop.h"
#include "sys/settings.h"

#define WEBHOOK_ATTEMPTS 15 /* the last one 23 h 47 min after the first */
#define WEBHOOK_PARALLEL 64

struct webhooks;

/* outcome: "delivered", "retry", "dead", "refused" */
typedef void webhook_outcome_fn(void *arg, const char *tenant, const char *outcome);

/* Borrows all. Listens to the store; starts with what is due. fn may be NULL. */
int webhooks_create(struct loop *loop, struct store *store, struct tenants *tenants,
                    const struct settings *settings, webhook_outcome_fn *fn, void *arg,
                    struct webhooks **out, struct err *err) MUST_CHECK;
/* Attempts under way are cut and will be made again. After the last change of the store, which tells
 * its listeners of each; NULL is fine. */
void webhooks_destroy(struct webhooks *webhooks);

void webhooks_wake(struct webhooks *webhooks); /* something was replayed */

/* Could a webhook be sent to this address? E_INVALID says why not; names are not resolved here. */
int webhook_check_url(const char *url, bool allow_private, struct err *err) MUST_CHECK;

/* scheme://host:port/path: what logs and callers see, without what may be a secret. In pool; "" for
 * what is no address. */
const char *webhook_shown_url(struct pool *pool, const char *url);

#endif
