/*
 * Any text as the answer of a model that was asked for a plan: refused with a message that fits, or
 * a document with steps and known shapes only, which intake makes a plan of or refuses with a
 * reason; the same answer says the same twice.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "plan/decompose.h"
#include "plan/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_document(const json_t *document)
{
    static const char *const keys[] = {"steps", "shapes", "pagination_url_template"};
    const char *key;
    json_t *value;
    require(json_array_size(json_object_get(document, "steps")) > 0);
    require(json_array_size(json_object_get(document, "shapes")) <= 4);
    json_object_foreach ((json_t *)document, key, value) {
        bool known = false;
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
            known = known || !strcmp(key, keys[i]);
        require(known);
    }
}

static void take_in(struct pool *pool, const json_t *document)
{
    static const struct intake_config config = {.repo_root = "",
                                                .env_url = "http://e.test",
                                                .default_micro = "",
                                                .max_steps = 200,
                                                .max_loop_iterations = 50};
    const struct intake_source source = {
        .document = document, .prose = "Look at https://a.test/", .field = "", .name = ""};
    struct plan *plan;
    struct err err = {0};
    json_t *request = json_keep(pool, json_object());
    int r = intake_build(pool, &config, request, &source, &plan, &err);
    require(r == 0 || *err.msg);
    require(r != 0 || plan->n_steps > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    json_t *document, *again;
    if (str_is_utf8((const char *)data, size)) {
        char *text = pool_strndup(pool, (const char *)data, size);
        int r = plan_decompose_answer(pool, text, &document, &err);
        require(r == 0 || (r == E_UPSTREAM && *err.msg && str_is_utf8(err.msg, strlen(err.msg))));
        if (r == 0) {
            check_document(document);
            require(plan_decompose_answer(pool, text, &again, &err) == 0);
            require(strcmp(json_canonical(pool, document), json_canonical(pool, again)) == 0);
            take_in(pool, document);
        }
    }
    pool_destroy(pool);
    return 0;
}
