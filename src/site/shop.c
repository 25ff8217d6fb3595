/*
 * shop - "Pinwhistle", things for the house.
 *
 * What makes it like the real thing: facets that send themselves, a search that suggests while one
 * types, variants of which some are sold out, a cart, coupons that do not always work, a checkout
 * of several pages whose last button takes its time and does not mind being pressed again.
 */
#include "site/shop.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"

#define SUGGESTIONS      6
#define SUGGEST_DELAY_MS 120

static void *create(struct pool *pool, int64_t seed)
{
    return shop_create(pool, seed);
}

/* --- views ---------------------------------------------------------------------------------- */

json_t *shop_view(struct site_request *req)
{
    json_t *view = json_keep(req_pool(req), json_object()), *categories = json_array(), *line;
    int64_t n = 0;
    size_t i;
    json_array_foreach (json_object_get(shop_visitor(req), "lines"), i, line)
        n += json_int(line, "qty", 0);
    for (const char *const *c = shop_categories; *c; c++)
        json_push(categories, json_string(*c));
    json_put(view, "all_categories", categories);
    json_put_bool(view, "soup", shop_of(req)->soup);
    json_put_str(view, "cart_count", pool_printf(req_pool(req), "%lld", (long long)n));
    json_put_str(view, "q", "");
    return view;
}

void shop_missing(struct site_request *req)
{
    req_reply_page(req, 404, "missing", shop_view(req));
}

json_t *shop_product_view(struct pool *pool, const json_t *product)
{
    json_t *v = json_deep_copy(product);
    int64_t cents = json_int(product, "cents", 0), rating = json_int(product, "rating", 0);
    json_put_str(v, "price", shop_money(pool, cents));
    json_put_str(v, "dollars", pool_printf(pool, "%lld", (long long)(cents / 100)));
    json_put_str(v, "cents", pool_printf(pool, "%02lld", (long long)(cents % 100)));
    json_put_str(
        v, "stars",
        pool_printf(pool, "%lld.%lld", (long long)(rating / 10), (long long)(rating % 10)));
    json_put_str(v, "href", pool_printf(pool, "/p/%s/", json_str(product, "slug", "")));
    json_put_str(v, "picture", str_lower(pool, json_str(product, "category", "")));
    json_put_bool(v, "sold_out", shop_stock(product) == 0);
    return v;
}

static json_t *product_views(struct pool *pool, const json_t *list, size_t from, size_t n)
{
    json_t *cards = json_array();
    for (size_t i = from; i < from + n && i < json_array_size(list); i++)
        json_push(cards, shop_product_view(pool, json_array_get(list, i)));
    return cards;
}

static void show_home(struct site_request *req)
{
    json_t *view = shop_view(req);
    json_put(view, "cards", product_views(req_pool(req), shop_of(req)->shelf, 0, 4));
    req_reply_page(req, 200, "home", view);
}

/* --- results -------------------------------------------------------------------------------- */

static struct shop_query read_query(struct site_request *req)
{
    return (struct shop_query){
        .text = str_squash(req_pool(req), req_arg(req, "q", "")),
        .categories = req_arg(req, "category", ""),
        .brands = req_arg(req, "brand", ""),
        .sort = req_arg(req, "sort", ""),
        .min = req_arg_int(req, "min", 0, 100000, 0),
        .max = req_arg_int(req, "max", 0, 100000, 0),
        .in_stock = *req_arg(req, "stock", ""),
    };
}

static const char *number_or_none(struct pool *pool, int64_t n)
{
    return n ? pool_printf(pool, "%lld", (long long)n) : "";
}

static const char *link_to(struct site_request *req, const struct shop_query *q, int page)
{
    struct pool *pool = req_pool(req);
    const char *const args[][2] = {{"q", q->text},
                                   {"category", q->categories},
                                   {"brand", q->brands},
                                   {"min", number_or_none(pool, q->min)},
                                   {"max", number_or_none(pool, q->max)},
                                   {"stock", q->in_stock ? "1" : ""},
                                   {"sort", q->sort},
                                   {"page", number_or_none(pool, page > 1 ? page : 0)}};
    return site_link(pool, "/shop/", args, ARRAY_SIZE(args));
}

static bool is_ticked(struct pool *pool, const char *list, const char *name)
{
    return strstr(pool_printf(pool, ",%s,", list), pool_printf(pool, ",%s,", name)) != NULL;
}

/* Boxes of one facet; each says how many there were if it were the only one ticked. */
static json_t *facet(struct site_request *req, const char *const *names, const char *ticked,
                     const struct shop_query *q, bool brands)
{
    json_t *boxes = json_array();
    for (; *names; names++) {
        struct shop_query other = *q;
        *(brands ? &other.brands : &other.categories) = *names;
        json_t *list = json_keep(req_pool(req), shop_select(shop_of(req), &other));
        json_push(boxes,
                  json_pack("{s:s,s:i,s:b}", "value", *names, "n", (int)json_array_size(list),
                            "ticked", is_ticked(req_pool(req), ticked, *names)));
    }
    return boxes;
}

static void put_filters(struct site_request *req, json_t *view, const struct shop_query *q)
{
    static const char *const sorts[][2] = {{"", "Featured"},
                                           {"price", "Price: low to high"},
                                           {"price_down", "Price: high to low"},
                                           {"rating", "Best rated"}};
    json_t *options = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(sorts); i++)
        json_push(options, json_pack("{s:s,s:s,s:b}", "value", sorts[i][0], "label", sorts[i][1],
                                     "selected", strcmp(sorts[i][0], q->sort) == 0));
    json_put(view, "sorts", options);
    json_put(view, "categories", facet(req, shop_categories, q->categories, q, false));
    json_put(view, "brands", facet(req, shop_brands, q->brands, q, true));
    json_put_str(view, "min", number_or_none(req_pool(req), q->min));
    json_put_str(view, "max", number_or_none(req_pool(req), q->max));
    json_put_bool(view, "in_stock", q->in_stock);
    json_put_str(view, "q", q->text);
}

static void put_pages(struct site_request *req, json_t *view, const struct shop_query *q, int page,
                      int n_pages)
{
    json_t *pages = json_array();
    for (int i = 1; i <= n_pages; i++)
        json_push(pages, json_pack("{s:i,s:s,s:b}", "n", i, "href", link_to(req, q, i), "current",
                                   i == page));
    json_put(view, "pages", pages);
    json_put_bool(view, "paged", n_pages > 1);
    if (page > 1)
        json_put_str(view, "previous", link_to(req, q, page - 1));
    if (page < n_pages)
        json_put_str(view, "next", link_to(req, q, page + 1));
}

static void note_list(struct site_request *req, const struct shop_query *q)
{
    json_t *lists = shop_of(req)->lists;
    json_push(lists,
              json_pack("{s:o,s:o,s:o,s:o,s:I,s:I,s:b}", "q", json_string_safe(q->text), "category",
                        json_string_safe(q->categories), "brand", json_string_safe(q->brands),
                        "sort", json_string_safe(q->sort), "min", (json_int_t)q->min, "max",
                        (json_int_t)q->max, "in_stock", q->in_stock));
    if (json_array_size(lists) > CAP_SITE_RECORDS)
        json_array_remove(lists, 0);
    site_log(req_site(req), "list", req_path(req), json_deep_copy(req_query(req)));
}

static const char *heading(struct site_request *req, const struct shop_query *q)
{
    if (*q->text)
        return pool_printf(req_pool(req), "Results for \"%s\"", q->text);
    return *q->categories && !strchr(q->categories, ',') ? q->categories : "All products";
}

static void show_results(struct site_request *req)
{
    struct shop_query q = read_query(req);
    json_t *list = json_keep(req_pool(req), shop_select(shop_of(req), &q)), *view = shop_view(req);
    int n = (int)json_array_size(list), n_pages = n ? (n + SHOP_PAGE - 1) / SHOP_PAGE : 1;
    int page = (int)req_arg_int(req, "page", 1, n_pages, 1), first = (page - 1) * SHOP_PAGE;
    put_filters(req, view, &q);
    put_pages(req, view, &q, page, n_pages);
    json_put(view, "cards", product_views(req_pool(req), list, (size_t)first, SHOP_PAGE));
    json_put_str(view, "heading", heading(req, &q));
    json_put_int(view, "total", n);
    json_put_bool(view, "none", n == 0);
    note_list(req, &q);
    req_reply_page(req, 200, "results", view);
}

/* [{name, href}] of the first few goods whose name has what was typed so far. */
static void suggest(struct site_request *req)
{
    const char *text = str_squash(req_pool(req), req_arg(req, "q", ""));
    json_t *found = json_array(), *p;
    size_t i;
    json_array_foreach (shop_of(req)->products, i, p) {
        if (*text && json_array_size(found) < SUGGESTIONS &&
            str_contains_fold(json_str(p, "name", ""), text))
            json_push(found,
                      json_pack("{s:s,s:s}", "name", json_str(p, "name", ""), "href",
                                pool_printf(req_pool(req), "/p/%s/", json_str(p, "slug", ""))));
    }
    req_reply_json(req, 200, found);
    req_delay(req, SUGGEST_DELAY_MS);
}

/* --- one product ---------------------------------------------------------------------------- */

static const json_t *product_at(struct site_request *req)
{
    const char *rest = req_rest(req);
    size_t len = strcspn(rest, "/");
    if (strcmp(rest + len, "/") != 0)
        return NULL;
    return shop_by_slug(shop_of(req), pool_strndup(req_pool(req), rest, len));
}

/* Each variant says whether it can be had; the first that can is chosen. */
static void put_variants(json_t *view)
{
    json_t *v;
    bool chosen = false;
    size_t i;
    json_array_foreach (json_object_get(json_object_get(view, "p"), "variants"), i, v) {
        int64_t stock = json_int(v, "stock", 0);
        json_put_bool(v, "gone", stock == 0);
        json_put_bool(v, "few", stock > 0 && stock < 4);
        json_put_bool(v, "chosen", stock > 0 && !chosen);
        chosen |= stock > 0;
    }
}

static void note_seen(struct site_request *req, const char *slug)
{
    json_t *seen = shop_of(req)->seen;
    if (!json_holds(seen, slug))
        json_push(seen, json_string(slug));
    site_log(req_site(req), "view", req_path(req), NULL);
}

static void show_product(struct site_request *req)
{
    const json_t *p = product_at(req);
    if (!p) {
        shop_missing(req);
        return;
    }
    const struct shop_query q = {"", json_str(p, "category", ""), "", "", 0, 0, true};
    json_t *view = shop_view(req), *near = json_keep(req_pool(req), shop_select(shop_of(req), &q));
    for (size_t i = 0; i < json_array_size(near); i++)
        if (json_array_get(near, i) == p)
            json_array_remove(near, i);
    json_put(view, "p", shop_product_view(req_pool(req), p));
    json_put(view, "cards", product_views(req_pool(req), near, 0, 4));
    put_variants(view);
    note_seen(req, json_str(p, "slug", ""));
    req_reply_page(req, 200, "product", view);
}

static const struct site_route routes[] = {
    {SITE_GET, "/", show_home},
    {SITE_GET, "/shop/", show_results},
    {SITE_GET, "/p/*", show_product},
    {SITE_GET, "/api/suggest", suggest},
    {SITE_POST, "/api/cart", shop_add},
    {SITE_GET, "/cart/", shop_show_cart},
    {SITE_POST, "/cart/update", shop_update},
    {SITE_POST, "/cart/remove", shop_remove},
    {SITE_POST, "/cart/coupon", shop_coupon},
    {SITE_GET, "/checkout/address", shop_show_address},
    {SITE_POST, "/checkout/address", shop_take_address},
    {SITE_GET, "/checkout/shipping", shop_show_shipping},
    {SITE_POST, "/checkout/shipping", shop_take_shipping},
    {SITE_GET, "/checkout/payment", shop_show_payment},
    {SITE_POST, "/checkout/order", shop_order},
    {SITE_GET, "/orders/", shop_show_orders},
    {SITE_GET, "/orders/*", shop_show_order},
    {0, NULL, NULL},
};

const struct site_kind site_shop = {
    .name = "shop",
    .about = "things for the house: facets, suggestions, variants, cart, coupons, checkout, orders",
    .routes = routes,
    .tasks = shop_tasks,
    .grade = shop_grade,
    .rows = shop_rows,
    .create = create,
    .missing = shop_missing,
};
