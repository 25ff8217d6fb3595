#include "run/person.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/camera.h"
#include "run/look.h"
#include "run/page_state.h"
#include "run/step.h"
#include "run/url.h"

#define QUEUE_MAX   2000 /* hands; serve lets 200 a second through */
#define QUEUE_BYTES (4 << 20) /* of texts in it */
#define FIELDS_TOLD 20
#define SETTLE_MS   2000
#define REST_MS     400 /* from the last input to the look */
#define BLIND_MS    300 /* between two looks while no picture is given out */

static char *copy(const char *text)
{
    char *out = strdup(text);
    if (!out)
        BUG("out of memory");
    return out;
}

void person_release(struct person *p)
{
    json_decref(p->queue);
    pool_destroy(p->before_pool);
    free(p->news);
    for (int i = 0; i < p->n_keys; i++)
        free(p->keys[i]);
    *p = (struct person){0};
}

/* --- from the loop ----------------------------------------------------------------------------- */

void person_here(struct run *run, bool here)
{
    run->person.here = here;
    if (here)
        return;
    run->person.left = true;
    json_array_clear(run->person.queue);
    run->person.queued_bytes = 0;
}

static size_t text_bytes(const json_t *hand)
{
    return strlen(json_str(hand, "text", ""));
}

/* There is always some for what is let go: else it would stay down. */
static bool has_room(const struct person *p, const json_t *hand)
{
    bool lets_go = !strcmp(json_str(hand, "event", ""), "up");
    size_t most = lets_go ? 2 * QUEUE_MAX : QUEUE_MAX;
    return json_array_size(p->queue) < most && p->queued_bytes + text_bytes(hand) <= QUEUE_BYTES;
}

/* Of moves that were not carried out yet only the last counts. */
void person_does(struct run *run, const json_t *hand)
{
    struct person *p = &run->person;
    if (!p->here)
        return;
    if (!p->queue)
        p->queue = json_array();
    size_t n = json_array_size(p->queue);
    if (n && hand_is_move(hand) && hand_is_move(json_array_get(p->queue, n - 1)))
        json_array_remove(p->queue, n - 1);
    else if (!has_room(p, hand))
        return;
    json_array_append(p->queue, (json_t *)hand);
    p->queued_bytes += text_bytes(hand);
}

/* --- what the page is like --------------------------------------------------------------------- */

static int look(struct run *run, struct pool *pool, struct page_view *out, struct err *err)
{
    struct observation obs;
    struct err why = {0};
    int r = run_look_in(run, pool, &obs, &why);
    *out = (struct page_view){.url = "", .title = ""};
    if (r == E_GONE || r == E_CANCELLED)
        return err_set(err, r, "%s", why.msg);
    if (r)
        return 0;
    out->url = pool_strdup(pool, obs.url ? obs.url : "");
    out->title = pool_strdup(pool, obs.title ? obs.title : "");
    if (obs.page)
        out->fields = json_keep(pool, page_state_fields(pool, obs.page));
    return 0;
}

/* --- carrying out ------------------------------------------------------------------------------ */

static void note_key(struct person *p, const char *name, bool down)
{
    int i = 0;
    while (i < p->n_keys && strcmp(p->keys[i], name))
        i++;
    if (down && i == p->n_keys && i < PERSON_KEYS_MAX)
        p->keys[p->n_keys++] = copy(name);
    if (down || i == p->n_keys)
        return;
    free(p->keys[i]);
    p->keys[i] = p->keys[--p->n_keys];
}

static void note_held(struct person *p, const struct hand *h)
{
    unsigned bit = 1u << h->button;
    if (h->type == HAND_DOWN)
        p->buttons |= bit;
    if (h->type == HAND_UP)
        p->buttons &= ~bit;
    if (h->type == HAND_KEY_DOWN || h->type == HAND_KEY_UP)
        for (int i = 0; i < h->n_keys; i++)
            note_key(p, h->keys[i], h->type == HAND_KEY_DOWN);
}

/* A page that is busy, or a key that this display lacks, ends nobody's run. */
static int act(struct run *run, struct pool *pool, const struct hand *h, struct err *err)
{
    const char *text = "";
    struct err why = {0};
    int r = plane_hand(run->plane, pool, h, &text, &why);
    note_held(&run->person, h);
    run->person.acted_ms = clock_mono_ms();
    run->person.typed |= h->type >= HAND_KEY_DOWN && h->type <= HAND_PASTE;
    if (r == E_GONE || r == E_CANCELLED)
        return err_set(err, r, "%s", why.msg);
    if (!r && h->type == HAND_COPY && run->host->clipboard)
        run->host->clipboard(run->host->arg, text);
    return 0;
}

static int do_next(struct run *run, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct hand h;
    json_t *message = json_keep(pool, json_incref(json_array_get(run->person.queue, 0)));
    json_array_remove(run->person.queue, 0);
    run->person.queued_bytes -= text_bytes(message);
    int r = hand_read(pool, message, &h, NULL) ? 0 : act(run, pool, &h, err);
    pool_destroy(pool);
    return r;
}

static bool holds_something(const struct person *p)
{
    return p->buttons || p->n_keys;
}

static int let_go(struct run *run, struct err *err)
{
    struct person *p = &run->person;
    struct pool *pool = pool_create(NULL);
    int r = 0, width, height;
    p->left = false;
    plane_size(run->plane, &width, &height);
    while (!r && p->n_keys) {
        struct hand up = {.type = HAND_KEY_UP, .keys = {pool_strdup(pool, p->keys[0])}, .n_keys = 1};
        r = act(run, pool, &up, err);
    }
    /* in the corner: what is dropped there is dropped nowhere */
    for (int b = BUTTON_LEFT; !r && b <= BUTTON_RIGHT; b++) {
        struct hand up = {.type = HAND_UP, .button = b, .x = width - 1, .y = height - 1};
        if (p->buttons & 1u << b)
            r = act(run, pool, &up, err);
    }
    pool_destroy(pool);
    return r;
}

static int arrive(struct run *run, struct err *err)
{
    struct person *p = &run->person;
    p->was_here = true;
    p->typed = false;
    pool_destroy(p->before_pool);
    p->before_pool = pool_create(NULL);
    return look(run, p->before_pool, &p->before, err);
}

int64_t person_look_due(const struct run *run)
{
    const struct person *p = &run->person;
    if (p->acted_ms)
        return p->acted_ms + REST_MS;
    return camera_is_blind(run->camera) ? p->looked_ms + BLIND_MS : INT64_MAX;
}

bool person_waits(const struct run *run)
{
    const struct person *p = &run->person;
    if (clock_mono_ms() >= person_look_due(run))
        return true;
    if (p->left && holds_something(p))
        return true;
    return p->here && (!p->was_here || json_array_size(p->queue));
}

/* The look itself is what counts: it tells the masks where they belong. */
static int look_for_watchers(struct run *run, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct page_view ignored;
    int r = look(run, pool, &ignored, err);
    run->person.acted_ms = 0;
    run->person.looked_ms = clock_mono_ms();
    pool_destroy(pool);
    return r;
}

int person_serve(struct run *run, struct err *err)
{
    struct person *p = &run->person;
    int r = p->left ? let_go(run, err) : 0;
    if (!r && p->here && !p->was_here)
        r = arrive(run, err);
    while (!r && p->here && run->stop == RUN_STOP_NONE && json_array_size(p->queue))
        r = do_next(run, err);
    if (!r && p->left)
        r = let_go(run, err);
    if (!r && clock_mono_ms() >= person_look_due(run))
        r = look_for_watchers(run, err);
    return r;
}

/* --- telling ----------------------------------------------------------------------------------- */

static const char *change_of(const json_t *before, const json_t *after, bool typed)
{
    const char *kind = json_str(after, "kind", ""), *was = json_str(before, "value", ""),
               *is = json_str(after, "value", "");
    if (typed && json_flag(after, "masked", false))
        return "masked";
    if (!strcmp(was, is))
        return NULL;
    if (!strcmp(kind, "checkbox") || !strcmp(kind, "radio"))
        return !strcmp(is, "true") ? "checked" : "unchecked";
    return !*is ? "cleared" : !*was ? "filled" : "changed";
}

static json_t *changed_fields(const json_t *before, const json_t *after, bool typed)
{
    json_t *out = json_array(), *field;
    const char *name;
    json_object_foreach ((json_t *)after, name, field) {
        const char *change = change_of(json_object_get(before, name), field, typed);
        const char *label = json_str(field, "label", "");
        if (change && json_array_size(out) < FIELDS_TOLD)
            json_push(out, json_pack("{s:o,s:s}", "name", json_string_safe(*label ? label : name), "change",
                                     change));
    }
    return out;
}

static void put_pair(json_t *out, const char *key, const char *before, const char *after)
{
    if (strcmp(before, after))
        json_put(out, key,
                 json_pack("{s:o,s:o}", "before", json_string_safe(before), "after", json_string_safe(after)));
}

json_t *person_changes(const struct page_view *before, const struct page_view *after)
{
    json_t *out = json_object();
    put_pair(out, "url", before->url, after->url);
    put_pair(out, "title", before->title, after->title);
    bool same = before->fields && after->fields && url_same_page(before->url, after->url);
    json_put(out, "fields", same ? changed_fields(before->fields, after->fields, after->typed) : json_array());
    return out;
}

static const char *in_words(struct pool *pool, const json_t *changes)
{
    const json_t *url = json_object_get(changes, "url"), *title = json_object_get(changes, "title"),
                 *fields = json_object_get(changes, "fields"), *f;
    const char *out = "";
    size_t i;
    if (url)
        out = pool_printf(pool, "; the page was %s and is %s now", json_str(url, "before", ""),
                          json_str(url, "after", ""));
    if (title)
        out = pool_printf(pool, "%s; its title is '%s'", out, json_str(title, "after", ""));
    json_array_foreach ((json_t *)fields, i, f)
        out = pool_printf(pool, "%s; the field '%s' %s%s", out, json_str(f, "name", ""),
                          strcmp(json_str(f, "change", ""), "masked") ? "was " : "may have been filled: it is ",
                          json_str(f, "change", ""));
    return *out ? out + 2 : "the same page is there, and its fields are as they were";
}

static void tell(struct run *run, const struct page_view *after)
{
    struct person *p = &run->person;
    json_t *changes = person_changes(&p->before, after);
    json_t *hidden = answer_hide(&run->answers, changes);
    const char *words = in_words(p->before_pool, hidden);
    free(p->news);
    p->news = copy(words);
    run_event(run, "runner", "takeover", hidden, "a person used the browser: %s", words);
    json_decref(changes);
}

int person_left(struct run *run, struct err *err)
{
    struct person *p = &run->person;
    struct page_view after;
    if (!p->was_here)
        return 0;
    p->was_here = false;
    p->acted_ms = 0;
    int r = let_go(run, err);
    if (!r && (r = plane_settle(run->plane, SETTLE_MS, err)) != E_GONE && r != E_CANCELLED)
        r = look(run, p->before_pool, &after, err);
    after.typed = p->typed;
    if (!r)
        tell(run, &after);
    pool_destroy(p->before_pool);
    p->before_pool = NULL;
    p->before = (struct page_view){0};
    return r;
}

void person_told(struct run *run)
{
    free(run->person.news);
    run->person.news = NULL;
}
