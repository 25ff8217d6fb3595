#include <string.h>

#include "base/caps.h"
#include "base/id.h"
#include "base/str.h"
#include "site/shop.h"

#define COOKIE       "pinwhistle_visitor"
#define ADD_DELAY_MS 150
#define MAX_LINES    30

json_t *shop_visitor(const struct site_request *req)
{
    const char *token = req_cookie(req, COOKIE);
    return token ? json_object_get(shop_of(req)->visitors, token) : NULL;
}

/* The visitor, made when there was none: then *ret_cookie is what the answer must set. */
static json_t *visitor_or_new(struct site_request *req, const char **ret_cookie)
{
    char token[33];
    struct shop *shop = shop_of(req);
    json_t *visitor = shop_visitor(req);
    if (visitor)
        return visitor;
    if (json_object_size(shop->visitors) >= CAP_SITE_SESSIONS)
        json_object_del(shop->visitors, json_object_iter_key(json_object_iter(shop->visitors)));
    id_random_hex(16, token);
    json_put(shop->visitors, token,
             json_pack("{s:[],s:s,s:{},s:[]}", "lines", "coupon", "", "draft", "orders"));
    *ret_cookie = pool_printf(req_pool(req), COOKIE "=%s; Path=/; HttpOnly; SameSite=Lax", token);
    return json_object_get(shop->visitors, token);
}

/* --- lines and totals ----------------------------------------------------------------------- */

static const struct {
    const char *code, *problem;    /* problem: why it never works */
    int64_t percent, off, minimum; /* off and minimum in cents */
} coupons[] = {
    {"SAVE10", NULL, 10, 0, 0},
    {"BIG15", NULL, 0, 1500, 8000},
    {"SPRING20", "This coupon expired on May 31.", 20, 0, 0},
};

static int64_t sum(const struct shop *shop, const json_t *lines)
{
    int64_t cents = 0;
    size_t i;
    json_t *line;
    json_array_foreach ((json_t *)lines, i, line)
        cents += json_int(line, "qty", 0) *
                 json_int(shop_product(shop, json_int(line, "product", 0)), "cents", 0);
    return cents;
}

/* What a coupon takes off, or why it does not in *ret_problem. */
static int64_t coupon_value(struct pool *pool, const char *code, int64_t goods,
                            const char **ret_problem)
{
    for (size_t i = 0; i < ARRAY_SIZE(coupons); i++) {
        if (!str_eq_fold(coupons[i].code, code))
            continue;
        *ret_problem = coupons[i].problem;
        if (goods < coupons[i].minimum)
            *ret_problem = pool_printf(pool, "This coupon needs goods for %s or more.",
                                       shop_money(pool, coupons[i].minimum));
        return *ret_problem ? 0 : coupons[i].off + goods * coupons[i].percent / 100;
    }
    *ret_problem = "We do not know this coupon.";
    return 0;
}

struct shop_totals shop_count(const struct shop *shop, const json_t *lines, const char *coupon,
                              const char *shipping)
{
    const char *problem;
    struct pool *pool = pool_create(NULL);
    struct shop_totals t = {.subtotal = sum(shop, lines)};
    t.discount = *coupon ? coupon_value(pool, coupon, t.subtotal, &problem) : 0;
    int64_t price = shop_shipping_price(shipping, t.subtotal - t.discount);
    t.shipping = price > 0 ? price : 0;
    t.total = t.subtotal - t.discount + t.shipping;
    pool_destroy(pool);
    return t;
}

static json_t *line_view(struct site_request *req, const json_t *line, int at)
{
    struct pool *pool = req_pool(req);
    const json_t *p = shop_product(shop_of(req), json_int(line, "product", 0));
    int64_t qty = json_int(line, "qty", 0);
    json_t *v = shop_product_view(pool, p);
    json_put_int(v, "at", at);
    json_put_int(v, "qty", qty);
    json_put_str(v, "variant", json_str(line, "variant", ""));
    json_put_str(v, "sum", shop_money(pool, qty * json_int(p, "cents", 0)));
    return v;
}

void shop_put_lines(struct site_request *req, json_t *view, const json_t *of)
{
    json_t *lines = json_object_get(of, "lines"), *views = json_array(), *line;
    const char *coupon = json_str(of, "coupon", ""), *shipping = json_str(of, "shipping", "");
    struct shop_totals t = shop_count(shop_of(req), lines, coupon, shipping);
    size_t i;
    json_array_foreach (lines, i, line)
        json_push(views, line_view(req, line, (int)i));
    json_put(view, "lines", views);
    json_put_str(view, "subtotal", shop_money(req_pool(req), t.subtotal));
    json_put_str(view, "discount", t.discount ? shop_money(req_pool(req), t.discount) : "");
    json_put_str(view, "coupon", coupon);
    json_put_bool(view, "shipped", *shipping);
    json_put_str(view, "shipping_price",
                 t.shipping ? shop_money(req_pool(req), t.shipping) : "Free");
    json_put_str(view, "total", shop_money(req_pool(req), t.total));
}

/* --- adding --------------------------------------------------------------------------------- */

static json_t *find_line(const json_t *visitor, int64_t product, const char *variant)
{
    size_t i;
    json_t *line;
    json_array_foreach (json_object_get(visitor, "lines"), i, line)
        if (json_int(line, "product", 0) == product &&
            strcmp(json_str(line, "variant", ""), variant) == 0)
            return line;
    return NULL;
}

static void refuse(struct site_request *req, int status, const char *detail)
{
    req_reply_json(req, status, json_pack("{s:b,s:s}", "ok", 0, "detail", detail));
    req_delay(req, ADD_DELAY_MS);
}

static void put_in(struct site_request *req, int64_t product, const char *variant, int64_t qty)
{
    const char *cookie = NULL;
    json_t *visitor = visitor_or_new(req, &cookie), *lines = json_object_get(visitor, "lines"),
           *line = find_line(visitor, product, variant);
    if (line)
        json_put_int(line, "qty", qty);
    else
        json_push(lines, json_pack("{s:I,s:s,s:I}", "product", (json_int_t)product, "variant",
                                   variant, "qty", (json_int_t)qty));
    int64_t count = 0;
    size_t i;
    json_array_foreach (lines, i, line)
        count += json_int(line, "qty", 0);
    req_reply_json(req, 200,
                   json_pack("{s:b,s:s,s:I}", "ok", 1, "toast", "Added to your cart", "count",
                             (json_int_t)count));
    if (cookie)
        req_add_header(req, "Set-Cookie", cookie);
    req_delay(req, ADD_DELAY_MS);
}

/* product=, variant=, qty= */
void shop_add(struct site_request *req)
{
    int64_t id = req_arg_int(req, "product", 0, 10000, 0),
            qty = req_arg_int(req, "qty", 0, SHOP_MAX_QTY, 0);
    const json_t *p = shop_product(shop_of(req), id), *line;
    const char *name = req_arg(req, "variant", "");
    const json_t *variant = p ? shop_variant(p, name) : NULL, *visitor = shop_visitor(req);
    if (!variant || qty < 1) {
        refuse(req, 422,
               !p         ? "There is no such product."
               : !variant ? "Choose a variant first."
                          : "Choose how many.");
        return;
    }
    line = find_line(visitor, id, name);
    int64_t before = json_int(line, "qty", 0), stock = json_int(variant, "stock", 0);
    if (before + qty > stock || before + qty > SHOP_MAX_QTY ||
        (!line && json_array_size(json_object_get(visitor, "lines")) >= MAX_LINES)) {
        refuse(req, 409, stock == 0 ? "This is sold out." : "We do not have that many.");
        return;
    }
    site_log(req_site(req), "cart_add", req_path(req),
             json_pack("{s:s,s:s,s:I}", "product", json_str(p, "name", ""), "variant", name, "qty",
                       (json_int_t)qty));
    put_in(req, id, json_str(variant, "name", ""), before + qty);
}

/* --- the page ------------------------------------------------------------------------------- */

static void reply_cart(struct site_request *req, const char *coupon_problem, const char *problem)
{
    json_t *view = shop_view(req), *visitor = shop_visitor(req);
    shop_put_lines(req, view, visitor);
    json_put_bool(view, "empty", !json_array_size(json_object_get(visitor, "lines")));
    json_put_str(view, "coupon_problem", coupon_problem);
    json_put_str(view, "problem", problem);
    req_reply_page(req, 200, "cart", view);
}

void shop_show_cart(struct site_request *req)
{
    reply_cart(req, "", "");
}

static json_t *line_at(struct site_request *req, size_t *ret_at)
{
    *ret_at = (size_t)req_arg_int(req, "line", 0, MAX_LINES, MAX_LINES);
    return json_array_get(json_object_get(shop_visitor(req), "lines"), *ret_at);
}

static void drop_line(struct site_request *req, size_t at)
{
    json_array_remove(json_object_get(shop_visitor(req), "lines"), at);
    site_log(req_site(req), "cart_remove", req_path(req), NULL);
    req_redirect(req, "/cart/");
}

void shop_remove(struct site_request *req)
{
    size_t at;
    if (line_at(req, &at))
        drop_line(req, at);
    else
        req_redirect(req, "/cart/");
}

/* line=, qty=; a quantity of 0 takes the line away. */
void shop_update(struct site_request *req)
{
    size_t at;
    json_t *line = line_at(req, &at);
    int64_t qty = req_arg_int(req, "qty", 0, SHOP_MAX_QTY, -1);
    if (!line || qty < 0) {
        reply_cart(req, "", line ? "Enter a number." : "");
        return;
    }
    if (qty == 0) {
        drop_line(req, at);
        return;
    }
    const json_t *p = shop_product(shop_of(req), json_int(line, "product", 0));
    if (qty > json_int(shop_variant(p, json_str(line, "variant", "")), "stock", 0)) {
        reply_cart(
            req, "",
            pool_printf(req_pool(req), "We do not have that many of: %s", json_str(p, "name", "")));
        return;
    }
    json_put_int(line, "qty", qty);
    site_log(req_site(req), "cart_update", req_path(req),
             json_pack("{s:s,s:I}", "product", json_str(p, "name", ""), "qty", (json_int_t)qty));
    req_redirect(req, "/cart/");
}

/* coupon=CODE; an empty one takes the coupon away. */
void shop_coupon(struct site_request *req)
{
    const char *problem = NULL;
    json_t *visitor = shop_visitor(req), *lines = json_object_get(visitor, "lines");
    const char *code = str_squash(req_pool(req), req_arg(req, "coupon", ""));
    if (!visitor) {
        req_redirect(req, "/cart/");
        return;
    }
    if (*code)
        coupon_value(req_pool(req), code, sum(shop_of(req), lines), &problem);
    site_log(req_site(req), "coupon", req_path(req),
             json_pack("{s:o,s:b}", "code", json_string_safe(code), "taken", !problem));
    if (problem) {
        reply_cart(req, problem, "");
        return;
    }
    json_put(visitor, "coupon", json_string_safe(code));
    req_redirect(req, "/cart/");
}
