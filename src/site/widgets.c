/*
 * widgets - "Larkfield Service Desk": one page per widget that programs which use the web have
 * trouble with. Each ends in one request whose fields the oracle knows.
 *
 * The same seed gives the same pages. Odd seeds have labels that belong to nothing and a link in
 * place of the send button; every seed has its own order of choices, ids and delays.
 */
#include "site/widgets.h"

#include <string.h>

#include "base/caps.h"
#include "base/id.h"
#include "base/str.h"
#include "site/kind.h"
#include "site/random.h"

#define INVOICE      20417 /* the wanted rows of the two long lists */
#define PARCEL       60487
#define PARCELS      160
#define PARCELS_PART 20
#define AUTH         "Basic YXJjaGl2ZTpsYW50ZXJuLTQy" /* archive:lantern-42 */

struct outcome {
    int requests, fetched;
    json_t *fields; /* of the last request */
};

struct desk {
    int64_t seed;
    bool soup;
    char hash[8];
    int delay_ms;    /* before suggestions and further entries */
    int months_back; /* where the calendar opens, before September 2026 */
    int invoice_pos, parcel_pos, low;
    struct outcome *outcomes; /* one per widget */
};

static void *create(struct pool *pool, int64_t seed)
{
    struct site_random rnd = {(uint64_t)seed};
    struct desk *d = pool_alloc(pool, sizeof(*d));
    d->seed = seed;
    d->soup = seed & 1;
    snprintf(d->hash, sizeof(d->hash), "%05x", (unsigned)site_random_below(&rnd, 0xFFFFF));
    d->delay_ms = 200 + site_random_below(&rnd, 400);
    d->months_back = 1 + site_random_below(&rnd, 4);
    d->invoice_pos = 300 + site_random_below(&rnd, 1200);
    d->parcel_pos = 60 + site_random_below(&rnd, 50);
    d->low = 64 + site_random_below(&rnd, 20);
    d->outcomes = pool_alloc(pool, sizeof(*d->outcomes) * (size_t)n_widgets);
    for (int i = 0; i < n_widgets; i++)
        d->outcomes[i].fields = json_keep(pool, json_object());
    return d;
}

static struct desk *desk(const struct site_request *req)
{
    return site_state(req_site(req));
}

/* --- views ---------------------------------------------------------------------------------- */

/* The options in the order of the seed, never the order of the table: in it an agenda is right. */
static json_t *shuffled(struct pool *pool, const struct desk *d, const struct widget *w)
{
    struct site_random rnd = {(uint64_t)d->seed ^ (uint64_t)(w - widgets)};
    const char *list[32];
    int n = 0;
    for (; w->options[n] && n < (int)ARRAY_SIZE(list); n++)
        list[n] = w->options[n];
    for (int i = n - 1; i > 0; i--) {
        int j = site_random_below(&rnd, i);
        const char *kept = list[i];
        list[i] = list[j];
        list[j] = kept;
    }
    json_t *options = json_array();
    for (int i = 0; i < n; i++) {
        const char *bar = strchr(list[i], '|');
        json_push(options, json_pack("{s:s,s:s,s:i}", "value",
                                     pool_strndup(pool, list[i], (size_t)(bar - list[i])), "label",
                                     bar + 1, "n", i));
    }
    return options;
}

/* The same machine under its other name, as another origin. */
static const char *other_origin(struct site_request *req)
{
    const char *port = strrchr(site_url(req_site(req)), ':'), *host = req_header(req, "Host");
    return pool_printf(req_pool(req), "http://%s%s",
                       host && str_starts(host, "localhost") ? "127.0.0.1" : "localhost", port);
}

static json_t *base_view(struct site_request *req, const char *title)
{
    struct desk *d = desk(req);
    json_t *view = json_keep(req_pool(req), json_object());
    json_put_str(view, "title", title);
    json_put_bool(view, "soup", d->soup);
    json_put_str(view, "h", d->hash);
    json_put_int(view, "delay", d->delay_ms);
    json_put_int(view, "back", d->months_back);
    json_put_int(view, "first_invoice", INVOICE - d->invoice_pos);
    json_put_int(view, "low", d->low);
    json_put_str(view, "other_origin", other_origin(req));
    json_put_str(view, "send", "Send request");
    return view;
}

static json_t *widget_view(struct site_request *req, const struct widget *w)
{
    json_t *view = base_view(req, w->title);
    json_put_str(view, "id", w->id);
    json_put_str(view, "about", w->about);
    if (w->options)
        json_put(view, "options", shuffled(req_pool(req), desk(req), w));
    return view;
}

static void missing(struct site_request *req)
{
    req_reply_page(req, 404, "missing", base_view(req, "Page not found"));
}

static void show_index(struct site_request *req)
{
    json_t *view = base_view(req, "Service desk"), *list = json_array();
    for (int i = 0; i < n_widgets; i++)
        json_push(list, json_pack("{s:s,s:s,s:s}", "id", widgets[i].id, "title", widgets[i].title,
                                  "about", widgets[i].about));
    json_put(view, "pages", list);
    req_reply_page(req, 200, "index", view);
}

static void show_done(struct site_request *req, const struct widget *w)
{
    const struct outcome *o = &desk(req)->outcomes[w - widgets];
    json_t *view = base_view(req, "Request received"), *list = json_array(), *value;
    const char *key;
    json_object_foreach (o->fields, key, value)
        json_push(list, json_pack("{s:s,s:O}", "name", key, "value", value));
    json_put(view, "fields", list);
    json_put_str(view, "what", w->title);
    json_put_str(view, "reference",
                 pool_printf(req_pool(req), "LK-%s-%d", desk(req)->hash, o->requests));
    req_reply_page(req, 200, "done", view);
}

/* --- /w/<id>, /w/<id>/done, /w/<id>/<part> ---------------------------------------------------- */

static bool may_enter(struct site_request *req, const struct widget *w)
{
    const char *given = req_header(req, "Authorization");
    if (strcmp(w->id, "basic_auth") != 0 || (given && id_secret_equal(given, AUTH)))
        return true;
    req_reply_page(req, 401, "locked", base_view(req, "Archive room"));
    req_add_header(req, "WWW-Authenticate", "Basic realm=\"Archive room\"");
    return false;
}

static void show_part(struct site_request *req, const struct widget *w, const char *part)
{
    if (strcmp(part, "done") == 0)
        show_done(req, w);
    else if (!*part)
        req_reply_page(req, 200, w->id, widget_view(req, w));
    else if (w->parts && strstr(w->parts, pool_printf(req_pool(req), " %s ", part)))
        req_reply_page(req, 200, pool_printf(req_pool(req), "%s_%s", w->id, part),
                       widget_view(req, w));
    else
        missing(req);
}

/* A file in a form counts as two fields: its name and what it holds. */
static void put_files(struct site_request *req, json_t *fields)
{
    char hash[ID_SHA256_HEX_BYTES];
    for (const struct site_file *f = req_files(req); f; f = f->next) {
        id_sha256_hex(f->data, f->len, hash);
        json_put(fields, f->field, json_string_safe(f->name));
        json_put_str(fields, pool_printf(req_pool(req), "%s_sha256", f->field), hash);
    }
}

static void take_request(struct site_request *req, const struct widget *w)
{
    struct outcome *o = &desk(req)->outcomes[w - widgets];
    json_t *value;
    const char *key;
    json_object_clear(o->fields);
    json_object_foreach ((json_t *)req_form(req), key, value)
        json_put_str(o->fields, key,
                     str_cut(req_pool(req), json_string_value(value), CAP_SITE_FIELD_BYTES));
    put_files(req, o->fields);
    o->requests++;
    site_log(req_site(req), "request", req_path(req), json_deep_copy(o->fields));
    req_redirect(req, pool_printf(req_pool(req), "/w/%s/done", w->id));
}

static void show_widget(struct site_request *req)
{
    const char *rest = req_rest(req), *slash = strchrnul(rest, '/');
    const struct widget *w = widget_find(rest, (int)(slash - rest));
    if (!w)
        missing(req);
    else if (!may_enter(req, w))
        return;
    else if (req_is_post(req))
        take_request(req, w);
    else
        show_part(req, w, *slash ? slash + 1 : "");
}

/* --- what pages fetch ------------------------------------------------------------------------- */

static void suggest_cities(struct site_request *req)
{
    static const char *const cities[][2] = {
        {"aldous", "Port Aldous"}, {"alderney", "Port Alderney"}, {"alder", "Port Alder"},
        {"brume", "Brume Point"},  {"ravens", "Ravensey"},        {"port", "Portmoor"},
        {"lark", "Larkfield"},     {"sallow", "Sallowmere"},      {"tern", "Ternhaven"}};
    const char *q = req_arg(req, "q", "");
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(cities) && *q; i++)
        if (str_contains_fold(cities[i][1], q))
            json_push(list, json_pack("{s:s,s:s}", "id", cities[i][0], "name", cities[i][1]));
    req_reply_json(req, 200, list);
    req_delay(req, desk(req)->delay_ms);
}

static void more_parcels(struct site_request *req)
{
    static const char *const names[] = {"I. Holm",   "T. Adeyemi", "P. Lindqvist", "S. Okafor",
                                        "I. Duarte", "R. Brandt",  "M. Castel"};
    int64_t from = req_arg_int(req, "from", 0, PARCELS, 0);
    json_t *list = json_array();
    for (int64_t i = from; i < from + PARCELS_PART && i < PARCELS; i++) {
        int64_t number = PARCEL - desk(req)->parcel_pos + i;
        json_push(list, json_pack("{s:I,s:s,s:I}", "number", (json_int_t)number, "name",
                                  names[(size_t)number % ARRAY_SIZE(names)], "shelf",
                                  (json_int_t)(number % 14 + 1)));
    }
    req_reply_json(req, 200, list);
    req_delay(req, desk(req)->delay_ms);
}

static void note_fetch(struct site_request *req, const char *id)
{
    desk(req)->outcomes[widget_find(id, (int)strlen(id)) - widgets].fetched++;
    site_log(req_site(req), "file", req_path(req), NULL);
}

static void give_form(struct site_request *req)
{
    note_fetch(req, "download");
    req_reply(req, 200, "text/csv; charset=utf-8", widget_inspection_form,
              strlen(widget_inspection_form));
    req_add_header(req, "Content-Disposition", "attachment; filename=\"inspection-form.csv\"");
}

static void give_attendance(struct site_request *req)
{
    static const char csv[] = "day,people\r\n2026-09-14,41\r\n2026-09-15,38\r\n2026-09-16,44\r\n";
    note_fetch(req, "download_blob");
    req_reply(req, 200, "text/plain; charset=utf-8", csv, sizeof(csv) - 1);
    req_delay(req, desk(req)->delay_ms);
}

/* --- truth ------------------------------------------------------------------------------------ */

static void complain(json_t *reasons, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void complain(json_t *reasons, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    json_push(reasons, json_string_safe(text));
}

static void check_field(const struct outcome *o, const char *name, const char *want,
                        json_t *reasons)
{
    struct pool *pool = pool_create(NULL);
    const char *got = json_str(o->fields, name, NULL);
    if (!got)
        complain(reasons, "%s is missing, wanted '%s'", name, want);
    else if (strcmp(str_squash(pool, got), want) != 0)
        complain(reasons, "%s is '%.200s', wanted '%s'", name, got, want);
    pool_destroy(pool);
}

static void check_file(const struct outcome *o, json_t *reasons)
{
    char hash[ID_SHA256_HEX_BYTES];
    id_sha256_hex(widget_inspection_form, strlen(widget_inspection_form), hash);
    check_field(o, "report_sha256", hash, reasons);
}

static bool grade(struct site *site, const char *task_id, json_t *reasons, json_t *diff)
{
    struct desk *d = site_state(site);
    const struct widget *w = widget_find(task_id, (int)strlen(task_id));
    const struct outcome *o = &d->outcomes[w - widgets];
    json_put(diff, "fields", json_deep_copy(o->fields));
    json_put_int(diff, "requests", o->requests);
    json_put_int(diff, "fetched", o->fetched);
    if (w->fetched && !o->fetched)
        complain(reasons, "the file was never fetched");
    else if (!w->fetched && !o->requests)
        complain(reasons, "no request was sent");
    else if (o->requests > 1)
        complain(reasons, "the request was sent %d times", o->requests);
    for (int i = 0; i < WIDGET_MAX_WANTS && w->wants[i].name && o->requests; i++)
        check_field(o, w->wants[i].name, w->wants[i].value, reasons);
    if (w->file && o->requests)
        check_file(o, reasons);
    return json_array_size(reasons) == 0;
}

/* clang-format off */
#define TASK(id) {#id, NULL, NULL}
static const struct site_task tasks[] = {
    TASK(date_native), TASK(date_custom), TASK(autocomplete), TASK(select_native), TASK(select_multi),
    TASK(select_listbox), TASK(select_typeahead), TASK(select_portal), TASK(slider_native), TASK(slider_div),
    TASK(editor), TASK(toggles), TASK(masked), TASK(otp_boxes), TASK(infinite), TASK(virtual), TASK(nested),
    TASK(frame_same), TASK(frame_other), TASK(shadow_open), TASK(shadow_closed), TASK(upload), TASK(download),
    TASK(download_blob), TASK(new_tab), TASK(popup), TASK(alert), TASK(confirm), TASK(prompt), TASK(basic_auth),
    TASK(drag_list), TASK(drag_board), TASK(dblclick), TASK(context_menu), TASK(hover_menu), TASK(shortcut),
    TASK(wizard), TASK(tooltip), TASK(canvas), TASK(booking), TASK(cell_focus), {NULL, NULL, NULL},
};
/* clang-format on */

static const struct site_route routes[] = {
    {SITE_GET, "/", show_index},
    {SITE_GET, "/w/api/cities", suggest_cities},
    {SITE_GET, "/w/api/parcels", more_parcels},
    {SITE_GET, "/w/files/inspection-form.csv", give_form},
    {SITE_GET, "/w/api/attendance", give_attendance},
    {SITE_GET | SITE_POST, "/w/*", show_widget},
    {0, NULL, NULL},
};

const struct site_kind site_widgets = {
    .name = "widgets",
    .about = "a service desk with one page per widget that is hard to use",
    .routes = routes,
    .tasks = tasks,
    .create = create,
    .missing = missing,
    .grade = grade,
};
