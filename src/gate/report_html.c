/*
 * A report as one HTML page. Texts are HTML and only the marks of a plot are SVG, stretched to the
 * width there is: so nothing becomes unreadable on a phone. What a page or a model wrote is escaped
 * wherever it stands.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "gate/report_page.h"

#define REASONS_BYTES 300 /* shown of what an oracle said */

static const char head[] =
    "<meta charset=\"utf-8\"><meta name=\"viewport\" "
    "content=\"width=device-width,initial-scale=1\">"
    "<meta name=\"color-scheme\" content=\"light dark\">"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src "
    "'unsafe-inline'\">"
    "<style>"
    ":root{--bg:#fff;--fg:#1b1f24;--dim:#5b6570;--line:#d8dee4;--card:#f6f8fa;--a0:#4263b8;--a1:#"
    "b3530c;--good:#1a7f37;"
    "--bad:#b42318;--warn:#8a6100}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e6e9ec;--dim:#9aa4af;--line:#"
    "333a42;--card:#1d2228;"
    "--a0:#8ea8f0;--a1:#f0a45d;--good:#57c27a;--bad:#ff8a80;--warn:#e3b341}}"
    "*{box-sizing:border-box}body{margin:0 "
    "auto;max-width:72rem;padding:1rem;background:var(--bg);color:var(--fg);"
    "font:16px/1.5 system-ui,sans-serif}h1{font-size:1.5rem;margin:.2rem 0;overflow-wrap:anywhere}"
    "h2{font-size:1.15rem;margin:2rem 0 .6rem}p{margin:.3rem 0}a{color:inherit}"
    ".dim,figcaption{color:var(--dim);font-size:.9rem;overflow-wrap:anywhere}figure{margin:0}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1rem;margin:"
    "1rem 0}"
    ".card{background:var(--card);border:1px solid var(--line);border-left:.35rem solid "
    "var(--a0);border-radius:.4rem;"
    "padding:.7rem "
    "1rem}.card.a1{border-left-color:var(--a1)}.big{font-size:1.9rem;font-weight:600;line-height:1."
    "2}"
    ".verdict{border:2px solid var(--warn);border-radius:.4rem;padding:.6rem 1rem;margin:1rem "
    "0;font-size:1.1rem;"
    "overflow-wrap:anywhere}.promote{border-color:var(--good)}.hold{border-color:var(--bad)}"
    ".rate{display:grid;grid-template-columns:7.5rem 1fr "
    "8.5rem;gap:.6rem;align-items:center;font-size:.9rem}"
    ".rate>span:first-child{overflow-wrap:anywhere}"
    ".rate.gap{margin-top:.4rem}.rate svg{height:1rem;width:100%;background:var(--card)}.rate "
    ".num{white-space:nowrap}"
    ".columns svg{width:100%;height:9rem;display:block;border-bottom:1px solid var(--line)}"
    ".f0{fill:var(--a0)}.f1{fill:var(--a1)}.miss{fill-opacity:.35}"
    ".whisker{stroke:var(--fg);stroke-width:1.5;vector-effect:non-scaling-stroke}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}"
    "td:first-child{overflow-wrap:anywhere}th,td{text-align:left;padding:.3rem .6rem .3rem "
    "0;border-bottom:1px solid var(--line);vertical-align:top}"
    "td.num,th.num{text-align:right;white-space:nowrap}.pass{color:var(--good)}.fail{color:var(--"
    "bad)}"
    ".error{color:var(--warn)}td "
    ".dim{display:block;max-width:34rem}.key{display:inline-block;width:.8rem;height:.8rem;"
    "border-radius:.15rem;background:var(--a0);margin-right:.4rem}.key.a1{background:var(--a1)}"
    "@media(max-width:40rem){.wide{display:none}.rate{grid-template-columns:5.5rem 1fr "
    "7rem}body{padding:.7rem}}"
    "</style>";

struct sheet {
    struct pool *pool;
    struct buf out;
    const struct report_page *what;
    int n_arms;
};

static void put_text(struct sheet *p, const char *text)
{
    buf_add_html(&p->out, text);
}

/* <tag class>text</tag> */
static void put_element(struct sheet *p, const char *tag, const char *class, const char *text)
{
    buf_addf(&p->out, "<%s%s%s%s>", tag, *class ? " class=\"" : "", class, *class ? "\"" : "");
    put_text(p, text);
    buf_addf(&p->out, "</%s>", tag);
}

static const char *when(struct pool *pool, double seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    char text[32] = "";
    if (seconds > 0 && gmtime_r(&t, &tm))
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm);
    return pool_strdup(pool, text);
}

/* --- who, and how well ------------------------------------------------------------------------ */

static void put_head(struct sheet *p)
{
    const struct report *r = p->what->arms[0];
    const json_t *holdout = json_object_get(r->about, "holdout");
    put_element(p, "h1", "", p->what->title);
    buf_adds(&p->out, "<p class=\"dim\">");
    put_text(p, when(p->pool, r->started_at));
    if (holdout)
        put_text(p, pool_printf(p->pool, " · %s version %d%s%s · %.12s",
                                json_str(holdout, "name", ""), (int)json_int(holdout, "version", 0),
                                *json_str(holdout, "split", "") ? ", " : "",
                                json_str(holdout, "split", ""), json_str(holdout, "digest", "")));
    buf_adds(&p->out, "</p>");
}

static void put_verdict(struct sheet *p)
{
    static const char *const classes[] = {[GATE_PROMOTE] = "verdict promote",
                                          [GATE_HOLD] = "verdict hold",
                                          [GATE_INCONCLUSIVE] = "verdict"};
    const struct gate_verdict *v = p->what->verdict;
    if (v)
        put_element(p, "p", classes[v->outcome],
                    pool_printf(p->pool, "%s — %s", gate_outcome_word(v->outcome), v->reason));
    if (!v || v->n_compared == 0)
        return;
    put_element(
        p, "p", "",
        pool_printf(
            p->pool,
            "%zu tasks compared: %d wins, %d losses. Difference %+.1f points, %.0f %% interval "
            "%+.1f to %+.1f. Exact test that the challenger is better: p = %.4f.",
            v->n_compared, v->counts.wins, v->counts.losses, v->mean_delta * 100,
            v->rule->confidence * 100, v->difference.low * 100, v->difference.high * 100,
            v->test.one_sided));
}

static void put_card(struct sheet *p, int arm)
{
    const struct report *r = p->what->arms[arm];
    struct report_rate rate = report_rate_of(r, NULL);
    const char *model = json_str(r->about, "model", "");
    buf_addf(&p->out, "<div class=\"card a%d\">", arm);
    put_element(p, "div", "", *model ? pool_printf(p->pool, "%s · %s", r->name, model) : r->name);
    put_element(p, "div", "big", pool_printf(p->pool, "%.1f %%", rate.rate * 100));
    put_element(p, "div", "dim",
                pool_printf(p->pool, "%d of %d passed · 95 %% interval %.0f–%.0f %%", rate.passed,
                            rate.n, rate.low * 100, rate.high * 100));
    put_element(p, "div", "dim",
                pool_printf(p->pool, "median %.1f s · %.4f USD · %d errors", rate.median_s,
                            rate.cost, rate.errors));
    buf_adds(&p->out, "</div>");
}

/* --- plots
 * ---------------------------------------------------------------------------------------------------
 */

/* A bar from 0 to the rate, and its interval across. */
static void put_rate(struct sheet *p, const char *label, int arm, struct report_rate rate)
{
    buf_addf(&p->out, "<div class=\"rate%s\">", *label ? " gap" : "");
    put_element(p, "span", "", label);
    buf_addf(&p->out,
             "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect "
             "class=\"f%d\" y=\"2\" "
             "width=\"%.2f\" height=\"6\"/><path class=\"whisker\" d=\"M%.2f 5H%.2fM%.2f 2V8M%.2f "
             "2V8\"/></svg>",
             arm, rate.rate * 100, rate.low * 100, rate.high * 100, rate.low * 100,
             rate.high * 100);
    put_element(p, "span", "num",
                pool_printf(p->pool, "%.0f %% · %d/%d", rate.rate * 100, rate.passed, rate.n));
    buf_adds(&p->out, "</div>");
}

static void put_rates(struct sheet *p)
{
    buf_adds(&p->out, "<h2>Pass rate</h2><figure>");
    for (int a = 0; a < p->n_arms; a++)
        put_rate(p, p->n_arms > 1 ? p->what->arms[a]->name : "all", a,
                 report_rate_of(p->what->arms[a], NULL));
    for (const char *const *c = report_categories(p->pool, p->what); *c; c++)
        for (int a = 0; a < p->n_arms; a++)
            put_rate(p, a ? "" : *c, a, report_rate_of(p->what->arms[a], *c));
    buf_adds(&p->out, "<figcaption>Share of runs that passed, with 95 % intervals (Wilson), of all "
                      "and by category.");
    for (int a = 0; p->n_arms > 1 && a < p->n_arms; a++) {
        buf_addf(&p->out, " <span class=\"key a%d\"></span>", a);
        put_text(p, p->what->arms[a]->name);
    }
    buf_adds(&p->out, "</figcaption></figure>");
}

static double seconds_of(const struct task_result *r)
{
    return r->outcome.duration_s;
}

static double cost_of(const struct task_result *r)
{
    return r->outcome.cost;
}

static double largest(const struct sheet *p, double (*value)(const struct task_result *r))
{
    double max = 0;
    for (int a = 0; a < p->n_arms; a++)
        for (size_t i = 0; i < p->what->arms[a]->n; i++)
            max = fmax(max, value(&p->what->arms[a]->results[i]));
    return max;
}

/* A column per run, in the order of the tasks; both arms' stand beside each other. */
static void put_columns(struct sheet *p, const char *title, const char *unit,
                        double (*value)(const struct task_result *r))
{
    double max = largest(p, value), step = p->n_arms > 1 ? 3 : 1.4;
    size_t n = p->what->arms[0]->n;
    put_element(p, "h2", "", title);
    if (max <= 0 || n == 0) {
        put_element(p, "p", "dim", "Nothing was spent.");
        return;
    }
    buf_addf(&p->out,
             "<figure class=\"columns\"><svg viewBox=\"0 0 %.1f 100\" preserveAspectRatio=\"none\" "
             "role=\"img\" aria-label=\"%s\">",
             (double)n * step, title);
    for (size_t i = 0; i < n; i++)
        for (int a = 0; a < p->n_arms; a++) {
            const struct task_result *first = &p->what->arms[0]->results[i];
            const struct task_result *r = a ? report_find_like(p->what->arms[a], first) : first;
            double height = r ? value(r) / max * 98 : 0;
            if (!r)
                continue;
            buf_addf(
                &p->out,
                "<rect class=\"f%d%s\" x=\"%.1f\" y=\"%.2f\" width=\"1\" height=\"%.2f\"><title>",
                a, r->passed ? "" : " miss", (double)i * step + a, 100 - height, height);
            put_text(p,
                     pool_printf(p->pool, "%s %s: ", r->task_id, r->passed ? "passed" : "failed"));
            put_text(p, pool_printf(p->pool, "%.4g", value(r)));
            buf_adds(&p->out, "</title></rect>");
        }
    buf_adds(&p->out, "</svg><figcaption>");
    put_text(p,
             pool_printf(
                 p->pool,
                 "Each task in the order of the table; the highest is %.4g %s. Pale: did not pass.",
                 max, unit));
    buf_adds(&p->out, "</figcaption></figure>");
}

/* --- tables
 * ----------------------------------------------------------------------------------------------------
 */

static void put_result(struct sheet *p, const struct report *report, const struct task_result *r)
{
    if (!r) {
        buf_adds(&p->out, "<td>–</td>");
        return;
    }
    const char *word = report_word(r), *link = report_run_link(p->pool, report, r);
    buf_addf(&p->out, "<td class=\"%s\">", word);
    if (*link) {
        buf_adds(&p->out, "<a rel=\"noreferrer\" href=\"");
        put_text(p, link);
        buf_addf(&p->out, "\">%s</a>", word);
    } else {
        buf_adds(&p->out, word);
    }
    buf_adds(&p->out, "</td>");
}

static void put_task(struct sheet *p, const struct task_result *r)
{
    buf_adds(&p->out, "<td>");
    put_text(p, r->repeat ? pool_printf(p->pool, "%s #%d", r->task_id, r->repeat) : r->task_id);
    if (*report_why(r))
        put_element(p, "span", "dim", str_cut(p->pool, report_why(r), REASONS_BYTES));
    buf_adds(&p->out, "</td>");
}

static void open_table(struct sheet *p, const char *const *columns, const char *const *classes)
{
    buf_adds(&p->out, "<div class=\"scroll\"><table><thead><tr>");
    for (; *columns; columns++, classes++)
        put_element(p, "th", *classes, *columns);
    buf_adds(&p->out, "</tr></thead><tbody>");
}

static void put_differences(struct sheet *p)
{
    const struct report *a = p->what->arms[0], *b = p->what->arms[1];
    int n = 0;
    put_element(p, "h2", "", "Where the arms differ");
    open_table(p, (const char *const[]){"Task", a->name, b->name, NULL},
               (const char *const[]){"", "", ""});
    for (size_t i = 0; i < a->n; i++) {
        const struct task_result *other = report_find_like(b, &a->results[i]);
        if (other && other->passed == a->results[i].passed)
            continue;
        n++;
        buf_adds(&p->out, "<tr>");
        put_task(p, a->results[i].passed && other ? other : &a->results[i]);
        put_result(p, a, &a->results[i]);
        put_result(p, b, other);
        buf_adds(&p->out, "</tr>");
    }
    buf_adds(&p->out, "</tbody></table></div>");
    if (n == 0)
        put_element(p, "p", "dim", "Nowhere: every task ended alike.");
}

static void put_all(struct sheet *p)
{
    put_element(p, "h2", "", "All runs");
    open_table(p, (const char *const[]){"Task", "Result", "Time", "Cost", "Category", "Arm", NULL},
               (const char *const[]){"", "", "num", "num", "wide", "wide"});
    for (int a = 0; a < p->n_arms; a++)
        for (size_t i = 0; i < p->what->arms[a]->n; i++) {
            const struct task_result *r = &p->what->arms[a]->results[i];
            buf_adds(&p->out, "<tr>");
            put_task(p, r);
            put_result(p, p->what->arms[a], r);
            put_element(p, "td", "num", pool_printf(p->pool, "%.1f s", r->outcome.duration_s));
            put_element(p, "td", "num", pool_printf(p->pool, "$%.4f", r->outcome.cost));
            put_element(p, "td", "wide", json_str(r->metadata, "type", ""));
            put_element(p, "td", "wide", p->what->arms[a]->name);
            buf_adds(&p->out, "</tr>");
        }
    buf_adds(&p->out, "</tbody></table></div>");
}

char *report_page_html(struct pool *pool, const struct report_page *what)
{
    struct sheet p = {.pool = pool, .what = what, .n_arms = what->arms[1] ? 2 : 1};
    buf_init(&p.out, CAP_GATE_FILE_BYTES);
    buf_adds(&p.out, "<!doctype html><html lang=\"en\"><head>");
    buf_adds(&p.out, head);
    put_element(&p, "title", "", what->title);
    buf_adds(&p.out, "</head><body><main>");
    put_head(&p);
    put_verdict(&p);
    buf_adds(&p.out, "<div class=\"cards\">");
    for (int a = 0; a < p.n_arms; a++)
        put_card(&p, a);
    buf_adds(&p.out, "</div>");
    put_rates(&p);
    put_columns(&p, "Time per task", "s", seconds_of);
    put_columns(&p, "Cost per task", "USD", cost_of);
    if (p.n_arms > 1)
        put_differences(&p);
    put_all(&p);
    buf_adds(&p.out, "</main></body></html>\n");
    char *text = pool_strdup(pool, p.out.data);
    buf_release(&p.out);
    return text;
}
