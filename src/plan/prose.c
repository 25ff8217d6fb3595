#include "plan/prose.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "plan/decompose.h"
#include "plan/document.h"

#define DECOMPOSER     "rules"
#define RAW_NAME       "plan_text" /* task_id of decompose:false (plans.md section 1) */
#define RAW_SESSION    "plan_text_raw"
#define NOT_UNDERSTOOD "the file is no prose that is understood"

static int count_words(const char *text)
{
    int n = 0;
    for (const char *p = text + strspn(text, " \t\r\n\f\v"); *p; n++) {
        p += strcspn(p, " \t\r\n\f\v");
        p += strspn(p, " \t\r\n\f\v");
    }
    return n;
}

int prose_load(struct pool *pool, const struct intake_config *config, const char *path,
               struct intake_source *out, struct err *err)
{
    int r = document_load_prose(pool, config->repo_root, path, &out->prose, &out->name, err);
    out->path = path;
    return r;
}

static int raw_task(struct pool *pool, const json_t *request, const struct intake_source *source,
                    bool long_too, json_t **out, struct err *err)
{
    if (!long_too && count_words(source->prose) > CAP_RAW_PROSE_WORDS)
        return err_set(err, E_INVALID,
                       "it has more than %d words, which decompose:false allows only with "
                       "allow_raw_long_plan:true",
                       CAP_RAW_PROSE_WORDS);
    const char *start = json_str(request, "start_url", "");
    char *first = *start ? NULL : plan_first_url(pool, source->prose);
    json_t *task = json_object(), *tasks = json_array();
    json_put_str(task, "task_id", RAW_NAME);
    json_put(task, "intent", json_string_safe(source->prose));
    json_put(task, "start_url", json_string_safe(*start ? start : first ? first : ""));
    json_push(tasks, task);
    *out = json_keep(pool, json_object());
    json_put_str(*out, "session_name", RAW_SESSION);
    json_put_str(*out, "base_url", "");
    json_put(*out, "tasks", tasks);
    return 0;
}

/* The request says where to start when the words do not. */
static void begin_at(struct pool *pool, const char *start, json_t *document)
{
    json_t *steps = json_object_get(document, "steps"), *s, *first;
    size_t i;
    if (!*start || strcmp(json_str(json_array_get(steps, 0), "type", ""), "navigate") == 0)
        return;
    json_array_foreach (steps, i, s)
        if (json_object_get(s, "loop_target"))
            json_put_int(s, "loop_target", json_int(s, "loop_target", 0) + 1);
    first = json_pack("{s:s,s:s,s:{s:o}}", "type", "navigate", "intent", "Open the start page",
                      "params", "url", json_string_safe(start));
    json_array_insert_new(steps, 0, first);
}

/* A file that does not call itself prose may hold anything: it is not quoted to a caller. */
static bool may_say(const struct intake_source *source, int code)
{
    bool may_quote =
        !source->path || str_ends(source->path, ".txt") || str_ends(source->path, ".md");
    return may_quote || (code != E_INVALID && code != E_UPSTREAM);
}

static int make_steps(struct pool *pool, const struct intake_config *config, const char *text,
                      json_t **out, struct err *err)
{
    struct decomposer *d = config->decomposer;
    return d ? d->decompose(d, pool, text, out, err)
             : plan_decompose(pool, DECOMPOSER, text, out, err);
}

static int with_env(struct pool *pool, const struct intake_config *config,
                    struct intake_source *source, struct err *err)
{
    json_t *words = json_keep(pool, json_string_safe(source->prose)), *filled;
    int r = document_with_env(pool, words, config->env_url, &filled, err);
    if (!r)
        source->prose = json_string_value(filled);
    return r;
}

int prose_take(struct pool *pool, const struct intake_config *config, const json_t *request,
               struct intake_source *source, struct err *err)
{
    bool decompose = true, long_too = false;
    struct err why = {0};
    json_t *document = NULL;
    int r = json_read_bool(request, "decompose", &decompose, err);
    r = r ? r : json_read_bool(request, "allow_raw_long_plan", &long_too, err);
    r = r ? r : with_env(pool, config, source, err);
    if (r)
        return r;
    if (decompose)
        r = make_steps(pool, config, source->prose, &document, &why);
    else
        r = raw_task(pool, request, source, long_too, &document, &why);
    if (r)
        return err_set(err, r, "%s", may_say(source, r) ? why.msg : NOT_UNDERSTOOD);
    if (decompose)
        begin_at(pool, json_str(request, "start_url", ""), document);
    source->document = document;
    if (!decompose)
        source->prose = NULL; /* nothing was made of it that a pass could mend */
    return 0;
}
