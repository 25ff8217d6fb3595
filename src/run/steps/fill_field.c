/*
 * fill_field.c - put a value into one field and read back that it is there (plans.md 8.4).
 * The value itself never goes into a result, event or log.
 */
#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/look.h"
#include "run/steps/fill.h"

#define LABEL_BYTES 40
#define TRIES       2
#define BLANK_POLLS 5
#define BLANK_MS    2000 /* between them */

/* --- kinds ----------------------------------------------------------------------------------- */

static bool is_any(const struct fill *f)
{
    return true;
}

/* The first that fits. */
static const struct {
    fill_fits_fn *fits;
    fill_fn *put;
} kinds[] = {
    {fill_is_file, fill_file},     {fill_is_toggle, fill_toggle}, {fill_is_slider, fill_slider},
    {fill_is_date, fill_date},     {fill_is_boxes, fill_boxes},   {fill_is_picker, fill_picker},
    {is_any, fill_text},
};

static fill_fn *way_to_fill(const struct fill *f)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].fits(f))
            return kinds[i].put;
    return fill_text;
}

const char *fill_input_type(const struct node *n)
{
    const char *type = n && !strcmp(n->tag, "input") ? node_attr(n, "type") : NULL;
    return type ? type : "";
}

int fill_look_again(struct fill *f, struct observation *obs, const struct node **ret_node,
                    struct err *err)
{
    struct target_query q = step_query(f->run, TARGET_FIELD);
    struct target t;
    int r = run_look(f->run, obs, err);
    *ret_node = NULL;
    if (!r && obs->page && !reader_find(f->run->reader, f->run->step_pool, obs, &q, &t, NULL))
        *ret_node = field_node(obs, &t);
    return r;
}

/* --- filling --------------------------------------------------------------------------------- */

static int fill(struct fill *f, struct err *err)
{
    struct run *run = f->run;
    fill_fn *put = way_to_fill(f);
    bool landed = false;
    int r = 0;
    for (int i = 0; !r && !landed && i < TRIES; i++)
        r = put(f, i, &landed, err);
    if (r == E_GONE || r == E_CANCELLED)
        return r;
    if (r)
        return step_fail(run, f->out, "selector_miss", "fill_error:%s", err->msg);
    if (!landed)
        return step_fail(run, f->out, "type_not_landed", "type_not_landed:%s", f->label);
    f->out->verified_change = true;
    if (put == fill_text && field_is_rich(f->node))
        return step_ok(run, f->out, "fill:%s:contenteditable", f->label);
    return step_ok(run, f->out, "fill:%s", str_cut(run->step_pool, f->label, LABEL_BYTES));
}

/* --- the field ------------------------------------------------------------------------------- */

/* A short form on white paper is no blank page: words of it count, where they can be read. */
static bool shows_nothing(const struct observation *obs)
{
    for (int i = 0; obs->page && i < obs->page->n_nodes; i++)
        if (*obs->page->nodes[i].text || (obs->page->nodes[i].flags & NODE_EDITABLE))
            return false;
    return true;
}

/* A frame that shows nothing yet is waited for (plans.md 8.4). */
static int wait_for_picture(struct run *run, struct err *err)
{
    bool blank = true;
    int r = 0;
    for (int i = 0; !r && blank && i < BLANK_POLLS; i++) {
        struct pool *pool = pool_create(run->step_pool);
        struct observation obs;
        r = run_look_in(run, pool, &obs, err);
        blank = !r && frame_is_blank(&obs.frame) && shows_nothing(&obs);
        pool_destroy(pool);
        if (!r && blank && loop_wait(run->loop, NULL, NULL, clock_mono_ms() + BLANK_MS))
            r = err_set(err, E_CANCELLED, "interrupted while waiting for the page");
    }
    return r;
}

static bool takes_values(const struct fill *f)
{
    static const char *const tags[] = {"input", "textarea", "label"};
    static const char *const roles[] = {"textbox", "searchbox", "combobox", "slider", "spinbutton",
                                        "switch",  "checkbox",  "radio"};
    const struct node *n = f->node;
    if (!n || (n->flags & NODE_EDITABLE))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
        if (!strcmp(tags[i], n->tag))
            return true;
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
        if (!strcmp(roles[i], n->role))
            return true;
    return fill_is_slider(f) || fill_is_toggle(f);
}

static const char *upper(struct pool *pool, const char *s)
{
    char *out = pool_strdup(pool, s);
    for (char *p = out; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return out;
}

/* What opens a file chooser may be any control, or a box: what is to be uploaded says so. */
static int find_upload(struct fill *f, bool *ret_found, struct err *err)
{
    if (!fill_path_of(f->run, f->value))
        return 0;
    *f->out = step_result_empty();
    f->out->steps_used = 1;
    return step_aim(f->run, TARGET_ANY, 0, &f->aim, ret_found, f->out, err);
}

static int find_field(struct fill *f, bool *ret_found, struct err *err)
{
    int r = run_settle(f->run, CAP_TYPE_MS, err);
    if (!r)
        r = wait_for_picture(f->run, err);
    if (!r)
        r = step_aim(f->run, TARGET_FIELD, 0, &f->aim, ret_found, f->out, err);
    if (!r && !*ret_found)
        r = find_upload(f, ret_found, err);
    if (!r && !*ret_found && !f->run->progress.retries) /* once per step: it takes long */
        r = fill_walk(f, ret_found, err);
    return r;
}

/* What bears the name takes no text: the field of that name may be another, which Tab comes to. Else the
 * next attempt leaves this one out. */
static int find_instead(struct fill *f, bool *ret_found, struct err *err)
{
    struct point at = f->out->at;
    int r = fill_walk(f, ret_found, err);
    if (r || *ret_found)
        return r;
    f->out->at = at;
    f->out->failure_subclass = FAILURE_NOT_INPUT;
    return step_fail(f->run, f->out, "selector_miss", "form_target_not_input:%s",
                     upper(f->run->step_pool, f->node->tag));
}

int step_fill_field(struct run *run, struct step_result *out, struct err *err)
{
    struct fill f = {.run = run,
                     .label = step_label(run),
                     .value = json_str(run->step->params, "value", ""),
                     .out = out};
    bool found = false;
    int r = find_field(&f, &found, err);
    if (r || !found)
        return r;
    f.node = field_node(&f.aim.obs, &f.aim.target);
    out->label = f.label;
    if (!takes_values(&f) && !fill_is_file(&f)) {
        r = find_instead(&f, &found, err);
        if (r || !found)
            return r;
        f.node = field_node(&f.aim.obs, &f.aim.target);
        out->label = f.label;
    }
    if (json_truthy(json_object_get(run->step->params, "skip_if_field_has_value")) && f.node &&
        !str_empty(f.node->value))
        return step_ok(run, out, "fill:%s:skipped_existing_value", f.label);
    return fill(&f, err);
}
