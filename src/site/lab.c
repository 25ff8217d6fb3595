/*
 * lab - one page per thing that makes a page hard to drive. Every page says in its title and text
 * what it does, takes its numbers from the address (?ms=300), and is listed at /lab/.
 */
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "site/kind.h"

struct lab {
    json_t *form; /* what /lab/form got last, empty before */
    int answers;  /* late answers that were asked for */
};

static void *lab_create(struct pool *pool, int64_t seed)
{
    struct lab *lab = pool_alloc(pool, sizeof(*lab));
    lab->form = json_keep(pool, json_object());
    return lab;
}

/* --- pages that are only a template -------------------------------------------------------- */

struct lab_page {
    const char *path, *name; /* name of the template */
    const char *about;       /* NULL: a part of another page, not listed */
    const char *defaults;    /* what its numbers are when the address does not say: "ms=0&n=50" */
};

/* clang-format off */
static const struct lab_page pages[] = {
    {"/lab/click", "click", "a button whose effect comes late: effect=now|timer|fetch|nav, ms=, animate=0|1", "effect=now&ms=0&animate=0"},
    {"/lab/type", "type", "fields that show what was typed into them", ""},
    {"/lab/form", "form", "a form with labels of every kind; posts to itself", ""},
    {"/lab/scroll", "scroll", "a long page of numbered items: n=", "n=200"},
    {"/lab/infinite", "infinite", "a list that loads more at its end: n=, ms=", "n=100&ms=100"},
    {"/lab/inner", "inner", "a page that does not scroll around a pane that does", ""},
    {"/lab/table", "table", "a table of measurements", ""},
    {"/lab/iframe", "iframe", "buttons in a frame, and in a frame of that frame", ""},
    {"/lab/frame/inner", "frame_inner", NULL, ""},
    {"/lab/frame/deep", "frame_deep", NULL, ""},
    {"/lab/shadow", "shadow", "a button and a field inside open shadow roots", ""},
    {"/lab/overlay", "overlay", "a dialog that covers the button", ""},
    {"/lab/newtab", "newtab", "links that open in a new tab", ""},
    {"/lab/other", "other", NULL, ""},
    {"/lab/dialogs", "dialogs", "alert, confirm and prompt, n= times: on=load|click|both, beforeunload=0|1", "n=50&on=both&beforeunload=0"},
    {"/lab/popups", "popups", "n= windows, of which Chromium lets one per click through: on=load|click|both", "n=50&on=both"},
    {"/lab/spin", "spin", "a main thread that is busy for ms=: on=load|click", "ms=3000&on=click"},
    {"/lab/blocked", "blocked", "a page that says it checks the visitor first", ""},
    {"/lab/download", "download", "a link to a file", ""},
    {"/elsewhere/", "elsewhere", NULL, ""},
};
/* clang-format on */

static const char *const special[][2] = {
    {"/lab/slow?ms=2000", "the whole page comes after ms="},
    {"/lab/hang", "half a page, then nothing more"},
    {"/lab/never", "no answer at all"},
    {"/lab/drift", "sends you somewhere else: to=path|host|loop"},
    {"/lab/status/404", "not there; also 500, 503 and other numbers"},
    {"/lab/answer?ms=300", "what /lab/click?effect=nav goes to"},
};

static json_t *string_or_number(const char *s)
{
    char *end;
    long long v = strtoll(s, &end, 10);
    return *s && !*end ? json_integer(v) : json_string_safe(s);
}

/* "a=1&b=x" into view; ours, so without escapes. */
static void put_defaults(struct pool *pool, json_t *view, const char *defaults)
{
    char *save = NULL;
    for (char *pair = strtok_r(pool_strdup(pool, defaults), "&", &save); pair;
         pair = strtok_r(NULL, "&", &save)) {
        char *eq = strchr(pair, '=');
        *eq = 0;
        json_put(view, pair, string_or_number(eq + 1));
    }
}

/* Arguments that the page has defaults for; where the default is a number, only numbers count. */
static json_t *page_view(struct site_request *req, const char *defaults)
{
    json_t *view = json_keep(req_pool(req), json_object()), *value;
    const char *key;
    put_defaults(req_pool(req), view, defaults);
    json_object_foreach (view, key, value) {
        const char *given = req_arg(req, key, NULL);
        if (given && json_is_integer(value))
            json_integer_set(
                value, req_arg_int(req, key, 0, CAP_SITE_DELAY_MS, json_integer_value(value)));
        else if (given)
            json_string_set(value, given);
    }
    return view;
}

static json_t *numbered(int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 1; i <= n && i <= 5000; i++)
        json_push(list, json_integer(i));
    return list;
}

static void show_page(struct site_request *req)
{
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        if (strcmp(pages[i].path, req_path(req)) != 0)
            continue;
        json_t *view = page_view(req, pages[i].defaults);
        if (strcmp(pages[i].name, "scroll") == 0)
            json_put(view, "items", numbered(json_int(view, "n", 0)));
        req_reply_page(req, 200, pages[i].name, view);
        return;
    }
    req_reply_page(req, 404, "missing", page_view(req, ""));
}

static void show_index(struct site_request *req)
{
    json_t *view = json_keep(req_pool(req), json_object()), *list = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
        if (pages[i].about)
            json_push(list, json_pack("{s:s,s:s}", "path", pages[i].path, "about", pages[i].about));
    for (size_t i = 0; i < ARRAY_SIZE(special); i++)
        json_push(list, json_pack("{s:s,s:s}", "path", special[i][0], "about", special[i][1]));
    json_put(view, "pages", list);
    req_reply_page(req, 200, "index", view);
}

static void go_to_index(struct site_request *req)
{
    req_redirect(req, "/lab/");
}

/* --- late answers -------------------------------------------------------------------------- */

static int64_t wanted_ms(struct site_request *req, int64_t def)
{
    return req_arg_int(req, "ms", 0, CAP_SITE_DELAY_MS, def);
}

static void late_json(struct site_request *req)
{
    struct lab *lab = site_state(req_site(req));
    lab->answers++;
    site_log(req_site(req), "answer", req_path(req), NULL);
    req_reply_json(req, 200, json_pack("{s:b}", "ok", 1));
    req_delay(req, wanted_ms(req, 0));
}

static void late_page(struct site_request *req)
{
    json_t *view = page_view(req, "ms=0");
    req_reply_page(req, 200, "answer", view);
    req_delay(req, wanted_ms(req, 0));
}

static void slow(struct site_request *req)
{
    req_reply_page(req, 200, "slow", page_view(req, "ms=2000"));
    req_delay(req, wanted_ms(req, 2000));
}

/* Another part of the endless list: [{"n":21},...], empty when it is over. */
static void more_items(struct site_request *req)
{
    int64_t from = req_arg_int(req, "from", 1, 5000, 1), n = req_arg_int(req, "n", 0, 5000, 100);
    json_t *list = json_array();
    for (int64_t i = from; i < from + 20 && i <= n; i++)
        json_push(list, json_pack("{s:I,s:s}", "n", (json_int_t)i, "title",
                                  pool_printf(req_pool(req), "Entry number %lld", (long long)i)));
    req_reply_json(req, 200, list);
    req_delay(req, wanted_ms(req, 0));
}

static void hang(struct site_request *req)
{
    static const char half[] =
        "<!doctype html><html lang=\"en\"><head><title>Half a page</title></head><body>"
        "<h1>Half a page</h1><p>The rest of this page never comes.</p>";
    req_reply_unfinished(req, "text/html; charset=utf-8", half, sizeof(half) - 1);
}

/* --- wrong turns --------------------------------------------------------------------------- */

static void status(struct site_request *req)
{
    int code = atoi(req_rest(req));
    static const struct {
        int code;
        const char *title;
    } titles[] = {{404, "Page not found"}, {500, "Server error"}, {503, "Service unavailable"}};
    json_t *view = page_view(req, "");
    if (code < 400 || code > 599)
        code = 404;
    json_put_int(view, "code", code);
    json_put_str(view, "title", "Error");
    for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
        if (titles[i].code == code)
            json_put_str(view, "title", titles[i].title);
    req_reply_page(req, code, "status", view);
}

/* A path that no drift check accepts, another host name for this server, or a circle. */
static void drift(struct site_request *req)
{
    const char *to = req_arg(req, "to", "path"), *port = strrchr(site_url(req_site(req)), ':');
    if (strcmp(to, "host") == 0)
        req_redirect(req, pool_printf(req_pool(req), "http://localhost%s/elsewhere/", port));
    else if (strcmp(to, "loop") == 0)
        req_redirect(req, "/lab/drift?to=loop");
    else
        req_redirect(req, "/elsewhere/");
}

static void file_to_keep(struct site_request *req)
{
    static const char csv[] = "tide,height_m\r\nlow,0.4\r\nhigh,3.1\r\n";
    req_reply(req, 200, "text/csv; charset=utf-8", csv, sizeof(csv) - 1);
    req_add_header(req, "Content-Disposition", "attachment; filename=\"tides.csv\"");
}

static void missing(struct site_request *req)
{
    req_reply_page(req, 404, "missing", page_view(req, ""));
}

/* --- the form ------------------------------------------------------------------------------ */

static void take_form(struct site_request *req)
{
    struct lab *lab = site_state(req_site(req));
    json_t *view = page_view(req, ""), *list = json_array(), *value;
    const char *key;
    json_object_foreach ((json_t *)req_form(req), key, value)
        json_push(list, json_pack("{s:s,s:O}", "name", key, "value", value));
    json_put(view, "fields", list);
    json_object_clear(lab->form);
    json_object_update(lab->form, (json_t *)req_form(req));
    site_log(req_site(req), "form", req_path(req), json_deep_copy(lab->form));
    req_reply_page(req, 200, "form_done", view);
}

static bool grade_form(struct site *site, json_t *reasons, json_t *diff)
{
    struct lab *lab = site_state(site);
    json_put(diff, "form", json_deep_copy(lab->form));
    if (!json_object_size(lab->form))
        json_push(reasons, json_string("the form was not submitted"));
    else if (!*json_str(lab->form, "full_name", ""))
        json_push(reasons, json_string("the form was submitted without a full name"));
    return json_array_size(reasons) == 0;
}

static bool grade_answer(struct site *site, json_t *reasons, json_t *diff)
{
    struct lab *lab = site_state(site);
    json_put_int(diff, "answers", lab->answers);
    if (!lab->answers)
        json_push(reasons, json_string("nothing asked for an answer"));
    return lab->answers > 0;
}

static const struct site_task tasks[] = {
    {"form", grade_form, NULL},
    {"click_fetch", grade_answer, NULL},
    {NULL, NULL, NULL},
};

static const struct site_route routes[] = {
    {SITE_GET, "/", go_to_index},
    {SITE_GET, "/lab", go_to_index},
    {SITE_GET, "/lab/", show_index},
    {SITE_GET, "/lab/api/answer", late_json},
    {SITE_GET, "/lab/api/items", more_items},
    {SITE_GET, "/lab/answer", late_page},
    {SITE_GET, "/lab/slow", slow},
    {SITE_GET, "/lab/hang", hang},
    {SITE_GET | SITE_POST, "/lab/never", req_never},
    {SITE_GET, "/lab/drift", drift},
    {SITE_GET, "/lab/status/*", status},
    {SITE_GET, "/lab/files/tides.csv", file_to_keep},
    {SITE_POST, "/lab/form", take_form},
    {SITE_GET, "/lab/*", show_page},
    {SITE_GET, "/elsewhere/", show_page},
    {0, NULL, NULL},
};

const struct site_kind site_lab = {
    .name = "lab",
    .about = "one page per thing that makes a page hard to drive",
    .routes = routes,
    .tasks = tasks,
    .create = lab_create,
    .missing = missing,
};
