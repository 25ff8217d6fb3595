/*
 * What was sold, what lies in carts and what left the stock, held against what a task asked for.
 */
#include <stdio.h>
#include <string.h>

#include "site/shop.h"

/* clang-format off */
static const struct goal {
    const char *task;
    const char *product, *variant; /* of the only line; NULL: nothing is to be bought */
    int qty;
    bool ordered;                  /* else it is to lie in the cart */
    const char *coupon, *shipping;
    const char *seen;              /* a product that must have been opened */
    const char *category;          /* of results that must have been shown */
    const char *sort;
    int max;
    bool in_stock;
} goals[] = {
    {.task = "buy_kettle", .product = "Copper Kettle", .variant = "1.5 l", .qty = 1, .ordered = true,
     .coupon = "", .shipping = "standard"},
    {.task = "buy_towels", .product = "Linen Tea Towel", .variant = "Indigo", .qty = 2, .ordered = true,
     .coupon = "SAVE10", .shipping = "express"},
    {.task = "fill_cart", .product = "Enamel Mug", .variant = "Sky", .qty = 3},
    {.task = "sold_out", .seen = "walnut-bread-board"},
    {.task = "cheapest_lights", .category = "Lighting", .sort = "price"},
    {.task = "kitchen_under_40", .category = "Kitchen", .sort = "", .max = 40, .in_stock = true},
};
/* clang-format on */

/* Who orders in every task that orders. */
static const char *const buyer[][2] = {{"full_name", "Ada Harrow"},
                                       {"street", "12 Quay Street"},
                                       {"city", "Alder Quay"},
                                       {"state", "Maine"},
                                       {"zip", "04101"}};

static void complain(json_t *reasons, const char *what, const char *value)
{
    char line[240];
    snprintf(line, sizeof(line), "%s: '%s'", what, value);
    json_push(reasons, json_string_safe(line));
}

static json_t *carts_of(const struct shop *shop)
{
    json_t *carts = json_array(), *visitor, *line;
    const char *token;
    size_t i;
    json_object_foreach (shop->visitors, token, visitor) {
        json_t *lines = json_array();
        json_array_foreach (json_object_get(visitor, "lines"), i, line) {
            const json_t *p = shop_product(shop, json_int(line, "product", 0));
            json_push(lines, json_pack("{s:s,s:s,s:I}", "name", json_str(p, "name", ""), "variant",
                                       json_str(line, "variant", ""), "qty",
                                       (json_int_t)json_int(line, "qty", 0)));
        }
        if (json_array_size(lines))
            json_push(carts, json_pack("{s:o,s:s}", "lines", lines, "coupon",
                                       json_str(visitor, "coupon", "")));
        else
            json_decref(lines);
    }
    return carts;
}

/* [{product, variant, from, to}] */
static json_t *stock_changes(const struct shop *shop)
{
    json_t *list = json_array(), *p, *v;
    size_t i, k;
    json_array_foreach (shop->products, i, p) {
        const json_t *old = json_object_get(json_array_get(shop->before, i), "variants");
        json_array_foreach (json_object_get(p, "variants"), k, v) {
            int64_t from = json_int(json_array_get(old, k), "stock", 0),
                    to = json_int(v, "stock", 0);
            if (from != to)
                json_push(list, json_pack("{s:s,s:s,s:I,s:I}", "product", json_str(p, "name", ""),
                                          "variant", json_str(v, "name", ""), "from",
                                          (json_int_t)from, "to", (json_int_t)to));
        }
    }
    return list;
}

static void grade_lines(const struct goal *goal, const json_t *lines, json_t *reasons)
{
    const json_t *line = json_array_get(lines, 0);
    if (json_array_size(lines) != 1)
        json_push(reasons, json_string("there is not exactly one kind of thing in it"));
    if (strcmp(json_str(line, "name", ""), goal->product) != 0)
        complain(reasons, "this product was not asked for", json_str(line, "name", ""));
    else if (strcmp(json_str(line, "variant", ""), goal->variant) != 0)
        complain(reasons, "this variant was not asked for", json_str(line, "variant", ""));
    else if (json_int(line, "qty", 0) != goal->qty)
        json_push(reasons, json_string("that is not how many were asked for"));
}

static void grade_order(const struct goal *goal, const json_t *order, json_t *reasons)
{
    grade_lines(goal, json_object_get(order, "lines"), reasons);
    if (strcasecmp(json_str(order, "coupon", ""), goal->coupon) != 0)
        complain(reasons, "this coupon was not asked for", json_str(order, "coupon", ""));
    if (strcmp(json_str(order, "shipping", ""), goal->shipping) != 0)
        complain(reasons, "it is not shipped as asked for", json_str(order, "shipping", ""));
    for (size_t i = 0; i < ARRAY_SIZE(buyer); i++)
        if (strcmp(json_str(order, buyer[i][0], ""), buyer[i][1]) != 0)
            complain(reasons, buyer[i][0], json_str(order, buyer[i][0], ""));
}

static void grade_sale(const struct goal *goal, const json_t *orders, const json_t *carts,
                       json_t *reasons)
{
    size_t n_orders = json_array_size(orders), n_carts = json_array_size(carts);
    if (n_orders != goal->ordered) {
        char line[80];
        snprintf(line, sizeof(line), "%zu orders were placed, not %d", n_orders, goal->ordered);
        json_push(reasons, json_string(line));
    }
    bool in_cart = goal->product && !goal->ordered;
    if (n_carts != in_cart)
        json_push(reasons,
                  json_string(in_cart ? "there is not exactly one cart with something in it"
                                      : "something lies in a cart"));
    if (goal->ordered && n_orders == 1)
        grade_order(goal, json_array_get(orders, 0), reasons);
    if (in_cart && n_carts == 1)
        grade_lines(goal, json_object_get(json_array_get(carts, 0), "lines"), reasons);
}

static bool was_shown(const struct shop *shop, const struct goal *goal)
{
    size_t i;
    json_t *q;
    json_array_foreach (shop->lists, i, q)
        if (strcmp(json_str(q, "category", ""), goal->category) == 0 &&
            strcmp(json_str(q, "sort", ""), goal->sort) == 0 && !*json_str(q, "q", "") &&
            !*json_str(q, "brand", "") && json_int(q, "min", 0) == 0 &&
            json_int(q, "max", 0) == goal->max && json_flag(q, "in_stock", false) == goal->in_stock)
            return true;
    return false;
}

bool shop_grade(struct site *site, const char *task_id, json_t *reasons, json_t *diff)
{
    const struct shop *shop = site_state(site);
    const struct goal *goal = goals;
    while (strcmp(goal->task, task_id) != 0) /* every task has a goal: shop_tasks */
        goal++;
    json_t *carts = carts_of(shop);
    grade_sale(goal, shop->orders, carts, reasons);
    if (goal->seen && !json_holds(shop->seen, goal->seen))
        complain(reasons, "this product was never opened", goal->seen);
    if (goal->category && !was_shown(shop, goal))
        complain(reasons, "these results were never shown as asked for", goal->category);
    json_put(diff, "orders", json_deep_copy(shop->orders));
    json_put(diff, "carts", carts);
    json_put(diff, "stock", stock_changes(shop));
    return json_array_size(reasons) == 0;
}

/* --- true rows -------------------------------------------------------------------------------- */

static json_t *row_of(struct pool *pool, struct site *site, const json_t *p)
{
    json_t *row = json_deep_copy(p);
    json_put_str(row, "price", shop_money(pool, json_int(p, "cents", 0)));
    json_put_str(row, "url",
                 pool_printf(pool, "%s/p/%s/", site_url(site), json_str(p, "slug", "")));
    json_put_bool(row, "sold_out", shop_stock(p) == 0);
    return row;
}

static json_t *rows_of(struct site *site, const json_t *list)
{
    struct pool *pool = pool_create(NULL);
    json_t *rows = json_array(), *p;
    size_t i;
    json_array_foreach ((json_t *)list, i, p)
        json_push(rows, row_of(pool, site, p));
    pool_destroy(pool);
    return rows;
}

json_t *shop_rows(struct site *site)
{
    const struct shop *shop = site_state(site);
    return rows_of(site, shop->products);
}

static json_t *selected_rows(struct site *site, const struct shop_query *q)
{
    json_t *list = shop_select(site_state(site), q), *rows = rows_of(site, list);
    json_decref(list);
    return rows;
}

static json_t *light_rows(struct site *site)
{
    return selected_rows(site, &(struct shop_query){"", "Lighting", "", "price", 0, 0, false});
}

static json_t *kitchen_rows(struct site *site)
{
    return selected_rows(site, &(struct shop_query){"", "Kitchen", "", "", 0, 40, true});
}

/* clang-format off */
const struct site_task shop_tasks[] = {
    {"buy_kettle", NULL, NULL},
    {"buy_towels", NULL, NULL},
    {"fill_cart", NULL, NULL},
    {"sold_out", NULL, NULL},
    {"cheapest_lights", NULL, light_rows},
    {"kitchen_under_40", NULL, kitchen_rows},
    {NULL, NULL, NULL},
};
/* clang-format on */
