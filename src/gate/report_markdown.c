#include <stdio.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "gate/report_page.h"

#define WHY_BYTES 160

/* Without what would end a cell or a line, or be HTML to whoever shows the page. */
static const char *cell(struct pool *pool, const char *text)
{
    struct buf b;
    buf_init(&b, CAP_GATE_FILE_BYTES);
    for (const char *c = str_line(pool, text); *c; c++)
        if (*c == '<' || *c == '&')
            buf_adds(&b, *c == '<' ? "&lt;" : "&amp;");
        else
            buf_addc(&b, *c == '|' ? '/' : *c);
    const char *out = pool_strdup(pool, b.data ? b.data : "");
    buf_release(&b);
    return out;
}

static void put_summary(struct buf *b, struct pool *pool, const struct report_page *page)
{
    buf_adds(b, "| | model | passed | rate | 95 % interval | errors | median time | cost "
                "|\n|---|---|---|---|---|---|---|---|\n");
    for (size_t a = 0; a < ARRAY_SIZE(page->arms) && page->arms[a]; a++) {
        const struct report *r = page->arms[a];
        struct report_rate p = report_rate_of(r, NULL);
        buf_addf(b, "| %s | %s | %d of %d | %.1f %% | %.0f–%.0f %% | %d | %.1f s | %.4f USD |\n",
                 cell(pool, r->name), cell(pool, json_str(r->about, "model", "")), p.passed, p.n,
                 p.rate * 100, p.low * 100, p.high * 100, p.errors, p.median_s, p.cost);
    }
}

static void put_categories(struct buf *b, struct pool *pool, const struct report_page *page)
{
    buf_adds(b, "\n## By category\n\n| category | passed | 95 % interval |");
    buf_adds(b, page->arms[1] ? " passed | 95 % interval |\n|---|---|---|---|---|\n"
                              : "\n|---|---|---|\n");
    for (const char *const *c = report_categories(pool, page); *c; c++) {
        buf_addf(b, "| %s |", cell(pool, *c));
        for (size_t a = 0; a < ARRAY_SIZE(page->arms) && page->arms[a]; a++) {
            struct report_rate p = report_rate_of(page->arms[a], *c);
            buf_addf(b, " %d of %d | %.0f–%.0f %% |", p.passed, p.n, p.low * 100, p.high * 100);
        }
        buf_adds(b, "\n");
    }
}

static const char *word_of(struct pool *pool, const struct report *report,
                           const struct task_result *r)
{
    if (!r)
        return "–";
    const char *word = report_word(r), *link = report_run_link(pool, report, r);
    if (!r->passed && !*r->outcome.error)
        word = "**fail**";
    return *link ? pool_printf(pool, "[%s](%s)", word, link) : word;
}

static const char *name_of(struct pool *pool, const struct task_result *r)
{
    return cell(pool, r->repeat ? pool_printf(pool, "%s #%d", r->task_id, r->repeat) : r->task_id);
}

static void put_differences(struct buf *b, struct pool *pool, const struct report_page *page)
{
    const struct report *one = page->arms[0], *two = page->arms[1];
    buf_addf(b, "\n## Where the arms differ\n\n| task | %s | %s |\n|---|---|---|\n",
             cell(pool, one->name), cell(pool, two->name));
    for (size_t i = 0; i < one->n; i++) {
        const struct task_result *r = &one->results[i], *other = report_find_like(two, r);
        if (!other || other->passed != r->passed)
            buf_addf(b, "| %s | %s | %s |\n", name_of(pool, r), word_of(pool, one, r),
                     word_of(pool, two, other));
    }
}

static void put_runs(struct buf *b, struct pool *pool, const struct report *report)
{
    buf_addf(b, "\n## Runs: %s\n\n| task | result | time | cost | why |\n|---|---|---|---|---|\n",
             cell(pool, report->name));
    for (size_t i = 0; i < report->n; i++) {
        const struct task_result *r = &report->results[i];
        buf_addf(b, "| %s | %s | %.1f s | %.4f USD | %s |\n", name_of(pool, r),
                 word_of(pool, report, r), r->outcome.duration_s, r->outcome.cost, cell(pool, str_cut(pool, report_why(r), WHY_BYTES)));
    }
}

char *report_page_markdown(struct pool *pool, const struct report_page *page)
{
    struct buf b;
    buf_init(&b, CAP_GATE_FILE_BYTES);
    buf_addf(&b, "# %s\n\n", cell(pool, page->title));
    if (page->verdict)
        buf_addf(&b, "**%s** — %s\n\n", gate_outcome_word(page->verdict->outcome),
                 cell(pool, page->verdict->reason));
    put_summary(&b, pool, page);
    put_categories(&b, pool, page);
    if (page->arms[1])
        put_differences(&b, pool, page);
    for (size_t a = 0; a < ARRAY_SIZE(page->arms) && page->arms[a]; a++)
        put_runs(&b, pool, page->arms[a]);
    char *text = pool_strdup(pool, b.data);
    buf_release(&b);
    return text;
}
