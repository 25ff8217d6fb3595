/* Every wait is bounded by the caller's cap and the plan's settle_ceiling_seconds (agent-loop.md 4). */
#include "unit/test.h"

#include "plane/driver.h"
#include "plane/plane.h"

static int seen_ms; /* the cap that the driver was given */

static int note_act(struct plane *plane, struct pool *pool, const struct action *action, int cap_ms,
                    struct settled *out, struct err *err)
{
    seen_ms = cap_ms;
    return 0;
}

static int note_navigate(struct plane *plane, struct pool *pool, const char *url, int cap_ms,
                         struct settled *out, struct err *err)
{
    seen_ms = cap_ms;
    return 0;
}

static int note_back(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
                     struct err *err)
{
    seen_ms = cap_ms;
    return 0;
}

static int note_settle(struct plane *plane, int cap_ms, struct err *err)
{
    seen_ms = cap_ms;
    return 0;
}

static const struct plane_driver driver = {
    .act = note_act, .navigate = note_navigate, .back = note_back, .settle = note_settle};

enum wait { ACT, NAVIGATE, BACK, SETTLE };

static const struct cap_case {
    const char *row;
    enum wait wait;
    double ceiling_s; /* 0: none */
    int cap_ms, want_ms;
} cap_cases[] = {
    {"agent-loop 4 without a ceiling the step's cap counts", SETTLE, 0, 4000, 4000},
    {"agent-loop 4 settle_ceiling_seconds bounds a settle", SETTLE, 1.5, 4000, 1500},
    {"agent-loop 4 settle_ceiling_seconds bounds an action", ACT, 1.5, 4000, 1500},
    {"agent-loop 4 settle_ceiling_seconds bounds a page load", NAVIGATE, 2, 18000, 2000},
    {"agent-loop 4 settle_ceiling_seconds bounds a way back", BACK, .5, 2000, 500},
    {"agent-loop 4 a ceiling above the cap changes nothing", SETTLE, 30, 4000, 4000},
};

static void a_wait_has_the_smaller_cap(void **state)
{
    const struct cap_case *c = *state;
    struct plane plane = {
        .driver = &driver, .width = 1280, .height = 720, .settle_ceiling_s = c->ceiling_s};
    struct pool *pool = pool_create(NULL);
    const struct action wheel = {.type = ACTION_SCROLL, .x = 10, .y = 10, .dy = 1};
    struct settled s;
    struct err err = {0};
    seen_ms = -1;
    int r = c->wait == ACT        ? plane_act(&plane, pool, &wheel, c->cap_ms, &s, &err)
            : c->wait == NAVIGATE ? plane_navigate(&plane, pool, "http://a.test/", c->cap_ms, &s, &err)
            : c->wait == BACK     ? plane_back(&plane, pool, c->cap_ms, &s, &err)
                                  : plane_settle(&plane, c->cap_ms, &err);
    pool_destroy(pool);
    assert_int_equal(r, 0);
    assert_int_equal(seen_ms, c->want_ms);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(cap_cases)];
    for (size_t i = 0; i < ARRAY_SIZE(cap_cases); i++)
        tests[i] = (struct CMUnitTest){cap_cases[i].row, a_wait_has_the_smaller_cap, NULL, NULL,
                                       (void *)&cap_cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
