/*
 * gguf_facts.c - what metadata and tensors of a GGUF file mean.
 */
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "engine/gguf_reader.h"

static const json_t *value_of(const struct gguf *g, const char *key)
{
    return json_object_get(json_object_get(g->metadata, key), "value");
}

static const char *text_of(const struct gguf *g, const char *key)
{
    const char *text = json_string_value(value_of(g, key));
    return text ? text : "";
}

/* 0 for what is missing or no whole number. */
static int64_t number_of(const struct gguf *g, const char *key)
{
    return json_integer_value(value_of(g, key));
}

/* A key of the architecture: "llama.context_length". */
static int64_t own_number(struct pool *pool, const struct gguf *g, const char *key)
{
    int64_t n = number_of(g, pool_printf(pool, "%.200s.%s", g->architecture, key));
    return n > 0 ? n : 0;
}

static enum gguf_kind kind_of(const struct gguf *g)
{
    static const struct {
        const char *type;
        enum gguf_kind kind;
    } types[] = {
        {"model", GGUF_MODEL},
        {"adapter", GGUF_ADAPTER},
        {"mmproj", GGUF_PROJECTOR},
        {"projector", GGUF_PROJECTOR},
    };
    if (*g->adapter_type)
        return GGUF_ADAPTER;
    if (strcmp(g->architecture, "clip") == 0)
        return GGUF_PROJECTOR;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (strcmp(g->type, types[i].type) == 0)
            return types[i].kind;
    return *g->type ? GGUF_OTHER : GGUF_MODEL;
}

static bool has_chat_template(const struct gguf *g)
{
    const char *key;
    json_t *entry;
    json_object_foreach ((json_t *)g->metadata, key, entry)
        if ((strcmp(key, "tokenizer.chat_template") == 0 ||
             str_starts(key, "tokenizer.chat_template.")) &&
            json_int(entry, "bytes", 0) > 0)
            return true;
    return false;
}

/* It has a say on images, and says no. */
static bool is_blind(const struct gguf *g)
{
    const json_t *sees = value_of(g, "clip.has_vision_encoder");
    return g->kind == GGUF_PROJECTOR && json_is_false(sees);
}

static int derive_split(struct gguf *g, struct err *err)
{
    int64_t count = number_of(g, "split.count"), no = number_of(g, "split.no");
    g->split_count = 1;
    if (count <= 1)
        return 0;
    if (count > CAP_GGUF_PARTS || no < 0 || no >= count)
        return err_set(err, E_INVALID, "'%.200s': it says it is part %lld of %lld, which cannot be",
                       g->path, (long long)no + 1, (long long)count);
    g->split_no = (int)no;
    g->split_count = (int)count;
    g->split_tensors = number_of(g, "split.tensors.count");
    return 0;
}

/* Weights by type: the table's, and all others together. */
#define TYPE_SLOTS 64

static void derive_tensors(struct pool *pool, struct gguf *g)
{
    uint64_t weights[TYPE_SLOTS] = {0}, most = 0;
    g->main_type = "";
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct gguf_tensor *t = &g->tensors[i];
        g->n_unknown += gguf_tensor_type(t->type) == NULL;
        if (__builtin_add_overflow(g->parameters, t->elements, &g->parameters))
            g->parameters = UINT64_MAX;
        uint64_t *of_type = &weights[t->type < TYPE_SLOTS ? t->type : TYPE_SLOTS - 1];
        if (__builtin_add_overflow(*of_type, t->elements, of_type))
            *of_type = UINT64_MAX;
    }
    for (size_t i = 0; i < g->n_tensors; i++) {
        uint32_t type = g->tensors[i].type;
        uint64_t n = weights[type < TYPE_SLOTS ? type : TYPE_SLOTS - 1];
        if (n > most) {
            most = n;
            g->main_type = gguf_tensor_type_name(pool, type);
        }
    }
}

int gguf_derive(struct pool *pool, struct gguf *g, struct err *err)
{
    g->type = text_of(g, "general.type");
    g->architecture = text_of(g, "general.architecture");
    g->name = text_of(g, "general.name");
    g->adapter_type = text_of(g, "adapter.type");
    g->kind = kind_of(g);
    const json_t *file_type = value_of(g, "general.file_type");
    g->file_type =
        json_is_integer(file_type) ? gguf_file_type_name(pool, json_integer_value(file_type)) : "";
    g->context_length = own_number(pool, g, "context_length");
    g->block_count = own_number(pool, g, "block_count");
    g->chat_template = has_chat_template(g);
    g->blind = is_blind(g);
    derive_tensors(pool, g);
    return derive_split(g, err);
}

const char *gguf_kind_name(const struct gguf *g)
{
    static const char *const names[] = {
        [GGUF_MODEL] = "model", [GGUF_ADAPTER] = "adapter", [GGUF_PROJECTOR] = "projector"};
    return g->kind == GGUF_OTHER ? g->type : names[g->kind];
}
