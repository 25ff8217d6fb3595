#include "reader/model_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "sys/file.h"

#define TOOLS   "tools/reader.json"
#define QUALITY 85

struct model_reader *model_reader_of(struct reader *reader)
{
    if (!reader->driver->is_model)
        BUG("not a reader that is a model");
    return (struct model_reader *)reader;
}

/* --- create ---------------------------------------------------------------------------------- */

static int load_mind(struct model_reader *m, const struct model_link *link, const char *profile,
                     struct mind *out, struct err *err)
{
    int r = profile_load(m->pool, &link->dirs, profile, &out->profile, err);
    if (r)
        return r;
    out->link = link;
    out->roles = out->profile->api == API_ANTHROPIC_MESSAGES;
    return 0;
}

/* The operator's file, else ours. */
static int load_tools(struct model_reader *m, const struct profile_dirs *dirs, struct err *err)
{
    const char *own =
        str_empty(dirs->profiles) ? NULL : pool_printf(m->pool, "%s/" TOOLS, dirs->profiles);
    const char *ours = pool_printf(m->pool, "%s/profiles/" TOOLS, dirs->share ? dirs->share : "");
    json_t *tools;
    int r = own ? json_parse_file(own, &tools, err) : E_NOT_FOUND;
    if (r == E_NOT_FOUND)
        r = json_parse_file(ours, &tools, err);
    if (r)
        return r;
    m->tools = json_keep(m->pool, tools);
    return json_is_object(tools)
               ? 0
               : err_set(err, E_INVALID, "'%s' must be an object of tools by their names",
                         own ? own : ours);
}

static const char *or_usual(const char *given, const char *usual)
{
    return str_empty(given) ? usual : given;
}

static void name_models(struct model_reader *m)
{
    const struct reader_needs *n = &m->needs;
    m->models[ROLE_EXTRACT] = or_usual(n->extract_model, call_usual_model(ROLE_EXTRACT));
    m->models[ROLE_FORM] = m->models[ROLE_EXTRACT];
    m->models[ROLE_VERIFY] = or_usual(n->verify_model, call_usual_model(ROLE_VERIFY));
    m->models[ROLE_ESCALATION] = or_usual(n->escalation_model, call_usual_model(ROLE_ESCALATION));
    m->models[ROLE_REGARD] = call_usual_model(ROLE_REGARD);
    m->models[ROLE_PHONE] = or_usual(n->phone_model, m->models[ROLE_ESCALATION]);
}

/* Claude is shown JPEG, whatever a brain of the same profile is. */
static int set_pictures(struct model_reader *m, struct err *err)
{
    static const struct {
        const char *name;
        enum picture_format format;
    } formats[] = {{"jpeg", PICTURE_JPEG}, {"jpg", PICTURE_JPEG}, {"png", PICTURE_PNG}, {"webp", PICTURE_WEBP}};
    const char *name = or_usual(m->needs.image_format, formats[0].name);
    m->pictures = *m->mind.profile;
    if (!m->mind.roles)
        return 0;
    m->pictures.quality = m->needs.image_quality ? m->needs.image_quality : QUALITY;
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (str_eq_fold(formats[i].name, name)) {
            m->pictures.format = formats[i].format;
            return 0;
        }
    return err_set(err, E_UNSUPPORTED,
                   "MANTIS_CLAUDE_IMAGE_FORMAT must be jpeg, jpg or png, not '%.40s'", name);
}

/* Who says where to click: the in-pod model, when it is asked for and there is one. */
static int load_aim(struct model_reader *m, struct err *err)
{
    const struct reader_needs *n = &m->needs;
    m->aim = m->mind;
    if (!m->mind.roles || !n->pod || str_empty(n->form_target) ||
        str_eq_fold(n->form_target, "claude"))
        return 0;
    return load_mind(m, n->pod, n->form_target, &m->aim, err);
}

static int load(struct model_reader *m, enum profile_api api, const char *profile, struct err *err)
{
    int r = load_mind(m, m->needs.model, profile, &m->mind, err);
    if (!r && m->mind.profile->api != api)
        r = err_set(err, E_INVALID,
                    "reader '%s:%.60s': the profile's server speaks another protocol (api in %s)",
                    m->base.driver->kind, profile, m->mind.profile->path);
    if (!r)
        r = load_tools(m, &m->needs.model->dirs, err);
    r = r ? r : set_pictures(m, err);
    return r ? r : load_aim(m, err);
}

int model_reader_create(const struct reader_driver *driver, enum profile_api api,
                        const char *profile, const struct reader_needs *needs, struct reader **out,
                        struct err *err)
{
    if (!needs->model)
        return err_set(err, E_INVALID, "reader '%s': there is no model server to ask",
                       driver->kind);
    struct pool *pool = pool_create(NULL);
    struct model_reader *m = pool_alloc(pool, sizeof(*m));
    *m = (struct model_reader){
        .base.driver = driver, .page.driver = &reader_page, .pool = pool, .needs = *needs};
    m->base.first = &m->page;
    int r = load(m, api, profile, err);
    if (r) {
        pool_destroy(pool);
        return r;
    }
    name_models(m);
    m->regards = grounding_cache_create();
    *out = &m->base;
    return 0;
}

static void drop_kept(struct model_reader *m)
{
    for (int i = 0; i < MODEL_KEPT_ANSWERS; i++) {
        json_decref(m->kept[i].input);
        m->kept[i].input = NULL;
    }
}

void model_reader_forget(struct reader *reader)
{
    struct model_reader *m = model_reader_of(reader);
    drop_kept(m);
    grounding_cache_forget(m->regards);
}

void model_reader_destroy(struct reader *reader)
{
    struct model_reader *m = model_reader_of(reader);
    drop_kept(m);
    grounding_cache_destroy(m->regards);
    pool_destroy(m->pool);
}

/* --- the first opinion ----------------------------------------------------------------------- */

bool model_unheard(int r)
{
    return r == E_UNAVAILABLE || r == E_UPSTREAM || r == E_UNSUPPORTED;
}

int opinion_end(const struct opinion *page, int r, const struct err *why, struct err *err)
{
    if (!r)
        return 0;
    if (page->had && model_unheard(r))
        return err_set(err, page->r, "%.240s (no model said more: %.200s)", page->why.msg,
                       why->msg);
    if (page->had && r == E_NOT_FOUND)
        return err_set(err, r, "%.240s; a model: %.200s", page->why.msg, why->msg);
    return err_set(err, r, "%s", why->msg);
}
