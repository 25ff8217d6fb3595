#include "run/models.h"

#include <fcntl.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "brain/model/http_transport.h"
#include "brain/model/picture.h"
#include "brain/model/request.h"
#include "core/picture.h"

#define ADDRESS "http://gateway" /* what stands before the profile's name; nobody looks it up */

struct link {
    struct link *next;
    const struct models *models;
    const char *profile;
    struct model_link model;
};

struct models {
    struct pool *pool;
    struct loop *loop;
    const char *socket; /* "" there is none */
    const char *const *headers;
    struct profile_dirs dirs;
    const char *pod_profile,
        *pod_model; /* "" no model server of the pod; the profile's name for it */
    bool logprobs;
    int top_logprobs;
    struct link *links;
    struct picture_memo *pictures;
    models_trouble_fn *trouble; /* NULL: nobody listens */
    void *trouble_arg;
};

static void close_dir(void *arg)
{
    close(*(int *)arg);
}

/* A path that is longer than a socket's address may be, by its directory's descriptor. */
static const char *reachable(struct pool *pool, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path) || !slash)
        return path;
    int *dir = pool_alloc(pool, sizeof(*dir));
    *dir = open(pool_strndup(pool, path, (size_t)(slash - path)), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dir < 0)
        return path; /* connecting says what is wrong */
    pool_defer(pool, close_dir, dir);
    return pool_printf(pool, "/proc/self/fd/%d%s", *dir, slash);
}

static const char *text_in(struct pool *pool, const json_t *o, const char *key)
{
    return pool_strdup(pool, json_str(o, key, ""));
}

static void end_pictures(void *arg)
{
    picture_memo_destroy(arg);
}

struct models *models_open(struct pool *pool, struct loop *loop, const json_t *message)
{
    struct models *m = pool_alloc(pool, sizeof(*m));
    const json_t *dirs = json_object_get(message, "dirs"), *pod = json_object_get(message, "pod");
    *m = (struct models){.pool = pool,
                         .loop = loop,
                         .socket = reachable(pool, text_in(pool, message, "socket")),
                         .logprobs = json_flag(message, "logprobs", false),
                         .top_logprobs = (int)json_int(message, "top_logprobs", 0),
                         .headers = request_bearer(pool, json_str(message, "credential", "")),
                         .dirs = {.profiles = text_in(pool, dirs, "profiles"),
                                  .prompts = text_in(pool, dirs, "prompts"),
                                  .share = text_in(pool, dirs, "share")},
                         .pod_profile = text_in(pool, pod, "profile"),
                         .pod_model = text_in(pool, pod, "model")};
    m->pictures = picture_memo_create();
    pool_defer(pool, end_pictures, m->pictures);
    return m;
}

struct picture_memo *models_pictures(const struct models *m)
{
    return m->pictures;
}

void models_listen(struct models *m, models_trouble_fn *trouble, void *arg)
{
    m->trouble = trouble;
    m->trouble_arg = arg;
}

static void pass_on(void *arg, const char *why, int calls, bool answered)
{
    const struct link *link = arg;
    const struct models *m = link->models;
    if (m->trouble)
        m->trouble(m->trouble_arg, link->profile, why, calls, answered);
}

static void end_transport(void *arg)
{
    http_transport_destroy(arg);
}

static int connect_to(struct models *m, const char *profile, struct link *link, struct err *err)
{
    const struct http_transport_config config = {.base_url =
                                                     pool_printf(m->pool, ADDRESS "/%s", profile),
                                                 .socket = m->socket,
                                                 .where = pool_printf(m->pool, "'%s'", profile),
                                                 .headers = m->headers};
    int r = http_transport_create(m->loop, &config, &link->model.transport, err);
    if (!r)
        pool_defer(m->pool, end_transport, link->model.transport);
    return r;
}

int models_link(struct models *m, const char *profile, const struct model_link **out,
                struct err *err)
{
    for (const struct link *l = m->links; l; l = l->next)
        if (!strcmp(l->profile, profile)) {
            *out = &l->model;
            return 0;
        }
    if (!*m->socket)
        return err_set(err, E_INVALID, "the model '%.60s' cannot be asked: this run has no gateway",
                       profile);
    struct link *link = pool_alloc(m->pool, sizeof(*link));
    bool ours = *m->pod_profile && !strcmp(profile, m->pod_profile);
    link->model =
        (struct model_link){.dirs = m->dirs,
                            .picture = model_picture,
                            .picture_arg = m->pictures,
                            .trouble = pass_on,
                            .trouble_arg = link,
                            .server = {.ours = ours,
                                       .model = ours && *m->pod_model ? m->pod_model : NULL,
                                       .constrains = ours,
                                       .logprobs = m->logprobs,
                                       .top_logprobs = m->top_logprobs}};
    int r = connect_to(m, profile, link, err);
    if (r)
        return r;
    link->profile = pool_strdup(m->pool, profile);
    link->models = m;
    link->next = m->links;
    m->links = link;
    *out = &link->model;
    return 0;
}
