#include "brain/model/retry.h"

#include <math.h>

#include "base/str.h"

/* --- again? ---------------------------------------------------------------------------------- */

/* What asking again cannot change. */
static bool is_final(int status)
{
    static const int statuses[] = {400, 401, 402, 403, 404, 405, 413, 422};
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
        if (status == statuses[i])
            return true;
    return false;
}

static bool is_passing(int status)
{
    static const int statuses[] = {0, 200, 429, 500, 502, 503, 504, 529};
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
        if (status == statuses[i])
            return true;
    return false;
}

static double chat_wait(int status, int attempt, double jitter)
{
    return status == 429 ? fmin(5 * pow(2, attempt), 30) : 3;
}

static double messages_wait(int status, int attempt, double jitter)
{
    return fmin(16, pow(2, attempt)) * (1 + 0.25 * jitter);
}

static bool chat_again(int status)
{
    return !is_final(status);
}

static const struct {
    bool (*again)(int status);
    double (*wait)(int status, int attempt, double jitter);
} policies[] = {
    [API_OPENAI_CHAT] = {chat_again, chat_wait},
    [API_ANTHROPIC_MESSAGES] = {is_passing, messages_wait},
};

struct retry retry_next(const struct profile *profile, const struct model_failure *f, int attempt,
                        double jitter)
{
    double own = policies[profile->api].wait(f->status, attempt, jitter);
    return (struct retry){.again = policies[profile->api].again(f->status) &&
                                   attempt + 1 < profile->attempts,
                          .wait_s = f->retry_after_s >= 0 ? f->retry_after_s : own};
}

/* --- said ------------------------------------------------------------------------------------ */

static const struct {
    int status;
    const char *words;
} advice[] = {
    {0, "is the server running, and can it be reached from here?"},
    {200, "its answer cannot be read"},
    {400, "it does not take this request: is it the model that the profile is for?"},
    {401, "the key is missing or not valid"},
    {402, "the account has no credit left"},
    {403, "the key may not use this model"},
    {404, "there is no such model or address"},
    {413, "the request is too large for it: fewer or smaller frames"},
    {429, "it limits the rate of calls"},
    {503, "it is not ready"},
    {529, "it is overloaded"},
};

static const char *advice_on(int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(advice); i++)
        if (advice[i].status == status)
            return advice[i].words;
    return "it failed";
}

int retry_explain(const struct profile *profile, const char *url, const struct model_failure *f,
                  int calls, struct err *err)
{
    bool about_key = f->status == 401 || f->status == 403;
    const char *key = about_key && *profile->key_env ? profile->key_env : "";
    const char *detail = str_empty(f->detail) ? "" : f->detail;
    const char *colon = *detail ? ": " : "";
    const char *many = calls == 1 ? "" : "s";
    if (!f->status)
        return err_set(err, E_TIMEOUT,
                       "the model server %.120s did not answer (%d call%s): %s%s%.120s", url, calls,
                       many, advice_on(0), colon, detail);
    return err_set(
        err, E_UPSTREAM, "the model server %.120s answered %d (%d call%s): %s%s%s%s%.120s", url,
        f->status, calls, many, advice_on(f->status), *key ? ", see " : "", key, colon, detail);
}
