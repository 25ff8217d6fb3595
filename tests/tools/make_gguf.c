/*
 * make_gguf DIR - writes one small GGUF file of every kind into DIR: for the tests that hold
 * `mantis gguf` against another reader, and for looking at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "sys/file.h"
#include "tools/gguf_maker.h"

static void all_values(struct gguf_maker *m)
{
    gguf_key_text(m, "general.architecture", "llama");
    gguf_all_values(m);
}

static void all_values_2(struct gguf_maker *m)
{
    m->version = 2;
    all_values(m);
}

static void all_tensors(struct gguf_maker *m)
{
    m->alignment = 64;
    gguf_key_text(m, "general.architecture", "llama");
    gguf_all_tensors(m);
}

static void model(struct gguf_maker *m)
{
    gguf_small_model(m, "gemma4", "Small");
}

static void holo3(struct gguf_maker *m)
{
    gguf_small_model(m, "qwen35moe", "Holo3");
}

static void adapter(struct gguf_maker *m)
{
    gguf_small_adapter(m, "gemma4");
}

static void part_1(struct gguf_maker *m)
{
    gguf_small_part(m, 0, 3);
}

static void part_2(struct gguf_maker *m)
{
    gguf_small_part(m, 1, 3);
}

static void part_3(struct gguf_maker *m)
{
    gguf_small_part(m, 2, 3);
}

static const struct {
    const char *name;
    void (*make)(struct gguf_maker *m);
} files[] = {
    {"all_values.gguf", all_values},
    {"all_values_v2.gguf", all_values_2},
    {"all_tensors.gguf", all_tensors},
    {"model.Q8_0.gguf", model},
    {"holo3.Q8_0.gguf", holo3},
    {"adapter.gguf", adapter},
    {"mmproj-f16.gguf", gguf_small_projector},
    {"split-00001-of-00003.gguf", part_1},
    {"split-00002-of-00003.gguf", part_2},
    {"split-00003-of-00003.gguf", part_3},
};

int main(int argc, char **argv)
{
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    int r = argc == 2 ? file_mkdirs(argv[1], 0755, &err) : err_set(&err, E_INVALID, "usage: make_gguf DIR");
    for (size_t i = 0; !r && i < ARRAY_SIZE(files); i++) {
        struct gguf_maker m;
        struct buf file;
        gguf_maker_init(&m);
        files[i].make(&m);
        gguf_maker_finish(&m, &file);
        r = file_write_soon(pool_printf(pool, "%s/%s", argv[1], files[i].name), file.data, file.len, 0644, &err);
        buf_release(&file);
        gguf_maker_release(&m);
    }
    if (r)
        fprintf(stderr, "%s\n", err.msg);
    pool_destroy(pool);
    return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
