#include "unit/model_reader_rig.h"

#include <string.h>

#include "base/str.h"
#include "unit/model_rig.h"

struct pool *pool;
struct fake_transport server;
struct model_link to_server;
struct reader_needs needs;
json_t *counted;
double counted_s;

/* --- what is looked at ----------------------------------------------------------------------- */

static int take(void *arg, struct pool *p, const struct profile *profile, const struct frame *frame,
                int width, int height, struct model_frame *out, struct err *err)
{
    const char *text =
        pool_printf(p, "%s of %dx%d q%d", (const char *)arg, width, height, profile->quality);
    *out = (struct model_frame){(const uint8_t *)text, strlen(text), width, height};
    return 0;
}

const struct observation pixels = {
    .url = "http://a.test/", .title = "", .frame = {.width = 1280, .height = 720}};

#define SHOWN "\"flags\":\"visible in_view\""

/* A heading, a link with a title in it, a picture, a field; right of 900 stands nothing. */
static const char page_json[] =
    "{\"url\":\"http://a.test/\",\"title\":\"Boats\",\"viewport\":[0,0,1280,720],\"nodes\":["
    "{\"parent\":-1,\"tag\":\"html\"," SHOWN ",\"box\":[0,0,1280,720]},"
    "{\"parent\":0,\"tag\":\"h1\"," SHOWN
    ",\"box\":[0,0,900,40]},{\"parent\":1,\"text\":\"Boats\"},"
    "{\"parent\":0,\"tag\":\"a\",\"attrs\":{\"href\":\"/boats/1\"}," SHOWN
    ",\"box\":[10,100,200,30]},"
    "{\"parent\":3,\"text\":\"Blue boat for 120 euros\"," SHOWN ",\"box\":[10,100,200,30]},"
    "{\"parent\":0,\"tag\":\"input\",\"attrs\":{\"type\":\"text\",\"name\":\"q7\"}," SHOWN
    ",\"box\":[10,200,300,30]}]}";

struct observation with_page(void)
{
    struct observation obs = pixels;
    struct page *page;
    json_t *json = json_loads(page_json, 0, NULL);
    assert_non_null(json);
    assert_int_equal(page_from_json(pool, json_keep(pool, json), &page, NULL), 0);
    obs.page = page;
    return obs;
}

/* --- readers --------------------------------------------------------------------------------- */

static void note(void *arg, const struct reader_use *use)
{
    counted_s += use->seconds;
    json_push(counted, json_string(pool_printf(pool, "%s %s %s %d+%d", use->source, use->counter,
                                               use->model ? use->model : "ours",
                                               (int)use->tokens.input, (int)use->tokens.output)));
}

struct model_link link_to(struct fake_transport *t)
{
    return (struct model_link){.transport = &t->base,
                               .dirs = rig_dirs(),
                               .picture = take,
                               .picture_arg = (void *)"a picture"};
}

void answers(const struct fake_answer *list, int n)
{
    fake_transport_init(&server, pool, list, n);
    to_server = link_to(&server);
    json_array_clear(counted);
    counted_s = 0;
}

struct reader *reader_of(const char *spec)
{
    struct reader *reader;
    struct err err = {0};
    if (reader_create(spec, &needs, &reader, &err))
        fail_msg("%s", err.msg);
    return reader;
}

static struct schema *schema_of(const char *json)
{
    struct schema *schema;
    struct err err = {0};
    json_t *o = json_loads(json, 0, NULL);
    assert_non_null(o);
    if (schema_parse(pool, json_keep(pool, o), &schema, &err))
        fail_msg("%s", err.msg);
    return schema;
}

/* --- questions, and what came of them as words ----------------------------------------------- */

static const char *failed(int r, const struct err *err)
{
    return pool_printf(pool, "%s: %s", err_name(r), err->msg);
}

static const char *target_words(int r, const struct err *err, const struct target *t)
{
    if (r)
        return failed(r, err);
    return pool_printf(pool, "%d,%d '%s' %s/%s node %d", t->at.x, t->at.y, t->label, t->tag,
                       t->role, t->node);
}

static const char *find_with(struct reader *reader, const struct observation *obs,
                             const struct target_query *q)
{
    struct target t;
    struct err err = {0};
    return target_words(reader_find(reader, pool, obs, q, &t, &err), &err, &t);
}

const char *ask_find_label(struct reader *reader, const struct observation *obs, const char *label)
{
    const struct target_query q = {.label = label, .intent = "use it", .kind = TARGET_ANY};
    return find_with(reader, obs, &q);
}

const char *ask_find_field(struct reader *reader, const struct observation *obs, const char *label)
{
    const struct target_query q = {.label = label, .intent = "fill it", .kind = TARGET_FIELD};
    return find_with(reader, obs, &q);
}

const char *ask_find_for(struct reader *reader, const struct observation *obs, const char *intent)
{
    const struct target_query q = {
        .label = "Go", .intent = intent, .kind = TARGET_FIELD, .by_purpose = true};
    return find_with(reader, obs, &q);
}

const char *ask_find_filter(struct reader *reader, const struct observation *obs, const char *label)
{
    const struct target_query q = {.label = label, .intent = "filter", .filter = true};
    return find_with(reader, obs, &q);
}

const char *ask_find_right_of(struct reader *reader, const struct observation *obs,
                              const char *label)
{
    const struct rect right = {640, 0, 640, 720};
    const struct target_query q = {.label = label, .region = &right};
    return find_with(reader, obs, &q);
}

const char *ask_find_elsewhere(struct reader *reader, const struct observation *obs,
                               const char *label)
{
    const struct point wrong = {640, 360};
    const struct target_query q = {.label = label, .avoid = &wrong, .n_avoid = 1};
    return find_with(reader, obs, &q);
}

const char *ask_next_page(struct reader *reader, const struct observation *obs, const char *with)
{
    struct target t;
    struct err err = {0};
    return target_words(reader_find_next_page(reader, pool, obs, 2, &t, &err), &err, &t);
}

const char *ask_dismiss(struct reader *reader, const struct observation *obs, const char *with)
{
    struct target t;
    struct err err = {0};
    return target_words(reader_find_dismiss(reader, pool, obs, &t, &err), &err, &t);
}

const char *ask_more(struct reader *reader, const struct observation *obs, const char *with)
{
    struct target t;
    struct err err = {0};
    return target_words(reader_find_more(reader, pool, obs, &t, &err), &err, &t);
}

const char *ask_reveal(struct reader *reader, const struct observation *obs, const char *schema)
{
    static const char *const done[] = {"Show email"};
    struct target t;
    struct err err = {0};
    int r = reader_find_reveal(reader, pool, obs, schema_of(schema), done, 1, &t, &err);
    return target_words(r, &err, &t);
}

const char *ask_list(struct reader *reader, const struct observation *obs, const char *schema)
{
    static const char *const statuses[] = {"ok", "empty", "blocked", "error"};
    struct card *cards;
    enum list_status status;
    struct err err = {0};
    int n, r = reader_list(reader, pool, obs, schema ? schema_of(schema) : NULL, 9, &cards, &n,
                           &status, &err);
    if (r)
        return failed(r, &err);
    const char *out = statuses[status];
    for (int i = 0; i < n; i++)
        out = pool_printf(pool, "%s | %s %d,%d %s", out, cards[i].title, cards[i].target.at.x,
                          cards[i].target.at.y, cards[i].href);
    return out;
}

static const char *extraction_words(const struct extraction *x)
{
    return pool_printf(pool, "%s%s%s", json_canonical(pool, x->values), x->spam ? " spam: " : "",
                       x->spam ? x->spam_reason : "");
}

static const char *extract_n(struct reader *reader, const struct observation *obs, int n,
                             const char *schema)
{
    const struct observation both[] = {*obs, *obs};
    struct extraction x;
    struct err err = {0};
    int r = reader_extract(reader, pool, both, n, schema_of(schema), &x, &err);
    return r ? failed(r, &err) : extraction_words(&x);
}

const char *ask_extract(struct reader *reader, const struct observation *obs, const char *schema)
{
    return extract_n(reader, obs, 1, schema);
}

const char *ask_extract_two(struct reader *reader, const struct observation *obs,
                            const char *schema)
{
    return extract_n(reader, obs, 2, schema);
}

const char *ask_evidence(struct reader *reader, const struct observation *obs, const char *schema)
{
    struct extraction x;
    assert_int_equal(reader_extract(reader, pool, obs, 1, schema_of(schema), &x, NULL), 0);
    return json_canonical(pool, x.evidence);
}

const char *ask_rows(struct reader *reader, const struct observation *obs, const char *schema)
{
    struct extraction *x;
    struct err err = {0};
    int n, r = reader_rows(reader, pool, obs, schema_of(schema), 2, &x, &n, &err);
    if (r)
        return failed(r, &err);
    const char *out = pool_printf(pool, "%d", n);
    for (int i = 0; i < n; i++)
        out = pool_printf(pool, "%s | %s", out, extraction_words(&x[i]));
    return out;
}

static const char *answer_word(enum answer a)
{
    return a == ANSWER_YES ? "yes" : a == ANSWER_NO ? "no" : "unknown";
}

const char *ask_visible(struct reader *reader, const struct observation *obs, const char *question)
{
    struct verdict v;
    struct err err = {0};
    int r = reader_visible(reader, pool, obs, question, &v, &err);
    return r ? failed(r, &err) : pool_printf(pool, "%s: %s", answer_word(v.answer), v.reason);
}

const char *ask_navigated(struct reader *reader, const struct observation *obs, const char *wanted)
{
    struct passage p;
    struct err err = {0};
    int r = reader_navigated(reader, pool, obs, obs, wanted, &p, &err);
    return r ? failed(r, &err)
             : pool_printf(pool, "%s (%s): %s", answer_word(p.navigated), p.kind, p.reason);
}

const char *ask_shown(struct reader *reader, const struct observation *obs, const char *dropdown)
{
    const char *value;
    struct err err = {0};
    int r = reader_shown_value(reader, pool, obs, dropdown, &value, &err);
    return r ? failed(r, &err) : value;
}

/* A click at (600,240). */
const char *ask_regard(struct reader *reader, const struct observation *obs, const char *wanted)
{
    struct regard x;
    struct err err = {0};
    int r = reader_regard(reader, pool, obs, (struct point){600, 240}, wanted, false, &x, &err);
    return r ? failed(r, &err) : pool_printf(pool, "%d,%d %.2f", x.at.x, x.at.y, x.confidence);
}

/* --- rows ------------------------------------------------------------------------------------ */

const char *models_asked(void)
{
    const char *out = "";
    for (int i = 0; i < server.calls; i++)
        out =
            pool_printf(pool, "%s%s%s", out, i ? " " : "", json_str(server.bodies[i], "model", ""));
    return out;
}

/* --- before and after
 * ------------------------------------------------------------------------------- */

int reader_rig_begin(void **state)
{
    pool = pool_create(NULL);
    counted = json_array();
    return 0;
}

int reader_rig_fresh(void **state)
{
    needs = (struct reader_needs){.model = &to_server, .count = note};
    return 0;
}

int reader_rig_end(void **state)
{
    json_decref(counted);
    pool_destroy(pool);
    return 0;
}
