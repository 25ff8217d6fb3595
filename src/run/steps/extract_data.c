/*
 * extract_data.c - one entity from the open page (agent-loop.md 14.2-14.4).
 *
 * The page is looked at as it is; controls that reveal a wanted field are clicked one at a time;
 * when a field is still missing the page is gone through once for what loads late. All looks go to
 * the reader together. What comes out counts only when every required field is known.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "run/evidence.h"
#include "run/look.h"
#include "run/snapshot.h"
#include "run/url.h"

#define MAX_LOOKS     12
#define MAX_REVEALS   6
#define MAX_VIEWPORTS 6
#define END_PX        4
#define VIEW_PAGE     80 /* per cent of the screen that a look goes on by */
#define VIEW_PIXELS   50 /* of pixels: bars and banners over the page hide what only one look shows \
                          */

struct reading {
    struct schema *schema;
    struct observation looks[MAX_LOOKS];
    struct sight sights[MAX_LOOKS];
    int n_looks;
    const char *revealed[MAX_REVEALS + 1]; /* labels of controls that were clicked */
    int n_revealed;
    bool lost_page;  /* it had to be opened anew and forgot what was revealed: enough of that */
    const char *url; /* of the entity, without fragment */
    struct extraction found;
};

/* Another page's values must not get among those of this one. */
static bool is_entity(const struct reading *rd, const char *url)
{
    return !*rd->url || !*url || url_same_page(url, rd->url);
}

static int look_again(struct run *run, struct reading *rd, struct err *err)
{
    struct observation obs;
    int r = run_look(run, &obs, err);
    if (r || rd->n_looks == MAX_LOOKS || !is_entity(rd, obs.url))
        return r;
    evidence_sight(&obs, &rd->sights[rd->n_looks]);
    rd->looks[rd->n_looks++] = obs;
    return 0;
}

/* --- reveal controls ------------------------------------------------------------------------- */

static int find_reveal(struct run *run, void *arg, const struct observation *obs,
                       struct target *out, struct err *err)
{
    struct reading *rd = arg;
    return reader_find_reveal(run->reader, run->step_pool, obs, rd->schema, rd->revealed,
                              rd->n_revealed, out, err);
}

/* The page of the entity again, by the way that led away or by its address. */
static int go_back(struct run *run, struct reading *rd, struct err *err)
{
    struct settled s;
    const char *url;
    int r = run_back(run, &s, err);
    if (!r)
        r = run_read_url(run, &url, err);
    if (r || is_entity(rd, url))
        return r;
    r = run_open(run, rd->url, CAP_LOAD_MS, &s, err);
    rd->lost_page = true;
    return r;
}

/* A reveal control must not lead away; when it did, go back and do without it. */
static int come_back(struct run *run, struct reading *rd, const struct settled *s, bool *ret_away,
                     struct err *err)
{
    const char *url;
    *ret_away = s->new_tab;
    if (s->new_tab)
        return run_close_tab(run, err);
    int r = run_read_url(run, &url, err);
    if (r || is_entity(rd, url))
        return r;
    *ret_away = true;
    run_event(run, "runner", "reveal_left_page", json_pack("{s:o}", "url", json_string_safe(url)),
              "'%s' led away from the page", rd->revealed[rd->n_revealed - 1]);
    return go_back(run, rd, err);
}

static int reveal_all(struct run *run, struct reading *rd, struct err *err)
{
    int r = 0;
    while (!r && !rd->lost_page && rd->n_revealed < MAX_REVEALS && rd->n_looks < MAX_LOOKS) {
        struct observation obs;
        struct target t;
        struct settled s = {0};
        bool away = false;
        r = run_bring(run, find_reveal, rd, &obs, &t, err);
        if (r == E_NOT_FOUND)
            return 0;
        if (!r)
            r = run_click(run, t.at, BUTTON_LEFT, &s, err);
        if (r)
            return r;
        rd->revealed[rd->n_revealed++] = pool_strdup(run->step_pool, t.label);
        run_event(run, "runner", "reveal", json_pack("{s:o}", "label", json_string_safe(t.label)),
                  "clicked '%s'", t.label);
        r = come_back(run, rd, &s, &away, err);
        if (!r && !away)
            r = look_again(run, rd, err);
    }
    return r;
}

/* --- reading --------------------------------------------------------------------------------- */

static json_t *given(struct run *run, json_t *value)
{
    return value ? json_keep(run->step_pool, json_deep_copy(value))
                 : json_keep(run->step_pool, json_object());
}

/* The page's own address is a fact; nothing that is printed on the page beats it. */
static void put_url(struct run *run, struct reading *rd)
{
    for (int i = 0; *rd->url && i < rd->schema->n_fields; i++) {
        if (strcmp(rd->schema->fields[i].name, "url"))
            continue;
        json_put_str(rd->found.values, "url", rd->url);
        json_put(rd->found.evidence, "url",
                 json_pack("{s:s,s:s}", "url", rd->url, "method", "live_url"));
    }
}

/* What the card said and its page does not: tile_carry_fields. */
static void carry_over(struct run *run, struct reading *rd)
{
    const json_t *values = json_object_get(run->progress.tile, "values");
    const json_t *evidence = json_object_get(run->progress.tile, "evidence");
    if (!run->progress.detail_open)
        return;
    for (const char *const *name = rd->schema->tile_carry; *name; name++) {
        const char *own = json_as_text(run->step_pool, json_object_get(rd->found.values, *name));
        json_t *v = json_object_get(values, *name);
        if (!v || !schema_is_placeholder(own))
            continue;
        json_object_set(rd->found.values, *name, v);
        json_put(rd->found.evidence, *name, json_deep_copy(json_object_get(evidence, *name)));
    }
}

static int read_once(struct run *run, struct reading *rd, struct err *err)
{
    int64_t start = clock_mono_us();
    rd->found = (struct extraction){0};
    int r = reader_extract(run->reader, run->step_pool, rd->looks, rd->n_looks, rd->schema,
                           &rd->found, err);
    meter_add(&run->step_meter, METER_EXTRACT, clock_mono_us() - start);
    if (r && r != E_NOT_FOUND)
        return r;
    rd->found.values = given(run, rd->found.values);
    rd->found.evidence = given(run, rd->found.evidence);
    put_url(run, rd);
    carry_over(run, rd);
    rd->found.spam |= schema_flagged_spam(rd->found.values);
    return 0;
}

static bool complete(const struct reading *rd)
{
    for (int i = 0; i < rd->schema->n_fields; i++) {
        const json_t *v = json_object_get(rd->found.values, rd->schema->fields[i].name);
        if (!v || json_is_null(v) ||
            (json_is_string(v) && schema_is_placeholder(json_string_value(v))))
            return false;
    }
    return true;
}

/* Its rejection asks for a second reading, with what the rest of the page shows. */
static bool wants_more(const struct reading *rd)
{
    const struct schema *s = rd->schema;
    if (rd->found.spam)
        return s->on_spam == REJECTION_MORE;
    return s->on_incomplete == REJECTION_MORE && schema_missing(s, rd->found.values);
}

/* What loads late is there after its place was scrolled into view. */
static int go_through(struct run *run, struct reading *rd, struct err *err)
{
    int w, h, moved = 1, r = 0;
    bool changed = false;
    plane_size(run->plane, &w, &h);
    for (int i = 0; !r && moved && i < MAX_VIEWPORTS && rd->n_looks < MAX_LOOKS; i++) {
        const struct observation *last = &rd->looks[rd->n_looks - 1];
        struct snapshot a, b;
        const struct page *p = last->page;
        snapshot_take(run->step_pool, last, &a);
        if (p && p->scroll_y + p->viewport.h >= p->content_h - END_PX)
            break;
        r = run_scroll_px(run, h * (p ? VIEW_PAGE : VIEW_PIXELS) / 100, &moved, err);
        if (!r)
            r = look_again(run, rd, err);
        if (r)
            return r;
        snapshot_take(run->step_pool, &rd->looks[rd->n_looks - 1], &b);
        changed = changed || !p || strcmp(a.page, b.page);
    }
    return r || !changed ? r : read_once(run, rd, err);
}

/* Once more, when the page had time to bring it. */
static int read_late(struct run *run, struct reading *rd, struct err *err)
{
    if (rd->n_looks == MAX_LOOKS)
        rd->n_looks--;
    int r = run_settle(run, CAP_GATE_MS, err);
    if (!r)
        r = look_again(run, rd, err);
    return r ? r : read_once(run, rd, err);
}

/* An earlier run read this page not long ago (14.6): what it read is taken as it was. */
static bool from_cache(struct run *run, struct reading *rd)
{
    const json_t *entry = json_object_get(run->config->cache, rd->url);
    const json_t *fields = json_object_get(entry, "fields");
    const char *key;
    json_t *v;
    if (!json_is_object(fields) || schema_missing(rd->schema, fields))
        return false;
    rd->found.values = json_keep(run->step_pool, json_object());
    rd->found.evidence = json_keep(run->step_pool, json_object());
    for (int i = 0; i < rd->schema->n_fields; i++)
        if ((v = json_object_get(fields, rd->schema->fields[i].name)))
            json_object_set(rd->found.values, rd->schema->fields[i].name, v);
    json_object_foreach (rd->found.values, key, v)
        json_put(rd->found.evidence, key,
                 json_pack("{s:s,s:s,s:s}", "url", rd->url, "method", "cache", "extracted_at",
                           json_str(entry, "extracted_at", "")));
    run->progress.shared_seen_hits++;
    return true;
}

static int read_all(struct run *run, struct reading *rd, struct err *err)
{
    int r = look_again(run, rd, err);
    if (!r)
        rd->url =
            url_is_web(rd->looks[0].url) ? url_no_fragment(run->step_pool, rd->looks[0].url) : "";
    if (!r && from_cache(run, rd))
        return 0;
    if (!r)
        r = reveal_all(run, rd, err);
    if (!r)
        r = read_once(run, rd, err);
    if (!r && (!complete(rd) || wants_more(rd)))
        r = go_through(run, rd, err);
    if (!r && wants_more(rd))
        r = read_late(run, rd, err);
    return r;
}

/* --- its picture ----------------------------------------------------------------------------- */

/* How far below the top of the screen the first value stands; false: none has a place. */
static bool first_value(const struct reading *rd, int *ret_y)
{
    const char *field;
    json_t *entry;
    bool any = false;
    json_object_foreach (rd->found.evidence, field, entry) {
        const json_t *box = json_object_get(entry, "box");
        int y = (int)json_integer_value(json_array_get(box, 1));
        if (!json_array_size(box) || json_object_get(entry, "frame") || (any && y >= *ret_y))
            continue;
        *ret_y = y;
        any = true;
    }
    return any;
}

/* A page is read to its end without scrolling: its values may all stand below what can be seen. */
static int bring_into_view(struct run *run, struct reading *rd, struct err *err)
{
    int w, h, y = 0, moved, r = 0;
    if (evidence_in_view(rd->found.evidence, rd->looks, rd->n_looks) || !first_value(rd, &y))
        return 0;
    plane_size(run->plane, &w, &h);
    r = run_scroll_px(run, y - h / 3, &moved, err);
    if (!r && moved && rd->n_looks == MAX_LOOKS)
        rd->n_looks--;
    if (!r && moved)
        r = look_again(run, rd, err);
    return r || !moved ? r : read_once(run, rd, err);
}

/* --- what it is worth ------------------------------------------------------------------------ */

/* rejection_intents of the schema (14.1): a rejection may count as a skip, or end the run. */
static int rejected(struct run *run, struct step_result *out, enum rejection wish,
                    const char *intent, const char *kind, const char *why, const char *lead)
{
    if (wish == REJECTION_SKIP) {
        out->skip = true;
        out->skip_reason = pool_printf(run->step_pool, "rejected_%s", intent);
    }
    if (wish == REJECTION_HALT)
        out->outcome = OUTCOME_REJECTED;
    return step_fail(run, out, "extractor_error", "%s|%s|%s", kind, why, lead);
}

static bool have_row(const struct run *run, const char *key, const char *value)
{
    size_t i;
    json_t *row;
    json_array_foreach (run->progress.rows, i, row)
        if (!strcmp(json_str(json_object_get(row, "values"), key, ""), value))
            return true;
    return false;
}

static int accepted(struct run *run, struct reading *rd, const char *lead, struct step_result *out)
{
    json_t *row = json_object();
    json_object_set(row, "values", rd->found.values);
    json_object_set(row, "evidence", rd->found.evidence);
    json_put_int(row, "step_index", run->index);
    if (*rd->url)
        json_put_str(row, "page_url", rd->url);
    if (evidence_wants_picture(run))
        evidence_picture(run, row, (int)json_array_size(run->progress.rows) + 1, rd->looks,
                         rd->sights, rd->n_looks);
    evidence_stamp(run, rd->found.evidence, rd->looks, rd->sights, rd->n_looks);
    out->new_rows = json_array();
    json_push(out->new_rows, row);
    out->fields = json_incref(rd->found.values);
    out->rows = 1;
    return step_ok(run, out, "%s", lead);
}

static int judge(struct run *run, struct reading *rd, struct step_result *out)
{
    const char *lead = schema_lead(run->step_pool, rd->schema, rd->found.values);
    const char *missing = schema_missing(rd->schema, rd->found.values);
    const char *url = json_str(rd->found.values, "url", "");
    out->fields = NULL;
    if (rd->found.spam)
        return rejected(run, out, rd->schema->on_spam, "dealer", "REJECTED_DEALER",
                        rd->found.spam_reason ? rd->found.spam_reason : rd->schema->spam_label,
                        lead);
    if (missing)
        return rejected(run, out, rd->schema->on_incomplete, "incomplete_required",
                        "REJECTED_INCOMPLETE", pool_printf(run->step_pool, "missing=%s", missing),
                        lead);
    if (*url && have_row(run, "url", url)) {
        out->outcome = OUTCOME_DUPLICATE;
        return step_fail(run, out, "duplicate", "DUPLICATE|%s", url);
    }
    return accepted(run, rd, lead, out);
}

int step_extract_data(struct run *run, struct step_result *out, struct err *err)
{
    struct reading rd = {.url = ""};
    int r = step_schema(run, &rd.schema, err);
    if (r)
        return r;
    if (!rd.schema)
        return step_no_schema(run, out);
    if (rd.schema->max_items > 1)
        return step_extract_rows(run, out, err);
    r = read_all(run, &rd, err);
    if (!r && evidence_wants_picture(run))
        r = bring_into_view(run, &rd, err);
    if (r)
        return r;
    out->steps_used = 1 + rd.n_revealed;
    return judge(run, &rd, out);
}
