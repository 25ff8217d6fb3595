/*
 * flaky - "Brackwater Permits": a town office whose one form is reached on sixteen roads, each bad
 * in another way. The form is always the same; what is in between is not.
 *
 * Trouble is counted per task, not per visitor, and comes from the seed: the same visits in the
 * same order meet the same trouble. A request that was refused was not accepted: only accepted ones
 * count.
 */
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "site/kind.h"
#include "site/random.h"

#define APPLICANT   "Iris Holm"
#define STREET      "14 Quay Lane"
#define PERMIT      7319
#define PERMITS     90
#define PERMIT_PART 15
#define USER        "iris"
#define PASSWORD    "quay-lane-14"

struct road {
    int visits, posts, accepted;
    json_t *fields; /* of the last accepted request */
};

struct office {
    char pass[16];         /* what the cookie of a checked visitor says */
    int errors;            /* answers that fail before one works */
    int slow_ms, wait_ms;  /* of slow pages; of the check of the visitor */
    int lost, hops, jumps; /* forms emptied; redirects; moves of the button */
    int variant;           /* of the first layout */
    int permit_pos;
    int posts_left;          /* forms until the session ends; it ends once */
    int session, n_sessions; /* session: number of the one that is signed in, 0: none */
    int n_fetches;
    struct road *roads;
};

typedef void road_fn(struct site_request *req, struct road *road, const char *part);

struct road_kind {
    const char *id, *title, *about;
    road_fn *show, *take; /* NULL: the form; accept it */
    const char *page;     /* template of the form, NULL: "form" */
};

static road_fn show_errors, take_errors, show_slow, take_slow, show_challenge, show_session,
    take_session, show_double, take_double, show_ad, show_redirects, show_loop, take_lost,
    show_stale, take_stale, show_hanging;

/* clang-format off */
static const struct road_kind roads[] = {
    {"errors", "Stall permit", "Answers 502 and 503 before it works, for pages and for the form.", show_errors, take_errors, NULL},
    {"slow", "Skip permit", "Every answer takes seconds.", show_slow, take_slow, NULL},
    {"challenge", "Fishing permit", "The browser is checked first; waiting is enough.", show_challenge, NULL, NULL},
    {"challenge_click", "Net permit", "The browser is checked first; a box wants to be ticked.", show_challenge, NULL, NULL},
    {"session", "Mooring permit", "Two pages behind a sign-in, which ends between them.", show_session, take_session, NULL},
    {"layout", "Parking permit", "Looks different at each visit.", NULL, NULL, "layout"},
    {"consent", "Fire permit", "A consent banner lies over the page, late.", NULL, NULL, "consent"},
    {"endless", "Renewals", "A list that loads more, and sometimes cannot.", NULL, NULL, "endless"},
    {"moving", "Busking permit", "The page slides and the button jumps.", NULL, NULL, "moving"},
    {"double_submit", "Tree permit", "The button works for seconds and may be pressed again.", show_double, take_double, NULL},
    {"interstitial", "Café permit", "An advert stands before the page.", show_ad, NULL, NULL},
    {"redirects", "Bonfire permit", "Several redirects lie before the page.", show_redirects, NULL, NULL},
    {"redirect_loop", "Boat permit", "Redirects in a circle until a language is chosen at /f/languages.", show_loop, NULL, NULL},
    {"lost_values", "Fence permit", "The form comes back empty, with an error that is not the visitor's.", NULL, take_lost, NULL},
    {"stale_form", "Sign permit", "The first form has expired before it is sent.", show_stale, take_stale, NULL},
    {"hanging", "Event permit", "The page never finishes loading, but works.", show_hanging, NULL, NULL},
};
/* clang-format on */

static void *create(struct pool *pool, int64_t seed)
{
    struct site_random rnd = {(uint64_t)seed};
    struct office *o = pool_alloc(pool, sizeof(*o));
    *o = (struct office){.errors = 1 + site_random_below(&rnd, 2),
                         .slow_ms = 2500 + site_random_below(&rnd, 2500),
                         .wait_ms = 1500 + site_random_below(&rnd, 1500),
                         .lost = 1 + site_random_below(&rnd, 2),
                         .hops = 3 + site_random_below(&rnd, 4),
                         .jumps = 1 + site_random_below(&rnd, 2),
                         .variant = site_random_below(&rnd, 4),
                         .permit_pos = 45 + site_random_below(&rnd, 30),
                         .posts_left = 1 + site_random_below(&rnd, 2)};
    snprintf(o->pass, sizeof(o->pass), "c%06x", (unsigned)site_random_below(&rnd, 0xFFFFFF));
    o->roads = pool_alloc(pool, sizeof(*o->roads) * ARRAY_SIZE(roads));
    for (size_t i = 0; i < ARRAY_SIZE(roads); i++)
        o->roads[i] = (struct road){.fields = json_keep(pool, json_object())};
    return o;
}

static struct office *office(const struct site_request *req)
{
    return site_state(req_site(req));
}

static const struct road_kind *kind_of(struct site_request *req, const struct road *road)
{
    return &roads[road - office(req)->roads];
}

static const struct road_kind *find_road(const char *id, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(roads); i++)
        if (strncmp(roads[i].id, id, len) == 0 && !roads[i].id[len])
            return &roads[i];
    return NULL;
}

/* --- pages ---------------------------------------------------------------------------------- */

static json_t *base_view(struct site_request *req, const char *title)
{
    json_t *view = json_keep(req_pool(req), json_object());
    json_put_str(view, "title", title);
    json_put_str(view, "pass", office(req)->pass);
    json_put_int(view, "wait", office(req)->wait_ms);
    return view;
}

static json_t *road_view(struct site_request *req, const struct road *road)
{
    const struct road_kind *kind = kind_of(req, road);
    json_t *view = base_view(req, kind->title);
    int variant = (office(req)->variant + road->visits) % 4;
    json_put_str(view, "id", kind->id);
    json_put_int(view, "jumps", office(req)->jumps);
    json_put_bool(view, "turned", variant & 1);
    json_put_str(view, "n", pool_printf(req_pool(req), "%x", (unsigned)(variant * 7919 + 4099)));
    static const char *const words[4][3] = {{"Applicant", "Street and number", "Send application"},
                                            {"Your name", "Address", "Apply now"},
                                            {"Full name", "Street", "Submit"},
                                            {"Name of the applicant", "Where you live", "Send"}};
    json_put_str(view, "name_word", words[variant][0]);
    json_put_str(view, "street_word", words[variant][1]);
    json_put_str(view, "send_word", words[variant][2]);
    return view;
}

static void reply_form(struct site_request *req, const struct road *road, const char *problem,
                       int status)
{
    const struct road_kind *kind = kind_of(req, road);
    json_t *view = road_view(req, road);
    json_put_str(view, "problem", problem);
    req_reply_page(req, status, kind->page ? kind->page : "form", view);
}

static void reply_note(struct site_request *req, int status, const char *title, const char *text)
{
    json_t *view = base_view(req, title);
    json_put_str(view, "text", text);
    req_reply_page(req, status, "note", view);
}

static void missing(struct site_request *req)
{
    reply_note(req, 404, "Page not found", "There is nothing at this address.");
}

static void accept_form(struct site_request *req, struct road *road)
{
    json_t *value;
    const char *key;
    json_object_clear(road->fields);
    json_object_foreach ((json_t *)req_form(req), key, value)
        json_put_str(road->fields, key,
                     str_cut(req_pool(req), json_string_value(value), CAP_SITE_FIELD_BYTES));
    road->accepted++;
    site_log(req_site(req), "accept", req_path(req), json_deep_copy(road->fields));
    req_redirect(req, pool_printf(req_pool(req), "/f/%s/done", kind_of(req, road)->id));
}

static void show_done(struct site_request *req, const struct road *road)
{
    reply_note(req, 200, "Application received",
               road->accepted
                   ? pool_printf(req_pool(req),
                                 "Thank you. We have your application; its number is BW-%d.",
                                 1000 + road->accepted)
                   : "We have no application of yours.");
}

/* --- the roads ------------------------------------------------------------------------------ */

static void show_errors(struct site_request *req, struct road *road, const char *part)
{
    if (road->visits <= office(req)->errors)
        reply_note(req, 503, "Service unavailable", "The service is busy. Please try again later.");
    else
        reply_form(req, road, "", 200);
}

static void take_errors(struct site_request *req, struct road *road, const char *part)
{
    if (road->posts <= office(req)->errors)
        reply_note(req, 502, "Bad gateway", "Nothing was saved. Please send the form again.");
    else
        accept_form(req, road);
}

static void show_slow(struct site_request *req, struct road *road, const char *part)
{
    reply_form(req, road, "", 200);
    req_delay(req, office(req)->slow_ms);
}

static void take_slow(struct site_request *req, struct road *road, const char *part)
{
    accept_form(req, road);
    req_delay(req, office(req)->slow_ms + 1000);
}

static void show_challenge(struct site_request *req, struct road *road, const char *part)
{
    const char *cookie = req_cookie(req, "clearance");
    json_t *view = base_view(req, "Just a moment...");
    if (cookie && strcmp(cookie, office(req)->pass) == 0) {
        reply_form(req, road, "", 200);
        return;
    }
    json_put_bool(view, "click", strcmp(kind_of(req, road)->id, "challenge_click") == 0);
    req_reply_page(req, 403, "challenge", view);
}

static bool signed_in(struct site_request *req)
{
    const char *cookie = req_cookie(req, "sid");
    return office(req)->session && cookie && atoi(cookie) == office(req)->session;
}

static void show_session(struct site_request *req, struct road *road, const char *part)
{
    json_t *view = road_view(req, road);
    json_put_bool(view, "expired", office(req)->posts_left == 0);
    req_reply_page(req, 200, signed_in(req) ? "session" : "login", view);
}

static void sign_in(struct site_request *req)
{
    struct office *o = office(req);
    bool right = strcmp(req_arg(req, "user", ""), USER) == 0 &&
                 strcmp(req_arg(req, "password", ""), PASSWORD) == 0;
    if (right)
        o->session = ++o->n_sessions;
    req_redirect(req, "/f/session");
    if (right)
        req_add_header(req, "Set-Cookie",
                       pool_printf(req_pool(req), "sid=%d; Path=/; HttpOnly", o->session));
}

/* It ends once, with a form on the way; what was in it is lost. */
static bool session_ends(struct site_request *req)
{
    struct office *o = office(req);
    if (o->posts_left == 0 || --o->posts_left > 0)
        return false;
    o->session = 0;
    site_log(req_site(req), "expire", req_path(req), NULL);
    return true;
}

static void take_session(struct site_request *req, struct road *road, const char *part)
{
    if (strcmp(part, "login") == 0) {
        sign_in(req);
    } else if (!signed_in(req) || session_ends(req)) {
        req_redirect(req, "/f/session");
    } else if (strcmp(part, "address") == 0) {
        accept_form(req, road);
    } else {
        json_t *view = road_view(req, road);
        json_put_bool(view, "second", true);
        json_put_str(view, "applicant", req_arg(req, "applicant", ""));
        req_reply_page(req, 200, "session", view);
    }
}

static void show_double(struct site_request *req, struct road *road, const char *part)
{
    json_t *view = road_view(req, road);
    json_put_bool(view, "fetch", true);
    req_reply_page(req, 200, "form", view);
}

static void take_double(struct site_request *req, struct road *road, const char *part)
{
    accept_form(req, road);
    req_delay(req, office(req)->slow_ms);
}

static void show_ad(struct site_request *req, struct road *road, const char *part)
{
    if (req_cookie(req, "advert"))
        reply_form(req, road, "", 200);
    else
        req_reply_page(req, 200, "advert", base_view(req, "Advertisement"));
}

static void show_redirects(struct site_request *req, struct road *road, const char *part)
{
    int hop = (int)req_arg_int(req, "hop", 0, 100, 0);
    if (hop >= office(req)->hops)
        reply_form(req, road, "", 200);
    else
        req_redirect(req, pool_printf(req_pool(req), "/f/redirects?hop=%d", hop + 1));
}

static void show_loop(struct site_request *req, struct road *road, const char *part)
{
    if (req_cookie(req, "language"))
        reply_form(req, road, "", 200);
    else
        req_redirect(req, *part ? "/f/redirect_loop" : "/f/redirect_loop/start");
}

static void take_lost(struct site_request *req, struct road *road, const char *part)
{
    if (road->posts <= office(req)->lost)
        reply_form(req, road, "The fee could not be worked out. Please fill in the form again.",
                   422);
    else
        accept_form(req, road);
}

static void show_stale(struct site_request *req, struct road *road, const char *part)
{
    json_t *view = road_view(req, road);
    json_put_str(view, "token", pool_printf(req_pool(req), "t%d", road->visits));
    req_reply_page(req, 200, "form", view);
}

static void take_stale(struct site_request *req, struct road *road, const char *part)
{
    if (atoi(req_arg(req, "token", "t1") + 1) <= 1)
        reply_note(req, 403, "Form expired",
                   "This form was open for too long. Nothing was saved. Please load it again.");
    else
        accept_form(req, road);
}

static void show_hanging(struct site_request *req, struct road *road, const char *part)
{
    json_t *view = road_view(req, road);
    json_put_bool(view, "hang", true);
    req_reply_page(req, 200, "form", view);
}

/* --- routes --------------------------------------------------------------------------------- */

static void walk(struct site_request *req)
{
    const char *rest = req_rest(req), *slash = strchrnul(rest, '/'),
               *part = *slash ? slash + 1 : "";
    const struct road_kind *kind = find_road(rest, (size_t)(slash - rest));
    if (!kind) {
        missing(req);
        return;
    }
    struct road *road = &office(req)->roads[kind - roads];
    if (req_is_post(req)) {
        road->posts++;
        if (kind->take)
            kind->take(req, road, part);
        else
            accept_form(req, road);
    } else if (strcmp(part, "done") == 0) {
        show_done(req, road);
    } else {
        road->visits++;
        if (kind->show)
            kind->show(req, road, part);
        else
            reply_form(req, road, "", 200);
    }
}

static void show_index(struct site_request *req)
{
    json_t *view = base_view(req, "Permits"), *list = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(roads); i++)
        json_push(list, json_pack("{s:s,s:s,s:s}", "id", roads[i].id, "title", roads[i].title,
                                  "about", roads[i].about));
    json_put(view, "roads", list);
    req_reply_page(req, 200, "index", view);
}

static void show_languages(struct site_request *req)
{
    req_reply_page(req, 200, "languages", base_view(req, "Languages"));
}

/* A part of the list; two of three first tries fail. */
static void more_permits(struct site_request *req)
{
    struct office *o = office(req);
    int64_t from = req_arg_int(req, "from", 0, PERMITS, 0);
    json_t *list = json_array();
    if (++o->n_fetches % 3 != (o->errors & 1)) {
        json_decref(list);
        req_reply_json(req, 500, json_pack("{s:s}", "detail", "the list could not be read"));
        req_delay(req, 150);
        return;
    }
    for (int64_t i = from; i < from + PERMIT_PART && i < PERMITS; i++)
        json_push(list, json_integer(PERMIT - o->permit_pos + i));
    req_reply_json(req, 200, list);
    req_delay(req, 150);
}

/* --- truth ---------------------------------------------------------------------------------- */

static void check(const struct road *road, const char *name, const char *want, json_t *reasons)
{
    char text[256];
    struct pool *pool = pool_create(NULL);
    const char *got = str_squash(pool, json_str(road->fields, name, ""));
    if (strcmp(got, want) != 0) {
        snprintf(text, sizeof(text), "%s is '%.100s', wanted '%s'", name, got, want);
        json_push(reasons, json_string_safe(text));
    }
    pool_destroy(pool);
}

static bool grade(struct site *site, const char *task_id, json_t *reasons, json_t *diff)
{
    const struct office *o = site_state(site);
    const struct road *road = &o->roads[find_road(task_id, strlen(task_id)) - roads];
    json_put(diff, "fields", json_deep_copy(road->fields));
    json_put_int(diff, "visits", road->visits);
    json_put_int(diff, "posts", road->posts);
    json_put_int(diff, "accepted", road->accepted);
    if (road->accepted != 1)
        json_push(reasons, json_string(road->accepted ? "more than one application was accepted"
                                                      : "no application was accepted"));
    else if (strcmp(task_id, "endless") == 0)
        check(road, "permit", "7319", reasons);
    else {
        check(road, "applicant", APPLICANT, reasons);
        check(road, "street", STREET, reasons);
    }
    return json_array_size(reasons) == 0;
}

/* clang-format off */
static const struct site_task tasks[] = {
    {"errors", NULL, NULL}, {"slow", NULL, NULL}, {"challenge", NULL, NULL}, {"challenge_click", NULL, NULL},
    {"session", NULL, NULL}, {"layout", NULL, NULL}, {"consent", NULL, NULL}, {"endless", NULL, NULL},
    {"moving", NULL, NULL}, {"double_submit", NULL, NULL}, {"interstitial", NULL, NULL}, {"redirects", NULL, NULL},
    {"redirect_loop", NULL, NULL}, {"lost_values", NULL, NULL}, {"stale_form", NULL, NULL}, {"hanging", NULL, NULL},
    {NULL, NULL, NULL},
};
/* clang-format on */

static const struct site_route routes[] = {
    {SITE_GET, "/", show_index},
    {SITE_GET, "/f/languages", show_languages},
    {SITE_GET, "/f/api/permits", more_permits},
    {SITE_GET, "/f/api/never.png", req_never},
    {SITE_GET | SITE_POST, "/f/*", walk},
    {0, NULL, NULL},
};

const struct site_kind site_flaky = {
    .name = "flaky",
    .about = "a town office whose form is reached on sixteen bad roads",
    .routes = routes,
    .tasks = tasks,
    .create = create,
    .missing = missing,
    .grade = grade,
};
