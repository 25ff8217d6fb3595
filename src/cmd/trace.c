/*
 * mantis trace label|review - was what runs did good or bad (promotion.md section 3); convert: trace_convert.c.
 */
#include "cmd/trace.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cmd/options.h"
#include "cmd/table.h"
#include "gate/label.h"
#include "gate/trace_page.h"
#include "gate/tree.h"
#include "sys/file.h"

#define FILE_MODE 0600
#define DIR_MODE  0700

/* --- label ------------------------------------------------------------------------------------- */

struct labelling {
    struct pool *pool;
    struct err err;
    const char *output;
    bool json;
    struct tree tree;
    json_t *counts; /* {"<relative path>": label_summary} */
    int skipped;
};

/* Of one file: the output itself when it is named as one. */
static const char *target_of(struct labelling *l, struct pool *pool, int i)
{
    bool is_file = !l->tree.is_dir && str_ends(l->output, ".json");
    return is_file ? l->output : pool_printf(pool, "%s/%s", l->output, l->tree.files[i]);
}

static int read_one(struct labelling *l, struct pool *pool, int i, json_t **out)
{
    const char *source = tree_path(pool, &l->tree, i);
    json_t *trace = NULL;
    int r = tree_read(source, &trace, &l->err);
    if (!r && (r = label_trace(trace, source, out, &l->err)))
        err_prefix(&l->err, "%s", source);
    if (!r)
        json_keep(pool, *out);
    json_decref(trace);
    return r;
}

static int write_one(struct labelling *l, struct pool *pool, int i, const json_t *labelled)
{
    const char *target = target_of(l, pool, i), *text = json_pretty(pool, labelled);
    int r = file_mkdirs(dirname(pool_strdup(pool, target)), DIR_MODE, &l->err);
    r = r ? r : file_write_atomic(target, text, strlen(text), FILE_MODE, &l->err);
    if (!r)
        json_object_set(l->counts, l->tree.files[i], json_object_get(labelled, "label_summary"));
    return r;
}

/* Of a directory, what cannot be read is passed over; what cannot be written ends it. */
static int label_one(struct labelling *l, int i)
{
    struct pool *pool = pool_create(NULL);
    json_t *labelled = NULL;
    int r = read_one(l, pool, i, &labelled);
    if (!r) {
        r = write_one(l, pool, i, labelled);
    } else if (l->tree.is_dir) {
        cmd_warning("skipped: %s", l->err.msg);
        l->skipped++;
        r = 0;
    }
    pool_destroy(pool);
    return r;
}

/* What would be labelled again with the next call, or is about to be written over. */
static int check_output(struct labelling *l)
{
    const char *input = l->tree.root;
    for (int i = 0; !l->tree.is_dir && i < l->tree.n; i++)
        if (tree_holds(l->pool, input, target_of(l, l->pool, i)))
            return err_set(&l->err, E_INVALID, "--output '%s' is the trace itself", l->output);
    if (!l->tree.is_dir || !tree_holds(l->pool, input, l->output))
        return 0;
    return err_set(&l->err, E_INVALID,
                   "--output '%s' lies in the input '%s': what is labelled would be read as a trace "
                   "with the next call; name a directory outside of it",
                   l->output, input);
}

static void print_counts(const struct labelling *l)
{
    long long positive = 0, negative = 0, neutral = 0;
    const char *file;
    json_t *summary;
    if (l->json) {
        fputs(json_pretty(l->pool, l->counts), stdout);
        return;
    }
    json_object_foreach (l->counts, file, summary) {
        long long pos = json_int(summary, LABEL_POSITIVE, 0),
                  neg = json_int(summary, LABEL_NEGATIVE, 0),
                  neu = json_int(summary, LABEL_NEUTRAL, 0);
        printf("%s  total=%lld pos=%lld neg=%lld neu=%lld\n", table_clean(l->pool, file, 0),
               pos + neg + neu, pos, neg, neu);
        positive += pos;
        negative += neg;
        neutral += neu;
    }
    if (l->tree.is_dir)
        printf("%zu files labelled, %d skipped: pos=%lld neg=%lld neu=%lld\n",
               json_object_size(l->counts), l->skipped, positive, negative, neutral);
}

static int label(struct labelling *l)
{
    if (check_output(l)) {
        cmd_error("%s", l->err.msg);
        return TRACE_USAGE;
    }
    if (l->tree.n == 0)
        cmd_warning("there are no traces (*.json) in '%s'", l->tree.root);
    for (int i = 0; i < l->tree.n; i++)
        if (label_one(l, i)) {
            cmd_error("%s", l->err.msg);
            return TRACE_FAILED;
        }
    print_counts(l);
    return EXIT_SUCCESS;
}

static int cmd_label(int argc, char **argv)
{
    struct labelling l = {0};
    const char *input[1];
    int n, code = 0;
    const struct option table[] = {
        {"--output", "-o", OPTION_STRING, &l.output, "PATH",
         "where labelled traces go: a directory, or of one trace a .json file (required)"},
        {"--json", NULL, OPTION_FLAG, &l.json, NULL, "print the counts as JSON"},
        {NULL, NULL, 0, NULL, NULL, NULL}};
    if (!options_read(table, "mantis trace label TRACE|DIR --output PATH [options]", argc, argv,
                      input, 1, &n, &code))
        return code;
    if (n != 1 || !l.output) {
        cmd_error(n != 1 ? "name the trace, or the directory of traces, to label"
                         : "--output PATH says where the labelled traces go");
        return TRACE_USAGE;
    }
    l.pool = pool_create(NULL);
    l.counts = json_keep(l.pool, json_object());
    if (tree_list(l.pool, input[0], &l.tree, &l.err)) {
        cmd_error("%s", l.err.msg);
        code = TRACE_FAILED;
    } else {
        code = label(&l);
    }
    pool_destroy(l.pool);
    return code;
}

/* --- review ------------------------------------------------------------------------------------ */

enum { LABEL_CELLS = 9, REASON_CELLS = 24, TYPE_CELLS = 12, WORDS_CELLS = 60 };

struct review {
    struct pool *pool;
    struct err err;
    const char *html, *root;
    bool json;
};

static const char *cell(struct pool *pool, const char *text, int width)
{
    const char *shown = table_clean(pool, text, width);
    return pool_printf(pool, "%s%*s", shown, width - table_text_width(shown), "");
}

static void print_step(struct pool *pool, const json_t *step)
{
    const char *intent = json_str(step, "intent", ""), *data = json_str(step, "data", "");
    printf("%4lld  %s  %s  %s  %s\n", (long long)json_int(step, "step_index", 0),
           cell(pool, json_str(step, "label", ""), LABEL_CELLS),
           cell(pool, json_str(step, "label_reason", ""), REASON_CELLS),
           cell(pool, json_str(step, "type", ""), TYPE_CELLS),
           table_clean(pool, *intent ? intent : data, WORDS_CELLS));
}

static void print_review(struct pool *pool, const json_t *labelled)
{
    static const char *const facts[] = {"run_id", "tenant_id", "status", "variant"};
    const struct label_counts n = label_counts_of(labelled);
    size_t i;
    json_t *step;
    for (size_t k = 0; k < ARRAY_SIZE(facts); k++)
        if (*json_str(labelled, facts[k], ""))
            printf("%-10s %s\n", facts[k], table_clean(pool, json_str(labelled, facts[k], ""), 0));
    printf("%-10s %lld positive, %lld negative, %lld neutral\n\n", "steps", (long long)n.positive,
           (long long)n.negative, (long long)n.neutral);
    printf(" idx  %s  %s  %s  intent or data\n", cell(pool, "label", LABEL_CELLS),
           cell(pool, "reason", REASON_CELLS), cell(pool, "type", TYPE_CELLS));
    json_array_foreach (json_object_get(labelled, "steps"), i, step)
        print_step(pool, step);
}

/* Pictures lie beside the trace: <root>/<tenant>/<run_id>.json. */
static const char *root_of(struct pool *pool, const char *file, const json_t *labelled)
{
    const char *source = json_str(labelled, "source_path", file);
    char *tenant = dirname(pool_strdup(pool, *source ? source : file));
    return dirname(pool_strdup(pool, tenant));
}

/* One that has no labels yet is given them. */
static int read_labelled(struct review *v, const char *file, json_t **out)
{
    json_t *doc = NULL;
    int r = tree_read(file, &doc, &v->err);
    if (!r && json_object_get(doc, "label_summary")) {
        *out = json_keep(v->pool, json_incref(doc));
        r = label_check(doc, &v->err);
    } else if (!r) {
        r = label_trace(doc, file, out, &v->err);
        if (!r)
            json_keep(v->pool, *out);
    }
    json_decref(doc);
    return r;
}

static int review(struct review *v, const char *file)
{
    json_t *labelled;
    const char *page;
    int r = read_labelled(v, file, &labelled);
    if (r)
        return r;
    if (v->html) {
        r = trace_page(v->pool, labelled, v->root ? v->root : root_of(v->pool, file, labelled),
                       &page, &v->err);
        return r ? r : file_write_atomic(v->html, page, strlen(page), FILE_MODE, &v->err);
    }
    if (v->json)
        fputs(json_pretty(v->pool, labelled), stdout);
    else
        print_review(v->pool, labelled);
    return 0;
}

static int cmd_review(int argc, char **argv)
{
    struct review v = {0};
    const char *file[1];
    int n, code = 0;
    const struct option table[] = {
        {"--html", NULL, OPTION_STRING, &v.html, "FILE",
         "write a page for a browser, pictures included, in place of the table"},
        {"--screenshots-root", NULL, OPTION_STRING, &v.root, "DIR",
         "where traces were exported to; default beside the trace"},
        {"--json", NULL, OPTION_FLAG, &v.json, NULL, "print the labelled trace"},
        {NULL, NULL, 0, NULL, NULL, NULL}};
    if (!options_read(table, "mantis trace review FILE [options]", argc, argv, file, 1, &n, &code))
        return code;
    if (n != 1) {
        cmd_error("name the trace to look at");
        return TRACE_USAGE;
    }
    v.pool = pool_create(NULL);
    code = review(&v, file[0]) ? TRACE_FAILED : EXIT_SUCCESS;
    if (code)
        cmd_error("%s", v.err.msg);
    pool_destroy(v.pool);
    return code;
}

static const struct command commands[] = {
    {"label", cmd_label, "say of every step of traces whether it was good or bad"},
    {"review", cmd_review, "show a labelled trace, as a table or as a page"},
    {"convert", cmd_trace_convert, "make training rows of labelled traces, rollouts or a teacher's work"},
    {NULL, NULL, NULL},
};

int cmd_trace(int argc, char **argv)
{
    return cmd_dispatch(commands, "mantis trace", "What runs did, as training data.", argc, argv);
}
