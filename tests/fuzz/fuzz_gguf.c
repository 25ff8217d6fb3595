/*
 * Any bytes as a GGUF file: refused with a message, or a result that holds what engine/gguf.h
 * promises; and with and without its long values it is the same file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/caps.h"
#include "engine/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_tensor(const struct gguf *g, const struct gguf_tensor *t)
{
    uint64_t elements = 1;
    require(*t->name && strlen(t->name) <= CAP_GGUF_TENSOR_NAME_BYTES);
    require(t->n_dims >= 0 && t->n_dims <= GGUF_DIMS);
    for (int i = 0; i < t->n_dims; i++)
        elements *= t->dims[i];
    require(elements == t->elements);
    require(t->offset % g->alignment == 0);
    require(g->data_start + t->offset + t->bytes <= g->needed_bytes || !t->bytes);
    require(gguf_tensor_type(t->type) || !t->bytes);
}

static void check_file(const struct gguf *g, size_t size)
{
    require(g->file_bytes == size && (g->version == 2 || g->version == 3));
    require(g->alignment && (g->alignment & (g->alignment - 1)) == 0);
    require((g->cut_tensor != NULL) == (g->needed_bytes > g->file_bytes));
    require(g->split_no >= 0 && g->split_no < g->split_count && g->split_count <= CAP_GGUF_PARTS);
    require(g->architecture && g->name && g->type && g->adapter_type && g->file_type);
    require(*gguf_kind_name(g) && g->main_type);
    for (size_t i = 0; i < g->n_tensors; i++)
        check_tensor(g, &g->tensors[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_create(NULL);
    struct gguf brief, whole;
    struct err err = {0}, err_whole = {0};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    int r = gguf_read_fd(pool, fd, "fuzz", 0, &brief, &err);
    int r_whole = gguf_read_fd(pool, fd, "fuzz", GGUF_KEEP_ALL, &whole, &err_whole);
    require(r == r_whole && strcmp(err.msg, err_whole.msg) == 0);
    require(r == 0 || ((r == E_INVALID || r == E_TOOBIG) && *err.msg));
    if (r == 0) {
        check_file(&brief, size);
        check_file(&whole, size);
        require(json_object_size(brief.metadata) == json_object_size(whole.metadata));
        json_text(pool, whole.metadata);
    }
    close(fd);
    pool_destroy(pool);
    return 0;
}
