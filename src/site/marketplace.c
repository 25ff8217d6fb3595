/*
 * marketplace - "Harborlist", used boats from private sellers and dealers.
 *
 * What makes it like the real thing: results over several pages with an advertisement among them,
 * the seller's phone behind a button that asks the server, similar boats beside the one that is
 * looked at, a cookie banner over the bottom of the first page, prices and phones written as each
 * seller likes, a listing that is gone and one without a phone.
 */
#include "site/marketplace.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "site/kind.h"

#define PHONE_DELAY_MS 180 /* long enough to be missed by a glance right after the click */
#define SEARCH_TEXT    "sailboat"

static void *create(struct pool *pool, int64_t seed)
{
    return market_create(pool, seed);
}

static struct market *market(const struct site_request *req)
{
    return site_state(req_site(req));
}

/* --- views: what the templates get ---------------------------------------------------------- */

static json_t *base_view(struct site_request *req)
{
    json_t *view = json_keep(req_pool(req), json_object());
    json_put_bool(view, "soup", market(req)->soup);
    json_put_bool(view, "banner", req_cookie(req, "consent") == NULL);
    json_put_str(view, "q", "");
    return view;
}

static const char *picture(const struct boat *b)
{
    static const char *const files[][2] = {
        {"Sailboat", "sail"}, {"Cabin cruiser", "cabin"}, {"Pontoon", "pontoon"}};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        if (strcmp(files[i][0], b->category) == 0)
            return files[i][1];
    return "motor";
}

static json_t *boat_view(struct pool *pool, const struct boat *b)
{
    json_t *v = json_object();
    json_put_int(v, "id", b->id);
    json_put_str(v, "path", b->path);
    json_put_str(v, "title", b->title);
    json_put_int(v, "year", b->year);
    json_put_str(v, "make", b->make);
    json_put_str(v, "model", b->model);
    json_put_str(v, "price", b->price);
    json_put_str(v, "old_price", b->old_price);
    json_put_int(v, "price_usd", b->price_usd);
    json_put_int(v, "monthly", b->price_usd / 96 + 4);
    json_put_str(v, "category", b->category);
    json_put_int(v, "length", b->length_ft);
    json_put_str(v, "engine", b->engine);
    json_put_int(v, "hours", b->hours);
    json_put_str(v, "fuel", b->fuel);
    json_put_str(v, "hull", b->hull);
    json_put_str(v, "condition", b->condition);
    json_put_str(v, "place", pool_printf(pool, "%s, %s", b->city, b->state_code));
    json_put_str(v, "seller", b->seller);
    json_put_bool(v, "dealer", b->dealer);
    json_put_str(v, "dealer_slug", b->dealer_slug);
    json_put_str(v, "about", b->about);
    int days = b->posted / 3 + 1;
    json_put_str(v, "age", pool_printf(pool, "%d %s ago", days, days == 1 ? "day" : "days"));
    json_put_bool(v, "phone", b->phone != NULL);
    json_put_bool(v, "new_tab", b->new_tab);
    json_put_int(v, "hue", b->hue);
    json_put_str(v, "picture", picture(b));
    return v;
}

static json_t *boat_views(struct pool *pool, struct boat *const *list, int n)
{
    json_t *cards = json_array();
    for (int i = 0; i < n; i++)
        json_push(cards, boat_view(pool, list[i]));
    return cards;
}

static json_t *advertisement(void)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:s}", "path", "/dealers/north-channel-marine/?ad=1",
                     "title", "2022 Halvergate Skerry 25", "price", "$58,900", "place",
                     "Brume Point, ME", "seller", "North Channel Marine", "hue", 205, "picture",
                     "cabin");
}

/* --- addresses ------------------------------------------------------------------------------ */

/* /boats/ with the arguments of query that say something, and the page unless it is the first. */
static const char *results_path(struct pool *pool, const struct market_query *query, int page)
{
    const char *number = page > 1 ? pool_printf(pool, "%d", page) : "";
    const char *const args[][2] = {{"q", query->text},      {"seller", query->seller},
                                   {"price", query->price}, {"state", query->state},
                                   {"sort", query->sort},   {"page", number}};
    return site_link(pool, "/boats/", args, ARRAY_SIZE(args));
}

/* --- results -------------------------------------------------------------------------------- */

static struct market_query read_query(struct site_request *req)
{
    struct market_query q = {
        .text = req_arg(req, "q", ""),
        .seller = req_arg(req, "seller", ""),
        .price = req_arg(req, "price", ""),
        .state = req_arg(req, "state", ""),
        .sort = req_arg(req, "sort", ""),
    };
    if (strchr(q.seller, ',') ||
        (strcmp(q.seller, "private") != 0 && strcmp(q.seller, "dealer") != 0))
        q.seller = ""; /* both boxes ticked is no filter */
    return q;
}

static json_t *choices(const char *const list[][2], size_t n, const char *chosen)
{
    json_t *options = json_array();
    for (size_t i = 0; i < n; i++)
        json_push(options, json_pack("{s:s,s:s,s:b}", "value", list[i][0], "label", list[i][1],
                                     "selected", strcmp(list[i][0], chosen) == 0));
    return options;
}

static void put_filters(struct site_request *req, json_t *view, const struct market_query *q)
{
    static const char *const prices[][2] = {{"", "Any price"},
                                            {"0-10000", "Under $10,000"},
                                            {"10000-25000", "$10,000 to $25,000"},
                                            {"25000-50000", "$25,000 to $50,000"},
                                            {"50000-999999", "$50,000 and more"}};
    static const char *const sorts[][2] = {{"", "Newest first"},
                                           {"price", "Price: low to high"},
                                           {"price_down", "Price: high to low"},
                                           {"year_down", "Year: newest"}};
    struct boat *list[MARKET_BOATS];
    struct market_query other = *q;
    json_put(view, "prices", choices(prices, ARRAY_SIZE(prices), q->price));
    json_put(view, "sorts", choices(sorts, ARRAY_SIZE(sorts), q->sort));
    json_put_bool(view, "only_private", strcmp(q->seller, "private") == 0);
    json_put_bool(view, "only_dealer", strcmp(q->seller, "dealer") == 0);
    other.seller = "private";
    json_put_str(view, "n_private",
                 pool_printf(req_pool(req), "%d", market_select(market(req), &other, list)));
    other.seller = "dealer";
    json_put_str(view, "n_dealer",
                 pool_printf(req_pool(req), "%d", market_select(market(req), &other, list)));
    json_put_str(view, "q", q->text);
    json_put_str(view, "state", q->state);
}

static void put_pages(struct site_request *req, json_t *view, const struct market_query *q,
                      int page, int n_pages)
{
    json_t *pages = json_array();
    for (int i = 1; i <= n_pages; i++)
        json_push(pages, json_pack("{s:i,s:s,s:b}", "n", i, "href",
                                   results_path(req_pool(req), q, i), "current", i == page));
    json_put(view, "pages", pages);
    json_put_bool(view, "paged", n_pages > 1);
    if (page > 1)
        json_put_str(view, "previous", results_path(req_pool(req), q, page - 1));
    if (page < n_pages)
        json_put_str(view, "next", results_path(req_pool(req), q, page + 1));
}

static void put_cards(struct site_request *req, json_t *view, struct boat *const *list, int n)
{
    int before = market(req)->soup && n > 1 ? 1 : 0; /* where the advertisement stands */
    json_put(view, "first_cards", boat_views(req_pool(req), list, before));
    json_put(view, "cards", boat_views(req_pool(req), list + before, n - before));
    if (n)
        json_put(view, "ad", advertisement());
}

static void note_search(struct site_request *req, const struct market_query *q, int page)
{
    site_log(req_site(req), "results", req_path(req), json_deep_copy(req_query(req)));
    if (page <= MARKET_SEARCH_PAGES && str_contains_fold(q->text, SEARCH_TEXT) &&
        strcmp(q->seller, "private") == 0)
        market(req)->searched[page - 1] = true;
}

static const char *heading(struct pool *pool, const struct market_query *q)
{
    const char *what = strcmp(q->seller, "private") == 0  ? "Boats from private sellers"
                       : strcmp(q->seller, "dealer") == 0 ? "Boats from dealers"
                                                          : "Used boats";
    return *q->text ? pool_printf(pool, "%s: \"%s\"", what, q->text) : what;
}

static void show_results(struct site_request *req)
{
    struct boat *list[MARKET_BOATS];
    struct market_query q = read_query(req);
    int n = market_select(market(req), &q, list), n_pages = (n + MARKET_PAGE - 1) / MARKET_PAGE;
    int page = (int)req_arg_int(req, "page", 1, n_pages ? n_pages : 1, 1),
        first = (page - 1) * MARKET_PAGE;
    int shown = n - first < MARKET_PAGE ? n - first : MARKET_PAGE;
    json_t *view = base_view(req);
    put_filters(req, view, &q);
    put_pages(req, view, &q, page, n_pages);
    put_cards(req, view, list + first, shown);
    json_put_str(view, "heading", heading(req_pool(req), &q));
    json_put_int(view, "total", n);
    json_put_int(view, "from", first + 1);
    json_put_int(view, "to", first + shown);
    json_put_bool(view, "none", n == 0);
    note_search(req, &q, page);
    req_reply_page(req, 200, "results", view);
}

/* --- one boat ------------------------------------------------------------------------------- */

static void missing(struct site_request *req)
{
    req_reply_page(req, 404, "missing", base_view(req));
}

static int similar(struct market *m, const struct boat *to, struct boat **list, int max)
{
    int n = 0;
    for (int i = 0; i < MARKET_BOATS && n < max; i++) {
        struct boat *b = &m->boats[(to->posted + 1 + i) % MARKET_BOATS];
        if (b != to && !b->gone && strcmp(b->category, to->category) == 0)
            list[n++] = b;
    }
    return n;
}

static const char *json_ld(struct site_request *req, const struct boat *b)
{
    json_t *ld =
        json_keep(req_pool(req),
                  json_pack("{s:s,s:s,s:s,s:{s:s,s:s},s:s,s:s,s:{s:s,s:i,s:s,s:s}}", "@context",
                            "https://schema.org", "@type", "Product", "name", b->title, "brand",
                            "@type", "Brand", "name", b->make, "model", b->model, "productionDate",
                            pool_printf(req_pool(req), "%d", b->year), "offers", "@type", "Offer",
                            "price", b->price_usd, "priceCurrency", "USD", "url",
                            pool_printf(req_pool(req), "%s%s", site_url(req_site(req)), b->path)));
    return json_text(req_pool(req), ld);
}

static void show_boat(struct site_request *req)
{
    struct boat *b = market_find(market(req), atoi(req_rest(req))), *others[4];
    if (!b || b->gone || strcmp(b->path, req_path(req)) != 0) {
        missing(req);
        return;
    }
    json_t *view = base_view(req);
    int n = similar(market(req), b, others, ARRAY_SIZE(others));
    json_put(view, "boat", boat_view(req_pool(req), b));
    json_put(view, "similar", boat_views(req_pool(req), others, n));
    json_put_str(view, "masked",
                 b->phone ? pool_printf(req_pool(req), "%.3s-555-XXXX", b->tel + 2) : "");
    if (b->json_ld)
        json_put_str(view, "json_ld", json_ld(req, b));
    b->seen = true;
    site_log(req_site(req), "view", req_path(req), json_pack("{s:i}", "id", b->id));
    req_reply_page(req, 200, "boat", view);
}

/* /api/boats/<id>/phone */
static void tell_phone(struct site_request *req)
{
    char *end;
    struct boat *b = market_find(market(req), (int)strtol(req_rest(req), &end, 10));
    if (!b || b->gone || !b->phone || strcmp(end, "/phone") != 0) {
        req_reply_json(req, 404, json_pack("{s:s}", "detail", "there is no phone number"));
        return;
    }
    b->revealed = true;
    site_log(req_site(req), "reveal", req_path(req), json_pack("{s:i}", "id", b->id));
    req_reply_json(req, 200, json_pack("{s:s,s:s}", "phone", b->phone, "tel", b->tel));
    req_delay(req, PHONE_DELAY_MS);
}

/* --- the other pages ------------------------------------------------------------------------ */

static void show_home(struct site_request *req)
{
    struct boat *list[MARKET_BOATS];
    struct market_query all = {"", "", "", "", ""};
    json_t *view = base_view(req);
    market_select(market(req), &all, list);
    json_put(view, "cards", boat_views(req_pool(req), list, 4));
    req_reply_page(req, 200, "home", view);
}

static void show_dealer(struct site_request *req)
{
    for (int i = 0; i < market_n_dealers; i++) {
        const struct dealer *d = &market_dealers[i];
        const char *rest =
            str_starts(req_rest(req), d->slug) ? req_rest(req) + strlen(d->slug) : "";
        if (strcmp(rest, "/") != 0)
            continue;
        json_t *view = base_view(req);
        json_put(view, "dealer",
                 json_pack("{s:s,s:s,s:s}", "name", d->name, "city", d->city, "about", d->about));
        site_log(req_site(req), "dealer", req_path(req), json_deep_copy(req_query(req)));
        req_reply_page(req, 200, "dealer", view);
        return;
    }
    missing(req);
}

static void show_text(struct site_request *req)
{
    static const struct {
        const char *path, *title, *text;
    } texts[] = {
        {"/sell/", "Sell your boat",
         "A listing is free for private sellers and stays for ninety days."},
        {"/help/", "Help",
         "Write to a seller from the page of the boat. We never ask for your password."},
        {"/about/", "About Harborlist",
         "Harborlist has brought boats and people together since 2009."},
        {"/loans/", "Boat loans", "Loans are made by partners. Ask your bank first."},
        {"/privacy/", "Privacy",
         "We keep what we need to run this site, and nothing of it is sold."},
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (strcmp(texts[i].path, req_path(req)) != 0)
            continue;
        json_t *view = base_view(req);
        json_put_str(view, "title", texts[i].title);
        json_put_str(view, "text", texts[i].text);
        req_reply_page(req, 200, "text", view);
        return;
    }
    missing(req);
}

static bool looks_like_email(const char *s)
{
    const char *at = strchr(s, '@'), *dot = at ? strchr(at, '.') : NULL;
    return at && at > s && dot && dot > at + 1 && dot[1] && !strpbrk(s, " \t\r\n,;<>");
}

static void sign_up(struct site_request *req)
{
    const char *email = req_arg(req, "email", "");
    json_t *view = base_view(req);
    json_put_str(view, "email", email);
    if (!looks_like_email(email)) {
        req_reply_page(req, 422, "newsletter_bad", view);
        return;
    }
    json_push(market(req)->emails, json_string_safe(email));
    site_log(req_site(req), "newsletter", req_path(req), json_pack("{s:s}", "email", email));
    req_redirect(req, "/newsletter/thanks/");
}

static void show_thanks(struct site_request *req)
{
    req_reply_page(req, 200, "newsletter_done", base_view(req));
}

/* --- truth ---------------------------------------------------------------------------------- */

static json_t *true_row(struct site *site, const struct boat *b)
{
    char year[16], url[512];
    snprintf(year, sizeof(year), "%d", b->year);
    snprintf(url, sizeof(url), "%s%s", site_url(site), b->path);
    json_t *row = json_object();
    json_put_str(row, "year", year);
    json_put_str(row, "make", b->make);
    json_put_str(row, "model", b->model);
    json_put_str(row, "price", b->price);
    json_put_str(row, "phone", b->phone ? b->phone : "");
    json_put_str(row, "url", url);
    return row;
}

static json_t *all_rows(struct site *site)
{
    struct market *m = site_state(site);
    json_t *rows = json_array();
    for (int i = 0; i < MARKET_BOATS; i++) {
        if (m->boats[i].gone)
            continue;
        json_t *row = true_row(site, &m->boats[i]);
        json_put_str(row, "title", m->boats[i].title);
        json_put_str(row, "seller", m->boats[i].seller);
        json_put_str(row, "seller_type", m->boats[i].dealer ? "dealer" : "private");
        json_push(rows, row);
    }
    return rows;
}

/* The boats a careful person would open: the first private ones, newest first. */
static void wanted_leads(struct site *site, struct boat *leads[MARKET_LEADS])
{
    struct boat *list[MARKET_BOATS];
    struct market_query q = {"", "private", "", "", ""};
    market_select(site_state(site), &q, list);
    memcpy(leads, list, MARKET_LEADS * sizeof(leads[0]));
}

static json_t *lead_rows(struct site *site)
{
    struct boat *leads[MARKET_LEADS];
    json_t *rows = json_array();
    wanted_leads(site, leads);
    for (int i = 0; i < MARKET_LEADS; i++)
        json_push(rows, true_row(site, leads[i]));
    return rows;
}

static void complain(json_t *reasons, const char *what, const char *title)
{
    char text[160];
    snprintf(text, sizeof(text), "%s: %s", what, title);
    json_push(reasons, json_string(text));
}

static bool grade_leads(struct site *site, json_t *reasons, json_t *diff)
{
    struct boat *leads[MARKET_LEADS];
    struct market *m = site_state(site);
    json_t *seen = json_array(), *revealed = json_array();
    wanted_leads(site, leads);
    for (int i = 0; i < MARKET_LEADS; i++) {
        if (!leads[i]->seen)
            complain(reasons, "never opened", leads[i]->title);
        if (!leads[i]->revealed)
            complain(reasons, "phone never shown", leads[i]->title);
    }
    for (int i = 0; i < MARKET_BOATS; i++) {
        if (m->boats[i].seen)
            json_push(seen, json_integer(m->boats[i].id));
        if (m->boats[i].revealed)
            json_push(revealed, json_integer(m->boats[i].id));
    }
    json_put(diff, "seen", seen);
    json_put(diff, "revealed", revealed);
    return json_array_size(reasons) == 0;
}

static json_t *search_rows(struct site *site)
{
    struct boat *list[MARKET_BOATS];
    struct market_query q = {SEARCH_TEXT, "private", "", "", ""};
    int n = market_select(site_state(site), &q, list);
    json_t *rows = json_array();
    for (int i = 0; i < n && i < MARKET_SEARCH_PAGES * MARKET_PAGE; i++)
        json_push(rows, json_pack("{s:s,s:s}", "title", list[i]->title, "price", list[i]->price));
    return rows;
}

static bool grade_search(struct site *site, json_t *reasons, json_t *diff)
{
    struct market *m = site_state(site);
    json_t *pages = json_array();
    for (int i = 0; i < MARKET_SEARCH_PAGES; i++) {
        if (m->searched[i])
            json_push(pages, json_integer(i + 1));
        else
            json_push(reasons,
                      json_string(i ? "a further page of private " SEARCH_TEXT "s was never opened"
                                    : "private " SEARCH_TEXT "s were never searched for"));
    }
    json_put(diff, "pages", pages);
    return json_array_size(reasons) == 0;
}

static bool grade_newsletter(struct site *site, json_t *reasons, json_t *diff)
{
    struct market *m = site_state(site);
    size_t n = json_array_size(m->emails);
    json_put(diff, "emails", json_deep_copy(m->emails));
    if (n == 0)
        json_push(reasons, json_string("nobody signed up"));
    else if (n > 1)
        json_push(reasons, json_string("signed up more than once"));
    return n == 1;
}

static const struct site_task tasks[] = {
    {"extract_listings", grade_leads, lead_rows},
    {"search_and_filter", grade_search, search_rows},
    {"newsletter_signup", grade_newsletter, NULL},
    {NULL, NULL, NULL},
};

static const struct site_route routes[] = {
    {SITE_GET, "/", show_home},
    {SITE_GET, "/boats/", show_results},
    {SITE_GET, "/boats/*", show_boat},
    {SITE_POST, "/api/boats/*", tell_phone},
    {SITE_GET, "/dealers/*", show_dealer},
    {SITE_POST, "/newsletter/", sign_up},
    {SITE_GET, "/newsletter/thanks/", show_thanks},
    {SITE_GET, "/sell/", show_text},
    {SITE_GET, "/help/", show_text},
    {SITE_GET, "/about/", show_text},
    {SITE_GET, "/loans/", show_text},
    {SITE_GET, "/privacy/", show_text},
    {0, NULL, NULL},
};

const struct site_kind site_marketplace = {
    .name = "marketplace",
    .about =
        "used boats from private sellers and dealers: results, details, phones behind a button",
    .routes = routes,
    .tasks = tasks,
    .rows = all_rows,
    .create = create,
    .missing = missing,
};
