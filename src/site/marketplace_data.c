/*
 * The boats of one seed. Private listings are counted as they are made, and the ones with a
 * peculiarity stand at fixed places behind the first MARKET_LEADS, so that the plain task stays
 * plain and a longer one meets all of them. Every third private listing but one is a sailboat, so
 * that a search for them fills several pages whatever the seed.
 */
#include "site/marketplace.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "site/random.h"

enum peculiar { NEW_TAB_AT = 3, GONE_AT = 4, DROPPED_AT = 5, NO_PHONE_AT = 6 };

const struct dealer market_dealers[] = {
    {"Breakwater Yacht Sales", "breakwater-yacht-sales", "Alder Quay",
     "Brokerage and winter storage since 1988."},
    {"North Channel Marine", "north-channel-marine", "Brume Point",
     "New and used motorboats, service on site."},
    {"Gull Island Boat Center", "gull-island-boat-center", "Ebb Harbor",
     "Financing, trade-ins and delivery."},
};
const int market_n_dealers = ARRAY_SIZE(market_dealers);

static const char *const makes[] = {"Brindlewick", "Ostermoor", "Tarn & Vale", "Kestrelby",
                                    "Halvergate",  "Pellworth", "Grey Tansy",  "Ruddock Bay"};
static const char *const sail_models[] = {"Tern 26", "Longreach 32", "Lantern 30", "Fetch 22",
                                          "Compass 28"};
static const char *const motor_models[] = {"Drifter 19", "Cuddy 240", "Sprint 21 SC", "Marsh 17",
                                           "Skerry 25"};
static const char *const motor_categories[] = {"Bowrider", "Cabin cruiser", "Center console",
                                               "Pontoon"};
static const char *const sellers[] = {"Dana R.", "Miguel S.", "Priya K.",  "Tom and Ellen W.",
                                      "Jo B.",   "Aisha N.",  "Walter P.", "Ingrid L.",
                                      "Sam O.",  "Carmen V."};
static const char *const cities[] = {"Alder Quay", "Brume Point", "Corran Bay",  "Dunmore Slip",
                                     "Ebb Harbor", "Fallow Cove", "Gannet Rock", "Heron Landing"};
static const struct {
    const char *name, *code, *area; /* of its phone numbers */
} states[] = {{"Maine", "ME", "207"},    {"Florida", "FL", "305"},  {"Washington", "WA", "206"},
              {"Michigan", "MI", "231"}, {"Texas", "TX", "361"},    {"Maryland", "MD", "410"},
              {"Oregon", "OR", "503"},   {"Minnesota", "MN", "218"}};
static const char *const hulls[] = {"Fiberglass", "Aluminum", "Steel", "Wood"};
static const char *const conditions[] = {"Good", "Very good", "Fair", "Excellent"};
static const char *const stories[] = {
    "Second owner, always kept under a cover. New cushions last spring and a fresh coat of bottom "
    "paint.",
    "We had many good summers with her and now need something larger. Trailer included.",
    "Runs well, starts at the first turn of the key. Some scratches at the waterline, see the "
    "pictures.",
    "Stored indoors every winter. Papers, manuals and two spare propellers come with it.",
    "Ready to go in the water. The radio is older, everything else works as it should.",
};

#define PICK(rnd, list) (list)[site_random_below(rnd, ARRAY_SIZE(list))]

static void choose_kind(struct boat *b, struct site_random *rnd, bool sail)
{
    if (sail) {
        b->category = "Sailboat";
        b->model = PICK(rnd, sail_models);
        b->engine = "Inboard auxiliary";
        b->fuel = "Diesel";
    } else {
        b->category = PICK(rnd, motor_categories);
        b->model = PICK(rnd, motor_models);
        b->engine = site_random_below(rnd, 2) ? "Single outboard" : "Twin outboard";
        b->fuel = "Gasoline";
    }
    const char *digits = b->model + strcspn(b->model, "0123456789");
    int number = atoi(digits);
    b->length_ft = number > 99 ? number / 10 : number;
}

static bool title_is_new(const struct market *m, int n, const char *title)
{
    for (int i = 0; i < n; i++)
        if (strcmp(m->boats[i].title, title) == 0)
            return false;
    return true;
}

static const char *slug(struct pool *pool, const char *title)
{
    char *out = pool_strdup(pool, title), *to = out;
    for (const char *p = title; *p; p++) {
        if (isalnum((unsigned char)*p))
            *to++ = (char)tolower((unsigned char)*p);
        else if (to > out && to[-1] != '-')
            *to++ = '-';
    }
    *to = 0;
    return out;
}

static const char *thousands(struct pool *pool, int usd)
{
    return usd < 1000 ? pool_printf(pool, "%d", usd)
                      : pool_printf(pool, "%d,%03d", usd / 1000, usd % 1000);
}

/* Sellers write prices as they like; each of these can be read in one way only. */
static const char *price_text(struct pool *pool, int usd, int style)
{
    const char *number = thousands(pool, usd);
    if (style == 1)
        return pool_printf(pool, "USD %s", number);
    if (style == 2)
        return pool_printf(pool, "%s USD", number);
    if (style == 3 && usd % 1000 == 500)
        return pool_printf(pool, "$%d.5k", usd / 1000);
    if (style == 4)
        return pool_printf(pool, "US$%s.00", number);
    return pool_printf(pool, "$%s", number);
}

static void give_phone(struct pool *pool, struct boat *b, const char *area, int line, int style)
{
    static const struct {
        const char *before, *between, *inside;
    } styles[] = {{"(", ") ", "-"}, {"", "-", "-"}, {"", ".", "."}, {"+1 ", " ", " "}};
    int i = style % (int)ARRAY_SIZE(styles);
    b->phone = pool_printf(pool, "%s%s%s555%s01%02d", styles[i].before, area, styles[i].between,
                           styles[i].inside, line);
    b->tel = pool_printf(pool, "+1%s55501%02d", area, line);
}

static void set_peculiar(struct pool *pool, struct boat *b, int k)
{
    b->new_tab = k == NEW_TAB_AT;
    b->gone = k == GONE_AT;
    b->dropped = k == DROPPED_AT;
    if (b->dropped)
        b->old_price = pool_printf(pool, "$%s", thousands(pool, b->price_usd + 1500));
    if (k == NO_PHONE_AT)
        b->phone = b->tel = NULL;
}

static void choose_seller(struct boat *b, struct site_random *rnd)
{
    const struct dealer *dealer = &market_dealers[site_random_below(rnd, market_n_dealers)];
    b->seller = b->dealer ? dealer->name : PICK(rnd, sellers);
    b->dealer_slug = b->dealer ? dealer->slug : "";
}

/* The n-th boat of the market; the k-th private one unless a dealer's. Makes and ways of writing go
 * round from a random start, so that neighbours differ. */
static void make_boat(struct pool *pool, struct market *m, int n, int k, int start,
                      struct site_random *rnd)
{
    struct boat *b = &m->boats[n];
    int turn = start + (b->dealer ? n : k);
    b->id = 1000 + n * 7 + site_random_below(rnd, 7);
    b->posted = n;
    do {
        choose_kind(b, rnd, b->dealer ? site_random_below(rnd, 3) == 0 : k * 4 % 9 < 4);
        b->make = makes[turn * 3 % (int)ARRAY_SIZE(makes)];
        b->year = 1984 + site_random_below(rnd, 39);
        b->title = pool_printf(pool, "%d %s %s", b->year, b->make, b->model);
    } while (!title_is_new(m, n, b->title));
    b->path = pool_printf(pool, "/boats/%d-%s/", b->id, slug(pool, b->title));

    int style = turn % 5;
    int usd = b->length_ft * b->length_ft * (20 + site_random_below(rnd, 60)) * (b->year - 1974) /
                  4000 * 100 +
              900;
    b->price_usd = style == 3 ? usd / 1000 * 1000 + 500 : usd;
    b->price = price_text(pool, b->price_usd, style);

    int state = site_random_below(rnd, ARRAY_SIZE(states));
    b->state = states[state].name;
    b->state_code = states[state].code;
    b->city = PICK(rnd, cities);
    b->hull = PICK(rnd, hulls);
    b->condition = PICK(rnd, conditions);
    b->about = PICK(rnd, stories);
    b->hours = 40 + site_random_below(rnd, 2400);
    b->hue = site_random_below(rnd, 360);
    b->json_ld = n % 3 == 1;
    choose_seller(b, rnd);
    give_phone(pool, b, states[state].area, n, turn % 4);
    if (!b->dealer)
        set_peculiar(pool, b, k);
}

struct market *market_create(struct pool *pool, int64_t seed)
{
    struct market *m = pool_alloc(pool, sizeof(*m));
    struct site_random rnd = {.state = (uint64_t)seed};
    int first = site_random_below(&rnd, 8), start = site_random_below(&rnd, 40), n_private = 0;
    m->soup = seed & 1;
    m->emails = json_keep(pool, json_array());
    for (int n = 0; n < MARKET_BOATS; n++) {
        int place = (n + first) % 8; /* three of eight are dealers' */
        m->boats[n].dealer = place == 2 || place == 5 || place == 7;
        make_boat(pool, m, n, n_private, start, &rnd);
        n_private += !m->boats[n].dealer;
    }
    return m;
}

struct boat *market_find(struct market *market, int id)
{
    for (int i = 0; i < MARKET_BOATS; i++)
        if (market->boats[i].id == id)
            return &market->boats[i];
    return NULL;
}

/* --- the results --------------------------------------------------------------------------- */

static bool seller_fits(const struct boat *b, const char *wanted)
{
    bool private = strstr(wanted, "private") != NULL, dealer = strstr(wanted, "dealer") != NULL;
    return private == dealer || dealer == b->dealer;
}

static bool price_fits(const struct boat *b, const char *range)
{
    int low, high;
    return sscanf(range, "%d-%d", &low, &high) != 2 || (b->price_usd >= low && b->price_usd < high);
}

static bool state_fits(const struct boat *b, const char *wanted)
{
    return str_empty(wanted) || str_eq_fold(b->state_code, wanted) ||
           str_contains_fold(b->state, wanted);
}

/* Every word must be somewhere in what the card says; a plural finds the singular. */
static bool text_fits(struct pool *pool, const struct boat *b, const char *text)
{
    char *save = NULL, *words = str_lower(pool, text);
    const char *card = pool_printf(pool, "%s %s %s %s", b->title, b->category, b->city, b->state);
    for (char *w = strtok_r(words, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
        size_t len = strlen(w);
        if (len > 3 && w[len - 1] == 's')
            w[len - 1] = 0;
        if (!str_contains_fold(card, w))
            return false;
    }
    return true;
}

static int by_posted(const void *a, const void *b)
{
    return (*(struct boat *const *)a)->posted - (*(struct boat *const *)b)->posted;
}

static int by_price(const void *a, const void *b)
{
    int d = (*(struct boat *const *)a)->price_usd - (*(struct boat *const *)b)->price_usd;
    return d ? d : by_posted(a, b);
}

static int by_price_down(const void *a, const void *b)
{
    int d = (*(struct boat *const *)b)->price_usd - (*(struct boat *const *)a)->price_usd;
    return d ? d : by_posted(a, b);
}

static int by_year_down(const void *a, const void *b)
{
    int d = (*(struct boat *const *)b)->year - (*(struct boat *const *)a)->year;
    return d ? d : by_posted(a, b);
}

int market_select(struct market *market, const struct market_query *query, struct boat **list)
{
    static const struct {
        const char *name;
        int (*compare)(const void *, const void *);
    } sorts[] = {{"price", by_price}, {"price_down", by_price_down}, {"year_down", by_year_down}};
    int n = 0;
    struct pool *pool = pool_create(NULL);
    for (int i = 0; i < MARKET_BOATS; i++) {
        struct boat *b = &market->boats[i];
        if (seller_fits(b, query->seller) && price_fits(b, query->price) &&
            state_fits(b, query->state) && text_fits(pool, b, query->text))
            list[n++] = b;
    }
    pool_destroy(pool);
    for (size_t i = 0; i < ARRAY_SIZE(sorts); i++)
        if (strcmp(sorts[i].name, query->sort) == 0)
            qsort(list, (size_t)n, sizeof(list[0]), sorts[i].compare);
    return n;
}
