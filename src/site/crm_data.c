#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "site/crm.h"
#include "site/random.h"

const char *const crm_statuses[] = {"Lead", "Active", "On hold", "Closed", NULL};
const char *const crm_owners[] = {"Dana Whitlock",   "Marcus Boyle", "Priya Nair",
                                  "Sofia Lindqvist", "Theo Abara",   NULL};

/* Of the customers 1, 2, ... in turn: half of them are active, two of twelve on hold. */
static const char *const status_of[] = {"Active",  "Lead",   "Active", "Active",
                                        "On hold", "Lead",   "Active", "On hold",
                                        "Closed",  "Active", "Lead",   "Active"};

static const char *const first_names[] = {
    "Amara",  "Bastian", "Celeste", "Dmitri", "Eilidh",  "Farouk", "Greta", "Hiro",
    "Imogen", "Jonas",   "Kirsten", "Lorcan", "Maribel", "Nadia",  "Oskar", "Petra",
};
static const char *const last_names[] = {
    "Abernathy", "Brandvold", "Castellano", "Delacroix", "Ekström",
    "Fairbairn", "Guerrero",  "Holloway",   "Iversen",   "Jankowski",
    "Kowalczyk", "Lindgren",  "Moreau",     "O'Donnell", "Pemberton",
};
static const char *const company_names[] = {
    "Bluefern",  "Copperline", "Dovetail",       "Eastmark", "Foxglove",  "Granite Row",
    "Hazelwick", "Inkstone",   "Juniper & Vale", "Kestrel",  "Larkfield", "Millbrook"};
static const char *const company_kinds[] = {"Logistics", "Interiors", "Foods", "Print Works",
                                            "Outfitters"};
static const char *const abouts[] = {
    "Prefers to be called in the morning.",
    "Met at the trade fair; wants a quote for the whole year.",
    "Pays by bank transfer, thirty days.",
    "Asks for samples before every order.",
    "",
};
static const char *const old_notes[] = {
    "Sent the price list.", "Asked about delivery times.", "Wants to renew in spring.",
    "Left a message with the front desk.", "Visited the warehouse."};

#define PICK(rnd, list) (list)[site_random_below(rnd, ARRAY_SIZE(list))]

static char *letters_of(struct pool *pool, const char *s)
{
    char *out = pool_strdup(pool, s), *to = out;
    for (; *s; s++)
        if (isalpha((unsigned char)*s))
            *to++ = (char)tolower((unsigned char)*s);
    *to = 0;
    return out;
}

static const char *phone_of(struct pool *pool, int id, int style)
{
    static const char *const areas[] = {"207", "305", "206", "231", "410"};
    const char *area = areas[id % (int)ARRAY_SIZE(areas)];
    if (style == 0)
        return pool_printf(pool, "(%s) 555-01%02d", area, id);
    if (style == 1)
        return pool_printf(pool, "%s-555-01%02d", area, id);
    return pool_printf(pool, "+1 %s 555 01%02d", area, id);
}

static json_t *make_notes(struct site_random *rnd, struct pool *pool)
{
    json_t *notes = json_array();
    for (int n = site_random_below(rnd, 3); n > 0; n--)
        json_push(notes,
                  json_pack("{s:s,s:s,s:s}", "text", PICK(rnd, old_notes), "by",
                            crm_owners[site_random_below(rnd, 5)], "on",
                            pool_printf(pool, "2024-%02d-%02d", 1 + site_random_below(rnd, 12),
                                        1 + site_random_below(rnd, 28))));
    return notes;
}

/* Names go round in both lists at once, so that no two customers of a seed share one. */
static json_t *make_customer(struct pool *pool, int i, int turn, struct site_random *rnd)
{
    const char *first = first_names[(i + turn) % (int)ARRAY_SIZE(first_names)],
               *last = last_names[(i * 7 + turn) % (int)ARRAY_SIZE(last_names)],
               *company = PICK(rnd, company_names);
    json_t *c = json_object();
    json_put_str(c, "name", pool_printf(pool, "%s %s", first, last));
    json_put_str(c, "company", pool_printf(pool, "%s %s", company, PICK(rnd, company_kinds)));
    json_put_str(c, "email",
                 pool_printf(pool, "%s.%s@%s.example", letters_of(pool, first),
                             letters_of(pool, last), letters_of(pool, company)));
    json_put_str(c, "phone", phone_of(pool, i + 1, site_random_below(rnd, 3)));
    json_put_str(c, "status", status_of[i % (int)ARRAY_SIZE(status_of)]);
    json_put_str(c, "owner", crm_owners[site_random_below(rnd, 5)]);
    json_put_bool(c, "newsletter", site_random_below(rnd, 2));
    json_put_str(c, "since",
                 pool_printf(pool, "20%02d-%02d-%02d", 12 + site_random_below(rnd, 12),
                             1 + site_random_below(rnd, 12), 1 + site_random_below(rnd, 28)));
    json_put_str(c, "about", PICK(rnd, abouts));
    json_put_int(c, "revenue", 400 + 50 * site_random_below(rnd, 900));
    json_put_bool(c, "archived", false);
    json_put_bool(c, "deleted", false);
    json_put(c, "notes", make_notes(rnd, pool));
    return c;
}

json_t *crm_add(struct crm *crm, json_t *customer)
{
    char number[16];
    int id = (int)json_array_size(crm->customers) + 1;
    snprintf(number, sizeof(number), "C-%04d", id);
    json_put_int(customer, "id", id);
    json_put_str(customer, "number", number);
    json_push(crm->customers, customer);
    return customer;
}

struct crm *crm_create(struct pool *pool, int64_t seed)
{
    struct crm *crm = pool_alloc(pool, sizeof(*crm));
    struct site_random rnd = {.state = (uint64_t)seed};
    int turn = site_random_below(&rnd, 240);
    crm->soup = seed & 1;
    crm->customers = json_keep(pool, json_array());
    for (int i = 0; i < CRM_CUSTOMERS; i++)
        crm_add(crm, make_customer(pool, i, turn, &rnd));
    crm->before = json_keep(pool, json_deep_copy(crm->customers));
    crm->sessions = json_keep(pool, json_object());
    crm->lists = json_keep(pool, json_array());
    crm->exports = json_keep(pool, json_array());
    return crm;
}

struct crm *crm_of(const struct site_request *req)
{
    return site_state(req_site(req));
}

json_t *crm_find(const struct crm *crm, const char *path, const char **ret_rest)
{
    char *end;
    long id = strtol(path, &end, 10);
    json_t *c = id > 0 && end > path ? json_array_get(crm->customers, (size_t)id - 1) : NULL;
    *ret_rest = end;
    return c && !json_flag(c, "deleted", false) ? c : NULL;
}

/* --- the table ----------------------------------------------------------------------------- */

static bool has_text(const json_t *c, const char *text)
{
    static const char *const fields[] = {"number", "name", "company", "email", "phone"};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (str_contains_fold(json_str(c, fields[i], ""), text))
            return true;
    return false;
}

static bool fits(const json_t *c, const struct crm_query *q)
{
    bool archived = json_flag(c, "archived", false),
         wants_archived = !strcmp(q->status, "Archived");
    if (json_flag(c, "deleted", false) || archived != wants_archived)
        return false;
    return (!*q->status || wants_archived || strcmp(json_str(c, "status", ""), q->status) == 0) &&
           (!*q->owner || strcmp(json_str(c, "owner", ""), q->owner) == 0) && has_text(c, q->text);
}

struct sorted {
    json_t *customer;
    const char *key;
    int64_t id;
};

static int by_key(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    int d = strcasecmp(x->key, y->key);
    return d ? d : x->id < y->id ? -1 : 1;
}

json_t *crm_select(const struct crm *crm, const struct crm_query *query)
{
    size_t n = 0, total = json_array_size(crm->customers), i;
    struct pool *pool = pool_create(NULL);
    struct sorted *list = pool_alloc(pool, (total + 1) * sizeof(*list));
    bool down = *query->sort == '-';
    json_t *c, *out = json_array();
    json_array_foreach (crm->customers, i, c) {
        if (fits(c, query))
            list[n++] = (struct sorted){c, json_str(c, query->sort + down, json_str(c, "name", "")),
                                        json_int(c, "id", 0)};
    }
    qsort(list, n, sizeof(*list), by_key);
    for (i = 0; i < n; i++)
        json_array_append(out, list[down ? n - 1 - i : i].customer);
    pool_destroy(pool);
    return out;
}
