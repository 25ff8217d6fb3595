#include "plane/cdp/requests.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define REPEATS_OF_A_POLL 6 /* the same address so often in one wait: a poll, not an effect */

static uint64_t place_of(const char *url)
{
    return str_hash(STR_HASH_START, url, strcspn(url, "?#"));
}

static void place_add(struct place_list *list, uint64_t place)
{
    list->places[list->n++ % TABS_PLACES] = place;
}

static int place_count(const struct place_list *list, uint64_t place)
{
    int kept = list->n < TABS_PLACES ? list->n : TABS_PLACES, found = 0;
    for (int i = 0; i < kept; i++)
        found += list->places[i] == place;
    return found;
}

/* The browser's monotonic clock is ours; a time that cannot be is replaced by now. */
static int64_t event_us(const json_t *params)
{
    int64_t now = clock_mono_us(), then = (int64_t)(json_num(params, "timestamp", 0) * 1e6);
    return then > now - 60000000 && then <= now ? then : now;
}

static void drop_requests(struct tabs *t, bool (*unwanted)(const struct request *, const void *),
                          const void *arg)
{
    for (struct request **p = &t->requests; *p;) {
        struct request *r = *p;
        if (!unwanted(r, arg)) {
            p = &r->next;
            continue;
        }
        *p = r->next;
        t->n_requests--;
        free(r);
    }
}

static bool is_request(const struct request *r, const void *arg)
{
    const struct request *key = arg;
    return r->session == key->session && strcmp(r->id, key->id) == 0;
}

static void drop_request(struct tabs *t, const struct session *s, const json_t *params)
{
    struct request key = {.session = s};
    cdp_set_id(key.id, json_str(params, "requestId", ""));
    drop_requests(t, is_request, &key);
}

static bool of_session(const struct request *r, const void *arg)
{
    return r->session == arg;
}

void requests_drop_session(struct tabs *t, const struct session *s)
{
    drop_requests(t, of_session, s);
}

static bool of_frame(const struct request *r, const void *arg)
{
    return strcmp(r->frame, arg) == 0;
}

void requests_drop_frame(struct tabs *t, const char *frame)
{
    drop_requests(t, of_frame, frame);
}

static bool of_older_document(const struct request *r, const void *arg)
{
    const struct frame_info *f = arg;
    return strcmp(r->frame, f->id) == 0 && strcmp(r->loader, f->loader) != 0;
}

void requests_drop_older(struct tabs *t, const struct frame_info *f)
{
    drop_requests(t, of_older_document, f);
}

/* Types of Network.ResourceType whose answer never comes, never shows, or is not the page's. */
static bool type_counts(const char *type)
{
    static const char *const never[] = {
        "EventSource", "WebSocket",          "Ping",  "Media",    "Preflight", "Prefetch",
        "Manifest",    "CSPViolationReport", "Other", "TextTrack"};
    for (size_t i = 0; i < ARRAY_SIZE(never); i++)
        if (strcmp(type, never[i]) == 0)
            return false;
    return true;
}

void requests_on_sent(struct tabs *t, struct session *s, const json_t *params)
{
    const char *url = json_str(json_object_get(params, "request"), "url", "");
    drop_request(t, s, params); /* a redirect keeps its id */
    if (t->n_requests >= CAP_CDP_REQUESTS || str_starts(url, "data:") || str_starts(url, "blob:"))
        return;
    struct request *r = calloc(1, sizeof(*r));
    if (!r)
        BUG("out of memory");
    cdp_set_id(r->id, json_str(params, "requestId", ""));
    cdp_set_id(r->frame, json_str(params, "frameId", ""));
    cdp_set_id(r->loader, json_str(params, "loaderId", ""));
    r->session = s;
    r->start_us = event_us(params);
    r->place = place_of(url);
    place_add(&t->asked, r->place);
    const char *type = json_str(params, "type", "Other");
    r->counts = type_counts(type);
    if (strcmp(type, "Document") != 0)
        r->counts = r->counts && !place_count(&t->given_up, r->place) &&
                    !place_count(&t->pending, r->place) &&
                    place_count(&t->asked, r->place) < REPEATS_OF_A_POLL;
    r->next = t->requests;
    t->requests = r;
    t->n_requests++;
}

void requests_on_response(struct tabs *t, struct session *s, const json_t *params)
{
    const json_t *response = json_object_get(params, "response");
    const char *mime = json_str(response, "mimeType", "");
    struct frame_info *main = tabs_main_frame(s);
    if (str_eq_fold(mime, "text/event-stream") || str_starts(mime, "multipart/x-mixed-replace"))
        drop_request(t, s, params);
    if (s->tab != s || !main || strcmp(json_str(params, "type", ""), "Document") != 0 ||
        strcmp(json_str(params, "frameId", ""), main->id) != 0)
        return;
    s->next_status = (int)json_int(response, "status", 0);
    cdp_set_id(s->next_loader, json_str(params, "loaderId", ""));
}

void requests_on_over(struct tabs *t, struct session *s, const json_t *params)
{
    drop_request(t, s, params);
}

void requests_begin(struct tabs *t)
{
    t->pending.n = t->asked.n = 0;
    for (struct request *r = t->requests; r; r = r->next)
        place_add(&t->pending, r->place);
}

void requests_work(const struct tabs *t, int64_t since_us, struct tabs_work *out)
{
    for (const struct request *r = t->requests; r; r = r->next) {
        if (!r->counts || r->start_us < since_us)
            continue;
        out->requests++;
        if (!out->oldest_us || r->start_us < out->oldest_us)
            out->oldest_us = r->start_us;
    }
}

void tabs_give_up(struct tabs *t, int64_t since_us, int64_t until_us)
{
    for (struct request *r = t->requests; r; r = r->next) {
        if (!r->counts || r->start_us < since_us || r->start_us > until_us)
            continue;
        r->counts = false;
        place_add(&t->given_up, r->place);
    }
}
