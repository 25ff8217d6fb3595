#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "site/random.h"
#include "site/shop.h"

const char *const shop_categories[] = {"Kitchen", "Table", "Textiles", "Lighting", "Garden", NULL};
const char *const shop_brands[] = {"Aldersmith",    "Corvane", "Henlow & Daughters",
                                   "Ostrava Works", "Tamsin",  NULL};

/* What is left of the goods that tasks and tests speak of: enough, nothing, or one of each. */
enum supply { SUPPLY_RANDOM, SUPPLY_PLENTY, SUPPLY_NONE, SUPPLY_ONE, SUPPLY_FIRST_GONE };

/* clang-format off */
static const struct {
    const char *name;
    int category, dollars; /* dollars: around what it costs */
    enum supply supply;
    const char *option, *variants[4];
} goods[] = {
    {"Copper Kettle", 0, 58, SUPPLY_PLENTY, "Size", {"1 l", "1.5 l", "2 l"}},
    {"Cast Iron Pan", 0, 44, SUPPLY_RANDOM, "Size", {"20 cm", "24 cm", "28 cm"}},
    {"Walnut Bread Board", 0, 32, SUPPLY_NONE, "Size", {"Small", "Large"}},
    {"Chef's Knife", 0, 62, SUPPLY_RANDOM, "Length", {"16 cm", "20 cm"}},
    {"Pepper Mill", 0, 27, SUPPLY_RANDOM, "Wood", {"Beech", "Walnut"}},
    {"Mixing Bowls", 0, 36, SUPPLY_RANDOM, "Set", {"Three", "Five"}},
    {"Rolling Pin", 0, 16, SUPPLY_RANDOM, "Wood", {"Beech", "Maple"}},
    {"Egg Timer", 0, 12, SUPPLY_RANDOM, "Color", {"Red", "White"}},
    {"Storage Jar", 0, 14, SUPPLY_RANDOM, "Size", {"0.5 l", "1 l", "2 l"}},
    {"Enamel Mug", 1, 13, SUPPLY_PLENTY, "Color", {"Cream", "Sky", "Moss"}},
    {"Stoneware Teapot", 1, 49, SUPPLY_ONE, "Glaze", {"Ash", "Ink"}},
    {"Dinner Plate", 1, 18, SUPPLY_RANDOM, "Color", {"Cream", "Slate"}},
    {"Soup Bowl", 1, 15, SUPPLY_RANDOM, "Color", {"Cream", "Slate"}},
    {"Wine Glass", 1, 11, SUPPLY_RANDOM, "Set", {"One", "Four"}},
    {"Water Carafe", 1, 29, SUPPLY_RANDOM, "Glass", {"Clear", "Smoke"}},
    {"Cake Stand", 1, 39, SUPPLY_RANDOM, "Height", {"Low", "High"}},
    {"Steak Knives", 1, 54, SUPPLY_RANDOM, "Handle", {"Oak", "Black"}},
    {"Linen Tea Towel", 2, 12, SUPPLY_PLENTY, "Color", {"Natural", "Indigo", "Rust"}},
    {"Linen Apron", 2, 42, SUPPLY_FIRST_GONE, "Color", {"Rust", "Natural", "Charcoal"}},
    {"Wool Throw", 2, 78, SUPPLY_RANDOM, "Color", {"Heather", "Oat"}},
    {"Cotton Napkins", 2, 22, SUPPLY_RANDOM, "Set", {"Four", "Eight"}},
    {"Oven Mitt", 2, 17, SUPPLY_RANDOM, "Color", {"Indigo", "Rust"}},
    {"Table Runner", 2, 33, SUPPLY_RANDOM, "Length", {"150 cm", "200 cm"}},
    {"Bath Towel", 2, 26, SUPPLY_RANDOM, "Color", {"White", "Sage", "Clay"}},
    {"Floor Cushion", 2, 57, SUPPLY_RANDOM, "Color", {"Ochre", "Grey"}},
    {"Desk Lamp", 3, 66, SUPPLY_RANDOM, "Color", {"Black", "Brass"}},
    {"Paper Lantern", 3, 19, SUPPLY_RANDOM, "Size", {"30 cm", "45 cm", "60 cm"}},
    {"Bedside Lamp", 3, 48, SUPPLY_RANDOM, "Shade", {"Linen", "Glass"}},
    {"Candle Holder", 3, 15, SUPPLY_RANDOM, "Metal", {"Brass", "Iron"}},
    {"Pendant Light", 3, 84, SUPPLY_RANDOM, "Color", {"White", "Green"}},
    {"String Lights", 3, 24, SUPPLY_RANDOM, "Length", {"5 m", "10 m"}},
    {"Beeswax Candles", 3, 14, SUPPLY_RANDOM, "Set", {"Two", "Six"}},
    {"Watering Can", 4, 37, SUPPLY_RANDOM, "Size", {"3 l", "6 l"}},
    {"Garden Trowel", 4, 21, SUPPLY_RANDOM, "Handle", {"Ash", "Oak"}},
    {"Clay Planter", 4, 28, SUPPLY_RANDOM, "Size", {"18 cm", "24 cm", "30 cm"}},
    {"Pruning Shears", 4, 35, SUPPLY_RANDOM, "Hand", {"Right", "Left"}},
    {"Bird Feeder", 4, 31, SUPPLY_RANDOM, "Wood", {"Cedar", "Oak"}},
    {"Seed Tin", 4, 18, SUPPLY_RANDOM, "Color", {"Green", "Cream"}},
    {"Kneeling Pad", 4, 16, SUPPLY_RANDOM, "Color", {"Green", "Grey"}},
    {"Garden Twine", 4, 8, SUPPLY_RANDOM, "Color", {"Natural", "Green"}},
};
static const char *const abouts[] = {
    "Made in small numbers and meant to be used every day.",
    "Heavier than it looks, and better for it. Comes in a box that can be given as it is.",
    "A plain thing done well. Wash by hand, dry at once, and it will outlast the cupboard.",
    "Our oldest design, made by the same workshop since we opened.",
};
/* clang-format on */

static const char *slug(struct pool *pool, const char *name)
{
    char *out = pool_strdup(pool, name), *to = out;
    for (; *name; name++) {
        if (isalnum((unsigned char)*name))
            *to++ = (char)tolower((unsigned char)*name);
        else if (*name == ' ')
            *to++ = '-';
    }
    *to = 0;
    return out;
}

static int stock_of(enum supply supply, size_t variant, struct site_random *rnd)
{
    int some = 3 + site_random_below(rnd, 25);
    if (supply == SUPPLY_RANDOM)
        return site_random_below(rnd, 9) ? some : 0;
    if (supply == SUPPLY_NONE || (supply == SUPPLY_FIRST_GONE && variant == 0))
        return 0;
    return supply == SUPPLY_ONE ? 1 : some + 8;
}

static json_t *make_product(struct pool *pool, size_t i, struct site_random *rnd)
{
    json_t *p = json_object(), *variants = json_array();
    json_put_int(p, "id", (int64_t)i + 1);
    json_put_str(p, "name", goods[i].name);
    json_put_str(p, "slug", slug(pool, goods[i].name));
    json_put_str(p, "brand", shop_brands[site_random_below(rnd, 5)]);
    json_put_str(p, "category", shop_categories[goods[i].category]);
    json_put_int(p, "cents",
                 goods[i].dollars * (85 + site_random_below(rnd, 30)) / 50 * 50 +
                     (site_random_below(rnd, 3) ? 0 : 45));
    json_put_str(p, "about", abouts[site_random_below(rnd, ARRAY_SIZE(abouts))]);
    json_put_int(p, "rating", 31 + site_random_below(rnd, 19));
    json_put_int(p, "reviews", 3 + site_random_below(rnd, 240));
    json_put_int(p, "hue", site_random_below(rnd, 360));
    json_put_str(p, "option", goods[i].option);
    for (size_t v = 0; v < ARRAY_SIZE(goods[i].variants) && goods[i].variants[v]; v++)
        json_push(variants, json_pack("{s:s,s:i}", "name", goods[i].variants[v], "stock",
                                      stock_of(goods[i].supply, v, rnd)));
    json_put(p, "variants", variants);
    return p;
}

static void shuffle(json_t *list, struct site_random *rnd)
{
    for (int i = (int)json_array_size(list) - 1; i > 0; i--) {
        int k = site_random_below(rnd, i + 1);
        json_t *a = json_incref(json_array_get(list, (size_t)i)),
               *b = json_incref(json_array_get(list, (size_t)k));
        json_array_set_new(list, (size_t)i, b);
        json_array_set_new(list, (size_t)k, a);
    }
}

struct shop *shop_create(struct pool *pool, int64_t seed)
{
    struct shop *shop = pool_alloc(pool, sizeof(*shop));
    struct site_random rnd = {.state = (uint64_t)seed};
    shop->soup = seed & 1;
    shop->products = json_keep(pool, json_array());
    for (size_t i = 0; i < ARRAY_SIZE(goods); i++)
        json_push(shop->products, make_product(pool, i, &rnd));
    shop->before = json_keep(pool, json_deep_copy(shop->products));
    shop->shelf = json_keep(pool, json_copy(shop->products));
    shuffle(shop->shelf, &rnd);
    shop->visitors = json_keep(pool, json_object());
    shop->orders = json_keep(pool, json_array());
    shop->lists = json_keep(pool, json_array());
    shop->seen = json_keep(pool, json_array());
    return shop;
}

struct shop *shop_of(const struct site_request *req)
{
    return site_state(req_site(req));
}

json_t *shop_product(const struct shop *shop, int64_t id)
{
    return id > 0 ? json_array_get(shop->products, (size_t)id - 1) : NULL;
}

json_t *shop_by_slug(const struct shop *shop, const char *wanted)
{
    size_t i;
    json_t *p;
    json_array_foreach (shop->products, i, p)
        if (strcmp(json_str(p, "slug", ""), wanted) == 0)
            return p;
    return NULL;
}

json_t *shop_variant(const json_t *product, const char *name)
{
    size_t i;
    json_t *v;
    json_array_foreach (json_object_get(product, "variants"), i, v)
        if (strcmp(json_str(v, "name", ""), name) == 0)
            return v;
    return NULL;
}

int64_t shop_stock(const json_t *product)
{
    int64_t n = 0;
    size_t i;
    json_t *v;
    json_array_foreach (json_object_get(product, "variants"), i, v)
        n += json_int(v, "stock", 0);
    return n;
}

const char *shop_money(struct pool *pool, int64_t cents)
{
    return pool_printf(pool, "$%lld.%02lld", (long long)(cents / 100), (long long)(cents % 100));
}

/* --- the results --------------------------------------------------------------------------- */

/* Is value one of the names in list, which are joined by commas? An empty list has all. */
static bool is_listed(const char *list, const char *value)
{
    size_t len = strlen(value);
    for (const char *p = list; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        if (n == len && strncmp(p, value, n) == 0)
            return true;
        p += n;
    }
    return !*list;
}

static bool fits(const json_t *p, const struct shop_query *q)
{
    int64_t cents = json_int(p, "cents", 0);
    return is_listed(q->categories, json_str(p, "category", "")) &&
           is_listed(q->brands, json_str(p, "brand", "")) && (!q->min || cents >= q->min * 100) &&
           (!q->max || cents <= q->max * 100) && (!q->in_stock || shop_stock(p) > 0) &&
           (str_contains_fold(json_str(p, "name", ""), q->text) ||
            str_contains_fold(json_str(p, "category", ""), q->text) ||
            str_contains_fold(json_str(p, "brand", ""), q->text));
}

struct sorted {
    json_t *product;
    int64_t key;
    size_t place;
};

static int by_key(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

static int64_t sort_key(const json_t *p, const char *sort)
{
    if (strcmp(sort, "price") == 0)
        return json_int(p, "cents", 0);
    if (strcmp(sort, "price_down") == 0)
        return -json_int(p, "cents", 0);
    return strcmp(sort, "rating") == 0 ? -json_int(p, "rating", 0) : 0;
}

json_t *shop_select(const struct shop *shop, const struct shop_query *query)
{
    struct sorted list[ARRAY_SIZE(goods)];
    size_t n = 0, i;
    json_t *p, *out = json_array();
    json_array_foreach (shop->shelf, i, p) {
        if (fits(p, query))
            list[n++] = (struct sorted){p, sort_key(p, query->sort), i};
    }
    qsort(list, n, sizeof(list[0]), by_key);
    for (i = 0; i < n; i++)
        json_array_append(out, list[i].product);
    return out;
}
