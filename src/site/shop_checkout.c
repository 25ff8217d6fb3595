/*
 * Address, shipping, payment, order. What is bought is copied from the cart when the checkout
 * begins, and stays there when the order is placed: pressing the last button twice places two
 * orders, as it does in shops that rely on a button being pressed once. The oracle tells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "site/shop.h"

#define ORDER_DELAY_MS 600
#define FIRST_ORDER    10482
#define DECLINED_CARD  "4000000000000002"
#define FREE_FROM      7500 /* cents; standard shipping of this and more costs nothing */

static const struct {
    const char *value, *label, *about;
    int64_t cents;
} methods[] = {
    {"standard", "Standard", "3 to 5 working days, free from $75", 590},
    {"express", "Express", "the next working day", 1290},
    {"pickup", "Pick up", "at our store in Alder Quay", 0},
};

int64_t shop_shipping_price(const char *method, int64_t goods)
{
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
        if (strcmp(methods[i].value, method) == 0)
            return i == 0 && goods >= FREE_FROM ? 0 : methods[i].cents;
    return -1;
}

static json_t *draft_of(const struct site_request *req)
{
    return json_object_get(shop_visitor(req), "draft");
}

static json_t *checkout_view(struct site_request *req)
{
    json_t *view = shop_view(req);
    shop_put_lines(req, view, draft_of(req));
    return view;
}

/* --- fields ----------------------------------------------------------------------------------- */

struct field {
    const char *name, *missing; /* what to say when it is empty; NULL: may be empty */
    const char *(*check)(const char *value);
};

static const char *check_line(const char *s)
{
    return strlen(s) > 100 ? "Use at most 100 characters." : NULL;
}

static const char *check_zip(const char *s)
{
    return strlen(s) == 5 && strspn(s, "0123456789") == 5 ? NULL : "Enter a ZIP code of 5 digits.";
}

static const char *check_email(const char *s)
{
    const char *at = strchr(s, '@'), *dot = at ? strchr(at, '.') : NULL;
    bool good = at && at > s && dot && dot > at + 1 && dot[1] && !strchr(s, ' ');
    return good ? check_line(s) : "Enter an email address.";
}

/* Values and complaints of a form into view: {name: value}, {name_problem: complaint}. */
static bool read_fields(struct site_request *req, const struct field *fields, size_t n,
                        json_t *values, json_t *view)
{
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        const char *value = str_squash(req_pool(req), req_arg(req, fields[i].name, ""));
        const char *bad = *value ? fields[i].check(value) : fields[i].missing;
        json_put(values, fields[i].name, json_string_safe(value));
        json_put_str(view, pool_printf(req_pool(req), "%s_problem", fields[i].name),
                     bad ? bad : "");
        good &= !bad;
    }
    return good;
}

/* --- address ---------------------------------------------------------------------------------- */

static const struct field address_fields[] = {
    {"email", "Enter your email address.", check_email},
    {"full_name", "Enter your name.", check_line},
    {"street", "Enter your street and number.", check_line},
    {"unit", NULL, check_line},
    {"city", "Enter your city.", check_line},
    {"state", "Choose your state.", check_line},
    {"zip", "Enter your ZIP code.", check_zip},
};

static void reply_address(struct site_request *req, json_t *view, const json_t *values)
{
    static const char *const states[] = {"Florida", "Maine", "Maryland",  "Michigan",
                                         "Oregon",  "Texas", "Washington"};
    json_t *options = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        json_push(options, json_pack("{s:s,s:b}", "value", states[i], "selected",
                                     strcmp(states[i], json_str(values, "state", "")) == 0));
    json_put(view, "states", options);
    json_put(view, "a", json_deep_copy(values));
    req_reply_page(req, 200, "address", view);
}

/* A new checkout of what is in the cart; what was typed into an earlier one is kept. */
void shop_show_address(struct site_request *req)
{
    json_t *visitor = shop_visitor(req), *draft = draft_of(req),
           *lines = json_object_get(visitor, "lines");
    if (!json_array_size(lines)) {
        req_redirect(req, "/cart/");
        return;
    }
    json_put(draft, "lines", json_deep_copy(lines));
    json_put_str(draft, "coupon", json_str(visitor, "coupon", ""));
    reply_address(req, checkout_view(req), draft);
}

/* True while there is a draft; else the answer leads to the cart. */
static bool has_draft(struct site_request *req)
{
    if (json_array_size(json_object_get(draft_of(req), "lines")))
        return true;
    req_redirect(req, "/cart/");
    return false;
}

void shop_take_address(struct site_request *req)
{
    if (!has_draft(req))
        return;
    json_t *view = checkout_view(req), *values = json_keep(req_pool(req), json_object());
    if (!read_fields(req, address_fields, ARRAY_SIZE(address_fields), values, view)) {
        json_put_bool(view, "problem", true);
        reply_address(req, view, values);
        return;
    }
    json_object_update(draft_of(req), values);
    site_log(req_site(req), "address", req_path(req), json_deep_copy(values));
    req_redirect(req, "/checkout/shipping");
}

/* --- shipping --------------------------------------------------------------------------------- */

static bool has_address(struct site_request *req)
{
    if (!has_draft(req))
        return false;
    if (*json_str(draft_of(req), "street", ""))
        return true;
    req_redirect(req, "/checkout/address");
    return false;
}

static void reply_shipping(struct site_request *req, const char *problem)
{
    json_t *view = checkout_view(req), *list = json_array(), *draft = draft_of(req);
    struct shop_totals t = shop_count(shop_of(req), json_object_get(draft, "lines"),
                                      json_str(draft, "coupon", ""), "");
    const char *chosen = json_str(draft, "shipping", "");
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        int64_t cents = shop_shipping_price(methods[i].value, t.total);
        json_push(list, json_pack("{s:s,s:s,s:s,s:s,s:b}", "value", methods[i].value, "label",
                                  methods[i].label, "about", methods[i].about, "price",
                                  cents ? shop_money(req_pool(req), cents) : "Free", "chosen",
                                  strcmp(chosen, methods[i].value) == 0));
    }
    json_put(view, "methods", list);
    json_put_str(view, "problem", problem);
    req_reply_page(req, 200, "shipping", view);
}

void shop_show_shipping(struct site_request *req)
{
    if (has_address(req))
        reply_shipping(req, "");
}

void shop_take_shipping(struct site_request *req)
{
    const char *method = req_arg(req, "shipping", "");
    if (!has_address(req))
        return;
    if (shop_shipping_price(method, 0) < 0) {
        reply_shipping(req, "Choose how we should ship.");
        return;
    }
    json_put_str(draft_of(req), "shipping", method);
    site_log(req_site(req), "shipping", req_path(req), json_pack("{s:s}", "method", method));
    req_redirect(req, "/checkout/payment");
}

/* --- payment ---------------------------------------------------------------------------------- */

static bool has_shipping(struct site_request *req)
{
    if (!has_address(req))
        return false;
    if (*json_str(draft_of(req), "shipping", ""))
        return true;
    req_redirect(req, "/checkout/shipping");
    return false;
}

/* The digits of s; "x" when there is anything else but blanks and dashes. */
static void digits_of(const char *s, char out[32])
{
    size_t n = 0;
    for (; *s && n < 31; s++)
        if (*s >= '0' && *s <= '9')
            out[n++] = *s;
        else if (*s != ' ' && *s != '-')
            break;
    out[n] = 0;
    if (*s)
        snprintf(out, 32, "x");
}

/* The check digit of ISO/IEC 7812-1 annex B. */
static const char *check_card(const char *s)
{
    char d[32];
    int total = 0;
    digits_of(s, d);
    size_t n = strlen(d);
    for (size_t i = 0; i < n; i++) {
        int v = (d[n - 1 - i] - '0') * (i % 2 ? 2 : 1);
        total += v > 9 ? v - 9 : v;
    }
    return n == 16 && total % 10 == 0 ? NULL : "Check the card number.";
}

static const char *check_expiry(const char *s)
{
    char now[CLOCK_ISO_BYTES], more;
    int m, y;
    clock_iso(clock_wall_us(), now);
    if (sscanf(s, "%2d /%2d%c", &m, &y, &more) != 2 || m < 1 || m > 12)
        return "Enter month and year as MM/YY.";
    return y * 12 + m < atoi(now + 2) * 12 + atoi(now + 5) ? "This card has expired." : NULL;
}

static const char *check_cvc(const char *s)
{
    return strlen(s) >= 3 && strlen(s) <= 4 && strspn(s, "0123456789") == strlen(s)
               ? NULL
               : "Enter the 3 or 4 digits.";
}

static const struct field card_fields[] = {
    {"card_name", "Enter the name on the card.", check_line},
    {"card", "Enter the card number.", check_card},
    {"expiry", "Enter month and year as MM/YY.", check_expiry},
    {"cvc", "Enter the security code.", check_cvc},
};

static void reply_payment(struct site_request *req, json_t *view, const char *problem)
{
    json_put_str(view, "problem", problem);
    req_reply_page(req, 200, "payment", view);
}

void shop_show_payment(struct site_request *req)
{
    if (has_shipping(req))
        reply_payment(req, checkout_view(req), "");
}

/* --- the order -------------------------------------------------------------------------------- */

/* Name of something of which there is not enough, or NULL. */
static const char *short_of(const struct shop *shop, const json_t *lines)
{
    size_t i;
    json_t *line;
    json_array_foreach ((json_t *)lines, i, line) {
        const json_t *p = shop_product(shop, json_int(line, "product", 0));
        if (json_int(line, "qty", 0) >
            json_int(shop_variant(p, json_str(line, "variant", "")), "stock", 0))
            return json_str(p, "name", "");
    }
    return NULL;
}

/* Takes the goods from the stock; what the order says of them. */
static json_t *take_goods(struct shop *shop, const json_t *lines)
{
    size_t i;
    json_t *line, *sold = json_array();
    json_array_foreach ((json_t *)lines, i, line) {
        const json_t *p = shop_product(shop, json_int(line, "product", 0));
        json_t *variant = shop_variant(p, json_str(line, "variant", "")),
               *item = json_deep_copy(line);
        json_put_int(variant, "stock", json_int(variant, "stock", 0) - json_int(line, "qty", 0));
        json_put_str(item, "name", json_str(p, "name", ""));
        json_put_int(item, "cents", json_int(p, "cents", 0));
        json_push(sold, item);
    }
    return sold;
}

static json_t *place(struct site_request *req, const char *card)
{
    struct shop *shop = shop_of(req);
    json_t *draft = draft_of(req), *order = json_object();
    const char *coupon = json_str(draft, "coupon", ""), *shipping = json_str(draft, "shipping", "");
    struct shop_totals t = shop_count(shop, json_object_get(draft, "lines"), coupon, shipping);
    json_put_str(
        order, "number",
        pool_printf(req_pool(req), "PW-%d", FIRST_ORDER + 7 * (int)json_array_size(shop->orders)));
    json_put(order, "lines", take_goods(shop, json_object_get(draft, "lines")));
    json_put_str(order, "coupon", coupon);
    json_put_str(order, "shipping", shipping);
    json_put_int(order, "subtotal", t.subtotal);
    json_put_int(order, "discount", t.discount);
    json_put_int(order, "shipping_cents", t.shipping);
    json_put_int(order, "total", t.total);
    for (size_t i = 0; i < ARRAY_SIZE(address_fields); i++)
        json_put_str(order, address_fields[i].name, json_str(draft, address_fields[i].name, ""));
    json_put_str(order, "card", pool_printf(req_pool(req), "ends in %s", card + strlen(card) - 4));
    json_push(shop->orders, order);
    json_array_append(json_object_get(shop_visitor(req), "orders"),
                      json_object_get(order, "number"));
    return order;
}

static void refuse_order(struct site_request *req, json_t *view, const char *why)
{
    site_log(req_site(req), "order_refused", req_path(req), json_pack("{s:s}", "why", why));
    reply_payment(req, view, why);
    req_delay(req, ORDER_DELAY_MS);
}

void shop_order(struct site_request *req)
{
    char card[32];
    if (!has_shipping(req))
        return;
    struct shop *shop = shop_of(req);
    json_t *view = checkout_view(req), *values = json_keep(req_pool(req), json_object());
    bool good = read_fields(req, card_fields, ARRAY_SIZE(card_fields), values, view);
    const char *missing = short_of(shop, json_object_get(draft_of(req), "lines"));
    digits_of(json_str(values, "card", ""), card);
    if (!good)
        refuse_order(req, view, "Some fields need another look.");
    else if (strcmp(card, DECLINED_CARD) == 0)
        refuse_order(req, view, "Your bank has declined this card.");
    else if (missing)
        refuse_order(req, view, pool_printf(req_pool(req), "No longer available: %s", missing));
    else if (json_array_size(shop->orders) >= CAP_SITE_RECORDS)
        refuse_order(req, view, "We take no more orders today.");
    else {
        json_t *order = place(req, card), *visitor = shop_visitor(req);
        json_array_clear(json_object_get(visitor, "lines"));
        json_put_str(visitor, "coupon", "");
        site_log(req_site(req), "order", req_path(req), json_deep_copy(order));
        req_redirect(
            req, pool_printf(req_pool(req), "/orders/%s?placed=1", json_str(order, "number", "")));
        req_delay(req, ORDER_DELAY_MS);
    }
}

/* --- what was ordered ---------------------------------------------------------------------------
 */

static json_t *own_order(struct site_request *req, const char *number)
{
    size_t i;
    json_t *order;
    json_array_foreach (shop_of(req)->orders, i, order)
        if (strcmp(json_str(order, "number", ""), number) == 0 &&
            json_holds(json_object_get(shop_visitor(req), "orders"), number))
            return order;
    return NULL;
}

void shop_show_order(struct site_request *req)
{
    json_t *order = own_order(req, req_rest(req)), *view = shop_view(req);
    if (!order) {
        shop_missing(req);
        return;
    }
    shop_put_lines(req, view, order);
    json_put(view, "o", json_deep_copy(order));
    json_put_bool(view, "placed", *req_arg(req, "placed", ""));
    req_reply_page(req, 200, "order", view);
}

void shop_show_orders(struct site_request *req)
{
    json_t *view = shop_view(req), *list = json_array(), *number;
    json_t *numbers = json_object_get(shop_visitor(req), "orders");
    size_t i;
    json_array_foreach (numbers, i, number) {
        json_t *order = own_order(req, json_string_value(number)), *row = json_deep_copy(order);
        json_put_str(row, "total", shop_money(req_pool(req), json_int(order, "total", 0)));
        json_array_insert_new(list, 0, row);
    }
    json_put_bool(view, "none", !json_array_size(list));
    json_put(view, "orders", list);
    req_reply_page(req, 200, "orders", view);
}
