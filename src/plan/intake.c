/*
 * intake.c - which field of a request holds the plan, what shape it has, and everything about a
 * plan that is not a step. Steps: normalise.c; runtime fields: runtime.c.
 */
#include "plan/intake.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include "base/caps.h"
#include "base/str.h"
#include "core/task.h"
#include "plan/document.h"
#include "plan/normalise.h"
#include "plan/prose.h"
#include "plan/tasks.h"

/* Keys of a plan document beside its steps; those that start with '_' are a suite's. */
static const char *const document_keys[] = {
    "steps",
    "runtime",
    "domain",
    "source_plan",
    "shapes",
    "loop_groups",
    "plan_hash",
    "pagination_url_template",
    "task_id",
    "session_name",
    "base_url",
    "tasks",
    "auth",
    "name",
    "plan_name",
    "description",
    "notes",
    "version",
    "objective",
    "site_config",
    "$schema",
    NULL,
};

/* A caller may write these, but the server decides them (http-api.md section 4.4). */
static bool server_decides(const char *key)
{
    static const char *const keys[] = {"_profile_id", "_workflow_id", "_state_key",
                                       "_checkpoint_path", "_plan_signature"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return str_starts(key, "_resume_");
}

int intake_refuse_challenger(const json_t *asked, struct err *err)
{
    static const char *const keys[] = {"_challenger_model", "_lora_adapter", "_lora_name", "_lora_scale",
                                       "_lora_max_rank"};
    for (size_t i = 0; i < 2 * ARRAY_SIZE(keys); i++) {
        const char *key = keys[i / 2] + i % 2; /* with its underscore and without */
        const json_t *value = json_object_get(asked, key);
        if (value && !json_is_null(value))
            return err_set(err, E_INVALID,
                           "'%s' asks for another model in this run, and this server has only the one that it was "
                           "started with: leave it out, or run against the challenger's own server",
                           key);
    }
    return 0;
}

static void warn_about_keys(const json_t *document, json_t *warnings)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)document, key, value) {
        bool known = *key == '_';
        for (const char *const *k = document_keys; *k && !known; k++)
            known = strcmp(*k, key) == 0;
        if (server_decides(key))
            normalise_warn(warnings, "'%.80s' is ignored: the server decides it", key);
        else if (!known)
            normalise_warn(warnings, "unknown key '%.80s' is ignored", key);
    }
    json_object_foreach (json_object_get(document, "runtime"), key, value) {
        if (!runtime_knows(key))
            normalise_warn(warnings, "unknown key 'runtime.%.80s' is ignored", key);
    }
}

/* The step array of any accepted shape. */
static int find_steps(const json_t *document, const json_t **out, struct err *err)
{
    if (json_is_array(document)) {
        *out = document;
        return 0;
    }
    if (!json_is_object(document))
        return err_set(err, E_INVALID,
                       "a plan must be an array of steps or an object with 'steps'");
    const json_t *micro = json_object_get(document, "_micro_plan"),
                 *steps = json_object_get(document, "steps");
    const char *key = json_truthy(micro) || !steps ? "_micro_plan" : "steps";
    const json_t *list = json_truthy(micro) || !steps ? micro : steps;
    if (json_is_array(list)) {
        *out = list;
        return 0;
    }
    if (list && !json_is_null(list))
        return err_set(err, E_INVALID, "'%s' must be an array", key);
    return err_set(err, E_INVALID, "the plan has none of 'steps', '_micro_plan' and 'tasks'");
}

static const char *text_of(const json_t *document, const char *key, const char *suite_key)
{
    const char *s = json_str(document, key, "");
    return *s ? s : json_str(document, suite_key, "");
}

/* The address that a step opens, NULL none. */
static const char *opened_by(struct pool *pool, const struct step *s)
{
    if (!strcmp(s->type, TASK_STEP_TYPE))
        return json_str(s->params, "start_url", NULL);
    return strcmp(s->type, "navigate") == 0 ? step_url(pool, s) : NULL;
}

const char *plan_first_host(struct pool *pool, const struct plan *plan)
{
    for (int i = 0; i < plan->n_steps; i++) {
        const char *url = opened_by(pool, &plan->steps[i]);
        char *host = url ? plan_url_host(pool, url) : NULL;
        if (host)
            return host;
    }
    return "";
}

static const char *default_session(struct pool *pool, const struct plan *plan, const char *domain)
{
    const char *kind = plan_is_suite(plan) ? "suite" : "micro";
    if (!*domain)
        return pool_printf(pool, "%s_plan", kind);
    char *name = pool_printf(pool, "%s_%s", kind, domain);
    for (char *p = name; *p; p++)
        if (*p == '.')
            *p = '_';
    return name;
}

/* _extraction_schema of a suite is the extract block of extracting steps that bring none. */
static void share_schema(struct plan *plan, const json_t *schema)
{
    for (int i = 0; i < plan->n_steps && json_truthy(schema) && json_is_object(schema); i++) {
        struct step *s = &plan->steps[i];
        bool extracts =
            strcmp(s->type, "extract_data") == 0 || strcmp(s->type, "extract_rows") == 0 ||
            json_truthy(json_object_get(s->params, "loop"));
        if (extracts && !json_object_size(s->extract))
            s->extract = schema;
    }
}

static void read_labels(struct pool *pool, const json_t *document, const char *name,
                        struct plan *plan)
{
    const char *label = text_of(document, "plan_name", "_plan_name");
    if (!*label)
        label = name && *name ? name : text_of(document, "name", "task_id");
    plan->domain = json_str(document, "domain", "");
    plan->name = str_cut(pool, label, ID_NAME_MAX);
    plan->page_url_template =
        text_of(document, "pagination_url_template", "_pagination_url_template");
    plan->hash = str_cut(pool, text_of(document, "plan_hash", "_plan_hash"), ID_NAME_MAX);
    const json_t *objective = json_object_get(document, "_objective");
    if (!json_is_object(objective))
        objective = json_object_get(document, "objective");
    plan->objective = json_is_object(objective) ? objective : NULL;
    const json_t *site = json_object_get(document, "_site_config");
    plan->site_config = json_is_object(site) ? site : json_object_get(document, "site_config");
    if (!json_is_object(plan->site_config))
        plan->site_config = NULL;
}

/* By the addresses that the steps open in the end. */
static void name_session(struct pool *pool, const json_t *document, struct plan *plan)
{
    const char *session = json_str(document, "session_name", "");
    if (!*plan->domain)
        plan->domain = plan_first_host(pool, plan);
    plan->session_name =
        *session ? str_cut(pool, session, ID_NAME_MAX) : default_session(pool, plan, plan->domain);
}

/* A step may not call itself a task: what a task needs was not looked at. */
static int refuse_tasks(const struct normaliser *n, struct err *err)
{
    for (int i = 0; i < n->n_steps; i++)
        if (!strcmp(n->steps[i].type, TASK_STEP_TYPE))
            return err_set(err, E_INVALID,
                           "step %d: 'task' is no step of a plan; send it in 'tasks'", i);
    return 0;
}

/* Steps, or the tasks of a suite; steps win when a document has both. */
static int read_steps(struct normaliser *n, const json_t *document, int task_max_steps,
                      struct err *err)
{
    const json_t *steps = NULL;
    if (tasks_are_meant(document))
        return tasks_to_steps(n, document, task_max_steps, err);
    int r = find_steps(document, &steps, err);
    r = r ? r : normalise_steps(n, steps, err);
    if (!r && json_is_object(document) && json_truthy(json_object_get(document, "tasks")))
        normalise_warn(n->warnings, "'tasks' is ignored: the plan has steps");
    return r ? r : refuse_tasks(n, err);
}

/* Everything the document says; caps on cost and time are not applied yet. task_max_steps: of tasks
 * that say nothing, 0 the default. */
static int build(struct pool *pool, const struct intake_config *config,
                 const struct intake_source *source, int task_max_steps, struct plan **out,
                 json_t **ret_warnings, struct err *err)
{
    const json_t *document = source->document;
    struct plan *plan = pool_alloc(pool, sizeof(*plan));
    json_t *warnings = json_keep(pool, json_array());
    const json_t *block = json_object_get(document, "runtime");
    if (block && !json_is_null(block) && !json_is_object(block))
        return err_set(err, E_INVALID, "'runtime' must be an object");
    struct normaliser n = {.pool = pool, .config = config, .warnings = warnings};
    int r = intake_refuse_challenger(document, err);
    r = r ? r : read_steps(&n, document, task_max_steps, err);
    if (r)
        return r;
    plan->steps = n.steps;
    plan->n_steps = n.n_steps;
    plan->warnings = warnings;
    warn_about_keys(document, warnings);
    runtime_init(&plan->runtime);
    r = runtime_read(pool, block, "", &plan->runtime, warnings, err);
    r = r ? r : runtime_read(pool, document, "_", &plan->runtime, warnings, err);
    if (r)
        return r;
    share_schema(plan, json_object_get(document, "_extraction_schema"));
    read_labels(pool, document, source->name, plan);
    if (source->prose)
        r = plan_pass(pool, config, source->prose, plan, err);
    if (r)
        return r;
    name_session(pool, document, plan);
    intake_signature(json_keep(pool, plan_steps_to_json(plan)), plan->signature);
    *ret_warnings = warnings;
    *out = plan;
    return 0;
}

static int build_alone(struct pool *pool, const struct intake_config *config,
                       const struct intake_source *source, struct plan **out, struct err *err)
{
    struct plan *plan;
    json_t *warnings;
    int r = build(pool, config, source, 0, &plan, &warnings, err);
    if (r)
        return r;
    runtime_clamp(config, &plan->runtime, warnings);
    *out = plan;
    return 0;
}

int intake_document(struct pool *pool, const struct intake_config *config, const json_t *document,
                    const char *name, struct plan **out, struct err *err)
{
    json_t *filled;
    int r = document_with_env(pool, document, config->env_url, &filled, err);
    struct intake_source source = {.document = filled, .name = name, .field = ""};
    return r ? r : build_alone(pool, config, &source, out, err);
}

int intake_prose(struct pool *pool, const struct intake_config *config, const char *prose,
                 const char *name, struct plan **out, struct err *err)
{
    struct intake_source source = {.prose = prose, .name = name, .field = ""};
    int r = prose_take(pool, config, NULL, &source, err);
    return r ? r : build_alone(pool, config, &source, out, err);
}

void intake_share_schema(struct pool *pool, struct plan *plan, const json_t *schema)
{
    share_schema(plan, schema);
    intake_signature(json_keep(pool, plan_steps_to_json(plan)), plan->signature);
}

void intake_signature(const json_t *steps, char out[ID_SHA256_HEX_BYTES])
{
    struct pool *pool = pool_create(NULL);
    const char *text = json_canonical(pool, steps);
    id_sha256_hex(text, strlen(text), out);
    pool_destroy(pool);
}

/* "" and a missing field are the same. */
static int text_field(const json_t *request, const char *key, const char **out, struct err *err)
{
    const char *s = NULL;
    int r = json_read_string(request, key, &s, err);
    *out = s ? s : "";
    return r;
}

static bool is_json_name(const char *path)
{
    size_t len = strlen(path);
    return len >= 5 && strcasecmp(path + len - 5, ".json") == 0;
}

/* Say which field of the request an error is about. */
static int about(const char *field, int r, struct err *err)
{
    if (r && err)
        err_prefix(err, "'%s'", field);
    return r;
}

/* task_suite, when it is not empty. */
static int find_suite(const json_t *request, struct intake_source *out, struct err *err)
{
    const json_t *suite = json_object_get(request, "task_suite");
    if (!suite || json_is_null(suite) || (json_is_string(suite) && json_string_length(suite) == 0))
        return 0;
    if (!json_is_object(suite) && !json_is_array(suite))
        return err_set(err, E_INVALID, "'task_suite' must be an object or an array of steps");
    out->document = suite;
    out->field = "task_suite";
    return 0;
}

/* A path that may not be used is refused for that, whatever it names. */
static int find_file(struct pool *pool, const struct intake_config *config, const char *field,
                     const char *path, bool may_be_prose, struct intake_source *out,
                     struct err *err)
{
    out->field = field;
    if (may_be_prose && !is_json_name(path))
        return about(field, prose_load(pool, config, path, out, err), err);
    return about(
        field, document_load(pool, config->repo_root, path, &out->document, &out->name, err), err);
}

/* The first field that is not empty wins. */
static int find_source(struct pool *pool, const struct intake_config *config, const json_t *request,
                       struct intake_source *out, struct err *err)
{
    const char *contents, *file, *text, *micro, *alias;
    int r = find_suite(request, out, err);
    if (r || out->document)
        return r;
    r = text_field(request, "task_file_contents", &contents, err);
    r = r ? r : text_field(request, "task_file", &file, err);
    r = r ? r : text_field(request, "plan_text", &text, err);
    r = r ? r : text_field(request, "micro", &micro, err);
    r = r ? r : text_field(request, "micro_path", &alias, err);
    if (r)
        return r;
    if (*contents) {
        out->field = "task_file_contents";
        return document_parse(pool, contents, "'task_file_contents'", &out->document, err);
    }
    if (*file)
        return find_file(pool, config, "task_file", file, false, out, err);
    if (*text) {
        out->field = "plan_text";
        out->prose = text;
        return 0;
    }
    if (*micro || *alias)
        return find_file(pool, config, *micro ? "micro" : "micro_path", *micro ? micro : alias,
                         true, out, err);
    if (config->default_micro && *config->default_micro)
        return find_file(pool, config, "MANTIS_DEFAULT_MICRO", config->default_micro, true, out,
                         err);
    return err_set(err, E_INVALID,
                   "must provide one of task_suite, task_file_contents, task_file, micro, "
                   "plan_text");
}

int intake_read(struct pool *pool, const struct intake_config *config, const json_t *request,
                struct intake_source *out, struct err *err)
{
    struct intake_source source = {.name = "", .field = ""};
    json_t *filled;
    int r = find_source(pool, config, request, &source, err);
    if (!r && source.prose) {
        r = about(source.field, prose_take(pool, config, request, &source, err), err);
    } else if (!r) {
        r = document_with_env(pool, source.document, config->env_url, &filled, err);
        if (!r)
            source.document = filled;
    }
    *out = source;
    return r;
}

static int check_runnable(struct pool *pool, const struct plan *plan, struct err *err)
{
    if (plan->n_steps == 0)
        return err_set(err, E_INVALID, "the plan has no steps");
    for (int i = 0; i < plan->n_steps; i++) {
        const struct step *s = &plan->steps[i];
        const struct step_kind *kind = step_kind_find(s->type);
        if (!strcmp(s->type, TASK_STEP_TYPE))
            continue; /* read and checked as a task */
        if (kind && kind->flags & STEP_INTERNAL)
            return err_set(err, E_INVALID,
                           "step %d: '%s' is no step of a plan; call action=graph_learn", i,
                           s->type);
    }
    return 0;
}

int intake_build(struct pool *pool, const struct intake_config *config, const json_t *request,
                 const struct intake_source *source, struct plan **out, struct err *err)
{
    struct plan *plan;
    json_t *warnings;
    const char *label = NULL, *session = NULL;
    int64_t max_steps = 0;
    int r = json_read_int(request, "max_steps", &max_steps, err);
    r = r ? r
          : build(pool, config, source, max_steps > 0 && max_steps < INT_MAX ? (int)max_steps : 0,
                  &plan, &warnings, err);
    r = r ? r : runtime_read(pool, request, "", &plan->runtime, warnings, err);
    r = r ? r : json_read_string(request, "plan_name", &label, err);
    r = r ? r : json_read_string(request, "session_name", &session, err);
    r = r ? r : check_runnable(pool, plan, err);
    r = r ? r : plan_check(pool, plan, err);
    if (r)
        return r;
    runtime_clamp(config, &plan->runtime, warnings);
    if (label && *label)
        plan->name = str_cut(pool, label, ID_NAME_MAX);
    if (session && *session)
        plan->session_name = str_cut(pool, session, ID_NAME_MAX);
    *out = plan;
    return 0;
}

int intake_request(struct pool *pool, const struct intake_config *config, const json_t *request,
                   struct plan **out, struct err *err)
{
    struct intake_source source;
    int r = intake_read(pool, config, request, &source, err);
    return r ? r : intake_build(pool, config, request, &source, out, err);
}
