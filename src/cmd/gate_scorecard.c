/*
 * mantis gate scorecard - reports against the thresholds of a tier (gate/scorecard.h).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "cmd/answer.h"
#include "cmd/gate.h"
#include "cmd/options.h"
#include "gate/scorecard.h"
#include "sys/settings.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2
#define USAGE       "mantis gate scorecard [options]"

struct scoring {
    struct pool *pool;
    const char *report_path, *shadow_path, *labelled_path, *thresholds_path, *tier, *output;
    struct option_list metrics, required;
    bool strict, json;
    struct scorecard_rules rules;
    struct report report;
    json_t *label_counts;
    struct scorecard_inputs inputs;
    struct err err;
};

/* --- inputs ------------------------------------------------------------------------------------- */

static int read_rules(struct scoring *s)
{
    struct settings found;
    const char *path = s->thresholds_path;
    json_t *doc;
    int r = path ? 0 : settings_roots(s->pool, &found, &s->err);
    if (!r && !path)
        path = pool_printf(s->pool, "%s/" SCORECARD_FILE, found.share_dir);
    r = r ? r : gate_json_read(s->pool, path, &doc, &s->err);
    return r ? r : scorecard_rules_parse(s->pool, doc, path, &s->rules, &s->err);
}

/* "NAME=VALUE" */
static int read_metric(struct scoring *s, const char *text, json_t *metrics)
{
    const char *equals = strchr(text, '=');
    char *end = NULL;
    double value = equals ? strtod(equals + 1, &end) : 0;
    if (!equals || end == equals + 1 || *end || !isfinite(value))
        return err_set(&s->err, E_INVALID, "--metric takes NAME=NUMBER, not '%.80s'", text);
    const char *name = pool_strndup(s->pool, text, (size_t)(equals - text));
    if (!scorecard_has_gate(&s->rules, name))
        return err_set(&s->err, E_INVALID, "--metric: there is no gate '%.80s'", name);
    json_put_num(metrics, name, value);
    return 0;
}

static int read_names(struct scoring *s)
{
    json_t *metrics = json_keep(s->pool, json_object());
    int r = 0;
    for (int i = 0; !r && i < s->metrics.n; i++)
        r = read_metric(s, s->metrics.items[i], metrics);
    for (int i = 0; !r && i < s->required.n; i++)
        if (!scorecard_has_gate(&s->rules, s->required.items[i]))
            r = err_set(&s->err, E_INVALID, "--require: there is no gate '%.80s'", s->required.items[i]);
    s->inputs.metrics = metrics;
    return r;
}

static int count_labels(void *arg, const json_t *labelled, struct err *err)
{
    struct scoring *s = arg;
    size_t i;
    json_t *step;
    json_array_foreach (json_object_get(labelled, "steps"), i, step) {
        const char *reason = json_str(step, "label_reason", "");
        json_put_int(s->label_counts, reason, json_int(s->label_counts, reason, 0) + 1);
    }
    return 0;
}

static int read_files(struct scoring *s)
{
    json_t *summary = NULL;
    int r = s->report_path ? report_read(s->pool, s->report_path, &s->report, &s->err) : 0;
    if (!r && s->shadow_path)
        r = gate_json_read(s->pool, s->shadow_path, &summary, &s->err);
    if (!r && s->shadow_path && !json_is_object(json_object_get(summary, "variants")))
        r = err_set(&s->err, E_INVALID, "%s: is no shadow summary: 'variants' must be an object", s->shadow_path);
    s->label_counts = json_keep(s->pool, json_object());
    if (!r && s->labelled_path)
        r = answer_labelled(s->pool, s->labelled_path, count_labels, s, &s->err);
    s->inputs.report = s->report_path ? &s->report : NULL;
    s->inputs.shadow_summary = summary;
    s->inputs.label_reason_counts = s->labelled_path ? s->label_counts : NULL;
    return r;
}

/* --- the card ----------------------------------------------------------------------------------- */

static const char *words_of(struct pool *pool, const struct scorecard *card)
{
    struct buf b;
    buf_init(&b, CAP_GATE_FILE_BYTES);
    buf_addf(&b, "%-28s %10s    %-10s %-8s %s\n", "gate", "value", "must be", "", "from");
    for (size_t i = 0; i < card->n; i++) {
        const struct scorecard_line *l = &card->lines[i];
        const char *value = l->skipped ? "-" : pool_printf(pool, "%.4f", l->value);
        buf_addf(&b, "%-28s %10s    %s %-7g %-8s %s\n", l->gate->name, value, l->gate->at_least ? ">=" : "<=",
                 l->threshold, l->skipped ? "skipped" : l->passed ? "ok" : "FAILED", l->note);
    }
    buf_addf(&b, "\ntier %s: %s", card->tier, card->passed ? "passed" : "FAILED");
    if (card->n_skipped)
        buf_addf(&b, ", %d of %zu gates skipped: nothing is known of them", card->n_skipped, card->n);
    buf_addc(&b, '\n');
    const char *text = pool_strdup(pool, b.data);
    buf_release(&b);
    return text;
}

static int score(struct scoring *s)
{
    struct scorecard card = {0};
    int r = read_rules(s);
    r = r ? r : read_names(s);
    r = r ? r : read_files(s);
    if (!r) {
        card = scorecard_judge(s->pool, &s->rules, s->tier, &s->inputs, s->required.items, s->required.n, s->strict);
        r = answer_document(s->pool, json_keep(s->pool, scorecard_json(&card)), words_of(s->pool, &card), s->output, s->json,
                            &s->err);
    }
    if (r) {
        cmd_error("%s", s->err.msg);
        return EXIT_USAGE;
    }
    return card.passed ? 0 : EXIT_FAILED;
}

int gate_scorecard(int argc, char **argv)
{
    struct scoring s = {.tier = "first_sft"};
    int code = 0, n;
    const struct option table[] = {
        {"--eval-report", NULL, OPTION_STRING, &s.report_path, "FILE", "of `mantis eval run`"},
        {"--shadow-summary", NULL, OPTION_STRING, &s.shadow_path, "FILE", "of `mantis shadow analyze`"},
        {"--labelled-traces", NULL, OPTION_STRING, &s.labelled_path, "DIR", "of `mantis trace label`"},
        {"--metric", NULL, OPTION_LIST, &s.metrics, "NAME=VALUE", "a gate's value; beats the files, may be repeated"},
        {"--tier", NULL, OPTION_STRING, &s.tier, "NAME", "base, first_sft or future [first_sft]"},
        {"--require", NULL, OPTION_LIST, &s.required, "NAME", "a gate that must not be skipped, may be repeated"},
        {"--strict", NULL, OPTION_FLAG, &s.strict, NULL, "no gate may be skipped"},
        {"--thresholds", NULL, OPTION_STRING, &s.thresholds_path, "FILE", "gates and thresholds [" SCORECARD_FILE "]"},
        {"--output", "-o", OPTION_STRING, &s.output, "FILE", "write the scorecard there as JSON, too"},
        {"--json", NULL, OPTION_FLAG, &s.json, NULL, "print JSON on a terminal, too"},
        {.name = NULL},
    };
    if (!options_read(table, USAGE, argc, argv, NULL, 0, &n, &code))
        return code;
    s.pool = pool_create(NULL);
    code = score(&s);
    pool_destroy(s.pool);
    return code;
}
