/*
 * Any text as prose: refused with a message that fits, or a document that becomes a plan; the same
 * text says the same twice, and nothing that is typed stands in an intent by way of a password.
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

static void check_steps(const json_t *document)
{
    const json_t *steps = json_object_get(document, "steps");
    int n = (int)json_array_size(steps);
    require(n > 0);
    for (int i = 0; i < n; i++) {
        const json_t *s = json_array_get(steps, (size_t)i);
        int target = (int)json_int(s, "loop_target", -1);
        require(*json_str(s, "type", "") && *json_str(s, "intent", ""));
        require(target < i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct intake_config config = {.repo_root = "",
                                                .env_url = "http://e.test",
                                                .default_micro = "",
                                                .max_steps = 200,
                                                .max_loop_iterations = 50};
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    struct plan *plan;
    json_t *document, *again;
    if (str_is_utf8((const char *)data, size)) {
        char *text = pool_strndup(pool, (const char *)data, size);
        int r = plan_decompose(pool, "rules", text, &document, &err);
        require(r == 0 || (r == E_INVALID && *err.msg && str_is_utf8(err.msg, strlen(err.msg))));
        if (r == 0) {
            check_steps(document);
            require(plan_decompose(pool, "rules", text, &again, &err) == 0);
            require(strcmp(json_canonical(pool, document), json_canonical(pool, again)) == 0);
        }
        err_clear(&err);
        r = intake_prose(pool, &config, text, "fuzz", &plan, &err);
        require(r == 0 || *err.msg);
    }
    pool_destroy(pool);
    return 0;
}
