#include "tools/gguf_maker.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "engine/gguf_types.h"

#define FILE_BYTES (64u << 20)

static void put(struct buf *b, const void *data, size_t len)
{
    if (buf_add(b, data, len))
        BUG("the test file became too large");
}

static void put_u32(struct buf *b, uint32_t v)
{
    put(b, &v, sizeof(v));
}

static void put_u64(struct buf *b, uint64_t v)
{
    put(b, &v, sizeof(v));
}

void gguf_put_text(struct buf *b, const char *text)
{
    put_u64(b, strlen(text));
    put(b, text, strlen(text));
}

void gguf_array_begin(struct buf *b, uint32_t type, uint64_t count)
{
    put_u32(b, type);
    put_u64(b, count);
}

void gguf_maker_init(struct gguf_maker *m)
{
    *m = (struct gguf_maker){.version = 3, .alignment = 32};
    buf_init(&m->keys, FILE_BYTES);
    buf_init(&m->tensors, FILE_BYTES);
}

void gguf_maker_release(struct gguf_maker *m)
{
    buf_release(&m->keys);
    buf_release(&m->tensors);
}

void gguf_key_raw(struct gguf_maker *m, const char *key, uint32_t type, const void *bytes, size_t len)
{
    gguf_put_text(&m->keys, key);
    put_u32(&m->keys, type);
    put(&m->keys, bytes, len);
    m->n_keys++;
}

void gguf_key_text(struct gguf_maker *m, const char *key, const char *text)
{
    struct buf b;
    buf_init(&b, FILE_BYTES);
    gguf_put_text(&b, text);
    gguf_key_raw(m, key, GGUF_STRING, b.data, b.len);
    buf_release(&b);
}

void gguf_key_u16(struct gguf_maker *m, const char *key, uint16_t value)
{
    gguf_key_raw(m, key, GGUF_UINT16, &value, sizeof(value));
}

void gguf_key_u32(struct gguf_maker *m, const char *key, uint32_t value)
{
    gguf_key_raw(m, key, GGUF_UINT32, &value, sizeof(value));
}

void gguf_key_bool(struct gguf_maker *m, const char *key, bool value)
{
    uint8_t byte = value;
    gguf_key_raw(m, key, GGUF_BOOL, &byte, 1);
}

void gguf_tensor_raw(struct gguf_maker *m, const char *name, uint32_t type, uint32_t n_dims,
                     const uint64_t *dims, uint64_t offset)
{
    gguf_put_text(&m->tensors, name);
    put_u32(&m->tensors, n_dims);
    for (uint32_t i = 0; i < n_dims; i++)
        put_u64(&m->tensors, dims[i]);
    put_u32(&m->tensors, type);
    put_u64(&m->tensors, offset);
    m->n_tensors++;
}

static uint64_t aligned(uint64_t n, uint64_t alignment)
{
    return (n + alignment - 1) / alignment * alignment;
}

void gguf_tensor_add(struct gguf_maker *m, const char *name, uint32_t type, uint64_t bytes,
                     const uint64_t *dims)
{
    uint32_t n = 0;
    while (dims[n])
        n++;
    uint64_t offset = aligned(m->data_bytes, m->alignment);
    gguf_tensor_raw(m, name, type, n, dims, offset);
    m->data_bytes = offset + bytes;
}

/* A number of each type, far from 0 where the type allows it. */
static const struct {
    uint32_t type;
    unsigned char bytes[8];
} numbers[] = {
    {GGUF_UINT8, {0xfe}},
    {GGUF_INT8, {0x80}},
    {GGUF_UINT16, {0xff, 0xff}},
    {GGUF_INT16, {0x00, 0x80}},
    {GGUF_UINT32, {0xff, 0xff, 0xff, 0xff}},
    {GGUF_INT32, {0x00, 0x00, 0x00, 0x80}},
    {GGUF_FLOAT32, {0x17, 0xb7, 0xd1, 0x38}}, /* 1e-4 */
    {GGUF_BOOL, {1}},
    {GGUF_UINT64, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
    {GGUF_INT64, {0, 0, 0, 0, 0, 0, 0, 0x80}},
    {GGUF_FLOAT64, {0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f}}, /* 0.1 */
};

static void nested_array(struct gguf_maker *m)
{
    struct buf b;
    buf_init(&b, FILE_BYTES);
    gguf_array_begin(&b, GGUF_ARRAY, 2);
    gguf_array_begin(&b, GGUF_STRING, 2);
    gguf_put_text(&b, "one");
    gguf_put_text(&b, "");
    gguf_array_begin(&b, GGUF_UINT16, 0);
    gguf_key_raw(m, "test.array.nested", GGUF_ARRAY, b.data, b.len);
    buf_release(&b);
}

void gguf_all_values(struct gguf_maker *m)
{
    static const char *const texts[] = {"", "plain", "Gr\xc3\xbc\xc3\x9f Gott \xe2\x82\xac \xf0\x9f\x90\x98", "two\nlines\t\"quoted\""};
    char key[64];
    struct buf b;
    buf_init(&b, FILE_BYTES);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        unsigned size = gguf_value_type_bytes(numbers[i].type);
        snprintf(key, sizeof(key), "test.%s", gguf_value_type_name(numbers[i].type));
        gguf_key_raw(m, key, numbers[i].type, numbers[i].bytes, size);
        buf_clear(&b);
        gguf_array_begin(&b, numbers[i].type, 3);
        for (int j = 0; j < 3; j++)
            put(&b, j == 1 ? (const unsigned char[8]){0} : numbers[i].bytes, size);
        snprintf(key, sizeof(key), "test.array.%s", gguf_value_type_name(numbers[i].type));
        gguf_key_raw(m, key, GGUF_ARRAY, b.data, b.len);
    }
    buf_clear(&b);
    gguf_array_begin(&b, GGUF_STRING, ARRAY_SIZE(texts));
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        snprintf(key, sizeof(key), "test.text_%zu", i);
        gguf_key_text(m, key, texts[i]);
        gguf_put_text(&b, texts[i]);
    }
    gguf_key_raw(m, "test.array.string", GGUF_ARRAY, b.data, b.len);
    buf_release(&b);
    nested_array(m);
}

void gguf_all_tensors(struct gguf_maker *m)
{
    int n = 0;
    for (uint32_t id = 0; id < 64; id++) {
        const struct gguf_tensor_type *type = gguf_tensor_type(id);
        if (!type)
            continue;
        uint64_t dims[5] = {2 * (uint64_t)type->block, 3, 2, 2, 0}, rows = 1;
        int n_dims = 1 + n++ % 4;
        for (int i = 1; i < n_dims; i++)
            rows *= dims[i];
        dims[n_dims] = 0;
        char name[64];
        snprintf(name, sizeof(name), "blk.%u.%s.weight", id, type->name);
        gguf_tensor_add(m, name, id, 2 * rows * type->bytes, dims);
    }
}

static void vocabulary(struct gguf_maker *m)
{
    struct buf b;
    char word[16];
    buf_init(&b, FILE_BYTES);
    gguf_array_begin(&b, GGUF_STRING, 300);
    for (int i = 0; i < 300; i++) {
        snprintf(word, sizeof(word), "token%d", i);
        gguf_put_text(&b, word);
    }
    gguf_key_raw(m, "tokenizer.ggml.tokens", GGUF_ARRAY, b.data, b.len);
    buf_release(&b);
}

static void own_number(struct gguf_maker *m, const char *architecture, const char *what, uint32_t value)
{
    char key[128];
    snprintf(key, sizeof(key), "%s.%s", architecture, what);
    gguf_key_u32(m, key, value);
}

void gguf_small_model(struct gguf_maker *m, const char *architecture, const char *name)
{
    gguf_key_text(m, "general.architecture", architecture);
    gguf_key_text(m, "general.type", "model");
    gguf_key_text(m, "general.name", name);
    gguf_key_u32(m, "general.file_type", 7);
    own_number(m, architecture, "context_length", 262144);
    own_number(m, architecture, "block_count", 40);
    vocabulary(m);
    gguf_key_text(m, "tokenizer.chat_template", "{% for m in messages %}{{ m.content }}{% endfor %}");
    gguf_tensor_add(m, "token_embd.weight", 8, 64 * 34, (const uint64_t[]){64, 32, 0});
    gguf_tensor_add(m, "blk.0.ffn_up.weight", 8, 64 * 34, (const uint64_t[]){64, 32, 0});
    gguf_tensor_add(m, "output_norm.weight", 0, 64 * 4, (const uint64_t[]){64, 0});
}

void gguf_small_adapter(struct gguf_maker *m, const char *architecture)
{
    float alpha = 16;
    gguf_key_text(m, "general.architecture", architecture);
    gguf_key_text(m, "general.type", "adapter");
    gguf_key_text(m, "adapter.type", "lora");
    gguf_key_raw(m, "adapter.lora.alpha", GGUF_FLOAT32, &alpha, sizeof(alpha));
    gguf_tensor_add(m, "blk.0.attn_q.weight.lora_a", 1, 64 * 8 * 2, (const uint64_t[]){64, 8, 0});
    gguf_tensor_add(m, "blk.0.attn_q.weight.lora_b", 1, 8 * 64 * 2, (const uint64_t[]){8, 64, 0});
}

void gguf_small_projector(struct gguf_maker *m)
{
    gguf_key_text(m, "general.architecture", "clip");
    gguf_key_text(m, "general.type", "mmproj");
    gguf_key_bool(m, "clip.has_vision_encoder", true);
    gguf_key_u32(m, "general.file_type", 1);
    gguf_tensor_add(m, "v.patch_embd.weight", 1, 14 * 14 * 3 * 2, (const uint64_t[]){14, 14, 3, 0});
}

void gguf_small_part(struct gguf_maker *m, int no, int count)
{
    char name[64];
    int32_t all = count;
    if (no == 0) {
        gguf_key_text(m, "general.architecture", "llama");
        gguf_key_text(m, "general.name", "Split");
        gguf_key_u32(m, "llama.context_length", 8192);
    }
    gguf_key_u16(m, "split.no", (uint16_t)no);
    gguf_key_u16(m, "split.count", (uint16_t)count);
    gguf_key_raw(m, "split.tensors.count", GGUF_INT32, &all, sizeof(all));
    snprintf(name, sizeof(name), "blk.%d.weight", no);
    gguf_tensor_add(m, name, 0, 64 * 4, (const uint64_t[]){64, 0});
}

static void pad(struct buf *b, uint64_t alignment)
{
    while (b->len % alignment)
        put(b, "", 1);
}

void gguf_maker_finish(const struct gguf_maker *m, struct buf *out)
{
    static const unsigned char zeros[4096];
    bool own_alignment = m->alignment != 32;
    buf_init(out, FILE_BYTES);
    put(out, "GGUF", 4);
    put_u32(out, m->version);
    put_u64(out, m->n_tensors);
    put_u64(out, m->n_keys + own_alignment);
    if (own_alignment) {
        gguf_put_text(out, "general.alignment");
        put_u32(out, GGUF_UINT32);
        put_u32(out, m->alignment);
    }
    put(out, m->keys.len ? m->keys.data : "", m->keys.len);
    put(out, m->tensors.len ? m->tensors.data : "", m->tensors.len);
    if (m->data_bytes)
        pad(out, m->alignment);
    for (uint64_t left = m->data_bytes; left;) {
        size_t n = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);
        put(out, zeros, n);
        left -= n;
    }
}
