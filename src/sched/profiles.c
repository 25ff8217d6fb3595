/*
 * profiles.c - browser profiles that somebody else works on: no run gets them meanwhile.
 *
 * A live run has its profile by the store (one live run per tenant and profile). A hold is the same for
 * a command on this machine, kept in memory: it ends with its client at the latest.
 */
#include "sched/private.h"

#include <stdlib.h>
#include <string.h>

#define LIVE                                                                                       \
    (1u << RUN_QUEUED | 1u << RUN_RUNNING | 1u << RUN_RECOVERING | 1u << RUN_PAUSED)

struct sched_hold {
    struct sched_hold *next;
    struct sched *sched;
    char *tenant, *profile;
};

static struct sched_hold *held(const struct sched *s, const char *tenant, const char *profile)
{
    struct sched_hold *h = s->holds;
    while (h && (strcmp(h->tenant, tenant) != 0 || strcmp(h->profile, profile) != 0))
        h = h->next;
    return h;
}

int profiles_check(const struct sched *s, const char *tenant, const char *profile, struct err *err)
{
    if (!profile || !held(s, tenant, profile))
        return 0;
    return err_set(err, E_CONFLICT,
                   "profile '%s' is being exported or changed on the server just now; try again "
                   "when that is done",
                   profile);
}

static char *must_dup(const char *s)
{
    char *copy = strdup(s);
    if (!copy)
        BUG("out of memory");
    return copy;
}

int sched_profile_hold(struct sched *s, const char *tenant, const char *profile,
                       struct sched_hold **out, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct run_record *runs;
    int n = 0, r = store_run_list(s->store, pool, tenant, LIVE, &runs, &n, err);
    for (int i = 0; !r && i < n; i++)
        if (runs[i].profile_id && strcmp(runs[i].profile_id, profile) == 0)
            r = err_set(err, E_CONFLICT,
                        "profile '%s' is in use by run '%s' (%s): wait for it to end, or cancel it",
                        profile, runs[i].run_id, run_state_name(runs[i].state));
    if (!r)
        r = profiles_check(s, tenant, profile, err);
    pool_destroy(pool);
    if (r)
        return r;
    struct sched_hold *h = calloc(1, sizeof(*h));
    if (!h)
        BUG("out of memory");
    *h = (struct sched_hold){.next = s->holds,
                             .sched = s,
                             .tenant = must_dup(tenant),
                             .profile = must_dup(profile)};
    s->holds = h;
    *out = h;
    return 0;
}

void sched_profile_release(struct sched_hold *hold)
{
    if (!hold)
        return;
    struct sched_hold **at = &hold->sched->holds;
    while (*at != hold)
        at = &(*at)->next;
    *at = hold->next;
    free(hold->tenant);
    free(hold->profile);
    free(hold);
}

int sched_profiles_in_use(struct sched *s, struct pool *pool, json_t **out, struct err *err)
{
    struct run_record *runs;
    int n = 0, r = store_run_list(s->store, pool, NULL, LIVE, &runs, &n, err);
    json_t *list = json_keep(pool, json_array());
    for (int i = 0; !r && i < n; i++)
        if (runs[i].profile_id)
            json_push(list, json_pack("{s:s,s:s,s:s,s:s}", "tenant", runs[i].tenant_id, "profile",
                                      runs[i].profile_id, "run_id", runs[i].run_id, "status",
                                      run_state_name(runs[i].state)));
    *out = list;
    return r;
}
