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
    assert_true(delta_apply(at_server, parsed));
    assert_true(json_equal(*at_server, checkpoint));
    assert_true(delta_apply(at_server, parsed)); /* taken again, as after a full disk */
    assert_true(json_equal(*at_server, checkpoint));
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
    json_t *none = NULL, *as_it_was = json_deep_copy(before);
    const json_t *const refused[] = {some, bad, list, NULL};
    assert_false(delta_apply(&none, some));
    assert_null(none);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        assert_false(delta_apply(&before, refused[i]));
        assert_true(json_equal(before, as_it_was));
    }
    json_decref(as_it_was);
    assert_true(delta_apply(&before, bare)); /* a worker that says nothing of results has none */
    assert_int_equal(json_array_size(json_object_get(before, "step_results")), 0);
    json_decref(some);
    json_decref(before);
    json_decref(bad);
    json_decref(list);
    json_decref(bare);
}

static void a_part_is_split_and_joined(void **state)
{
    static const struct {
        const char *part, *rest, *results;
        int from;
    } rows[] = {
        {"{\"a\":1,\"step_results\":[1,2],\"b\":2}", "{\"a\":1,\"step_results\":[],\"b\":2}",
         "[1,2]", 0},
        {"{\"step_results_from\":3,\"step_results\":[4]}", "{\"step_results\":[]}", "[4]", 3},
        {"{\"step_results_from\":3}", "{\"step_results\":[]}", NULL, 3},
        {"{\"a\":1}", "{\"a\":1}", NULL, 0},
        {"{\"step_results\":5}", "{\"step_results\":5}", NULL, 0},
    };
    const json_t *results;
    int64_t from;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_t *part = json_loads(rows[i].part, 0, NULL), *before = json_deep_copy(part),
               *rest = delta_split(part, &results, &from);
        char *text = json_dumps(rest, JSON_COMPACT);
        assert_string_equal(text, rows[i].rest);
        assert_int_equal(from, rows[i].from);
        assert_int_equal(results != NULL, rows[i].results != NULL);
        assert_true(json_equal(part, before));
        if (results && !from) {
            delta_join(rest, json_incref((json_t *)results));
            assert_true(json_equal(rest, part));
        }
        free(text);
        json_decref(rest);
        json_decref(before);
        json_decref(part);
    }
    assert_null(delta_split(NULL, &results, &from));
    assert_null(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_split_and_joined),
        cmocka_unit_test(only_what_is_new_travels_and_the_whole_arrives),
        cmocka_unit_test(what_follows_on_nothing_known_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
