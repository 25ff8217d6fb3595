/*
 * api_rig.h - the whole of src/api over a scheduler that only remembers, and clients on raw sockets, all on
 * one loop. Tenants, limits and the store (in memory) are the real ones.
 */
#ifndef MANTIS_TESTS_API_RIG_H
#define MANTIS_TESTS_API_RIG_H

#include <string.h>

#include "api/request.h"
#include "base/buf.h"
#include "base/clock.h"

#define TOKEN      "0123456789abcdef"
#define WITH_TOKEN "X-Mantis-Token: " TOKEN "\r\n"
#define RUN_ID     "20260304_050607_9af31c2e"
#define STEPS                                                                                      \
    "\"task_suite\":{\"steps\":[{\"type\":\"navigate\",\"intent\":\"Open http://site.test/\"}]}"

/* ---- the scheduler ---- */

#define FAKE_EVENTS    4096
#define FAKE_FOLLOWERS 100

struct fake_event {
    char cursor[48];
    const char *name, *json;
};

struct sched {
    bool not_ready;
    int submitted, unwatched, cancelled;
    char run_id[64], profile[64], workflow[64], plane[32], mode[16], cancel_reason[64];
    double max_cost;
    int max_minutes, tail;
    char *payload;
    size_t warnings; /* beside the plan's */
    sched_watch_fn *watch_fn;
    void *watch_arg;
    char artifact[64];
    /* sched_submit() */
    struct loop *loop;
    struct loop_timer submit_timer;
    sched_submit_fn *submit_fn;
    void *submit_arg;
    int submit_result, submit_forgotten;
    bool hold_submit; /* it is not answered */
    struct err submit_err;
    /* the events of RUN_ID */
    struct sched_peek peek;
    struct fake_event events[FAKE_EVENTS];
    int n_events, events_asked;
    struct sched_follow {
        sched_watch_fn *fn;
        void *arg;
    } followers[FAKE_FOLLOWERS];
    int n_followers, unfollowed;
    bool forgotten; /* there are no runs any more */
};

extern struct sched fake;

/* One more event of RUN_ID, whose cursor is "<ts>#<seq>"; json must live on. Followers are told. */
void fake_event(const char *name, const char *json);
void fake_state(enum run_state state, bool over, const char *halt_class);
void fake_news(void);

/* ---- a server and a raw client on one loop ---- */

struct fixture {
    struct loop *loop;
    struct api *api;
    struct store *store;
    struct tenants *tenants;
    struct engine *engine; /* NULL none */
    struct gateway *gateway;
    int slots; /* of the model server; 0: as many calls at once as come */
    struct engine_target target;
    struct pool *pool; /* target's */
    struct settings settings;
    char data_dir[64], keys_path[80];
};

void start(struct fixture *fx);                               /* single token TOKEN */
void start_with_keys(struct fixture *fx, const char *keys);   /* a keys document; "": no auth at all */
/* The same with brain holo3, and its model server, ready: 0.001 USD a second. */
void start_with_model(struct fixture *fx, const char *url, const char *keys);
void stop(struct fixture *fx);

struct client {
    int fd;
    const char *out;
    size_t out_left;
    struct buf in;
    size_t want;      /* stop after this many answers; 0: at the end of the stream */
    const char *text; /* or when this came in */
    size_t searched;
    bool ended;       /* the server closed; what is left is still sent */
    int error;
};

void client_open(struct client *c, struct fixture *fx);
void client_close(struct client *c);

/* Turn the loop until the client has what it wants. */
void talk(struct fixture *fx, struct client *c, const char *bytes, size_t len);
void talk_until(struct fixture *fx, struct client *c, const char *bytes, const char *text);

struct answer {
    int status;
    struct buf text; /* head and body */
    const char *body;
};

void answer_read(struct answer *a, const struct client *c);
void answer_release(struct answer *a);

/* One call on a connection of its own. */
void call(struct fixture *fx, struct answer *a, const char *method, const char *path,
          const char *headers, const char *body);

size_t count(const char *hay, const char *needle);

#define HAS(text, part)                                                                            \
    do {                                                                                           \
        if (!strstr(text, part))                                                                   \
            fail_msg("'%s' is not in: %.600s", part, text);                                        \
    } while (0)
#define HAS_NOT(text, part)                                                                        \
    do {                                                                                           \
        if (strstr(text, part))                                                                    \
            fail_msg("'%s' is in: %.600s", part, text);                                            \
    } while (0)

#endif
