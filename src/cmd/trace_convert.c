/*
 * mantis trace convert - training rows as JSON lines (promotion.md section 4).
 */
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/options.h"
#include "cmd/table.h"
#include "cmd/trace.h"
#include "gate/label.h"
#include "gate/sft.h"
#include "gate/tree.h"
#include "sys/settings.h"

#define USAGE "mantis trace convert --traces PATH --output FILE [options]"
#define LINE_BYTES (64 << 20)

struct convert {
    struct pool *pool;
    struct err err;
    const char *traces, *rollouts, *trajectories;
    const char *output, *root, *labels_flag, *task, *profile_name;
    bool require, include_failed, successful_only, pairs_wanted;
    int width, height, most_steps;
    double min_reward;
    struct sft_config config;
    json_t *labels;
    const char *part; /* the output while it is written */
    FILE *out;
    struct sft_counts counts;
};

/* --- the output: whole or not at all ----------------------------------------------------------- */

static int take(void *arg, const json_t *row, struct err *err)
{
    struct convert *c = arg;
    struct pool *pool = pool_create(NULL);
    bool bad = fputs(json_text(pool, row), c->out) == EOF || fputc('\n', c->out) == EOF;
    pool_destroy(pool);
    return bad ? err_sys(err, E_IO, "cannot write '%s'", c->part) : 0;
}

static int begin_output(struct convert *c)
{
    c->part = pool_printf(c->pool, "%s.%d.tmp", c->output, (int)getpid());
    c->out = fopen(c->part, "wxe");
    return c->out ? 0 : err_sys(&c->err, E_IO, "cannot write '%s'", c->part);
}

static int end_output(struct convert *c, int r)
{
    bool bad = fflush(c->out) || fsync(fileno(c->out));
    bad = fclose(c->out) || bad;
    if (!r && (bad || rename(c->part, c->output)))
        r = err_sys(&c->err, E_IO, "cannot write '%s'", c->output);
    if (r)
        unlink(c->part);
    return r;
}

/* --- inputs ------------------------------------------------------------------------------------ */

/* A file that cannot be used is told of and passed over; an output that cannot be written ends it. */
static int passed_over(struct convert *c, int r)
{
    if (!r || ferror(c->out))
        return r;
    cmd_warning("skipped: %s", c->err.msg);
    return 0;
}

static int take_labelled(struct convert *c, const json_t *labelled, struct pairs *pairs)
{
    const struct sft_sink sink = {take, c};
    return pairs ? pairs_add(pairs, &c->config, labelled, &c->counts, &c->err)
                 : sft_labelled(&c->config, c->labels, labelled, &sink, &c->counts, &c->err);
}

static int convert_traces(struct convert *c, struct pairs *pairs)
{
    const struct sft_sink sink = {take, c};
    struct tree tree;
    int r = tree_list(c->pool, c->traces, &tree, &c->err);
    for (int i = 0; !r && i < tree.n; i++) {
        const char *path = tree_path(c->pool, &tree, i);
        json_t *labelled = NULL;
        r = tree_read(path, &labelled, &c->err);
        if (!r && (r = take_labelled(c, labelled, pairs)))
            err_prefix(&c->err, "%s", path);
        if (tree.is_dir)
            r = passed_over(c, r);
        json_decref(labelled);
    }
    return r || !pairs ? r : pairs_write(pairs, &sink, &c->counts, &c->err);
}

static struct sft_source_config source_of(const struct convert *c, const char *source)
{
    return (struct sft_source_config){.sft = c->config,
                                      .source = source,
                                      .include_failed = c->include_failed || !c->successful_only,
                                      .min_reward = c->min_reward,
                                      .most_steps = c->most_steps,
                                      .task = c->task};
}

static int take_line(struct convert *c, const struct sft_source_config *config, const char *file,
                     int number, const char *line, size_t len)
{
    const struct sft_sink sink = {take, c};
    const char *what = pool_printf(c->pool, "%s line %d", file, number);
    json_t *rollout = NULL;
    int r = json_parse(line, len, what, &rollout, &c->err);
    if (!r && (r = sft_rollout(config, rollout, &sink, &c->counts, &c->err)))
        err_prefix(&c->err, "%s", what);
    json_decref(rollout);
    return passed_over(c, r);
}

/* JSON lines. */
static int convert_lines(struct convert *c, const char *file, const char *source)
{
    const struct sft_source_config config = source_of(c, source);
    char *line = NULL;
    size_t size = 0;
    int r = 0, number = 0;
    FILE *in = fopen(file, "re");
    if (!in)
        return err_sys(&c->err, E_NOT_FOUND, "cannot read '%s'", file);
    for (ssize_t n; !r && (n = getline(&line, &size, in)) >= 0;) {
        number++;
        if (n > LINE_BYTES)
            r = err_set(&c->err, E_TOOBIG, "'%s' line %d is longer than %d MB", file, number,
                        LINE_BYTES >> 20);
        else if (!str_empty(line))
            r = take_line(c, &config, file, number, line, (size_t)n);
    }
    if (!r && ferror(in))
        r = err_sys(&c->err, E_IO, "cannot read '%s'", file);
    free(line);
    fclose(in);
    return r;
}

static int convert_input(struct convert *c)
{
    if (c->rollouts)
        return convert_lines(c, c->rollouts, "rejection_sampled_rollout");
    if (c->trajectories)
        return convert_lines(c, c->trajectories, "teacher_trajectory");
    struct pairs *pairs = c->pairs_wanted ? pairs_create() : NULL;
    int r = convert_traces(c, pairs);
    pairs_destroy(pairs);
    return r;
}

/* --- what is asked for ------------------------------------------------------------------------- */

static void read_labels(struct convert *c)
{
    char *save = NULL, *list = pool_strdup(c->pool, c->labels_flag);
    c->labels = json_keep(c->pool, json_array());
    for (char *s = strtok_r(list, ", ", &save); s; s = strtok_r(NULL, ", ", &save))
        json_push(c->labels, json_string_safe(s));
}

/* NULL: nothing is wrong. */
static const char *wrong_use(const struct convert *c)
{
    int inputs = !!c->traces + !!c->rollouts + !!c->trajectories;
    return inputs == 0   ? "name the input: --traces, --rollouts or --trajectories"
           : inputs > 1  ? "--traces, --rollouts and --trajectories exclude each other"
           : !c->output  ? "--output FILE says where the rows go"
           : c->pairs_wanted && !c->traces ? "--pairs needs --traces"
           : !isfinite(c->min_reward) ? "--min-reward takes a number"
           : c->most_steps < 0 ? "--max-steps-per-trajectory takes a whole number from 0"
           : c->width < 1 || c->height < 1 ? "--screen-width and --screen-height take pixels"
                                           : NULL;
}

static int load_profile(struct convert *c)
{
    struct settings settings = {0};
    int r = settings_roots(c->pool, &settings, &c->err);
    const struct profile_dirs dirs = profile_dirs_of(&settings);
    r = r ? r : profile_load(c->pool, &dirs, c->profile_name, &c->config.profile, &c->err);
    c->config.screenshots_root = c->root;
    c->config.require_screenshot = c->require;
    c->config.screen_w = c->width;
    c->config.screen_h = c->height;
    return r;
}

static void tell_dropped(const struct convert *c)
{
    const struct {
        int64_t n;
        const char *why;
    } dropped[] = {{c->counts.other_label, "of another label, or of a run that did not get there"},
                   {c->counts.no_text, "of an action that is no row, or without its text"},
                   {c->counts.no_image, "without a screenshot (--screenshots-root, "
                                        "--no-require-screenshot)"}};
    for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
        if (dropped[i].n)
            fprintf(stderr, "dropped %lld steps %s\n", (long long)dropped[i].n, dropped[i].why);
    if (c->counts.other_size)
        cmd_warning("%lld pictures are not %dx%d pixels, which their rows say",
                    (long long)c->counts.other_size, c->width, c->height);
}

static int convert(struct convert *c)
{
    int r = load_profile(c);
    if (!r && !(r = begin_output(c)))
        r = end_output(c, convert_input(c));
    if (r) {
        cmd_error("%s", c->err.msg);
        return TRACE_FAILED;
    }
    tell_dropped(c);
    printf("traces_kept=%lld samples_written=%lld\n", (long long)c->counts.sources,
           (long long)c->counts.written);
    return c->counts.written ? EXIT_SUCCESS : TRACE_USAGE;
}

/* NULL: all are labels. */
static const char *wrong_label(const struct convert *c)
{
    static const char *const known[] = {LABEL_POSITIVE, LABEL_NEGATIVE, LABEL_NEUTRAL};
    for (size_t i = 0; i < json_array_size(c->labels); i++) {
        const char *label = json_string_value(json_array_get(c->labels, i));
        size_t k = 0;
        while (k < ARRAY_SIZE(known) && strcmp(known[k], label) != 0)
            k++;
        if (k == ARRAY_SIZE(known))
            return pool_printf(c->pool, "--keep-labels: there is no label '%s': positive, negative or neutral",
                               table_clean(c->pool, label, 40));
    }
    return NULL;
}

static int checked(struct convert *c)
{
    const char *wrong = wrong_use(c);
    read_labels(c);
    wrong = wrong ? wrong : wrong_label(c);
    if (wrong) {
        cmd_error("%s", wrong);
        return TRACE_USAGE;
    }
    if (c->traces && !json_array_size(c->labels)) {
        cmd_error("--keep-labels names no label: positive, negative or neutral");
        return TRACE_FAILED;
    }
    return convert(c);
}

int cmd_trace_convert(int argc, char **argv)
{
    struct convert c = {.root = "",
                        .labels_flag = "positive",
                        .task = "",
                        .profile_name = "holo3",
                        .require = true,
                        .successful_only = true,
                        .width = 1280,
                        .height = 720,
                        .min_reward = 1.0};
    /* clang-format off */
    const struct option table[] = {
        {"--traces", NULL, OPTION_STRING, &c.traces, "PATH", "labelled trace, or a directory of them"},
        {"--rollouts", NULL, OPTION_STRING, &c.rollouts, "FILE", "in place of them: rollouts, JSON lines"},
        {"--trajectories", NULL, OPTION_STRING, &c.trajectories, "FILE", "or what a teacher did, likewise"},
        {"--output", "-o", OPTION_STRING, &c.output, "FILE", "rows as JSON lines (required)"},
        {"--screenshots-root", NULL, OPTION_STRING, &c.root, "DIR", "where traces were exported to, or where paths of screenshots begin"},
        {"--screenshots", NULL, OPTION_STRING, &c.root, "DIR", "the same"},
        {"--require-screenshot", NULL, OPTION_FLAG, &c.require, NULL, "drop rows without a picture (default; --no-require-screenshot keeps them)"},
        {"--keep-labels", NULL, OPTION_STRING, &c.labels_flag, "LIST", "labels of steps to keep, joined by commas (positive)"},
        {"--pairs", NULL, OPTION_FLAG, &c.pairs_wanted, NULL, "pairs of a good and a bad answer to one step of a plan"},
        {"--screen-width", NULL, OPTION_INT, &c.width, "PX", "as rows tell it (1280)"},
        {"--screen-height", NULL, OPTION_INT, &c.height, "PX", "likewise (720)"},
        {"--screen-w", NULL, OPTION_INT, &c.width, "PX", "the same"},
        {"--screen-h", NULL, OPTION_INT, &c.height, "PX", "the same"},
        {"--profile", NULL, OPTION_STRING, &c.profile_name, "NAME", "model whose system text rows have (holo3)"},
        {"--min-reward", NULL, OPTION_NUMBER, &c.min_reward, "N", "of a rollout (1.0)"},
        {"--include-failed", NULL, OPTION_FLAG, &c.include_failed, NULL, "keep rollouts and trajectories that failed, too"},
        {"--successful-only", NULL, OPTION_FLAG, &c.successful_only, NULL, "only those that succeeded (default)"},
        {"--max-steps-per-trajectory", NULL, OPTION_INT, &c.most_steps, "N", "only the first steps of each; 0 all"},
        {"--task-intent", NULL, OPTION_STRING, &c.task, "TEXT", "task of all rows, in place of their own"},
        {NULL, NULL, 0, NULL, NULL, NULL}};
    /* clang-format on */
    int n, code = 0;
    if (!options_read(table, USAGE, argc, argv, NULL, 0, &n, &code))
        return code;
    c.pool = pool_create(NULL);
    code = checked(&c);
    pool_destroy(c.pool);
    return code;
}
