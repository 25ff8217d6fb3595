#include "unit/site_visit.h"

#include <stdlib.h>
#include <string.h>

#include "site/shop.h"

#define CARD "card_name=Ada+Harrow&card=4242+4242+4242+4242&expiry=12%2F49&cvc=123"
#define ADDRESS                                                                                    \
    "email=ada@harrow.example&full_name=Ada+Harrow&street=12+Quay+Street&city=Alder+Quay&state="   \
    "Maine&zip=04101"

struct shopper {
    struct visit v;
    const char *cookie; /* header line, "" before the first thing in the cart */
    const char *text;   /* of the last answer */
};

static void enter(struct shopper *s, int64_t seed)
{
    s->cookie = "";
    assert_int_equal(open_visit(&s->v, "shop", seed, NULL), 0);
}

static int look(struct shopper *s, const char *path)
{
    return fetch(&s->v, "GET", path, s->cookie, "", &s->text);
}

static int post(struct shopper *s, const char *path, const char *body)
{
    int status =
        fetch(&s->v, "POST", path, pool_printf(s->v.pool, "%s%s", FORM, s->cookie), body, &s->text);
    const char *at = strstr(s->text, "Set-Cookie: ");
    if (at) {
        at += strlen("Set-Cookie: ");
        s->cookie = pool_printf(s->v.pool, "Cookie: %.*s\r\n", (int)strcspn(at, ";"), at);
    }
    return status;
}

static bool says(const struct shopper *s, const char *text)
{
    return strstr(s->text, text) != NULL;
}

static json_t *row(struct shopper *s, const char *name)
{
    size_t i;
    json_t *p;
    json_array_foreach (json_object_get(admin(&s->v, "/__env__/rows"), "rows"), i, p)
        if (strcmp(json_str(p, "name", ""), name) == 0)
            return p;
    fail_msg("no product %s", name);
    return NULL;
}

static int64_t stock(struct shopper *s, const char *name, const char *variant)
{
    return json_int(shop_variant(row(s, name), variant), "stock", -1);
}

static int add(struct shopper *s, const char *name, const char *variant, int qty)
{
    return post(s, "/api/cart",
                pool_printf(s->v.pool, "product=%lld&variant=%s&qty=%d",
                            (long long)json_int(row(s, name), "id", 0), variant, qty));
}

static json_t *task(struct shopper *s, const char *id)
{
    return admin(&s->v, pool_printf(s->v.pool, "/__env__/oracle?task_id=%s", id));
}

static bool passes(struct shopper *s, const char *id)
{
    return json_flag(task(s, id), "passed", false);
}

static json_t *diff(struct shopper *s, const char *what)
{
    return json_object_get(json_object_get(task(s, "sold_out"), "diff"), what);
}

static void walk_to_payment(struct shopper *s, const char *shipping)
{
    assert_int_equal(look(s, "/checkout/address"), 200);
    assert_int_equal(post(s, "/checkout/address", ADDRESS), 303);
    assert_true(says(s, "Location: /checkout/shipping"));
    assert_int_equal(post(s, "/checkout/shipping", pool_printf(s->v.pool, "shipping=%s", shipping)),
                     303);
    assert_true(says(s, "Location: /checkout/payment"));
    assert_int_equal(look(s, "/checkout/payment"), 200);
}

static void same_seed_gives_the_same_goods(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct shop *a = shop_create(pool, 42), *b = shop_create(pool, 42), *c = shop_create(pool, 44);
    assert_true(json_equal(a->products, b->products) && json_equal(a->shelf, b->shelf));
    assert_false(json_equal(a->products, c->products));
    assert_false(json_equal(a->shelf, c->shelf));
    pool_destroy(pool);
}

static void every_seed_has_what_tasks_ask_for(void **state)
{
    static const struct shop_query kitchen = {"", "Kitchen", "", "", 0, 40, true},
                                   lights = {"", "Lighting", "", "price", 0, 0, false};
    for (int64_t seed = -3; seed < 60; seed++) {
        struct pool *pool = pool_create(NULL);
        struct shop *shop = shop_create(pool, seed);
        const json_t *kettle = shop_by_slug(shop, "copper-kettle"),
                     *apron = shop_by_slug(shop, "linen-apron");
        assert_true(json_int(shop_variant(kettle, "1.5 l"), "stock", 0) >= 10);
        assert_int_equal(shop_stock(shop_by_slug(shop, "walnut-bread-board")), 0);
        assert_int_equal(json_int(shop_variant(apron, "Rust"), "stock", -1), 0);
        assert_true(shop_stock(apron) > 0);
        assert_int_equal(shop_stock(shop_by_slug(shop, "stoneware-teapot")), 2);
        size_t n = json_array_size(json_keep(pool, shop_select(shop, &kitchen))), i;
        assert_true(n > 0 && n <= SHOP_PAGE);
        json_t *list = json_keep(pool, shop_select(shop, &lights)), *p;
        int64_t last = 0;
        json_array_foreach (list, i, p) {
            assert_true(json_int(p, "cents", 0) >= last);
            last = json_int(p, "cents", 0);
        }
        assert_int_equal(i, 7);
        pool_destroy(pool);
    }
}

static void every_page_is_whole_and_the_same_for_the_same_seed(void **state)
{
    static const char *const pages[] = {"/",
                                        "/shop/",
                                        "/shop/?q=lamp&page=9",
                                        "/shop/?category=Kitchen&category=Table&brand=Tamsin",
                                        "/shop/?q=nosuchthing",
                                        "/p/copper-kettle/",
                                        "/p/walnut-bread-board/",
                                        "/cart/",
                                        "/orders/"};
    for (int64_t seed = 42; seed < 44; seed++) {
        struct shopper a, b;
        enter(&a, seed);
        enter(&b, seed);
        for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
            assert_int_equal(look(&a, pages[i]), 200);
            assert_int_equal(look(&b, pages[i]), 200);
            assert_string_equal(strstr(a.text, "<!doctype"), strstr(b.text, "<!doctype"));
            assert_true(says(&a, "</html>"));
        }
        assert_int_equal(look(&a, "/p/copper-kettle"), 404);
        assert_int_equal(look(&a, "/p/nothing/"), 404);
        assert_int_equal(look(&a, "/orders/PW-10482"), 404);
        close_visit(&a.v);
        close_visit(&b.v);
    }
}

static void facets_range_and_search_choose_the_goods(void **state)
{
    struct shopper s;
    enter(&s, 42);
    assert_int_equal(look(&s, "/shop/?category=Kitchen&max=40&stock=1"), 200);
    json_t *rows = json_object_get(task(&s, "kitchen_under_40"), "rows"), *p;
    size_t i;
    assert_true(says(&s, pool_printf(s.v.pool, ">%zu products<", json_array_size(rows))));
    json_array_foreach (rows, i, p) {
        assert_true(says(&s, json_str(p, "name", "?")));
        assert_true(json_int(p, "cents", 0) <= 4000 && !json_flag(p, "sold_out", true));
    }
    assert_true(passes(&s, "kitchen_under_40"));
    assert_false(passes(&s, "cheapest_lights"));
    assert_int_equal(look(&s, "/shop/?category=Lighting&sort=price"), 200);
    assert_true(passes(&s, "cheapest_lights"));
    assert_int_equal(look(&s, "/shop/?q=lamp"), 200);
    assert_true(says(&s, "Desk Lamp") && says(&s, "Bedside Lamp") && says(&s, ">2 products<"));
    assert_int_equal(look(&s, "/api/suggest?q=lin"), 200);
    assert_true(says(&s, "Linen Tea Towel") && says(&s, "/p/linen-apron/"));
    assert_int_equal(look(&s, "/api/suggest?q=+"), 200);
    assert_true(says(&s, "\r\n\r\n[]"));
    close_visit(&s.v);
}

static void the_cart_takes_what_there_is(void **state)
{
    struct shopper s;
    enter(&s, 42);
    assert_int_equal(add(&s, "Enamel Mug", "Sky", 2), 200);
    assert_true(says(&s, "\"count\":2"));
    assert_int_equal(add(&s, "Enamel Mug", "Sky", 1), 200);
    assert_true(passes(&s, "fill_cart"));
    assert_int_equal(add(&s, "Enamel Mug", "Sky", 9), 409);
    assert_int_equal(add(&s, "Enamel Mug", "Pink", 1), 422);
    assert_int_equal(add(&s, "Enamel Mug", "Sky", 0), 422);
    assert_int_equal(add(&s, "Walnut Bread Board", "Small", 1), 409);
    assert_true(says(&s, "sold out"));
    assert_int_equal(add(&s, "Stoneware Teapot", "Ash", 2), 409);
    assert_int_equal(post(&s, "/api/cart", "product=999&variant=x&qty=1"), 422);
    assert_true(passes(&s, "fill_cart"));

    assert_int_equal(post(&s, "/cart/update", "line=0&qty=5"), 303);
    assert_false(passes(&s, "fill_cart"));
    assert_int_equal(look(&s, "/cart/"), 200);
    assert_true(says(&s, "name=\"qty\" value=\"5\""));
    assert_int_equal(post(&s, "/cart/update", "line=0&qty=lots"), 200);
    assert_true(says(&s, "Enter a number."));
    assert_int_equal(post(&s, "/cart/remove", "line=7"), 303);
    assert_int_equal(json_array_size(diff(&s, "carts")), 1);
    assert_int_equal(post(&s, "/cart/remove", "line=0"), 303);
    assert_int_equal(look(&s, "/cart/"), 200);
    assert_true(says(&s, "Your cart is empty."));
    close_visit(&s.v);
}

static void coupons_work_expire_and_have_a_minimum(void **state)
{
    struct shopper s;
    enter(&s, 42);
    assert_int_equal(add(&s, "Enamel Mug", "Sky", 1), 200);
    assert_int_equal(post(&s, "/cart/coupon", "coupon=SPRING20"), 200);
    assert_true(says(&s, "This coupon expired on May 31."));
    assert_int_equal(post(&s, "/cart/coupon", "coupon=BIG15"), 200);
    assert_true(says(&s, "This coupon needs goods for $80.00 or more."));
    assert_int_equal(post(&s, "/cart/coupon", "coupon=FREE"), 200);
    assert_true(says(&s, "We do not know this coupon."));
    assert_int_equal(post(&s, "/cart/coupon", "coupon=save10"), 303);
    assert_int_equal(look(&s, "/cart/"), 200);
    int64_t cents = json_int(row(&s, "Enamel Mug"), "cents", 0);
    assert_true(says(&s, pool_printf(s.v.pool, "−%s", shop_money(s.v.pool, cents / 10))));
    assert_int_equal(post(&s, "/cart/coupon", ""), 303);
    assert_int_equal(add(&s, "Copper Kettle", "2 l", 3), 200);
    assert_int_equal(post(&s, "/cart/coupon", "coupon=BIG15"), 303);
    assert_int_equal(look(&s, "/cart/"), 200);
    assert_true(says(&s, "−$15.00"));
    close_visit(&s.v);
}

static void an_order_takes_from_the_stock_and_has_the_right_total(void **state)
{
    struct shopper s;
    enter(&s, 42);
    int64_t before = stock(&s, "Linen Tea Towel", "Indigo"),
            cents = json_int(row(&s, "Linen Tea Towel"), "cents", 0);
    assert_int_equal(add(&s, "Linen Tea Towel", "Indigo", 2), 200);
    assert_int_equal(post(&s, "/cart/coupon", "coupon=SAVE10"), 303);
    walk_to_payment(&s, "express");
    assert_false(passes(&s, "buy_towels"));
    assert_int_equal(post(&s, "/checkout/order", CARD), 303);
    assert_true(says(&s, "Location: /orders/PW-10482?placed=1"));
    assert_true(passes(&s, "buy_towels"));
    assert_int_equal(stock(&s, "Linen Tea Towel", "Indigo"), before - 2);
    json_t *order = json_array_get(diff(&s, "orders"), 0);
    assert_int_equal(json_int(order, "total", 0), cents * 2 - cents * 2 / 10 + 1290);
    assert_null(strstr(json_text(s.v.pool, admin(&s.v, "/__env__/mutations")), "4242424242"));

    assert_int_equal(look(&s, "/orders/PW-10482?placed=1"), 200);
    assert_true(says(&s, "Thank you for your order"));
    assert_int_equal(look(&s, "/orders/"), 200);
    assert_true(says(&s, "2 × Linen Tea Towel, Indigo"));
    s.cookie = ""; /* nobody else sees it */
    assert_int_equal(look(&s, "/orders/PW-10482"), 404);
    close_visit(&s.v);
}

static void pressing_the_last_button_twice_places_two_orders(void **state)
{
    struct shopper s;
    enter(&s, 42);
    int64_t before = stock(&s, "Copper Kettle", "1.5 l");
    assert_int_equal(add(&s, "Copper Kettle", "1.5 l", 1), 200);
    walk_to_payment(&s, "standard");
    assert_int_equal(post(&s, "/checkout/order", CARD), 303);
    assert_true(passes(&s, "buy_kettle"));
    assert_int_equal(post(&s, "/checkout/order", CARD), 303);
    json_t *answer = task(&s, "buy_kettle");
    assert_false(json_flag(answer, "passed", true));
    assert_non_null(strstr(json_text(s.v.pool, answer), "2 orders were placed, not 1"));
    assert_int_equal(stock(&s, "Copper Kettle", "1.5 l"), before - 2);
    close_visit(&s.v);
}

static void the_last_piece_is_sold_once(void **state)
{
    struct shopper s;
    enter(&s, 42);
    assert_int_equal(add(&s, "Stoneware Teapot", "Ash", 1), 200);
    walk_to_payment(&s, "pickup");
    assert_int_equal(post(&s, "/checkout/order", CARD), 303);
    assert_int_equal(post(&s, "/checkout/order", CARD), 200);
    assert_true(says(&s, "No longer available: Stoneware Teapot"));
    assert_int_equal(stock(&s, "Stoneware Teapot", "Ash"), 0);
    assert_int_equal(json_array_size(diff(&s, "orders")), 1);
    close_visit(&s.v);
}

static void the_checkout_refuses_what_is_missing_or_wrong(void **state)
{
    static const struct {
        const char *body, *says;
    } cards[] = {
        {"", "Enter the card number."},
        {"card_name=A&card=4242424242424241&expiry=12%2F49&cvc=123", "Check the card number."},
        {"card_name=A&card=4242x&expiry=12%2F49&cvc=123", "Check the card number."},
        {"card_name=A&card=4242424242424242&expiry=01%2F20&cvc=123", "This card has expired."},
        {"card_name=A&card=4242424242424242&expiry=13%2F49&cvc=123", "Enter month and year"},
        {"card_name=A&card=4242424242424242&expiry=12%2F49&cvc=1x", "Enter the 3 or 4 digits."},
        {"card_name=A&card=4000000000000002&expiry=12%2F49&cvc=123", "Your bank has declined"},
    };
    struct shopper s;
    enter(&s, 42);
    assert_int_equal(look(&s, "/checkout/address"), 303);
    assert_int_equal(post(&s, "/checkout/order", CARD), 303);
    assert_true(says(&s, "Location: /cart/"));
    assert_int_equal(add(&s, "Enamel Mug", "Sky", 1), 200);
    assert_int_equal(look(&s, "/checkout/address"), 200);
    assert_int_equal(look(&s, "/checkout/payment"), 303);
    assert_true(says(&s, "Location: /checkout/address"));
    assert_int_equal(post(&s, "/checkout/address", "email=x&full_name=Ada&zip=1"), 200);
    assert_true(says(&s, "Enter an email address.") && says(&s, "Enter your street and number.") &&
                says(&s, "Enter a ZIP code of 5 digits.") && says(&s, "value=\"Ada\""));
    assert_int_equal(post(&s, "/checkout/address", ADDRESS), 303);
    assert_int_equal(post(&s, "/checkout/shipping", "shipping=pigeon"), 200);
    assert_true(says(&s, "Choose how we should ship."));
    assert_int_equal(post(&s, "/checkout/shipping", "shipping=standard"), 303);
    for (size_t i = 0; i < ARRAY_SIZE(cards); i++) {
        assert_int_equal(post(&s, "/checkout/order", cards[i].body), 200);
        assert_true(says(&s, cards[i].says));
        assert_false(says(&s, "4242424242"));
    }
    assert_int_equal(json_array_size(diff(&s, "orders")), 0);
    close_visit(&s.v);
}

static void seeing_that_it_is_sold_out_and_buying_nothing_is_right(void **state)
{
    struct shopper s;
    enter(&s, 42);
    assert_false(passes(&s, "sold_out"));
    assert_int_equal(look(&s, "/p/walnut-bread-board/"), 200);
    assert_true(says(&s, "disabled>Sold out</button>"));
    assert_true(passes(&s, "sold_out"));
    assert_int_equal(add(&s, "Enamel Mug", "Sky", 1), 200);
    assert_false(passes(&s, "sold_out"));
    close_visit(&s.v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_gives_the_same_goods),
        cmocka_unit_test(every_seed_has_what_tasks_ask_for),
        cmocka_unit_test(every_page_is_whole_and_the_same_for_the_same_seed),
        cmocka_unit_test(facets_range_and_search_choose_the_goods),
        cmocka_unit_test(the_cart_takes_what_there_is),
        cmocka_unit_test(coupons_work_expire_and_have_a_minimum),
        cmocka_unit_test(an_order_takes_from_the_stock_and_has_the_right_total),
        cmocka_unit_test(pressing_the_last_button_twice_places_two_orders),
        cmocka_unit_test(the_last_piece_is_sold_once),
        cmocka_unit_test(the_checkout_refuses_what_is_missing_or_wrong),
        cmocka_unit_test(seeing_that_it_is_sold_out_and_buying_nothing_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
