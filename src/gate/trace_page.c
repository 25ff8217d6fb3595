#include "gate/trace_page.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "core/trace.h"
#include "gate/label.h"
#include "gate/sft.h"
#include "gate/sft_action.h"
#include "sys/file.h"

#define PAGE_BYTES     (96u << 20)
#define PICTURES_BYTES (64u << 20) /* of them, as base64 */

struct sheet {
    struct pool *pool;
    struct buf out;
    const json_t *labelled;
    const char *root;
    size_t pictures; /* bytes of them in the page */
};

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'\">\n";

static const char style[] =
    "<style>\n"
    ":root{color-scheme:light dark;--line:#d5d9df;--quiet:#5a6472;--soft:#f5f6f8;--good:#14713d;--bad:#b3261e;"
    "--off:#5a6472}\n"
    "@media(prefers-color-scheme:dark){:root{--line:#3a414b;--quiet:#a0aab8;--soft:#20242a;--good:#6ecb93;"
    "--bad:#ff8f86;--off:#a0aab8}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:76rem;padding:1.5rem}\n"
    "h1{font-size:1.4rem;margin:0 0 .5rem;overflow-wrap:anywhere}h2{font-size:1rem;margin:0}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:0}\n"
    "dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}\n"
    ".bar{display:flex;height:.6rem;border-radius:.3rem;overflow:hidden;margin:1rem 0 .3rem;"
    "background:var(--line)}\n"
    ".bar .positive{background:var(--good)}.bar .negative{background:var(--bad)}.bar .neutral{background:var(--off)}\n"
    "article{border:1px solid var(--line);border-left-width:.35rem;border-radius:.4rem;padding:.8rem 1rem;"
    "margin:.8rem 0;display:grid;grid-template-columns:1fr minmax(0,22rem);gap:1rem}\n"
    "article.positive{border-left-color:var(--good)}article.negative{border-left-color:var(--bad)}"
    "article.neutral{border-left-color:var(--off)}\n"
    "@media(max-width:50rem){article{grid-template-columns:1fr}}\n"
    ".chip{font-weight:600}.chip.positive{color:var(--good)}.chip.negative{color:var(--bad)}"
    ".chip.neutral{color:var(--off)}\n"
    ".intent{margin:.3rem 0 .6rem;font-size:1.05rem;overflow-wrap:anywhere}\n"
    "code{background:var(--soft);padding:.1rem .3rem;border-radius:.2rem;overflow-wrap:anywhere}\n"
    "img{max-width:100%;height:auto;border:1px solid var(--line);border-radius:.3rem}\n"
    "figure{margin:0}figcaption{color:var(--quiet);font-size:.85rem;overflow-wrap:anywhere}"
    "small{color:var(--quiet);font-weight:normal}\n"
    "input[name=show]{position:absolute;opacity:0}\n"
    "label{cursor:pointer;padding:.1rem .7rem;border:1px solid var(--line);border-radius:1rem}\n"
    "input:checked+label{background:var(--soft);font-weight:600}"
    "input:focus-visible+label{outline:2px solid;outline-offset:2px}\n"
    "#positive:checked~article:not(.positive),#negative:checked~article:not(.negative),"
    "#neutral:checked~article:not(.neutral){display:none}\n"
    "</style>\n";

/* Text of pages and models: never markup here. */
static const char *safe(struct sheet *p, const char *text)
{
    struct buf b;
    buf_init(&b, PAGE_BYTES);
    buf_add_html(&b, text);
    const char *out = pool_strdup(p->pool, b.data ? b.data : "");
    buf_release(&b);
    return out;
}

static void fact(struct sheet *p, const char *name, const char *value)
{
    if (*value)
        buf_addf(&p->out, "<dt>%s</dt><dd dir=\"auto\">%s</dd>\n", name, safe(p, value));
}

/* --- the run ----------------------------------------------------------------------------------- */

static void add_facts(struct sheet *p)
{
    static const char *const names[][2] = {{"Status", "status"}, {"Tenant", "tenant_id"},
                                           {"Variant", "variant"}, {"Plan", "plan_signature"},
                                           {"Source", "source_path"}};
    const json_t *costs = json_object_get(p->labelled, "costs");
    const char *run = safe(p, json_str(p->labelled, "run_id", "no id"));
    buf_addf(&p->out, "<title>Trace of run %s</title>\n%s<h1>Trace of run %s</h1>\n<dl>\n", run,
             style, run);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        fact(p, names[i][0], json_str(p->labelled, names[i][1], ""));
    fact(p, "Cost", pool_printf(p->pool, "%.4f USD", json_num(costs, "total", 0)));
    buf_adds(&p->out, "</dl>\n");
}

static void add_bar(struct sheet *p, const struct label_counts *n)
{
    const struct {
        const char *label;
        int64_t n;
    } parts[] = {{LABEL_POSITIVE, n->positive},
                 {LABEL_NEGATIVE, n->negative},
                 {LABEL_NEUTRAL, n->neutral}};
    buf_adds(&p->out, "<div class=\"bar\" aria-hidden=\"true\">");
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        buf_addf(&p->out, "<span class=\"%s\" style=\"flex:%lld\"></span>", parts[i].label,
                 (long long)parts[i].n);
    buf_adds(&p->out, "</div>\n<input type=\"radio\" name=\"show\" id=\"all\" checked>"
                      "<label for=\"all\">all steps</label>\n");
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        buf_addf(&p->out,
                 "<input type=\"radio\" name=\"show\" id=\"%s\"><label for=\"%s\">"
                 "<span class=\"chip %s\">%lld %s</span></label>\n",
                 parts[i].label, parts[i].label, parts[i].label, (long long)parts[i].n,
                 parts[i].label);
}

/* --- pictures ---------------------------------------------------------------------------------- */

static const char *picture_path(struct sheet *p, const json_t *step)
{
    const struct sft_config config = {.screenshots_root = p->root};
    const char *path;
    enum sft_picture found =
        sft_picture_at(p->pool, &config, sft_picture_of(p->pool, p->labelled, step), &path);
    return found == SFT_NO_PICTURE ? "" : path;
}

static void add_base64(struct sheet *p, const char *data, size_t len)
{
    size_t most = 4 * ((len + 2) / 3) + 1;
    if (buf_reserve(&p->out, most))
        return;
    int n = EVP_EncodeBlock((unsigned char *)p->out.data + p->out.len, (const unsigned char *)data,
                            (int)len);
    buf_grew(&p->out, (size_t)n);
    p->pictures += (size_t)n;
}

static void add_picture(struct sheet *p, const json_t *step)
{
    struct pool *pool = pool_create(NULL);
    const char *path = picture_path(p, step);
    long long i = json_int(step, "step_index", 0);
    char *data;
    size_t len;
    if (*path && !file_read(pool, path, CAP_SCREENSHOT_BYTES, &data, &len, NULL)) {
        bool fits = p->pictures + 4 * (len / 3) < PICTURES_BYTES;
        buf_adds(&p->out, "<figure>");
        if (fits) {
            buf_adds(&p->out, "<img loading=\"lazy\" src=\"data:image/png;base64,");
            add_base64(p, data, len);
            buf_addf(&p->out, "\" alt=\"The screen after step %lld\">", i);
        }
        buf_addf(&p->out, "<figcaption>%s %s</figcaption></figure>\n",
                 fits ? "The screen after it:" : "Not shown, the page is full:", safe(p, path));
    }
    pool_destroy(pool);
}

/* --- steps ------------------------------------------------------------------------------------- */

static const char *action_text(struct sheet *p, const json_t *step)
{
    const json_t *action = json_object_get(step, "last_action");
    const char *written = sft_action(p->pool, action);
    return written                  ? written
           : json_is_object(action) ? json_text(p->pool, action)
                                    : "";
}

/* Only these three become names of classes. */
static const char *class_of(const char *label)
{
    static const char *const known[] = {LABEL_POSITIVE, LABEL_NEGATIVE};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (!strcmp(known[i], label))
            return known[i];
    return LABEL_NEUTRAL;
}

static void add_step(struct sheet *p, const json_t *step)
{
    const char *label = class_of(json_str(step, "label", "")), *action = action_text(p, step);
    buf_addf(&p->out,
             "<article class=\"%s\">\n<div><h2>Step %lld: %s <span class=\"chip %s\">%s</span> "
             "<small>%s</small></h2>\n<p class=\"intent\" dir=\"auto\">%s</p>\n<dl>\n",
             label, (long long)json_int(step, "step_index", 0), safe(p, json_str(step, "type", "")),
             label, safe(p, json_str(step, "label", "")),
             safe(p, json_str(step, "label_reason", "")), safe(p, json_str(step, "intent", "")));
    fact(p, "Result", json_str(step, "data", ""));
    fact(p, "Expected", json_str(step, "predicted_outcome", ""));
    fact(p, "Observed", json_str(step, "observed_outcome", ""));
    if (*action)
        buf_addf(&p->out, "<dt>Action</dt><dd><code dir=\"auto\">%s</code></dd>\n",
                 safe(p, action));
    buf_adds(&p->out, "</dl></div>\n");
    add_picture(p, step);
    buf_adds(&p->out, "</article>\n");
}

int trace_page(struct pool *pool, const json_t *labelled, const char *screenshots_root,
               const char **out, struct err *err)
{
    struct sheet p = {.pool = pool, .labelled = labelled, .root = screenshots_root};
    const struct label_counts counts = label_counts_of(labelled);
    json_t *step;
    size_t i;
    int r = label_check(labelled, err);
    if (r)
        return r;
    buf_init(&p.out, PAGE_BYTES);
    buf_adds(&p.out, head);
    add_facts(&p);
    add_bar(&p, &counts);
    json_array_foreach (json_object_get(labelled, "steps"), i, step)
        add_step(&p, step);
    buf_adds(&p.out, "</html>\n");
    if (p.out.failed)
        r = err_set(err, E_TOOBIG, "the page would be larger than %u MB", PAGE_BYTES >> 20);
    else
        *out = pool_strdup(pool, p.out.data);
    buf_release(&p.out);
    return r;
}
