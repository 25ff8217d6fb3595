#include "unit/test.h"

#include "unit/run_rig.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "unit/fixtures.h"

static void on_event(void *arg, const json_t *event)
{
    struct rig *rig = arg;
    json_push(rig->events, json_deep_copy(event));
}

static int on_checkpoint(void *arg, const json_t *checkpoint, const json_t *events)
{
    struct rig *rig = arg;
    assert_true(rig->n_checkpoints < RIG_MAX_CHECKPOINTS);
    rig->checkpoints[rig->n_checkpoints++] = json_deep_copy(checkpoint);
    json_array_extend(rig->events, (json_t *)events);
    return 0;
}

static int on_journal(void *arg, const char *key, const char *state, const json_t *detail)
{
    struct rig *rig = arg;
    rig->n_journal++;
    json_put(rig->journal, key, json_pack("{s:s,s:O?}", "state", state, "detail", detail));
    return rig->journal_lost_after && rig->n_journal >= rig->journal_lost_after ? E_GONE : 0;
}

static void on_paused(void *arg, const json_t *pause)
{
    struct rig *rig = arg;
    json_push(rig->pauses, json_deep_copy(pause));
    rig->on_paused(rig, pause);
}

static void on_unpaused(void *arg)
{
    ((struct rig *)arg)->n_unpaused++;
}

static struct plan *parse_plan(struct pool *pool, const char *steps)
{
    struct plan *plan;
    struct err err = {0};
    json_t *doc = json_pack("{s:O,s:s,s:s}", "steps", json_of(pool, steps), "session_name", "test",
                            "signature", "sig");
    if (plan_from_json(pool, doc, &plan, &err))
        fail_msg("%s", err.msg);
    json_decref(doc);
    return plan;
}

void rig_init(struct rig *rig, fake_page_fn *page, const char *steps)
{
    *rig =
        (struct rig){.pool = pool_create(NULL), .events = json_array(), .journal = json_object(),
                        .pauses = json_array()};
    assert_int_equal(loop_create(&rig->loop, NULL), 0);
    loop_skip_waits(rig->loop);
    fake_web_init(&rig->web, rig->loop, page);
    rig->plan = parse_plan(rig->pool, steps);
    rig->config = (struct run_config){.plan = rig->plan,
                                      .run_id = "r1",
                                      .auto_url_gate = true,
                                      .journal = rig->journal,
                                      .max_time_minutes = 10};
    rig->host = (struct run_host){rig, on_event, on_checkpoint, on_journal, NULL, NULL, NULL};
}

static void forget_run(struct rig *rig)
{
    for (int i = 0; i < rig->n_checkpoints; i++)
        json_decref(rig->checkpoints[i]);
    rig->n_checkpoints = 0;
    json_array_clear(rig->events);
    json_decref(rig->final);
    rig->final = NULL;
    if (rig->run.pool)
        run_release(&rig->run);
    rig->run.pool = NULL;
    loop_interrupt_clear(rig->loop);
}

void rig_run(struct rig *rig, const json_t *checkpoint)
{
    json_t *copy = checkpoint ? json_deep_copy(checkpoint) : NULL;
    forget_run(rig);
    if (copy)
        json_keep(rig->pool, copy);
    rig->config.checkpoint = copy;
    if (rig->on_paused) {
        rig->host.paused = on_paused;
        rig->host.unpaused = on_unpaused;
    }
    run_init(&rig->run, &rig->config, rig->loop, &rig->web.plane,
             rig->reader ? rig->reader : fake_reader(), rig->brain, &rig->host);
    run_execute(&rig->run, &rig->end);
    rig->final = run_checkpoint(&rig->run);
}

void rig_release(struct rig *rig)
{
    forget_run(rig);
    json_decref(rig->events);
    json_decref(rig->journal);
    json_decref(rig->pauses);
    fake_web_release(&rig->web);
    loop_destroy(rig->loop);
    pool_destroy(rig->pool);
}

int rig_n_results(const struct rig *rig)
{
    return (int)json_array_size(json_object_get(rig->final, "step_results"));
}

const json_t *rig_result(const struct rig *rig, int i)
{
    int n = rig_n_results(rig);
    const json_t *r =
        json_array_get(json_object_get(rig->final, "step_results"), (size_t)(i < 0 ? n + i : i));
    assert_non_null(r);
    return r;
}

const char *rig_data(const struct rig *rig, int i)
{
    return json_str(rig_result(rig, i), "data", "");
}

int rig_n_events(const struct rig *rig, const char *kind)
{
    size_t i;
    json_t *e;
    int n = 0;
    json_array_foreach (rig->events, i, e)
        n += !strcmp(json_str(e, "kind", ""), kind);
    return n;
}

json_t *rig_rows(const struct rig *rig)
{
    return json_object_get(rig->final, "rows");
}

/* --- a brain --------------------------------------------------------------------------------- */

static int rig_think(struct brain *base, struct pool *pool, const struct brain_turn *turn,
                     struct brain_reply *out, struct err *err)
{
    struct rig_brain *b = (struct rig_brain *)base;
    const char *thought = "";
    snprintf(b->task, sizeof(b->task), "%s", turn->task);
    if (b->silent-- > 0)
        return err_set(err, E_UPSTREAM, "the model did not answer");
    snprintf(b->prompt, sizeof(b->prompt), "%s", turn->prompt);
    if (b->thoughts && *b->thoughts)
        thought = *b->thoughts++;
    *out = (struct brain_reply){.action = b->actions[b->asked < b->n ? b->asked : b->n - 1],
                                .thinking = thought,
                                .model = b->model,
                                .input_tokens = b->input_tokens};
    b->asked++;
    return 0;
}

static void rig_brain_destroy(struct brain *brain)
{
}

static int rig_brain_create(const char *argument, const struct brain_needs *needs, struct brain **out,
                            struct err *err)
{
    return err_set(err, E_UNSUPPORTED, "made by rig_brain_init() only");
}

void rig_brain_init(struct rig_brain *brain, const struct action *actions, int n)
{
    static const struct brain_driver driver = {.kind = "rig",
                                               .create = rig_brain_create,
                                               .destroy = rig_brain_destroy,
                                               .think = rig_think};
    *brain = (struct rig_brain){.base.driver = &driver, .actions = actions, .n = n};
}

/* --- boats ----------------------------------------------------------------------------------- */

#define SITE "http://boats.test"

const char boats_plan[] =
    "[{'type':'navigate','intent':'Open the boats','section':'setup','params':{'url':'" SITE
    "/boats/'}},"
    "{'type':'extract_data','intent':'Check','verify':'The heading \\'Boats for sale\\' is "
    "shown','section':'setup','gate':true},"
    "{'type':'click','intent':'Open the next "
    "boat','section':'extraction','hints':{'layout':'listings'}},"
    "{'type':'extract_url','intent':'Read the URL','section':'extraction'},"
    "{'type':'extract_data','intent':'Read the boat','section':'extraction','extract':{'fields':["
    "{'name':'year'},{'name':'make'},{'name':'phone'},{'name':'url'}]}},"
    "{'type':'navigate_back','intent':'Go back','section':'extraction'},"
    "{'type':'loop','intent':'Three boats','section':'extraction','loop_target':2,'loop_count':3}]";

static void results(struct fake_web *web, struct fake_page *out, int page)
{
    static const char *const names[2][4] = {{"Alder", "Birch", "Cedar", "Dogwood"},
                                            {"Elm", "Fir", "Gone", "Hazel"}};
    out->title = "Boats";
    if (!web->overlay_closed && web->flag)
        fake_add(out, "overlay", "button", "Reject all", "");
    fake_add(out, "", "h1", "Boats for sale", "");
    fake_add(out, "ad", "a", "Sponsored yacht", "http://ads.test/x");
    for (int i = 0; i < 4; i++)
        fake_add(out, "card", "a", names[page][i],
                 pool_printf(web->pool, SITE "/boats/%s", names[page][i]));
    for (int i = 0; i < 20; i++)
        fake_add(out, "", "p", "Terms and conditions", "");
    if (page == 0)
        fake_add(out, "next", "a", "Next", SITE "/boats/page-2/");
}

static void detail(struct fake_web *web, struct fake_page *out, const char *name)
{
    out->title = name;
    fake_add(out, "", "h1", name, "");
    fake_add(out, "field:year", "p", "2014", "");
    fake_add(out, "field:make", "p", name, "");
    if (web->phone_shown)
        fake_add(out, "field:phone", "p", "(207) 555-0134", "");
    else
        fake_add(out, "reveal", "button", "Show phone", "");
}

void boats_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    if (!strcmp(url, SITE "/boats/"))
        results(web, out, 0);
    else if (!strcmp(url, SITE "/boats/page-2/"))
        results(web, out, 1);
    else if (str_starts(url, SITE "/boats/") && !strstr(url, "Gone"))
        detail(web, out, url + strlen(SITE "/boats/"));
    else {
        out->status = 404;
        out->title = "Not found";
        fake_add(out, "", "h1", "Not found", "");
    }
}
