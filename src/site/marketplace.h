/*
 * marketplace.h - the boats on offer: made from the seed by marketplace_data.c, shown and graded by
 * marketplace.c. Everything is made up; phone numbers are from the block kept for fiction (555-01xx).
 */
#ifndef MANTIS_SITE_MARKETPLACE_H
#define MANTIS_SITE_MARKETPLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/pool.h"

#define MARKET_BOATS 96
#define MARKET_PAGE 12     /* cards on a page of results */
#define MARKET_LEADS 3     /* the first private listings: what extract_listings asks for */
#define MARKET_SEARCH_PAGES 2 /* what search_and_filter asks for */

struct boat {
    int id;
    bool dealer;
    bool gone;     /* listed, but its page is a 404 */
    bool new_tab;  /* its card opens a new tab */
    bool json_ld;  /* its page describes itself to machines too */
    bool dropped;  /* shows what it cost before, struck out */
    int year, length_ft, hours, price_usd, posted; /* posted: 0 is the newest */
    const char *make, *model, *category, *engine, *fuel, *hull, *condition;
    const char *title; /* "2014 Tarn & Vale Drifter 19"; no two boats share one */
    const char *path;  /* "/boats/1042-2014-tarn-vale-drifter-19/" */
    const char *price, *old_price; /* as the pages show them */
    const char *phone, *tel;       /* as shown and as a tel: link; NULL when the seller gives none */
    const char *city, *state, *state_code, *seller, *dealer_slug, *about;
    int hue; /* of its picture, degrees */

    bool seen, revealed; /* since the last reset */
};

struct market {
    struct boat boats[MARKET_BOATS]; /* newest first */
    bool soup;                       /* odd seeds: the same pages made of nameless boxes */
    json_t *emails;                  /* newsletter sign-ups */
    bool searched[MARKET_SEARCH_PAGES];
};

struct dealer {
    const char *name, *slug, *city, *about;
};
extern const struct dealer market_dealers[];
extern const int market_n_dealers;

struct market *market_create(struct pool *pool, int64_t seed);

/* The boat whose path starts with this id, or NULL. */
struct boat *market_find(struct market *market, int id);

/* Which boats the results show, in which order; strings are never NULL. */
struct market_query {
    const char *text, *seller, *price, *state, *sort; /* "", "private", "10000-25000", "Maine", "price" */
};

/* Fills list with up to MARKET_BOATS boats; returns how many. */
int market_select(struct market *market, const struct market_query *query, struct boat **list);

#endif
