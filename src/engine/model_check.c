#include "engine/model_check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define PART_TAIL "-00001-of-00001.gguf"

static bool digits(const char *s, int n)
{
    for (int i = 0; i < n; i++)
        if (!isdigit((unsigned char)s[i]))
            return false;
    return true;
}

bool gguf_part_name(const char *path, int *ret_no, int *ret_count)
{
    size_t len = strlen(path), tail = strlen(PART_TAIL);
    if (len < tail)
        return false;
    const char *s = path + len - tail;
    if (s[0] != '-' || !digits(s + 1, 5) || strncmp(s + 6, "-of-", 4) != 0 || !digits(s + 10, 5) ||
        strcmp(s + 15, ".gguf") != 0)
        return false;
    *ret_no = atoi(s + 1);
    *ret_count = atoi(s + 10);
    return true;
}

int gguf_part_path(struct pool *pool, const struct gguf *g, int no, const char **out, struct err *err)
{
    int named_no, named_count;
    if (!gguf_part_name(g->path, &named_no, &named_count) || named_no != g->split_no + 1 ||
        named_count != g->split_count)
        return err_set(err, E_INVALID,
                       "'%.200s' is part %d of %d, and its name must end in -%05d-of-%05d.gguf for "
                       "the others to be found: rename it",
                       g->path, g->split_no + 1, g->split_count, g->split_no + 1, g->split_count);
    *out = pool_printf(pool, "%.*s-%05d-of-%05d.gguf", (int)(strlen(g->path) - strlen(PART_TAIL)),
                       g->path, no + 1, g->split_count);
    return 0;
}

static int check_not_cut(const struct gguf *g, struct err *err)
{
    if (!g->cut_tensor)
        return 0;
    return err_set(err, E_INVALID,
                   "'%.200s' is cut short: it has %llu bytes of %llu, %llu are missing, from tensor "
                   "'%.64s' on: fetch it again",
                   g->path, (unsigned long long)g->file_bytes, (unsigned long long)g->needed_bytes,
                   (unsigned long long)(g->needed_bytes - g->file_bytes), g->cut_tensor);
}

/* Part no beside g: there, whole, and what its name says. Adds its tensors. */
static int check_part(struct pool *pool, const struct gguf *g, int no, int64_t *tensors,
                      struct err *err)
{
    const char *path;
    struct gguf part;
    int r = gguf_part_path(pool, g, no, &path, err);
    if (r)
        return r;
    r = gguf_read(pool, path, 0, &part, err);
    if (r == E_NOT_FOUND)
        return err_set(err, E_NOT_FOUND,
                       "'%.200s' is part %d of %d, and part %d is not there: fetch '%.200s' too",
                       g->path, g->split_no + 1, g->split_count, no + 1, path);
    if (!r && (part.split_no != no || part.split_count != g->split_count))
        r = err_set(err, E_INVALID, "'%.200s' says it is part %d of %d: it is of another model",
                    path, part.split_no + 1, part.split_count);
    r = r ? r : check_not_cut(&part, err);
    *tensors += r ? 0 : (int64_t)part.n_tensors;
    return r;
}

int gguf_check_whole(struct pool *pool, const struct gguf *g, struct err *err)
{
    int64_t tensors = (int64_t)g->n_tensors;
    int r = check_not_cut(g, err);
    for (int i = 0; !r && g->split_count > 1 && i < g->split_count; i++)
        if (i != g->split_no) {
            struct pool *scratch = pool_create(NULL);
            r = check_part(scratch, g, i, &tensors, err);
            pool_destroy(scratch);
        }
    if (!r && g->split_tensors > 0 && tensors != g->split_tensors)
        r = err_set(err, E_INVALID,
                    "the %d parts of '%.200s' have %lld tensors of %lld: they are not of one model",
                    g->split_count, g->path, (long long)tensors, (long long)g->split_tensors);
    return r;
}

/* A hint what the file is and where it belongs. */
static int refuse_kind(const struct gguf *g, const char *variable, const char *wanted,
                       struct err *err)
{
    static const struct {
        const char *what, *where;
    } kinds[] = {
        [GGUF_MODEL] = {"a model", "its place is MANTIS_<MODEL>_GGUF"},
        [GGUF_ADAPTER] = {"a LoRA adapter", "its place is MANTIS_LORA_ADAPTER"},
        [GGUF_PROJECTOR] = {"a vision projector", "its place is MANTIS_<MODEL>_MMPROJ"},
        [GGUF_OTHER] = {"something else", "it cannot be served"},
    };
    return err_set(err, E_INVALID, "%s: '%.200s' is %s%s%.40s%s, not %s: %s", variable, g->path,
                   kinds[g->kind].what, g->kind == GGUF_OTHER ? " ('" : "",
                   g->kind == GGUF_OTHER ? g->type : "", g->kind == GGUF_OTHER ? "')" : "", wanted,
                   kinds[g->kind].where);
}

static int read_as(struct pool *pool, const char *variable, const char *path, enum gguf_kind kind,
                   const char *wanted, struct gguf *out, struct err *err)
{
    struct gguf g;
    int r = gguf_read(pool, path, 0, &g, err);
    if (r) {
        err_prefix(err, "%s", variable);
        return r;
    }
    *out = g;
    return g.kind == kind ? 0 : refuse_kind(&g, variable, wanted, err);
}

int model_check_weights(struct pool *pool, const char *variable, const char *path, struct gguf *out,
                        struct err *err)
{
    const char *first = "the first one";
    struct gguf g;
    int r = read_as(pool, variable, path, GGUF_MODEL, "a model", &g, err);
    if (r)
        return r;
    if (g.split_no > 0 && !gguf_part_path(pool, &g, 0, &first, NULL))
        return err_set(err, E_INVALID, "%s: '%.200s' is part %d of %d: name the first one, '%.200s'",
                       variable, path, g.split_no + 1, g.split_count, first);
    if (g.n_tensors == 0 && g.split_count == 1)
        return err_set(err, E_INVALID, "%s: '%.200s' holds no weights, only words about a model",
                       variable, path);
    r = gguf_check_whole(pool, &g, err);
    if (r)
        err_prefix(err, "%s", variable);
    else
        *out = g;
    return r;
}

int model_check_projector(struct pool *pool, const char *variable, const char *path, struct err *err)
{
    struct gguf g;
    int r = read_as(pool, variable, path, GGUF_PROJECTOR, "a vision projector", &g, err);
    if (r)
        return r;
    if (g.blind)
        return err_set(err, E_INVALID, "%s: '%.200s' is a projector, but not for images", variable,
                       path);
    r = gguf_check_whole(pool, &g, err);
    if (r)
        err_prefix(err, "%s", variable);
    return r;
}

bool model_takes_no_gguf_adapter(const char *architecture)
{
    /* "qwen3_5_moe" where models are trained, "qwen35moe" in GGUF files */
    char plain[32];
    size_t n = 0;
    for (const char *p = architecture; *p && n < sizeof(plain) - 1; p++)
        if (isalnum((unsigned char)*p))
            plain[n++] = (char)tolower((unsigned char)*p);
    plain[n] = '\0';
    return strcmp(plain, "qwen35moe") == 0;
}

int model_check_adapter(struct pool *pool, const char *variable, const char *path,
                        const struct gguf *model, struct err *err)
{
    struct gguf g;
    int r = read_as(pool, variable, path, GGUF_ADAPTER, "a LoRA adapter", &g, err);
    if (r)
        return r;
    if (strcmp(g.adapter_type, "lora") != 0)
        return err_set(err, E_INVALID, "%s: '%.200s' is an adapter of type '%.40s', not lora",
                       variable, path, g.adapter_type);
    if (model_takes_no_gguf_adapter(g.architecture))
        return err_set(err, E_INVALID,
                       "%s: '%.200s' is an adapter for '%.40s', the architecture of Holo3, which "
                       "fails as GGUF: merge it and serve the whole model",
                       variable, path, g.architecture);
    if (strcmp(g.architecture, model->architecture) != 0)
        return err_set(err, E_INVALID,
                       "%s: '%.160s' is an adapter for '%.40s', the model '%.160s' is '%.40s'",
                       variable, path, g.architecture, model->path, model->architecture);
    r = gguf_check_whole(pool, &g, err);
    if (r)
        err_prefix(err, "%s", variable);
    return r;
}
