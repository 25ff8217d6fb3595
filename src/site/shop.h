/*
 * shop.h - "Pinwhistle", a made-up shop for the house: goods made from the seed by shop_data.c and shown
 * by shop.c; shop_cart.c and shop_checkout.c sell them, shop_oracle.c grades what was sold.
 *
 * Names, categories and variants are the same for every seed, so that a task may speak of them; brands,
 * prices, stock, ratings and the order of the shelf belong to the seed. A product is a JSON object {id,
 * slug, name, brand, category, cents, about, rating, reviews, hue, option, variants: [{name, stock}]}; a
 * visitor is {lines: [{product, variant, qty}], coupon, draft: {lines, coupon, address..., shipping},
 * orders: [number]}. Money is in cents.
 */
#ifndef MANTIS_SITE_SHOP_H
#define MANTIS_SITE_SHOP_H

#include "site/kind.h"

#define SHOP_PAGE    12 /* cards on a page of results */
#define SHOP_MAX_QTY 10 /* of one line */

struct shop {
    bool soup;            /* odd seeds: the same pages with the habits of hurried people */
    json_t *products;     /* array; the one at i has id i + 1 */
    json_t *before;       /* the same as the seed made it */
    json_t *shelf;        /* borrowed products in the order of the results */
    json_t *visitors;     /* cookie: visitor */
    json_t *orders;       /* array, oldest first */
    json_t *lists, *seen; /* queries of the results; slugs of products that were opened */
};

/* shop_data.c */
extern const char *const shop_categories[], *const shop_brands[]; /* NULL-terminated */
struct shop *shop_create(struct pool *pool, int64_t seed);
struct shop *shop_of(const struct site_request *req);
json_t *shop_product(const struct shop *shop, int64_t id); /* NULL: there is none */
json_t *shop_by_slug(const struct shop *shop, const char *slug);
json_t *shop_variant(const json_t *product, const char *name);
int64_t shop_stock(const json_t *product); /* of all variants */
const char *shop_money(struct pool *pool, int64_t cents);

/* Strings are never NULL; lists are joined by commas; min and max in dollars, 0 for none. */
struct shop_query {
    const char *text, *categories, *brands, *sort; /* "price", "price_down", "rating" or "" */
    int64_t min, max;
    bool in_stock;
};
json_t *shop_select(const struct shop *shop, const struct shop_query *query); /* new array */

/* shop.c: what every page shows. */
json_t *shop_view(struct site_request *req);
json_t *shop_product_view(struct pool *pool, const json_t *product); /* new reference */
site_handler_fn shop_missing;

/* shop_cart.c */
json_t *shop_visitor(const struct site_request *req); /* NULL before the first thing in a cart */
site_handler_fn shop_add, shop_show_cart, shop_update, shop_remove, shop_coupon;

struct shop_totals {
    int64_t subtotal, discount, shipping, total;
};
struct shop_totals shop_count(const struct shop *shop, const json_t *lines, const char *coupon,
                              const char *shipping);
/* lines and totals of a cart, draft or order, as pages show them. */
void shop_put_lines(struct site_request *req, json_t *view, const json_t *of);

/* shop_checkout.c */
site_handler_fn shop_show_address, shop_take_address, shop_show_shipping, shop_take_shipping,
    shop_show_payment, shop_order, shop_show_order, shop_show_orders;
int64_t shop_shipping_price(const char *method, int64_t goods); /* -1: there is no such method */

/* shop_oracle.c */
extern const struct site_task shop_tasks[];
bool shop_grade(struct site *site, const char *task_id, json_t *reasons, json_t *diff);
json_t *shop_rows(struct site *site);

#endif
