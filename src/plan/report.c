/*
 * report.c - what `plan validate` and `plan dry-run` print (cli.md sections 3 and 4).
 */
#include <string.h>

#include "base/buf.h"
#include "plan/normalise.h"
#include "plan/validate.h"

#define NONE         "\xE2\x80\x94" /* em dash */
#define ARROW        "\xE2\x86\x92" /* right arrow */
#define TICK         "\xE2\x9C\x93" /* check mark */
#define INTENT_CHARS 60
#define TEXT_CAP     (64u << 20)

static int chars(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

/* s padded with blanks to width characters; printf counts bytes. */
static void add_padded(struct buf *b, const char *s, int width)
{
    buf_adds(b, s);
    for (int n = chars(s); n < width; n++)
        buf_addc(b, ' ');
}

static char *text_of(struct pool *pool, struct buf *b)
{
    char *text = pool_strdup(pool, b->data ? b->data : "");
    buf_release(b);
    return text;
}

static const char *severity_name(enum severity severity)
{
    return severity == SEVERITY_ERROR ? "error" : "warning";
}

json_t *plan_findings_json(const char *label, const struct plan *plan,
                           const struct finding *findings, int n)
{
    json_t *errors = json_array(), *warnings = json_array(), *o = json_object();
    for (int i = 0; i < n; i++) {
        const struct finding *f = &findings[i];
        json_t *issue = json_object();
        json_put_str(issue, "severity", severity_name(f->severity));
        json_put_str(issue, "code", f->code);
        json_put_str(issue, "message", f->message);
        json_put_int(issue, "step_index", f->step_index);
        json_put_str(issue, "auto_fix", f->auto_fix);
        json_push(f->severity == SEVERITY_ERROR ? errors : warnings, issue);
    }
    json_put_str(o, "path", label);
    json_put_int(o, "step_count", plan->n_steps);
    json_put(o, "errors", errors);
    json_put(o, "warnings", warnings);
    return o;
}

/* SGR codes; "" without colour. */
enum shade { SHADE_OFF, SHADE_BAD, SHADE_MAYBE, SHADE_GOOD, SHADE_DIM, SHADE_HEAD };
static const char *const shades[] = {"\033[0m",  "\033[31m", "\033[33m",
                                     "\033[32m", "\033[2m",  "\033[1m"};

static const char *in(const struct report_style *style, enum shade shade)
{
    return style->colour ? shades[shade] : "";
}

char *plan_findings_text(struct pool *pool, const char *label, const struct plan *plan,
                         const struct finding *findings, int n, const struct report_style *style)
{
    struct buf b;
    int errors = 0;
    buf_init(&b, TEXT_CAP);
    buf_addf(&b, "%s: %d steps\n", label, plan->n_steps);
    for (int i = 0; i < n; i++) {
        const struct finding *f = &findings[i];
        const char *place =
            f->step_index < 0 ? "plan" : pool_printf(pool, "step[%d]", f->step_index);
        errors += f->severity == SEVERITY_ERROR;
        bool error = f->severity == SEVERITY_ERROR;
        buf_addf(&b, "%s%-7s%s %-8s %s%s%s: %s\n", in(style, error ? SHADE_BAD : SHADE_MAYBE),
                 error ? "ERROR" : "WARNING", in(style, SHADE_OFF), place, in(style, SHADE_HEAD),
                 f->code, in(style, SHADE_OFF), f->message);
        if (*f->auto_fix)
            buf_addf(&b, "%s    auto-fix: %s%s\n", in(style, SHADE_DIM), f->auto_fix,
                     in(style, SHADE_OFF));
    }
    if (n)
        buf_addf(&b, "result: %d error(s), %d warning(s)\n", errors, n - errors);
    else
        buf_addf(&b, "%s" TICK "%s no issues\n", in(style, SHADE_GOOD), in(style, SHADE_OFF));
    return text_of(pool, &b);
}

/* {section: count} in order of first appearance; "" is a step without one. */
static json_t *count_sections(const struct plan *plan)
{
    json_t *sections = json_object();
    for (int i = 0; i < plan->n_steps; i++) {
        const char *name = plan->steps[i].section;
        json_put_int(sections, name, json_int(sections, name, 0) + 1);
    }
    return sections;
}

static json_t *dry_step_json(const struct step *s, int index)
{
    static const char *const keys[] = {"type",   "intent",      "section",     "required",
                                       "gate",   "claude_only", "loop_target", "loop_count",
                                       "verify", "params",      "hints"};
    json_t *whole = step_to_json(s), *o = json_object();
    json_put_int(o, "index", index);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        json_put(o, keys[i], json_incref(json_object_get(whole, keys[i])));
    json_decref(whole);
    return o;
}

json_t *plan_dry_run_json(const char *label, const struct plan *plan)
{
    json_t *o = json_object(), *steps = json_array();
    for (int i = 0; i < plan->n_steps; i++)
        json_push(steps, dry_step_json(&plan->steps[i], i));
    json_put_str(o, "path", label);
    json_put_str(o, "domain", plan->domain);
    json_put_int(o, "step_count", plan->n_steps);
    json_put(o, "sections", count_sections(plan));
    json_put(o, "steps", steps);
    return o;
}

static void add_sections(struct buf *b, const struct plan *plan)
{
    json_t *sections = count_sections(plan), *count;
    const char *name, *before = "";
    buf_adds(b, "sections: ");
    json_object_foreach (sections, name, count) {
        buf_addf(b, "%s%s=%d", before, *name ? name : NONE, (int)json_integer_value(count));
        before = ", ";
    }
    buf_adds(b, *before ? "\n" : NONE "\n");
    json_decref(sections);
}

static void add_intent(struct buf *b, const char *intent, int most)
{
    buf_addc(b, '"');
    for (int n = 0; *intent; intent++) {
        n += ((unsigned char)*intent & 0xC0) != 0x80;
        if (n > most)
            break;
        buf_addc(b, *intent == '\n' || *intent == '\r' ? ' ' : *intent);
    }
    buf_addc(b, '"');
}

/* The count is how often the runner runs the body, section default included. */
static void add_target(struct buf *b, const struct step *s)
{
    if (s->loop_target < 0)
        buf_adds(b, ARROW " step [?]");
    else
        buf_addf(b, ARROW " step [%02d]", s->loop_target);
    buf_addf(b, " (count=%d)", step_loop_limit(s));
}

/* Characters of an intent: what the columns before it and its quotes leave of a terminal's line. */
static int intent_room(const struct report_style *style)
{
    int left = style->width - (5 + 19 + 15 + 12 + 2);
    return style->width && left > INTENT_CHARS ? left : INTENT_CHARS;
}

static void add_row(struct pool *pool, struct buf *b, const struct step *s, int index,
                    const struct report_style *style)
{
    const char *flags = pool_printf(pool, "%s%s%s", s->required ? " !req" : "",
                                    s->gate ? " gate" : "", s->claude_only ? " cl" : "");
    buf_addf(b, "%s[%02d]%s ", in(style, SHADE_DIM), index, in(style, SHADE_OFF));
    buf_adds(b, in(style, SHADE_HEAD));
    add_padded(b, s->type, 18);
    buf_addf(b, "%s ", in(style, SHADE_OFF));
    buf_adds(b, in(style, s->gate ? SHADE_GOOD : s->required ? SHADE_MAYBE : SHADE_DIM));
    add_padded(b, *flags ? flags + 1 : NONE, 14);
    buf_adds(b, in(style, SHADE_OFF));
    buf_addc(b, ' ');
    add_padded(b, *s->section ? s->section : NONE, 11);
    buf_addc(b, ' ');
    if (strcmp(s->type, "loop") == 0)
        add_target(b, s);
    else
        add_intent(b, s->intent, intent_room(style));
    buf_addc(b, '\n');
}

char *plan_dry_run_text(struct pool *pool, const char *label, const struct plan *plan,
                        const struct report_style *style)
{
    struct buf b;
    buf_init(&b, TEXT_CAP);
    buf_addf(&b, "%s: %d steps", label, plan->n_steps);
    if (*plan->domain)
        buf_addf(&b, " " NONE " %s", plan->domain);
    buf_addc(&b, '\n');
    add_sections(&b, plan);
    buf_addf(&b, "%s%-4s %-18s %-14s %-11s %s%s\n", in(style, SHADE_DIM), "idx", "type", "flags",
             "section", "intent / target", in(style, SHADE_OFF));
    for (int i = 0; i < plan->n_steps; i++)
        add_row(pool, &b, &plan->steps[i], i, style);
    for (int i = 0; i < plan->n_steps; i++)
        if (strcmp(plan->steps[i].type, "loop") == 0 && plan->steps[i].loop_target >= plan->n_steps)
            buf_addf(&b, "WARNING step[%d] loop_target=%d is out of range: the plan has %d steps\n",
                     i, plan->steps[i].loop_target, plan->n_steps);
    return text_of(pool, &b);
}
