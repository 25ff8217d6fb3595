/*
 * gateway_rig.h - a gateway on a loop of the test's own, before the scripted model server.
 *
 * Profiles "chatty" (OpenAI) and "claude" (Anthropic) are this source tree's holo3 and claude with the scripted server's
 * address; the key it asks for is "k". The pod's model server, where a test wants one, is the same server
 * behind "chatty". Workers have this process's uid.
 */
#ifndef TESTS_UNIT_GATEWAY_RIG_H
#define TESTS_UNIT_GATEWAY_RIG_H

#include "unit/test.h"

#include "base/clock.h"
#include "sched/gateway_private.h"
#include "tools/model_server.h"

struct rig {
    struct pool *pool;
    struct loop *loop;
    struct httpc *client;
    struct gateway *gateway;
    struct scripted_server *server;
    json_t *script;
    struct settings settings;
    char dir[32];
    const char *record; /* of what the server was sent */
    struct gateway_pod pod; /* profile NULL: there is none */
};
extern struct rig rig;

#define RIG_KEY "the-key-of-all-servers" /* that the scripted server takes */

/* rules: JSON of the script's rules. */
void rig_set_up(const char *rules);
void rig_start(const char *rules, uid_t uid_base); /* the same; workers have uids from here on */
void rig_tear_down(void);
void rig_secret(const char *name, const char *value);
void rig_pod(int slots, bool keeps_prompts);

/* An attempt of a run of this tenant. */
struct gateway_run *rig_run(const char *tenant, const char *run_id, double max_cost);

struct asked {
    bool done;
    int result, status, retry_after_s;
    const char *body;
    const char *error; /* its type; "" none */
    double seconds;
    struct httpc_exchange *exchange;
};

/* Without waiting. path: "/claude/messages". */
struct asked *rig_send(const struct gateway_run *run, const char *path, const char *body);
struct asked *rig_send_as(const char *credential, const char *path, const char *body, size_t len);
struct asked *rig_await(struct asked *asked);
void rig_await_all(struct asked **asked, int n);
struct asked *rig_ask(const struct gateway_run *run, const char *path, const char *body);

/* What is said to chatty, or to a model of claude. In the rig's pool. */
const char *rig_chat(const char *text);
const char *rig_message(const char *model, const char *text, int max_tokens);

/* Lines that the server wrote of what it was sent: of calls, and (ended) of those that broke off. In the rig's pool. */
json_t *rig_sent(void);
json_t *rig_ended(void);
bool rig_until(loop_cond_fn *cond, void *arg);

#endif
