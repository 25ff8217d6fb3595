#include "run/minds.h"

#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "run/helper.h"
#include "run/models.h"

#define LOGGER          "mantis.worker"
#define DIRECTOR_MODEL  "claude-sonnet-4-5" /* brains.md 8 and 10 */
#define GROUNDING_MODEL "claude-sonnet-4-6"

static const char *text_or_null(const json_t *obj, const char *key)
{
    const char *s = json_str(obj, key, "");
    return *s ? s : NULL;
}

/* The reader of the brain's kind: "vlm:holo3" of "chat:holo3"; brains that read nothing themselves
 * use the page reader. */
static const char *reader_of(struct pool *pool, const char *brain)
{
    size_t len = strcspn(brain, ":");
    if (str_starts(brain, "chat:"))
        return pool_printf(pool, "vlm%s", brain + len);
    for (const char *const *k = reader_kinds(); *k; k++)
        if (strlen(*k) == len && !strncmp(*k, brain, len))
            return brain;
    return "page";
}

/* Of a ladder's, one that is a model. */
static const char *reader_spec(struct pool *pool, const char *spec)
{
    const char *parts[2], *reader = "page";
    int n = brain_parts(pool, spec, parts);
    for (int i = 0; i < n && !reader_spec_is_model(reader); i++)
        reader = reader_of(pool, parts[i]);
    return reader;
}

static struct reader_needs reader_needs(struct minds *m)
{
    const json_t *set = json_object_get(m->start, "readers");
    const json_t *plan = json_object_get(m->start, "plan");
    return (struct reader_needs){.form_target = text_or_null(set, "form_target"),
                                 .extract_model = text_or_null(json_object_get(plan, "runtime"),
                                                         "extractor_model"),
                                 .verify_model = text_or_null(set, "verify_model"),
                                 .escalation_model = text_or_null(set, "escalation_model"),
                                 .phone_model = text_or_null(set, "phone_model"),
                                 .image_format = text_or_null(set, "image_format"),
                                 .image_quality = (int)json_int(set, "image_quality", 0),
                                 .phone_once = json_flag(set, "phone_once", false),
                                 .count = m->count,
                                 .count_arg = m->count_arg};
}

static int link_to(struct minds *m, const char *profile, const struct model_link **out,
                   struct err *err)
{
    return str_empty(profile) ? 0 : models_link(m->models, profile, out, err);
}

static void start_helper(struct minds *m, const char *option, const char *model,
                         struct model_link *link, struct brain **out)
{
    const json_t *options = json_object_get(m->start, "options");
    struct err why = {0};
    *link = *m->helper;
    link->server.model = pool_strdup(m->pool, json_str(options, option, model));
    if (brain_create("claude", &(struct brain_needs){.model = link}, out, &why))
        log_warning(LOGGER, NULL, "%s: %s", option, why.msg);
}

/* A brain that is shown pixels may be helped; a Claude needs no director. */
static void start_helpers(struct minds *m, const char *spec)
{
    const char *profile = profile_of_spec(spec);
    if (!(brain_abilities(m->brain) & BRAIN_SEES) || !m->helper)
        return;
    start_helper(m, "grounding_model", GROUNDING_MODEL, &m->links[0], &m->grounder);
    if (!profile || !str_starts(profile, "claude"))
        start_helper(m, "director_model", DIRECTOR_MODEL, &m->links[1], &m->director);
}

static int start_brain(struct minds *m, const char *spec, struct err *err)
{
    struct brain_needs needs = {.reader = m->reader};
    const char *parts[2];
    int n = brain_parts(m->pool, spec, parts);
    int r = n > 0 ? link_to(m, profile_of_spec(parts[0]), &needs.model, err) : 0;
    if (!r && n > 1)
        r = link_to(m, profile_of_spec(parts[1]), &needs.fallback, err);
    r = r ? r : brain_create(spec, &needs, &m->brain, err);
    if (!r)
        start_helpers(m, spec);
    return r;
}

/* Claude reads for a model that acts, where there is a key for it; else the model reads for itself.
 */
static int start_reader(struct minds *m, const char *spec, struct err *err)
{
    struct reader_needs needs = reader_needs(m);
    const char *reader = reader_spec(m->pool, spec);
    if (str_starts(reader, "vlm:") && m->helper)
        reader = "claude";
    int r = link_to(m, profile_of_spec(reader), &needs.model, err);
    if (!r && needs.model)
        r = link_to(m, needs.form_target, &needs.pod, err);
    return r ? r : reader_create(reader, &needs, &m->reader, err);
}

/* There is a key for Claude: it may be asked, whatever the brain is. */
static const struct model_link *helper_of(struct minds *m, const json_t *message)
{
    const struct model_link *link;
    bool claude = json_flag(message, "claude", false);
    return claude && !models_link(m->models, HELPER_PROFILE, &link, NULL) ? link : NULL;
}

/* Whoever reads of a run that did not start knows the brain by its name. */
static int cannot_be_made(const char *part, const char *spec, struct err *err)
{
    err_prefix(err, "the %s '%.80s' cannot be made", part, spec);
    return err->code = E_UNSUPPORTED;
}

int minds_open(struct pool *pool, struct loop *loop, const json_t *start, reader_count_fn *count,
               void *count_arg, struct minds *out, struct err *err)
{
    const char *brain = json_str(start, "brain", "page");
    const json_t *message = json_object_get(start, "model");
    *out = (struct minds){.pool = pool, .start = start, .count = count, .count_arg = count_arg};
    out->models = models_open(pool, loop, message);
    out->helper = helper_of(out, message);
    const char *reader = json_str(start, "reader", brain);
    if (start_reader(out, reader, err))
        return cannot_be_made("reader of", reader, err);
    return start_brain(out, brain, err) ? cannot_be_made("brain", brain, err) : 0;
}

void minds_close(struct minds *m)
{
    brain_destroy(m->director);
    brain_destroy(m->grounder);
    brain_destroy(m->brain);
    reader_destroy(m->reader);
}
