#include "core/run.h"

#include <string.h>

#include "base/err.h"

#define BIT(state) (1u << (state))
#define TERMINAL                                                                                   \
    (BIT(RUN_SUCCEEDED) | BIT(RUN_COMPLETED_WITH_FAILURES) | BIT(RUN_HALTED) | BIT(RUN_FAILED) |   \
     BIT(RUN_CANCELLED) | BIT(RUN_TIMEOUT))

/*
 * When you add a state, also look at http-api.md section 9 (phases) and the store's contract test.
 * queued ends without a worker only by cancel, by a start that failed, or by its deadline;
 * recovering is taken up by a new worker (running) or given up. paused goes back to queued when its
 * worker is gone and to running when it only slept; it ends in any way when the pause was asked for
 * during the last step, or when its time was over before its worker stood still.
 */
/* clang-format off */
static const struct {
    const char *name, *phase;
    unsigned next; /* states it may become */
} states[RUN_N_STATES] = {
    [RUN_QUEUED]     = {"queued", "queued", BIT(RUN_RUNNING) | BIT(RUN_PAUSED) | BIT(RUN_CANCELLED) |
                                            BIT(RUN_FAILED) | BIT(RUN_TIMEOUT)},
    [RUN_RUNNING]    = {"running", "running", BIT(RUN_RECOVERING) | BIT(RUN_PAUSED) | TERMINAL},
    [RUN_RECOVERING] = {"recovering", "recovering", BIT(RUN_RUNNING) | BIT(RUN_PAUSED) | TERMINAL},
    [RUN_PAUSED]     = {"paused", "running", BIT(RUN_QUEUED) | BIT(RUN_RUNNING) | BIT(RUN_RECOVERING) | TERMINAL},
    [RUN_SUCCEEDED]  = {"succeeded", "complete", 0},
    [RUN_COMPLETED_WITH_FAILURES] = {"completed_with_failures", "complete", 0},
    [RUN_HALTED]     = {"halted", "halted", 0},
    [RUN_FAILED]     = {"failed", "halted", 0},
    [RUN_CANCELLED]  = {"cancelled", "cancelled", 0},
    [RUN_TIMEOUT]    = {"timeout", "halted", 0},
};

static const struct {
    const char *terminal_status;
    enum run_state state;
} endings[] = {
    {"completed", RUN_SUCCEEDED},
    {"completed_with_failures", RUN_COMPLETED_WITH_FAILURES},
    {"halted", RUN_HALTED},
    {"budget_exceeded", RUN_HALTED},
    {"time_exceeded", RUN_HALTED},
    {"cancelled", RUN_CANCELLED},
    {"paused", RUN_PAUSED},
    {"timeout", RUN_TIMEOUT},
    {"failed", RUN_FAILED},
};
/* clang-format on */

const char *run_state_name(enum run_state state)
{
    return (unsigned)state < RUN_N_STATES ? states[state].name : "unknown";
}

bool run_state_parse(const char *name, enum run_state *out)
{
    for (int i = 0; i < RUN_N_STATES; i++) {
        if (strcmp(states[i].name, name) == 0) {
            *out = (enum run_state)i;
            return true;
        }
    }
    return false;
}

bool run_state_terminal(enum run_state state)
{
    return TERMINAL & BIT(state);
}

const char *run_state_phase(enum run_state state)
{
    return (unsigned)state < RUN_N_STATES ? states[state].phase : "running";
}

bool run_state_may_become(enum run_state from, enum run_state to)
{
    return (unsigned)from < RUN_N_STATES && (unsigned)to < RUN_N_STATES &&
           (states[from].next & BIT(to));
}

enum run_state run_state_of(const char *terminal_status)
{
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
        if (strcmp(endings[i].terminal_status, terminal_status) == 0)
            return endings[i].state;
    return RUN_FAILED;
}

const char *run_terminal_status(const char *runner_status, const char *halt_reason,
                                bool any_step_failed)
{
    static const char *const plain[] = {"cancelled", "paused", "timeout"};
    if (strcmp(runner_status, "completed") == 0)
        return any_step_failed ? "completed_with_failures" : "completed";
    if (strcmp(runner_status, "halted") == 0) {
        if (halt_reason && strcmp(halt_reason, "budget_cap") == 0)
            return "budget_exceeded";
        if (halt_reason && strcmp(halt_reason, "time_cap") == 0)
            return "time_exceeded";
        return "halted";
    }
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
        if (strcmp(plain[i], runner_status) == 0)
            return plain[i];
    return "failed";
}
