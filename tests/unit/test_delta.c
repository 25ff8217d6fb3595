#include "unit/test.h"

#include <stdlib.h>

#include "core/delta.h"

static json_t *result(int i)
{
    return json_pack("{s:i}", "step", i);
}

/* A checkpoint on the same results, and what becomes of it on its way. */
static json_t *travel(struct delta *d, json_t **at_server, json_t *results, int *ret_sent)
{
    json_t *checkpoint = json_pack("{s:i,s:O}", "step_index", (int)json_array_size(results),
                                   "step_results", results);
    json_t *message = delta_make(d, checkpoint), *parsed;
    char *text = json_dumps(message, JSON_COMPACT);
    *ret_sent = (int)json_array_size(json_object_get(message, "step_results"));
    parsed = json_loads(text, 0, NULL);
    json_t *whole = delta_apply(*at_server, parsed);
    assert_non_null(whole);
    assert_true(json_equal(whole, checkpoint));
    json_decref(*at_server);
    *at_server = whole;
    json_decref(message);
    json_decref(parsed);
    free(text);
    return checkpoint;
}

static void only_what_is_new_travels_and_the_whole_arrives(void **state)
{
    struct delta d = {0};
    json_t *server = NULL, *results = json_array();
    int sent;
    for (int i = 0; i < 5; i++) {
        json_push(results, result(i));
        json_decref(travel(&d, &server, results, &sent));
        assert_int_equal(sent, 1);
    }
    json_decref(travel(&d, &server, results, &sent));
    assert_int_equal(sent, 0);
    json_array_set_new(results, 3, result(9)); /* another in its place: it and what follows */
    json_decref(travel(&d, &server, results, &sent));
    assert_int_equal(sent, 2);
    json_array_remove(results, 4);
    json_array_remove(results, 3);
    json_decref(travel(&d, &server, results, &sent));
    assert_int_equal(sent, 0);
    assert_int_equal(json_array_size(json_object_get(server, "step_results")), 3);
    json_array_clear(results);
    json_decref(travel(&d, &server, results, &sent));
    json_decref(server);
    json_decref(results);
    delta_release(&d);
}

static void what_follows_on_nothing_known_is_refused(void **state)
{
    json_t *some = json_pack("{s:i,s:[i]}", "step_results_from", 2, "step_results", 5),
           *before = json_pack("{s:[i]}", "step_results", 1),
           *bad = json_pack("{s:i}", "step_results_from", -1), *list = json_array(),
           *bare = json_pack("{s:i}", "step_index", 1);
    assert_null(delta_apply(NULL, some));
    assert_null(delta_apply(before, some));
    assert_null(delta_apply(before, bad));
    assert_null(delta_apply(before, list));
    assert_null(delta_apply(before, NULL));
    json_t *whole = delta_apply(before, bare); /* a worker that says nothing of results has none */
    assert_int_equal(json_array_size(json_object_get(whole, "step_results")), 0);
    json_decref(whole);
    json_decref(some);
    json_decref(before);
    json_decref(bad);
    json_decref(list);
    json_decref(bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_new_travels_and_the_whole_arrives),
        cmocka_unit_test(what_follows_on_nothing_known_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
