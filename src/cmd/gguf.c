/*
 * mantis gguf FILE... - what model files say of themselves, and whether they are whole.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/gguf_words.h"
#include "cmd/options.h"
#include "cmd/table.h"
#include "engine/model_check.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2
#define FILES_MAX   256
#define USAGE       "mantis gguf FILE... [options]"

struct look {
    struct pool *pool;
    bool json, metadata, tensors;
    const char *files[FILES_MAX];
    int n_files;
};

/* --- as JSON ------------------------------------------------------------------------------------ */

static void put_text(json_t *obj, const char *key, const char *text)
{
    json_put(obj, key, *text ? json_string_safe(text) : json_null());
}

static void put_count(json_t *obj, const char *key, uint64_t n)
{
    json_put(obj, key, n ? json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n) : json_null());
}

static json_t *tensor_json(struct pool *pool, const struct gguf_tensor *t)
{
    json_t *dims = json_array();
    for (int i = 0; i < t->n_dims; i++)
        json_push(dims, json_integer((json_int_t)t->dims[i]));
    return json_pack("{s:o,s:s,s:o,s:I,s:o}", "name", json_string_safe(t->name), "type",
                     gguf_tensor_type_name(pool, t->type), "dims", dims, "offset",
                     (json_int_t)t->offset, "bytes",
                     t->bytes ? json_integer((json_int_t)t->bytes) : json_null());
}

static json_t *tensors_json(struct pool *pool, const struct gguf *g)
{
    json_t *list = json_array();
    for (size_t i = 0; i < g->n_tensors; i++)
        json_push(list, tensor_json(pool, &g->tensors[i]));
    return list;
}

static json_t *parts_json(const struct gguf *g)
{
    return json_pack("{s:i,s:i}", "part", g->split_no + 1, "of", g->split_count);
}

static json_t *file_json(const struct look *l, const struct gguf *g)
{
    json_t *doc = json_object();
    put_text(doc, "file", g->path);
    json_put_int(doc, "version", g->version);
    json_put_str(doc, "kind", gguf_kind_name(g));
    put_text(doc, "architecture", g->architecture);
    put_text(doc, "name", g->name);
    put_text(doc, "adapter_type", g->adapter_type);
    put_text(doc, "quantisation", g->file_type);
    put_text(doc, "main_tensor_type", g->main_type);
    put_count(doc, "context_length", (uint64_t)g->context_length);
    put_count(doc, "blocks", (uint64_t)g->block_count);
    json_put_int(doc, "parameters", (int64_t)(g->parameters > INT64_MAX ? INT64_MAX : g->parameters));
    json_put_int(doc, "tensors", (int64_t)g->n_tensors);
    json_put(doc, "split", parts_json(g));
    json_put_bool(doc, "chat_template", g->chat_template);
    json_put_int(doc, "keys", (int64_t)json_object_size(g->metadata));
    json_put_int(doc, "alignment", (int64_t)g->alignment);
    json_put_int(doc, "data_start", (int64_t)g->data_start);
    json_put_int(doc, "bytes", (int64_t)g->file_bytes);
    json_put_int(doc, "bytes_needed", (int64_t)g->needed_bytes);
    if (l->metadata)
        json_put(doc, "metadata", json_incref((json_t *)g->metadata));
    if (l->tensors)
        json_put(doc, "tensor_list", tensors_json(l->pool, g));
    return doc;
}

/* --- for people --------------------------------------------------------------------------------- */

static void line(struct look *l, const char *what, const char *text)
{
    if (*text)
        printf("%-14s %s\n", what, table_clean(l->pool, text, 0));
}

static const char *whole_number(struct look *l, int64_t n)
{
    return n ? pool_printf(l->pool, "%lld", (long long)n) : "";
}

static const char *quantisation_text(struct look *l, const struct gguf *g)
{
    if (!*g->file_type || strcmp(g->file_type, g->main_type) == 0)
        return g->main_type;
    return pool_printf(l->pool, "%s, most weights %s", g->file_type, g->main_type);
}

static const char *size_text(struct look *l, const struct gguf *g)
{
    const char *there = gguf_bytes_text(l->pool, g->file_bytes);
    return g->file_bytes >= g->needed_bytes
               ? there
               : pool_printf(l->pool, "%s of %s", there, gguf_bytes_text(l->pool, g->needed_bytes));
}

static void print_summary(struct look *l, const struct gguf *g)
{
    printf("%s\n", table_clean(l->pool, g->path, 0));
    line(l, "kind", *g->adapter_type ? pool_printf(l->pool, "%s (%s)", gguf_kind_name(g), g->adapter_type)
                                     : gguf_kind_name(g));
    line(l, "architecture", g->architecture);
    line(l, "name", g->name);
    line(l, "quantisation", quantisation_text(l, g));
    line(l, "context", whole_number(l, g->context_length));
    line(l, "blocks", whole_number(l, g->block_count));
    line(l, "weights", pool_printf(l->pool, "%s in %zu tensor%s",
                                   gguf_weights_text(l->pool, g->parameters), g->n_tensors,
                                   g->n_tensors == 1 ? "" : "s"));
    if (g->n_unknown)
        line(l, "", pool_printf(l->pool, "%zu of a type this version does not know", g->n_unknown));
    if (g->split_count > 1)
        line(l, "part", pool_printf(l->pool, "%d of %d", g->split_no + 1, g->split_count));
    if (g->kind == GGUF_MODEL && g->split_no == 0)
        line(l, "chat template", g->chat_template ? "yes" : "no");
    line(l, "size", size_text(l, g));
    line(l, "format", pool_printf(l->pool, "GGUF version %u", g->version));
}

static const char *value_text(struct look *l, const json_t *entry)
{
    const json_t *value = json_object_get(entry, "value");
    if (value)
        return json_as_text(l->pool, value);
    if (json_object_get(entry, "count"))
        return pool_printf(l->pool, "%lld of %s", (long long)json_int(entry, "count", 0),
                           json_str(entry, "of", ""));
    return pool_printf(l->pool, "%lld bytes", (long long)json_int(entry, "bytes", 0));
}

static void print_metadata(struct look *l, const struct gguf *g)
{
    json_t *rows = json_keep(l->pool, json_array()), *entry;
    const char *key;
    json_object_foreach ((json_t *)g->metadata, key, entry)
        json_push(rows, json_pack("{s:s,s:s,s:o}", "key", key, "type", json_str(entry, "type", ""),
                                  "value",
                                  json_string_safe(table_clean(l->pool, value_text(l, entry), 100))));
    printf("\n%s", table_text(l->pool, NULL, rows, table_terminal_width(STDOUT_FILENO)));
}

static const char *dims_text(struct pool *pool, const struct gguf_tensor *t)
{
    const char *text = "";
    for (int i = 0; i < t->n_dims; i++)
        text = pool_printf(pool, "%s%s%llu", text, i ? " x " : "", (unsigned long long)t->dims[i]);
    return text;
}

static void print_tensors(struct look *l, const struct gguf *g)
{
    json_t *rows = json_keep(l->pool, json_array());
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct gguf_tensor *t = &g->tensors[i];
        json_push(rows, json_pack("{s:o,s:s,s:s,s:I}", "tensor", json_string_safe(t->name), "type",
                                  gguf_tensor_type_name(l->pool, t->type), "dims",
                                  dims_text(l->pool, t), "bytes", (json_int_t)t->bytes));
    }
    printf("\n%s", table_text(l->pool, NULL, rows, table_terminal_width(STDOUT_FILENO)));
}

static void print_file(struct look *l, const struct gguf *g, const char *problem)
{
    print_summary(l, g);
    line(l, "whole", *problem ? "no" : "yes");
    if (l->metadata)
        print_metadata(l, g);
    if (l->tensors)
        print_tensors(l, g);
}

/* --- one after the other ------------------------------------------------------------------------ */

/* What is wrong with it, "" nothing. */
static const char *look_at(struct look *l, const char *file, bool more, json_t *list)
{
    struct gguf g;
    struct err err = {0};
    unsigned flags = l->json && l->metadata ? GGUF_KEEP_ALL : 0;
    bool read = gguf_read(l->pool, file, flags, &g, &err) == 0;
    if (read && gguf_check_whole(l->pool, &g, &err) == 0)
        err.msg[0] = '\0';
    const char *problem = pool_strdup(l->pool, err.msg);
    json_t *doc = read ? file_json(l, &g) : json_pack("{s:o}", "file", json_string_safe(file));
    json_put(doc, "problem", *problem ? json_string_safe(problem) : json_null());
    json_push(list, doc);
    if (!l->json && read) {
        print_file(l, &g, problem);
        printf("%s", more ? "\n" : "");
    }
    return problem;
}

static int look_at_all(struct look *l)
{
    int code = 0;
    json_t *list = json_keep(l->pool, json_array());
    for (int i = 0; i < l->n_files; i++) {
        const char *problem = look_at(l, l->files[i], i + 1 < l->n_files, list);
        if (!*problem)
            continue;
        fflush(stdout);
        cmd_error("%s", table_clean(l->pool, problem, 0));
        code = EXIT_FAILED;
    }
    if (l->json)
        fputs(json_pretty(l->pool, list), stdout);
    return code;
}

int cmd_gguf(int argc, char **argv)
{
    struct look l = {0};
    int code = 0;
    const struct option table[] = {
        {"--json", NULL, OPTION_FLAG, &l.json, NULL, "print JSON: a list of the files"},
        {"--metadata", NULL, OPTION_FLAG, &l.metadata, NULL, "and every key; with --json whole arrays too"},
        {"--tensors", NULL, OPTION_FLAG, &l.tensors, NULL, "and every tensor"},
        {.name = NULL},
    };
    if (!options_read(table, USAGE, argc, argv, l.files, FILES_MAX, &l.n_files, &code))
        return code;
    if (l.n_files == 0) {
        cmd_error("which file? give one or more .gguf files");
        fprintf(stderr, "usage: %s\n", USAGE);
        return EXIT_USAGE;
    }
    l.pool = pool_create(NULL);
    code = look_at_all(&l);
    pool_destroy(l.pool);
    return code;
}
