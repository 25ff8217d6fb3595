/*
 * api_live.c - watching and taking over, for the API on a scheduler that only remembers: real tokens, one view
 * of each kind, and a lease.
 */
#include "unit/api_live.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "unit/api_rig.h"

#define KEY "0123456789"

struct sched_view {
    struct sched_view_events events;
    void *arg;
    enum patches_kind kind;
    int seen;
};

struct fake_live fake_live;

static int known_run(struct run_key key, struct err *err)
{
    if (!strcmp(key.run_id, RUN_ID) && !strcmp(key.tenant, fake_live.tenant ? fake_live.tenant : "default"))
        return 0;
    return err_set(err, E_NOT_FOUND, "there is no run '%s'", key.run_id);
}

void sched_view_who(const struct sched *s, const unsigned char sha256[ID_SHA256_BYTES],
                    char out[LEASE_WHO_BYTES])
{
    char mac[ID_SHA256_HEX_BYTES];
    id_hmac_sha256_hex(KEY, sha256, ID_SHA256_BYTES, mac);
    memcpy(out, mac, LEASE_WHO_BYTES - 1);
    out[LEASE_WHO_BYTES - 1] = '\0';
}

const char *sched_view_token(const struct sched *s, struct pool *pool, struct run_key key, unsigned rights,
                             const char *who, int64_t *ret_expires_us)
{
    struct view_token t = {
        .rights = rights, .expires_s = clock_wall_us() / 1000000 + fake_live.token_s, .tenant = key.tenant};
    memcpy(t.who, who, LEASE_WHO_BYTES);
    *ret_expires_us = t.expires_s * 1000000;
    return view_token_make(pool, KEY, &t, key.run_id);
}

bool sched_view_in_force(const struct sched *s, struct tenants *tenants, const char *tenant, const char *who)
{
    return true;
}

int sched_view_admit(const struct sched *s, struct pool *pool, const char *token, const char *run_id,
                     struct view_token *out, struct err *err)
{
    return view_token_read(pool, KEY, token, run_id, clock_wall_us() / 1000000, out, err);
}

int sched_view_open(struct sched *s, struct run_key key, enum patches_kind kind,
                    const struct sched_view_events *events, void *arg, struct sched_view **out, struct err *err)
{
    int r = known_run(key, err);
    if (r)
        return r;
    struct sched_view *v = calloc(1, sizeof(*v));
    *v = (struct sched_view){.events = *events, .arg = arg, .kind = kind};
    fake_live.views[kind] = *out = v;
    fake_live.n_views++;
    return 0;
}

void sched_view_close(struct sched_view *v)
{
    if (!v)
        return;
    fake_live.n_views--;
    fake_live.views[v->kind] = fake_live.views[v->kind] == v ? NULL : fake_live.views[v->kind];
    fake_live.holder = fake_live.holder == v ? NULL : fake_live.holder;
    free(v);
}

bool sched_view_next(struct sched_view *v, struct buf *out)
{
    if (v->seen == fake_live.version)
        return false;
    v->seen = fake_live.version;
    buf_addf(out, "picture %d", fake_live.version);
    return true;
}

struct picture *sched_view_frame(struct sched_view *v)
{
    if (v->seen == fake_live.version)
        return NULL;
    v->seen = fake_live.version;
    struct picture *p = calloc(1, sizeof(*p) + fake_live.frame_len);
    p->refs = 1;
    p->len = fake_live.frame_len;
    memset(p->data, 'a' + fake_live.version % 26, p->len);
    return p;
}

void picture_put(struct picture *p)
{
    free(p);
}

void sched_view_state(struct sched_view *v, struct sched_view_state *out)
{
    *out = (struct sched_view_state){.state = fake.peek.state,
                                     .pause_reason = fake_live.holder ? "takeover" : "",
                                     .prompt = "",
                                     .control = !fake_live.holder       ? CONTROL_FREE
                                                : fake_live.holder == v ? CONTROL_YOURS
                                                                        : CONTROL_HELD,
                                     .ready = fake_live.ready,
                                     .width = 1280,
                                     .height = 720,
                                     .released = fake_live.released};
    fake_live.released = NULL;
}

int sched_takeover(struct sched *s, struct run_key key, const struct takeover *ask, struct sched_view *view,
                   const struct lease **ret_lease, struct err *err)
{
    int r = known_run(key, err);
    if (!r)
        r = lease_take(&fake_live.lease, ask->token, ask->who, ask->take, 120000, clock_mono_ms(), err);
    if (r)
        return r;
    fake_live.holder = view;
    fake_live.lease.attached = view != NULL;
    *ret_lease = &fake_live.lease;
    return 0;
}

int sched_takeover_release(struct sched *s, struct run_key key, const char *token, const json_t *user_input,
                           enum run_state *ret_state, struct err *err)
{
    if (!lease_is(&fake_live.lease, token, clock_mono_ms()))
        return err_set(err, E_CONFLICT, "'lease' does not hold the controls");
    lease_end(&fake_live.lease);
    fake_live.answered = user_input != NULL;
    *ret_state = RUN_RUNNING;
    return 0;
}

static int check_holder(const struct sched_view *v, struct err *err)
{
    return fake_live.holder == v ? 0 : err_set(err, E_CONFLICT, "the controls are not yours");
}

int sched_view_release(struct sched_view *v, const json_t *user_input, struct err *err)
{
    int r = check_holder(v, err);
    if (r)
        return r;
    fake_live.holder = NULL;
    fake_live.released = "released";
    v->events.news(v->arg);
    return 0;
}

int sched_view_renew(struct sched_view *v, struct err *err)
{
    return check_holder(v, err);
}

int sched_view_hand(struct sched_view *v, const json_t *hand, struct err *err)
{
    int r = check_holder(v, err);
    fake_live.hands += !r;
    fake_live.x = (int)json_int(hand, "x", 0);
    return r;
}

enum control sched_control(struct sched *s, struct run_key key, int64_t *ret_left_ms)
{
    *ret_left_ms = 0;
    return lease_is_held(&fake_live.lease, clock_mono_ms()) ? CONTROL_HELD : CONTROL_FREE;
}

void fake_picture(void)
{
    fake_live.version++;
    for (int kind = 0; kind <= PATCHES_FRAME; kind++)
        if (fake_live.views[kind])
            fake_live.views[kind]->events.news(fake_live.views[kind]->arg);
}

void fake_copied(const char *text)
{
    fake_live.holder->events.clipboard(fake_live.holder->arg, text);
}
