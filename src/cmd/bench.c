/*
 * mantis bench screenshots - does an action land where it may (gate/screenshots.h)? Predictions come from a file, or a
 * model is asked.
 */
#include "cmd/bench.h"

#include <libgen.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/caps.h"
#include "cmd/answer.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/runs.h"
#include "sys/file.h"

#define USAGE "mantis bench screenshots --cases FILE --output FILE (--predictions FILE | --brain NAME) [options]"

struct screenshots {
    struct pool *pool;
    const char *cases_path, *predictions_path, *output;
    struct bench_model model;
    int max_cases;
    double min_pass_rate;
    bool json;
    struct screenshot_cases cases;
    json_t *predictions; /* array of lines */
    struct screenshot_result *results;
    struct err err;
};

/* --- predictions -------------------------------------------------------------------------------- */

static int read_cases(struct screenshots *s)
{
    json_t *lines;
    int r = screenshot_lines_read(s->pool, s->cases_path, &lines, &s->err);
    r = r ? r : screenshot_cases_parse(s->pool, lines, s->cases_path, &s->cases, &s->err);
    if (!r && s->max_cases > 0 && s->cases.n > (size_t)s->max_cases)
        s->cases.n = (size_t)s->max_cases;
    return r;
}

static int read_predictions(struct screenshots *s)
{
    const char *dir = dirname(pool_strdup(s->pool, s->cases_path));
    if (s->predictions_path)
        return screenshot_lines_read(s->pool, s->predictions_path, &s->predictions, &s->err);
    session_end_on_signals();
    return bench_predict(s->pool, &s->model, &s->cases, dir, &s->predictions, &s->err);
}

/* By id; of two the later one. */
static json_t *index_of(struct screenshots *s)
{
    json_t *index = json_keep(s->pool, json_object()), *line;
    size_t i;
    json_array_foreach (s->predictions, i, line)
        json_object_set(index, json_str(line, "id", ""), line);
    return index;
}

static void judge(struct screenshots *s)
{
    json_t *index = index_of(s);
    s->results = pool_alloc(s->pool, s->cases.n * sizeof(*s->results));
    for (size_t i = 0; i < s->cases.n; i++) {
        const json_t *line = json_object_get(index, s->cases.cases[i].id);
        const char *error = json_str(line, "error", "");
        struct prediction p = screenshot_prediction(line);
        s->results[i] = screenshot_judge(&s->cases.cases[i], line && !*error ? &p : NULL);
        s->results[i].error = line ? error : "there is no prediction";
    }
}

/* --- what comes of it --------------------------------------------------------------------------- */

/* Per case what came of it, beside what was predicted. */
static int write_lines(struct screenshots *s)
{
    json_t *index = index_of(s);
    struct buf b;
    buf_init(&b, CAP_GATE_FILE_BYTES);
    for (size_t i = 0; i < s->cases.n; i++) {
        json_t *line = json_keep(s->pool, screenshot_result_json(&s->results[i]));
        json_object_set(line, "prediction", json_object_get(index, s->cases.cases[i].id));
        buf_addf(&b, "%s\n", json_text(s->pool, line));
    }
    int r = b.failed ? err_set(&s->err, E_TOOBIG, "'%s' would be larger than %u bytes", s->output, CAP_GATE_FILE_BYTES)
                     : file_write_atomic(s->output, b.data, b.len, 0644, &s->err);
    buf_release(&b);
    return r;
}

static const char *words_of(struct pool *pool, const json_t *summary)
{
    const char *text = pool_printf(pool, "%-24s %6s %6s %7s\n", "tag", "total", "passed", "rate"), *tag;
    json_t *of;
    json_object_foreach (json_object_get(summary, "by_tag"), tag, of)
        text = pool_printf(pool, "%s%-24s %6d %6d %6.1f%%\n", text, tag, (int)json_int(of, "total", 0),
                           (int)json_int(of, "passed", 0), 100 * json_num(of, "pass_rate", 0));
    return pool_printf(pool, "%s%-24s %6d %6d %6.1f%%\n", text, "all", (int)json_int(summary, "total", 0),
                       (int)json_int(summary, "passed", 0), 100 * json_num(summary, "pass_rate", 0));
}

/* A model that answers nothing was not measured. */
static bool none_answered(const struct screenshots *s)
{
    for (size_t i = 0; i < s->cases.n; i++)
        if (!*s->results[i].error)
            return false;
    return true;
}

static int bench(struct screenshots *s)
{
    int r = read_cases(s);
    r = r ? r : read_predictions(s);
    if (!r) {
        judge(s);
        r = write_lines(s);
    }
    if (r) {
        cmd_error("%s", s->err.msg);
        return EXIT_USAGE;
    }
    json_t *summary = json_keep(s->pool, screenshot_summary_json(s->results, s->cases.n));
    r = answer_document(s->pool, summary, words_of(s->pool, summary), pool_printf(s->pool, "%s.summary.json", s->output),
                        s->json, &s->err);
    if (!r && none_answered(s))
        r = err_set(&s->err, E_UPSTREAM, "no case was answered; of the first: %s", s->results[0].error);
    if (r)
        cmd_error("%s", s->err.msg);
    return r || json_num(summary, "pass_rate", 0) < s->min_pass_rate - 1e-9 ? EXIT_FAILED : 0;
}

/* Cases and predictions are somebody's work; what comes of them is made again at any time. */
static bool overwrites(const struct screenshots *s)
{
    const char *const inputs[] = {s->cases_path, s->predictions_path};
    struct stat in, out;
    if (stat(s->output, &out))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(inputs); i++)
        if (inputs[i] && stat(inputs[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return true;
    return false;
}

/* --- the command -------------------------------------------------------------------------------- */

static const char *missing(const struct screenshots *s)
{
    if (!s->cases_path)
        return "--cases is missing: the benchmark's cases as JSON lines";
    if (!s->output)
        return "--output is missing: where what came of every case is written";
    if (!s->predictions_path == !s->model.profile)
        return "give one of --predictions FILE and --brain NAME";
    if (overwrites(s))
        return "--output is a file that is read: name another one";
    if (s->max_cases < 0)
        return "--max-cases takes a whole number from 0";
    return !(s->min_pass_rate >= 0 && s->min_pass_rate <= 1) ? "--min-pass-rate takes a number from 0 to 1" : NULL;
}

static int screenshots(int argc, char **argv)
{
    struct screenshots s = {0};
    int code = 0, n;
    const struct option table[] = {
        {"--cases", NULL, OPTION_STRING, &s.cases_path, "FILE", "JSON lines: id, image, task, what is expected"},
        {"--output", "-o", OPTION_STRING, &s.output, "FILE", "JSON lines of what came of each; FILE.summary.json beside it"},
        {"--predictions", NULL, OPTION_STRING, &s.predictions_path, "FILE", "JSON lines: id, action_type, params, text"},
        {"--brain", NULL, OPTION_STRING, &s.model.profile, "NAME", "ask a model instead, of profiles/: holo3"},
        {"--base-url", NULL, OPTION_STRING, &s.model.base_url, "URL", "its server, up to /v1 [the profile's]"},
        {"--model", NULL, OPTION_STRING, &s.model.model, "NAME", "what a call names [the profile's: holo3-35b-a3b]"},
        {"--api-key", NULL, OPTION_STRING, &s.model.key, "KEY", "its key; better: the variable that the profile names"},
        {"--max-cases", NULL, OPTION_INT, &s.max_cases, "N", "only the first N [0: all]"},
        {"--min-pass-rate", NULL, OPTION_NUMBER, &s.min_pass_rate, "N", "exit with 1 below this share, 0 to 1 [0]"},
        {"--json", NULL, OPTION_FLAG, &s.json, NULL, "print JSON on a terminal, too"},
        {.name = NULL},
    };
    if (!options_read(table, USAGE, argc, argv, NULL, 0, &n, &code))
        return code;
    if (missing(&s)) {
        cmd_error("%s", missing(&s));
        return EXIT_USAGE;
    }
    s.pool = pool_create(NULL);
    code = bench(&s);
    pool_destroy(s.pool);
    return code;
}

int cmd_bench(int argc, char **argv)
{
    static const struct command commands[] = {
        {"screenshots", screenshots, "hold predicted actions against where they may and must not land"},
        {NULL, NULL, NULL},
    };
    return cmd_dispatch(commands, "mantis bench", "Benchmarks of models.", argc, argv);
}
