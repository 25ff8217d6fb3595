#include "author/question.h"

#include <string.h>

#include "base/id.h"
#include "base/str.h"
#include "plan/decompose.h"

#define PROFILE      "claude" /* how Anthropic is reached; what is asked of it is said here */
#define PROMPT       "decompose"
#define CONSTRAINT   "decompose_read_only"
#define FORM_VERSION 1 /* of what is kept: raise it when plans take another form */
#define MAX_TOKENS   16384
#define TIMEOUT_S    60
#define ATTEMPTS     4

static int load_profile(struct pool *pool, const struct author_config *config,
                        const struct profile_dirs *dirs, const struct profile **out,
                        struct err *err)
{
    const struct profile *file;
    struct profile *own = pool_alloc(pool, sizeof(*own));
    int r = profile_load(pool, dirs, PROFILE, &file, err);
    if (r)
        return r;
    *own = *file;
    own->model = config->model;
    own->timeout_s = TIMEOUT_S;
    own->attempts = ATTEMPTS;
    own->max_tokens = MAX_TOKENS;
    *out = own;
    return 0;
}

/* Everything that the answer depends on. */
static void make_hash(struct pool *pool, const char *model, const char *versions, const char *text,
                      char out[AUTHOR_HASH_BYTES])
{
    char hex[ID_SHA256_HEX_BYTES];
    const char *whole = pool_printf(pool, "%s\n%d\n%s\n%s", versions, FORM_VERSION, model, text);
    id_sha256_hex(whole, strlen(whole), hex);
    memcpy(out, hex, AUTHOR_HASH_BYTES - 1);
    out[AUTHOR_HASH_BYTES - 1] = 0;
}

static int make_question(struct pool *pool, const struct author_config *config, const char *text,
                         struct question *out, struct err *err)
{
    const struct profile_dirs dirs = profile_dirs_of(config->settings);
    struct prompt prompt, constraint = {.text = "", .version = ""};
    int r = load_profile(pool, config, &dirs, &out->profile, err);
    r = r ? r : prompt_load(pool, &dirs, PROMPT, &prompt, err);
    if (!r && plan_text_is_read_only(text))
        r = prompt_load(pool, &dirs, CONSTRAINT, &constraint, err);
    if (r)
        return r;
    const struct prompt_value values[] = {{"CONSTRAINT", constraint.text}, {"PLAN", text}};
    make_hash(pool, config->model, pool_printf(pool, "%s %s", prompt.version, constraint.version),
              text, out->hash);
    return prompt_fill(pool, &prompt, values, ARRAY_SIZE(values), &out->text, err);
}

/* Wrong files are the operator's fault, whatever code they have. */
int author_question(struct pool *pool, const struct author_config *config, const char *text,
                    struct question *out, struct err *err)
{
    struct err why = {0};
    return make_question(pool, config, text, out, &why) ? err_set(err, E_INTERNAL, "%s", why.msg)
                                                        : 0;
}

int author_check(const struct intake_config *intake, const char *text, const json_t *document,
                 struct err *err)
{
    struct pool *pool = pool_create(NULL);
    const struct intake_source source = {
        .document = document, .prose = text, .field = "", .name = ""};
    struct plan *plan;
    json_t *request = json_keep(pool, json_object());
    int r = intake_build(pool, intake, request, &source, &plan, err);
    pool_destroy(pool);
    return r;
}

const char *author_goals(struct pool *pool, const json_t *document)
{
    const char *out = "";
    size_t i;
    json_t *step;
    int n = 0;
    json_array_foreach (json_object_get(document, "steps"), i, step) {
        const char *intent = str_squash(pool, json_str(step, "intent", ""));
        if (*intent)
            out = pool_printf(pool, "%s%s%d. %s", out, *out ? "\n" : "", ++n, intent);
    }
    return *out ? pool_printf(pool,
                              "Do this in order, and see that each has worked before the next:\n%s",
                              out)
                : "";
}
