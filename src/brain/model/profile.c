#include "brain/model/profile.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/str.h"
#include "brain/model/profile_fields.h"
#include "brain/model/reply.h"
#include "sys/settings.h"

#define SUFFIX      ".json"
#define NOT_A_MODEL "sites.json" /* stands in profiles/ too: settings of web sites */

struct profile_dirs profile_dirs_of(const struct settings *s)
{
    return (struct profile_dirs){
        .profiles = s->profiles_dir, .prompts = s->prompts_dir, .share = s->share_dir};
}

const char *profile_of_spec(const char *spec)
{
    static const char *const kinds[] = {"chat:", "vlm:", "claude:"};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (str_starts(spec, kinds[i]))
            return spec + strlen(kinds[i]);
    return strcmp(spec, "claude") ? NULL : spec;
}

/* --- which there are ------------------------------------------------------------------------- */

/* The folder of the operator, then ours; NULL at the end. */
static const char *folder(struct pool *pool, const struct profile_dirs *dirs, int i)
{
    if (i == 0 && !str_empty(dirs->profiles))
        return dirs->profiles;
    bool ours = i == (str_empty(dirs->profiles) ? 0 : 1);
    return ours && !str_empty(dirs->share) ? pool_printf(pool, "%s/profiles", dirs->share) : NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void list_folder(struct pool *pool, const char *path, json_t *names)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        const char *file = entry->d_name;
        if (id_is_file_name(file) && str_ends(file, SUFFIX) && strcmp(file, NOT_A_MODEL))
            json_put(names, pool_strndup(pool, file, strlen(file) - strlen(SUFFIX)), json_true());
    }
    if (dir)
        closedir(dir);
}

const char *const *profile_names(struct pool *pool, const struct profile_dirs *dirs)
{
    json_t *names = json_object(), *v;
    const char *path, *name;
    size_t n = 0;
    for (int i = 0; (path = folder(pool, dirs, i)); i++)
        list_folder(pool, path, names);
    const char **out = pool_alloc(pool, (json_object_size(names) + 1) * sizeof(*out));
    json_object_foreach (names, name, v)
        out[n++] = pool_strdup(pool, name);
    json_decref(names);
    qsort(out, n, sizeof(*out), by_name);
    return out;
}

/* --- reading one ----------------------------------------------------------------------------- */

static const char *find_file(struct pool *pool, const struct profile_dirs *dirs, const char *name)
{
    const char *dir;
    for (int i = 0; (dir = folder(pool, dirs, i)); i++) {
        const char *path = pool_printf(pool, "%s/%s" SUFFIX, dir, name);
        if (access(path, F_OK) == 0)
            return path;
    }
    return NULL;
}

/* A pipe would be waited for. */
static int read_json(const char *path, json_t **out, struct err *err)
{
    struct stat st;
    if (!stat(path, &st) && !S_ISREG(st.st_mode))
        return err_set(err, E_INVALID, "'%.200s' is not a file", path);
    return json_parse_file(path, out, err);
}

/* The operator's word, where image.<field> names a variable and it is set; NULL otherwise. */
static const char *from_env(const json_t *file, const char *field, const char **ret_name)
{
    *ret_name = json_str(json_object_get(file, "image"), field, "");
    const char *given = **ret_name ? getenv(*ret_name) : NULL;
    return str_empty(given) ? NULL : given;
}

static int read_space(struct profile *p, const json_t *file, struct err *err)
{
    const char *env, *given = from_env(file, "size_env", &env);
    int r = space_parse(json_str(file, "coordinates", "screen"), &p->space, err);
    if (r)
        return err_prefix(err, "coordinates");
    if (!given)
        return 0;
    struct pool *pool = pool_create(NULL);
    r = space_parse(pool_printf(pool, "fixed:%.20s", given), &p->space, NULL);
    pool_destroy(pool);
    return r ? err_set(err, E_INVALID, "%s must be WxH, for example 1428x896, not '%.40s'", env,
                       given)
             : 0;
}

static int read_format(struct profile *p, const json_t *file, struct err *err)
{
    static const struct {
        const char *name;
        enum picture_format format;
    } names[] = {{"png", PICTURE_PNG},
                 {"jpeg", PICTURE_JPEG},
                 {"jpg", PICTURE_JPEG},
                 {"webp", PICTURE_WEBP}};
    const char *env, *given = from_env(file, "format_env", &env);
    for (size_t i = 0; given && i < ARRAY_SIZE(names); i++)
        if (!strcasecmp(given, names[i].name)) {
            p->format = names[i].format;
            return 0;
        }
    return given ? err_set(err, E_INVALID, "%s must be png, jpeg, jpg or webp, not '%.40s'", env,
                           given)
                 : 0;
}

static int read_quality(struct profile *p, const json_t *file, struct err *err)
{
    const char *env, *given = from_env(file, "quality_env", &env);
    char *end;
    if (!given)
        return 0;
    long n = strtol(given, &end, 10);
    if (*end || n < 1 || n > PROFILE_QUALITY_MAX)
        return err_set(err, E_INVALID, "%s must be a whole number from 1 to %d, not '%.40s'", env,
                       PROFILE_QUALITY_MAX, given);
    p->quality = (int)n;
    return 0;
}

static int read_replies(struct pool *pool, struct profile *p, const json_t *file, struct err *err)
{
    const json_t *list = json_object_get(file, "replies");
    size_t i;
    json_t *v;
    if (json_array_size(list) >= PROFILE_STRATEGIES)
        return err_set(err, E_INVALID, "replies: at most %d strategies", PROFILE_STRATEGIES - 1);
    json_array_foreach ((json_t *)list, i, v) {
        p->replies[i] = reply_strategy(json_string_value(v));
        if (!p->replies[i])
            return err_set(err, E_INVALID,
                           "replies: '%.60s' is no way to read a reply; there are %s",
                           json_string_value(v), reply_strategies(pool));
    }
    return 0;
}

static int read_actions(const struct profile *p, struct err *err)
{
    const char *said;
    json_t *ours;
    json_object_foreach ((json_t *)p->actions, said, ours)
        if (!reply_knows(json_string_value(ours)))
            return err_set(err, E_INVALID, "actions.%.60s: '%.60s' is no action", said,
                           json_string_value(ours));
    return 0;
}

static bool is_tool(const json_t *tool)
{
    return *json_str(tool, "name", "") && json_is_object(json_object_get(tool, "parameters"));
}

static int read_tools(struct pool *pool, const struct profile_dirs *dirs, struct profile *p,
                      struct err *err)
{
    const char *path = NULL;
    json_t *list, *v;
    size_t i;
    if (p->tools_use != TOOLS_NEVER && !*p->tools_file)
        return err_set(err, E_INVALID, "tools.file is missing: profiles/tools/<file>.json");
    if (!*p->tools_file)
        return 0;
    if (id_is_file_name(p->tools_file))
        path = find_file(pool, dirs, pool_printf(pool, "tools/%s", p->tools_file));
    if (!path)
        return err_set(err, E_NOT_FOUND, "tools.file: there is no profiles/tools/%.60s.json",
                       p->tools_file);
    int r = read_json(path, &list, err);
    if (r)
        return err_prefix(err, "tools.file");
    json_keep(pool, list);
    json_array_foreach (list, i, v)
        if (!is_tool(v))
            return err_set(err, E_INVALID,
                           "tools.file: '%.200s': entry %zu needs 'name' and 'parameters'", path,
                           i);
    if (!json_array_size(list))
        return err_set(err, E_INVALID, "tools.file: '%.200s' must be a list of tools", path);
    p->tools = list;
    return 0;
}

/* That each __NAME__ left is one of a turn's (parts.c): else it would end every run, not the start.
 */
static int load_words(struct pool *pool, const struct profile_dirs *dirs, const char *name,
                      struct prompt *out, struct err *err)
{
    static const struct prompt_value turn[] = {{"WIDTH", ""}, {"HEIGHT", ""}, {"EXAMPLES", ""}};
    const char *text;
    int r = prompt_load(pool, dirs, name, out, err);
    return r ? r : prompt_fill(pool, out, turn, ARRAY_SIZE(turn), &text, err);
}

static int read_prompts(struct pool *pool, const struct profile_dirs *dirs, struct profile *p,
                        const json_t *file, struct err *err)
{
    const char *system = json_str(json_object_get(file, "prompt"), "system", ""), *type;
    json_t *texts = json_keep(pool, json_object()), *name;
    struct prompt context;
    int r = load_words(pool, dirs, system, &p->system, err);
    if (r)
        return err_prefix(err, "prompt.system");
    json_object_foreach ((json_t *)p->contexts, type, name) {
        r = load_words(pool, dirs, json_string_value(name), &context, err);
        if (r)
            return err_prefix(err, "prompt.contexts.%.60s", type);
        json_put_str(texts, type, context.text);
    }
    p->context_texts = texts;
    return 0;
}

/* scheme://host[:port][/path]: it is shown in messages, and the path of a call is put behind it. */
static int check_address(const char *url, struct err *err)
{
    bool web = str_starts(url, "http://") || str_starts(url, "https://");
    const char *host = web ? strchr(url, ':') + 3 : "";
    if (!web)
        return err_set(err, E_INVALID, "endpoint.base_url must start with http:// or https://");
    if (memchr(host, '@', strcspn(host, "/?#")))
        return err_set(err, E_INVALID,
                       "endpoint.base_url must hold no user and no password: the key is a secret, "
                       "named by endpoint.key_env");
    if (strcspn(host, ":/?#") == 0 || host[strcspn(host, " ?#")])
        return err_set(err, E_INVALID,
                       "endpoint.base_url must be a host and a path, without a blank, ? and #");
    if (str_ends(url, "/"))
        return err_set(err, E_INVALID, "endpoint.base_url must not end with a slash");
    return 0;
}

/* Source: RFC 9110, 5.6.2 (token). Values are lines (profile_fields.c). */
static int check_headers(const json_t *headers, struct err *err)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)headers, name, value)
        if (!*name || name[strspn(name, token)])
            return err_set(err, E_INVALID, "endpoint.headers: '%.60s' is no name of a header",
                           name);
    return 0;
}

static int check(const struct profile *p, const char *name, struct err *err)
{
    if (strcmp(p->name, name))
        return err_set(err, E_INVALID, "name must be '%.60s' like the file, not '%.60s'", name,
                       p->name);
    int r = check_address(p->base_url, err);
    r = r ? r : check_headers(p->headers, err);
    if (r)
        return r;
    if (*p->key_env && !id_is_file_name(p->key_env))
        return err_set(err, E_INVALID, "endpoint.key_env: '%.60s' is no name of a secret",
                       p->key_env);
    if (p->space.min_pixels > p->space.max_pixels)
        return err_set(err, E_INVALID, "resize.min_pixels must not be above resize.max_pixels");
    return 0;
}

static int read_file(struct pool *pool, const struct profile_dirs *dirs, const char *name,
                     const json_t *file, struct profile *p, struct err *err)
{
    int r = profile_read_fields(pool, file, p, err);
    r = r ? r : check(p, name, err);
    r = r ? r : read_space(p, file, err);
    r = r ? r : read_format(p, file, err);
    r = r ? r : read_quality(p, file, err);
    r = r ? r : read_replies(pool, p, file, err);
    r = r ? r : read_actions(p, err);
    r = r ? r : read_tools(pool, dirs, p, err);
    r = r ? r : read_prompts(pool, dirs, p, file, err);
    if (!r && !*p->pod_model)
        p->pod_model = p->model;
    if (!r && !p->pod_max_tokens)
        p->pod_max_tokens = p->max_tokens;
    return r;
}

/* --- by name --------------------------------------------------------------------------------- */

/* The file whose "also" holds name; a file that cannot be read is not asked. */
static const char *real_name(struct pool *pool, const struct profile_dirs *dirs, const char *name)
{
    for (const char *const *n = profile_names(pool, dirs); *n; n++) {
        json_t *file = NULL;
        if (read_json(find_file(pool, dirs, *n), &file, NULL))
            continue;
        bool found = json_holds(json_object_get(file, "also"), name);
        json_decref(file);
        if (found)
            return *n;
    }
    return NULL;
}

static int no_such(struct pool *pool, const struct profile_dirs *dirs, const char *name,
                   struct err *err)
{
    const char *list = "";
    for (const char *const *n = profile_names(pool, dirs); *n; n++)
        list = pool_printf(pool, "%s%s%s", list, *list ? ", " : "", *n);
    return err_set(err, E_NOT_FOUND, "there is no model profile '%.60s'; there are %s", name,
                   *list ? list : "none: MANTIS_PROFILES_DIR says where they are looked for");
}

int profile_load(struct pool *pool, const struct profile_dirs *dirs, const char *name,
                 const struct profile **out, struct err *err)
{
    const char *path = id_is_file_name(name) ? find_file(pool, dirs, name) : NULL;
    json_t *file;
    if (!path) {
        name = real_name(pool, dirs, name) ? real_name(pool, dirs, name) : name;
        path = id_is_file_name(name) ? find_file(pool, dirs, name) : NULL;
    }
    if (!path)
        return no_such(pool, dirs, name, err);
    int r = read_json(path, &file, err);
    if (r)
        return err_prefix(err, "model profile");
    struct profile *p = pool_alloc(pool, sizeof(*p));
    p->path = path;
    r = read_file(pool, dirs, name, file, p, err);
    json_decref(file);
    if (r)
        return err_prefix(err, "model profile '%s'", path);
    *out = p;
    return 0;
}
