#include "engine/gguf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "engine/gguf_reader.h"

#define DEFAULT_ALIGNMENT 32
#define FIRST_VERSION     2
#define LAST_VERSION      3

struct counts {
    uint64_t tensors, keys;
};

static int check_version(struct gguf_reader *r, uint32_t version)
{
    if (version >= FIRST_VERSION && version <= LAST_VERSION)
        return 0;
    if (version && !(version & 0xffff))
        return gguf_complain(r, E_INVALID, "is big-endian: convert the file for this machine");
    return gguf_complain(r, E_INVALID,
                         "is of version %u; versions %d and %d are read: convert the file again",
                         version, FIRST_VERSION, LAST_VERSION);
}

static int check_counts(struct gguf_reader *r, const struct counts *n)
{
    if (n->tensors > CAP_GGUF_TENSORS)
        return gguf_complain(r, E_TOOBIG, "says there are %llu tensors; at most %u are read",
                             (unsigned long long)n->tensors, CAP_GGUF_TENSORS);
    if (n->keys > CAP_GGUF_KEYS)
        return gguf_complain(r, E_TOOBIG, "says there are %llu keys; at most %u are read",
                             (unsigned long long)n->keys, CAP_GGUF_KEYS);
    return 0;
}

static int read_header(struct gguf_reader *r, struct gguf *g, struct counts *n)
{
    char magic[4] = "";
    if (r->size < sizeof(magic) || gguf_take(r, magic, sizeof(magic)) ||
        memcmp(magic, "GGUF", sizeof(magic)) != 0)
        return gguf_complain(r, E_INVALID, r->size ? "it is no GGUF file: it does not begin with \"GGUF\""
                                                   : "it is empty");
    r->part = "the header";
    int code = gguf_take_u32(r, &g->version);
    code = code ? code : check_version(r, g->version);
    code = code ? code : gguf_take_u64(r, &n->tensors);
    code = code ? code : gguf_take_u64(r, &n->keys);
    return code ? code : check_counts(r, n);
}

static void begin(struct gguf_reader *r, const char *part, uint64_t index, uint64_t of)
{
    r->part = part;
    r->index = index;
    r->of = of;
    r->name = NULL;
}

static int read_key(struct gguf_reader *r, json_t *metadata)
{
    json_t *value;
    int code = gguf_take_name(r, CAP_GGUF_KEY_BYTES, "name", &r->name);
    if (!code && !json_object_get(metadata, r->name))
        code = gguf_take_value(r, &value);
    else if (!code)
        code = gguf_complain(r, E_INVALID, "stands there twice");
    if (code)
        return code;
    if (json_object_set_new(metadata, r->name, value)) /* takes the value over in any case */
        return gguf_complain(r, E_INVALID, "has a name that is no UTF-8");
    if (r->at > CAP_GGUF_HEAD_BYTES)
        return gguf_complain(r, E_TOOBIG, "lies beyond the first %u bytes", CAP_GGUF_HEAD_BYTES);
    return 0;
}

static int read_keys(struct gguf_reader *r, uint64_t n, struct gguf *g)
{
    json_t *metadata = json_keep(r->pool, json_object());
    int code = 0;
    for (uint64_t i = 0; !code && i < n; i++) {
        begin(r, "key", i, n);
        code = read_key(r, metadata);
    }
    g->metadata = metadata;
    return code;
}

static int count_weights(struct gguf_reader *r, struct gguf_tensor *t)
{
    t->elements = 1;
    for (int i = 0; i < t->n_dims; i++)
        if (t->dims[i] > INT64_MAX ||
            __builtin_mul_overflow(t->elements, t->dims[i], &t->elements) ||
            t->elements > INT64_MAX)
            return gguf_complain(r, E_INVALID, "has more weights than can be counted");
    const struct gguf_tensor_type *type = gguf_tensor_type(t->type);
    if (!type)
        return gguf_tensor_type_removed(t->type)
                   ? gguf_complain(r, E_INVALID,
                                   "is of type %u, which is not in use any more: convert it again",
                                   t->type)
                   : 0;
    uint64_t row = t->n_dims ? t->dims[0] : 1;
    if (row % type->block)
        return gguf_complain(r, E_INVALID, "has rows of %llu weights; %s comes in blocks of %u",
                             (unsigned long long)row, type->name, type->block);
    if (__builtin_mul_overflow(t->elements / type->block, (uint64_t)type->bytes, &t->bytes))
        return gguf_complain(r, E_INVALID, "has more bytes than can be counted");
    return 0;
}

static int read_tensor(struct gguf_reader *r, struct gguf_tensor *t)
{
    uint32_t n_dims = 0;
    int code = gguf_take_name(r, CAP_GGUF_TENSOR_NAME_BYTES, "name", &t->name);
    r->name = code ? NULL : t->name;
    code = code ? code : gguf_take_u32(r, &n_dims);
    if (!code && n_dims > GGUF_DIMS)
        code = gguf_complain(r, E_INVALID, "has %u dimensions; there are at most %d", n_dims,
                             GGUF_DIMS);
    t->n_dims = code ? 0 : (int)n_dims;
    for (int i = 0; !code && i < t->n_dims; i++)
        code = gguf_take_u64(r, &t->dims[i]);
    code = code ? code : gguf_take_u32(r, &t->type);
    code = code ? code : gguf_take_u64(r, &t->offset);
    return code ? code : count_weights(r, t);
}

/* The least a tensor takes in the list: a name of one byte, type and offset. */
#define TENSOR_MIN_BYTES (8 + 1 + 4 + 4 + 8)

static int read_tensors(struct gguf_reader *r, uint64_t n, struct gguf *g)
{
    begin(r, "tensor", 0, n);
    if (n > (r->size - r->at) / TENSOR_MIN_BYTES)
        return gguf_complain(r, E_INVALID,
                             "cannot be there: the file ends at byte %llu. It was cut short: fetch "
                             "it again",
                             (unsigned long long)r->size);
    struct gguf_tensor *tensors = pool_alloc(r->pool, (size_t)(n ? n : 1) * sizeof(*tensors));
    int code = 0;
    for (uint64_t i = 0; !code && i < n; i++) {
        begin(r, "tensor", i, n);
        code = read_tensor(r, &tensors[i]);
    }
    g->tensors = tensors;
    g->n_tensors = (size_t)n;
    return code;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct gguf_tensor *const *)a)->name,
                  (*(const struct gguf_tensor *const *)b)->name);
}

static int check_names(struct gguf_reader *r, const struct gguf *g)
{
    int code = 0;
    if (g->n_tensors < 2)
        return 0;
    const struct gguf_tensor **sorted = malloc(g->n_tensors * sizeof(struct gguf_tensor *));
    if (!sorted)
        return err_set(r->err, E_NOMEM, "'%.200s': no memory for its tensors", r->path);
    for (size_t i = 0; i < g->n_tensors; i++)
        sorted[i] = &g->tensors[i];
    qsort(sorted, g->n_tensors, sizeof(*sorted), by_name);
    for (size_t i = 1; !code && i < g->n_tensors; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            code = gguf_complain(r, E_INVALID, "tensor '%.64s' stands there twice", sorted[i]->name);
    free(sorted);
    return code;
}

/* Where the weights begin, and whether all of them are there. */
static int place_tensors(struct gguf_reader *r, struct gguf *g)
{
    g->data_start = (r->at + g->alignment - 1) / g->alignment * g->alignment;
    g->needed_bytes = r->at;
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct gguf_tensor *t = &g->tensors[i];
        uint64_t end;
        begin(r, "tensor", i, g->n_tensors);
        r->name = t->name;
        if (t->offset % g->alignment)
            return gguf_complain(r, E_INVALID, "begins at byte %llu, which is no multiple of %llu",
                                 (unsigned long long)t->offset, (unsigned long long)g->alignment);
        if (__builtin_add_overflow(g->data_start, t->offset, &end) ||
            __builtin_add_overflow(end, t->bytes, &end))
            return gguf_complain(r, E_INVALID, "ends beyond what a file can hold");
        if (end > g->file_bytes && t->bytes && !g->cut_tensor)
            g->cut_tensor = t->name;
        if (t->bytes && end > g->needed_bytes)
            g->needed_bytes = end;
    }
    r->part = NULL;
    return 0;
}

static int read_alignment(struct gguf_reader *r, struct gguf *g)
{
    const json_t *entry = json_object_get(g->metadata, "general.alignment");
    int64_t value = entry ? json_int(entry, "value", 0) : DEFAULT_ALIGNMENT;
    r->part = NULL;
    if (value <= 0 || value > CAP_GGUF_ALIGNMENT || (value & (value - 1)))
        return gguf_complain(r, E_INVALID,
                             "general.alignment takes a power of two up to %d, not what is there",
                             CAP_GGUF_ALIGNMENT);
    g->alignment = (uint64_t)value;
    return 0;
}

static int read_all(struct gguf_reader *r, struct gguf *g)
{
    struct counts n = {0};
    int code = read_header(r, g, &n);
    code = code ? code : read_keys(r, n.keys, g);
    code = code ? code : read_alignment(r, g);
    code = code ? code : read_tensors(r, n.tensors, g);
    r->part = code ? r->part : NULL;
    code = code ? code : check_names(r, g);
    code = code ? code : place_tensors(r, g);
    return code ? code : gguf_derive(r->pool, g, r->err);
}

int gguf_read_fd(struct pool *pool, int fd, const char *path, unsigned flags, struct gguf *out,
                 struct err *err)
{
    struct stat st;
    struct gguf g = {.path = pool_strdup(pool, path)};
    if (fstat(fd, &st))
        return err_sys(err, E_IO, "'%.200s' cannot be read", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, E_INVALID, "'%.200s' is %s", path,
                       S_ISDIR(st.st_mode) ? "a directory: name the .gguf file in it"
                                           : "no file on a disk: save what it gives, and name that");
    struct pool *scratch = pool_create(NULL);
    struct gguf_reader *r = pool_alloc(scratch, sizeof(*r));
    r->pool = pool;
    r->err = err;
    r->path = g.path;
    r->fd = fd;
    r->keep = flags & GGUF_KEEP_ALL ? GGUF_KEEP_WHOLE : GGUF_KEEP_SHORT;
    r->size = g.file_bytes = (uint64_t)st.st_size;
    int code = read_all(r, &g);
    pool_destroy(scratch);
    if (!code)
        *out = g;
    return code;
}

int gguf_read(struct pool *pool, const char *path, unsigned flags, struct gguf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a pipe must not hold us */
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? err_set(err, E_NOT_FOUND, "there is no file '%.200s'", path)
                   : err_sys(err, E_IO, "'%.200s' cannot be read", path);
    int code = gguf_read_fd(pool, fd, path, flags, out, err);
    close(fd);
    return code;
}
