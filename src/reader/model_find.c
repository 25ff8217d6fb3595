/*
 * model_find.c - where is it? Targets by label, by purpose, of filters, the next page, what reveals
 * more, and the ways out of overlays.
 */
#include <string.h>

#include "base/str.h"
#include "reader/model_reader.h"
#include "reader/page_parts.h"
#include "reader/words.h"

#define AVOID_PX     20 /* around a point that was wrong */
#define LABEL_BYTES  200
#define INTENT_BYTES 1000

/* --- what is told of a query ----------------------------------------------------------------- */

static const struct kind_words {
    const char *words;
    bool on_page;    /* a page that can be read decides it: its words are there or not */
    const char *act; /* of a model that only points */
} kinds[] = {
    [TARGET_ANY] = {"anything that can be clicked or typed into", false, "click"},
    [TARGET_BUTTON] = {"a button, or a link that acts like one", false, "click"},
    [TARGET_NAV_LINK] = {"a link of the navigation, in the sidebar or at the top", false, "click"},
    [TARGET_TAB] = {"a tab", false, "click"},
    [TARGET_MENU_ITEM] = {"an entry of a menu", false, "click"},
    [TARGET_ROW_LINK] = {"the link that opens a record, in a row of a table or list", false,
                         "click"},
    [TARGET_CELL_LINK] = {"a link inside a cell of a table", false, "click"},
    [TARGET_FIELD] = {"a field that text is typed into", false, "type"},
    [TARGET_SELECT] = {"a drop-down list that an option is chosen from", false, "select"},
    [TARGET_OPTION] = {"one option of an open list, or a box that is ticked", true, "click"},
    [TARGET_THING] = {"any thing on the page, a control or not", true, "click"},
};

static const char *or_none(const char *s)
{
    return str_empty(s) ? "none" : s;
}

static const char *names_told(struct pool *pool, const char *const *list)
{
    const char *out = "";
    for (; list && *list; list++)
        out = pool_printf(pool, "%s%s\"%s\"", out, *out ? ", " : "",
                          str_cut(pool, *list, LABEL_BYTES));
    return or_none(out);
}

/* In the model's own pixels. */
static const char *points_told(struct pool *pool, const struct mind *mind,
                               const struct space_view *view, const struct target_query *q)
{
    const char *out = "";
    for (int i = 0; i < q->n_avoid; i++) {
        double x, y;
        space_from_screen(&mind->profile->space, view, q->avoid[i], &x, &y);
        out = pool_printf(pool, "%s%s(%g,%g)", out, *out ? ", " : "", x, y);
    }
    return or_none(out);
}

static const char *place_told(struct pool *pool, const struct mind *mind,
                              const struct space_view *view, const struct target_query *q)
{
    double x, y, right, bottom;
    const char *near = str_empty(q->near) ? ""
                                          : pool_printf(pool, "in the row, card or group of \"%s\"",
                                                        str_cut(pool, q->near, LABEL_BYTES));
    if (!q->region)
        return *near ? near : "anywhere";
    struct point a = {q->region->x, q->region->y};
    struct point b = {a.x + q->region->w - 1, a.y + q->region->h - 1};
    space_from_screen(&mind->profile->space, view, a, &x, &y);
    space_from_screen(&mind->profile->space, view, b, &right, &bottom);
    return pool_printf(pool, "%s%sbetween (%g,%g) and (%g,%g)", near, *near ? ", " : "", x, y,
                       right, bottom);
}

/* What a picture of this observation will measure. */
static struct space_view view_of(const struct mind *mind, const struct observation *obs)
{
    struct space_view v = {.screen_w = obs->frame.width, .screen_h = obs->frame.height};
    request_image_size(mind->profile, v.screen_w, v.screen_h, &v.image_w, &v.image_h);
    return v;
}

/* --- a target -------------------------------------------------------------------------------- */

struct pointed { /* what a model answered */
    struct point at;
    const char *label, *act;
};

static bool avoided(const struct target_query *q, struct point at)
{
    for (int i = 0; i < q->n_avoid; i++) {
        int dx = at.x - q->avoid[i].x, dy = at.y - q->avoid[i].y;
        if (dx > -AVOID_PX && dx < AVOID_PX && dy > -AVOID_PX && dy < AVOID_PX)
            return true;
    }
    return false;
}

static int no_target(const struct target_query *q, const char *said, struct err *err)
{
    const char *what = *q->label ? q->label : q->intent;
    return err_set(err, E_NOT_FOUND, "'%.120s' is not seen%s%.200s", what, *said ? ": " : "", said);
}

/* {x, y, action, value, label} */
static int read_tool(struct pool *pool, const struct look_answer *a, const struct target_query *q,
                     struct pointed *out, struct err *err)
{
    out->label = str_cut(pool, json_str(a->input, "label", ""), LABEL_BYTES);
    out->act = json_str(a->input, "action", "click");
    if (!strcmp(out->act, "not_found"))
        return no_target(q, out->label, err);
    if (q->by_purpose && q->kind == TARGET_FIELD && strcmp(out->act, "type"))
        return no_target(q, "no field serves the purpose", err);
    return model_point(a, a->input, &out->at)
               ? 0
               : no_target(q, "no point in the picture was given", err);
}

/* One click, or done(false). A point on the last row or column of pixels was outside and moved
 * there. */
static int read_click(struct pool *pool, const struct look_answer *a, const struct target_query *q,
                      struct pointed *out, struct err *err)
{
    const struct action *act = &a->reply.action;
    bool clicks = act->type == ACTION_CLICK || act->type == ACTION_DOUBLE_CLICK;
    if (!clicks || (act->x == 0 && act->y == 0) || act->x >= a->view.screen_w - 1 ||
        act->y >= a->view.screen_h - 1)
        return no_target(q, act->type == ACTION_DONE && act->summary ? act->summary : "", err);
    *out = (struct pointed){{act->x, act->y}, q->label, kinds[q->kind].act};
    return 0;
}

static enum call_id call_for(const struct mind *mind, const struct target_query *q)
{
    if (q->filter)
        return CALL_FILTER;
    if (mind->profile->api == API_OPENAI_CHAT)
        return CALL_CLICK;
    return q->by_purpose || !*q->label ? CALL_AFFORDANCE : CALL_TARGET;
}

static int ask_where(struct model_reader *m, struct pool *pool, const struct observation *obs,
                     const struct target_query *q, bool has_page, struct pointed *out,
                     struct err *err)
{
    const struct mind *mind = q->filter ? &m->mind : &m->aim;
    const struct space_view view = view_of(mind, obs);
    const char *purpose = q->by_purpose ? "" : q->label;
    const struct prompt_value values[] = {
        {"LABEL", or_none(str_cut(pool, purpose, LABEL_BYTES))},
        {"ALIASES", names_told(pool, q->aliases)},
        {"KIND", kinds[q->kind].words},
        {"INTENT", or_none(str_cut(pool, q->intent, INTENT_BYTES))},
        {"PLACE", place_told(pool, mind, &view, q)},
        {"AVOID", points_told(pool, mind, &view, q)},
    };
    const struct look_question ask = {.call = call_for(mind, q),
                                      .mind = mind,
                                      .obs = &obs,
                                      .n_obs = 1,
                                      .values = values,
                                      .n_values = ARRAY_SIZE(values),
                                      .has_page = has_page};
    struct look_answer a;
    int r = model_look(m, pool, &ask, &a, err);
    if (r)
        return r;
    r = (a.input ? read_tool : read_click)(pool, &a, q, out, err);
    if (!r && avoided(q, out->at))
        return no_target(q, "it points again at what was wrong", err);
    if (!r && q->region && !rect_contains(*q->region, out->at.x, out->at.y))
        return no_target(q, "what it points at lies elsewhere", err);
    return r;
}

static int find_by_model(struct model_reader *m, struct pool *pool, const struct observation *obs,
                         const struct target_query *q, bool has_page, struct target *out,
                         struct err *err)
{
    struct pointed p;
    int r = ask_where(m, pool, obs, q, has_page, &p, err);
    return r ? r : model_target(pool, obs, p.at, p.label, p.act, out, err);
}

int model_find(struct reader *reader, struct pool *pool, const struct observation *obs,
               const struct target_query *query, struct target *out, struct err *err)
{
    struct model_reader *m = model_reader_of(reader);
    struct opinion page = {.had = obs->page != NULL};
    struct err why = {0};
    if (page.had) {
        page.r = page_find(&m->page, pool, obs, query, out, &page.why);
        if (page.r != E_NOT_FOUND || kinds[query->kind].on_page)
            return page.r ? err_set(err, page.r, "%s", page.why.msg) : 0;
    }
    int r = find_by_model(m, pool, obs, query, page.had, out, &why);
    return opinion_end(&page, r, &why, err);
}

/* --- the next page --------------------------------------------------------------------------- */

static int ask_next_page(struct model_reader *m, struct pool *pool, const struct observation *obs,
                         int current_page, struct target *out, struct err *err)
{
    const struct prompt_value values[] = {{"PAGE", pool_printf(pool, "%d", current_page)}};
    const struct look_question ask = {.call = CALL_PAGINATE,
                                      .obs = &obs,
                                      .n_obs = 1,
                                      .values = values,
                                      .n_values = ARRAY_SIZE(values),
                                      .has_page = obs->page != NULL};
    struct look_answer a;
    struct point at;
    int r = model_look(m, pool, &ask, &a, err);
    if (r)
        return r;
    const char *label = str_cut(pool, json_str(a.input, "label", ""), LABEL_BYTES);
    if (str_eq_fold(label, "none"))
        return err_set(err, E_NOT_FOUND, "no control for the next page is seen");
    if (!model_point(&a, a.input, &at))
        return err_set(err, E_NOT_FOUND,
                       "a next page is spoken of, but no point in the picture was given");
    return model_target(pool, obs, at, label, "click", out, err);
}

int model_find_next_page(struct reader *reader, struct pool *pool, const struct observation *obs,
                         int current_page, struct target *out, struct err *err)
{
    struct model_reader *m = model_reader_of(reader);
    struct opinion page = {.had = obs->page != NULL};
    struct err why = {0};
    if (page.had) {
        page.r = page_find_next_page(&m->page, pool, obs, current_page, out, &page.why);
        if (page.r != E_NOT_FOUND)
            return page.r ? err_set(err, page.r, "%s", page.why.msg) : 0;
    }
    return opinion_end(&page, ask_next_page(m, pool, obs, current_page, out, &why), &why, err);
}

/* --- controls that a page that can be read decides by itself --------------------------------- */

static int find_for(struct model_reader *m, struct pool *pool, const struct observation *obs,
                    const char *intent, const char *what, struct target *out, struct err *err)
{
    const struct target_query q = {
        .label = "", .intent = intent, .kind = TARGET_BUTTON, .by_purpose = true};
    int r = find_by_model(m, pool, obs, &q, false, out, err);
    return r == E_NOT_FOUND ? err_set(err, r, "no %s is seen", what) : r;
}

int model_find_more(struct reader *reader, struct pool *pool, const struct observation *obs,
                    struct target *out, struct err *err)
{
    struct model_reader *m = model_reader_of(reader);
    if (obs->page)
        return page_find_more(&m->page, pool, obs, out, err);
    return find_for(
        m, pool, obs,
        "Load more entries into the list that is shown, as \"Show more\" does. A control "
        "that leads to another page of results is not meant, and neither is scrolling.",
        "control that loads more", out, err);
}

int model_find_dismiss(struct reader *reader, struct pool *pool, const struct observation *obs,
                       struct target *out, struct err *err)
{
    struct model_reader *m = model_reader_of(reader);
    if (obs->page)
        return page_find_dismiss(&m->page, pool, obs, out, err);
    return find_for(
        m, pool, obs,
        "Close a consent box, newsletter or dialog that lies over the page, by its least "
        "committing way out: reject, else close, else accept. When nothing lies over the "
        "page, there is none.",
        "way out of an overlay", out, err);
}

/* --- reveal ---------------------------------------------------------------------------------- */

static bool contained(const char *const *list, const char *text)
{
    for (; *list; list++)
        if (str_contains_fold(text, *list))
            return true;
    return false;
}

static bool was_done(const char *const *done, int n_done, const char *label)
{
    for (int i = 0; i < n_done; i++)
        if (str_eq_fold(done[i], label))
            return true;
    return false;
}

/* The tool's parameters, where only what is allowed may be answered. */
static const json_t *control_parameters(struct model_reader *m, struct pool *pool,
                                        const struct schema *schema)
{
    const json_t *tool = json_object_get(m->tools, call_of(CALL_CONTROL)->tool);
    json_t *parameters = json_deep_copy(json_object_get(tool, "parameters")), *names = json_array();
    for (const char *const *c = schema->allowed_controls; *c; c++)
        json_push(names, json_string_safe(*c));
    json_push(names, json_string("none"));
    json_t *action = json_object_get(json_object_get(parameters, "properties"), "action");
    if (action)
        json_put(action, "enum", names);
    else
        json_decref(names);
    return json_keep(pool, parameters ? parameters : json_object());
}

static int ask_control(struct model_reader *m, struct pool *pool, const struct observation *obs,
                       const struct schema *schema, const char *const *done, int n_done,
                       struct look_answer *out, struct err *err)
{
    const char *clicked = "";
    for (int i = 0; i < n_done; i++)
        clicked = pool_printf(pool, "%s%s\"%s\"", clicked, *clicked ? ", " : "", done[i]);
    const struct prompt_value values[] = {
        {"ENTITY", schema->entity_name},
        {"ALLOWED", names_told(pool, schema->allowed_controls)},
        {"FORBIDDEN", names_told(pool, schema->forbidden_controls)},
        {"DONE", or_none(clicked)},
        {"FIELDS", model_fields_told(pool, schema)},
    };
    const struct look_question ask = {.call = CALL_CONTROL,
                                      .obs = &obs,
                                      .n_obs = 1,
                                      .values = values,
                                      .n_values = ARRAY_SIZE(values),
                                      .parameters = control_parameters(m, pool, schema)};
    return model_look(m, pool, &ask, out, err);
}

int model_find_reveal(struct reader *reader, struct pool *pool, const struct observation *obs,
                      const struct schema *schema, const char *const *done, int n_done,
                      struct target *out, struct err *err)
{
    struct model_reader *m = model_reader_of(reader);
    struct look_answer a;
    struct point at;
    if (obs->page)
        return page_find_reveal(&m->page, pool, obs, schema, done, n_done, out, err);
    if (!schema->allowed_controls[0]) /* agent-loop.md 14.2: only what is allowed by name is clicked
                                       */
        return err_set(err, E_NOT_FOUND, "the schema allows no control by name");
    int r = ask_control(m, pool, obs, schema, done, n_done, &a, err);
    if (r)
        return r;
    const char *label = str_cut(pool, json_str(a.input, "label", ""), LABEL_BYTES);
    const char *which = json_str(a.input, "action", "none");
    label = *label ? label : which;
    if (!strcmp(which, "none") || !model_point(&a, a.input, &at) || was_done(done, n_done, label))
        return err_set(err, E_NOT_FOUND, "no control is left that shows more of the %s",
                       schema->entity_name);
    if (words_in(WORDS_NO_REVEAL, label) || contained(schema->forbidden_controls, label))
        return err_set(err, E_NOT_FOUND, "'%.80s' may not be clicked", label);
    return model_target(pool, obs, at, label, "click", out, err);
}
