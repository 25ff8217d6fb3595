/*
 * When a model server is asked again, and what is said when it is given up.
 */
#include "unit/test.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "brain/model/retry.h"
#include "unit/model_rig.h"

static struct pool *pool;

/* clang-format off */
static const struct row {
    const char *row, *profile;
    int status;
    double retry_after_s;
    int attempts; /* calls made in all */
    double waits[4];
} rows[] = {
    {"brains 13 HTTP 429 four times", "holo3", 429, -1, 4, {5, 10, 20, 30}},
    {"brains 2 another error is asked again after 3 s", "holo3", 500, -1, 4, {3, 3, 3, 3}},
    {"brains 2 no answer is asked again after 3 s", "holo3", 0, -1, 4, {3, 3, 3, 3}},
    {"brains 2 Retry-After is honoured", "holo3", 429, 7, 4, {7, 7, 7, 7}},
    {"brains 2 400 is not asked again", "holo3", 400, -1, 1, {3}},
    {"brains 2 401 is not asked again", "holo3", 401, -1, 1, {3}},
    {"brains 2 403 is not asked again", "holo3", 403, -1, 1, {3}},
    {"brains 2 404 is not asked again", "holo3", 404, -1, 1, {3}},
    {"brains 2 402 is not asked again", "holo3", 402, -1, 1, {3}},
    {"brains 2 405 is not asked again", "holo3", 405, -1, 1, {3}},
    {"brains 2 413 is not asked again", "holo3", 413, -1, 1, {3}},
    {"brains 2 422 is not asked again", "holo3", 422, -1, 1, {3}},
    {"brains 3 fara asks again like holo3", "fara", 429, -1, 4, {5, 10, 20, 30}},
    {"brains 5 opencua asks again like holo3", "opencua", 503, -1, 4, {3, 3, 3, 3}},
    {"brains 6 llamacpp asks once", "llamacpp", 500, -1, 1, {3}},
    {"brains 10 529 twice", "claude", 529, -1, 2, {1, 2}},
    {"brains 10 500 is asked again", "claude", 500, -1, 2, {1, 2}},
    {"brains 10 429 is asked again", "claude", 429, -1, 2, {1, 2}},
    {"brains 10 502 is asked again", "claude", 502, -1, 2, {1, 2}},
    {"brains 10 503 is asked again", "claude", 503, -1, 2, {1, 2}},
    {"brains 10 504 is asked again", "claude", 504, -1, 2, {1, 2}},
    {"brains 10 no answer is asked again", "claude", 0, -1, 2, {1, 2}},
    {"brains 1 an answer that cannot be read is asked for again", "holo3", 200, -1, 4, {3, 3, 3, 3}},
    {"brains 10 an answer that cannot be read is asked for again", "claude", 200, -1, 2, {1, 2}},
    {"brains 10 Retry-After is honoured", "claude", 429, 4, 2, {4, 4}},
    {"brains 10 another status is not asked again", "claude", 418, -1, 1, {1}},
    {"brains 10 a wrong key is not asked again", "claude", 401, -1, 1, {1}},
};

static const struct saying {
    const char *profile;
    struct model_failure failure;
    int code;
    const char *words[3];
} sayings[] = {
    {"holo3", {401, -1, "bad key"}, E_UPSTREAM, {"http://m.test/v1 answered 401 (1 call)", "HAI_API_KEY", ": bad key"}},
    {"holo3", {429, -1, ""}, E_UPSTREAM, {"answered 429", "limits the rate", ""}},
    {"claude", {200, -1, "no content"}, E_UPSTREAM, {"answered 200", "cannot be read", ": no content"}},
    {"llamacpp", {403, -1, ""}, E_UPSTREAM, {"may not use this model", "", ""}},
    {"holo3", {0, -1, "connection refused"}, E_TIMEOUT, {"did not answer", "is the server running", "connection refused"}},
    {"holo3", {418, -1, NULL}, E_UPSTREAM, {"answered 418", "it failed", ""}},
};
/* clang-format on */

static void one_row(void **state)
{
    const struct row *row = *state;
    const struct profile *p = rig_profile(pool, row->profile);
    const struct model_failure failure = {row->status, row->retry_after_s, ""};
    for (int attempt = 0; attempt < row->attempts; attempt++) {
        struct retry next = retry_next(p, &failure, attempt, 0);
        assert_int_equal(next.again, attempt + 1 < row->attempts);
        if (fabs(next.wait_s - row->waits[attempt]) > 1e-9)
            fail_msg("after call %d: %g s, not %g", attempt + 1, next.wait_s, row->waits[attempt]);
    }
}

static void many_clients_do_not_come_back_at_once(void **state)
{
    const struct profile *claude = rig_profile(pool, "claude");
    const struct model_failure failure = {529, -1, ""};
    static const double waits[] = {1, 2, 4, 8, 16, 16, 16};
    for (int n = 0; n < (int)ARRAY_SIZE(waits); n++) {
        assert_true(fabs(retry_next(claude, &failure, n, 0).wait_s - waits[n]) < 1e-9);
        assert_true(fabs(retry_next(claude, &failure, n, 1).wait_s - 1.25 * waits[n]) < 1e-9);
    }
}

static void giving_up_says_why(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(sayings); i++) {
        const struct saying *s = &sayings[i];
        struct err err = {0};
        assert_int_equal(
            retry_explain(rig_profile(pool, s->profile), "http://m.test/v1", &s->failure, 1, &err),
            s->code);
        for (size_t k = 0; k < ARRAY_SIZE(s->words); k++)
            if (!strstr(err.msg, s->words[k]))
                fail_msg("'%s' without '%s'", err.msg, s->words[k]);
    }
}

static int begin(void **state)
{
    pool = pool_create(NULL);
    return 0;
}

static int end(void **state)
{
    pool_destroy(pool);
    return 0;
}

static const struct CMUnitTest others[] = {
    row_test("brains 10 1, 2, 4, ... 16 s and up to a quarter more", many_clients_do_not_come_back_at_once),
    row_test("brains 1 a transport failure has a code and says why", giving_up_says_why),
};

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(others)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].row, one_row, NULL, NULL, (void *)&rows[i]};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests(tests, begin, end);
}
