/*
 * The mail of a seed: some threads that tasks are about, among many that are only there.
 */
#include "site/inbox.h"

#include <string.h>

#include "base/err.h"
#include "site/random.h"

/* clang-format off */
const struct inbox_contact inbox_contacts[] = {
    {"Nora Whitfield", "nora@whitfield.example"}, {"Nora Whitby", "n.whitby@tidewater.example"},
    {"Rowan Ellery", "rowan@gale-rigging.example"}, {"Tom Adeyemi", "tom@adeyemi.example"},
    {"Gale & Sons", "billing@gale-rigging.example"}, {"Harbor Weekly", "news@harbor-weekly.example"},
    {"Petra Lindqvist", "petra@lindqvist.example"}, {"Sam Okafor", "sam@okafor.example"},
    {"Ines Duarte", "ines@duarte.example"}, {"Harbor Office", "office@larkfield-harbor.example"},
    {"Clement Roux", "clement@roux.example"}, {"Mira Castel", "mira@castel.example"},
    {"Thomas Ade", "thomas.ade@example.org"}, {"Sailing Club", "board@larkfield-sailing.example"},
    {"Pier Market", "orders@pier-market.example"}, {"Hanna Brandt", "hanna@brandt.example"},
};
const int n_inbox_contacts = ARRAY_SIZE(inbox_contacts);

const char *const inbox_labels[] = {"Bills", "Boat", "Family", "Travel", NULL};
const char *const inbox_folder_names[INBOX_FOLDERS] = {"inbox", "archive", "trash"};

const char inbox_minutes[] =
    "Minutes of the harbor meeting, 3 September 2026\n"
    "1. Dredging starts in October.\n"
    "2. Berth fees stay as they are.\n"
    "3. The crane is repaired.\n";

/* What tasks are about. place is where it stands at least; the seed adds up to 9. */
static const struct special {
    const char *subject;
    int from, place;
    enum inbox_folder folder;
    bool attachment;
    const char *bodies[INBOX_MAILS];
} specials[] = {
    {"Quote for the mast", 2, 1, INBOX_IN, false,
     {"Hello, could you send me the length of the old mast?", "Thank you, 9.4 meters it is. I will ask the yard.",
      "The new mast comes to 2,340 dollars, fitted. Shall we go ahead?"}},
    {"Invoice 2207", 4, 11, INBOX_IN, false, {"Please find our invoice 2207 below. It is due in fourteen days."}},
    {"Your spring newsletter", 5, 21, INBOX_IN, false, {"All that happened in the harbor this spring, in one mail."}},
    {"Minutes of the harbor meeting", 9, 31, INBOX_IN, true, {"The minutes are attached. Please tell us of mistakes."}},
    {"Lost dog near the pier", 13, 41, INBOX_IN, false, {"A small brown dog was found at the pier. It likes cheese."}},
    {"Old mooring papers", 10, 82, INBOX_IN, false, {"These are the papers you asked for last year. Keep them safe."}},
    {"Anchor chain, galvanised", 14, 62, INBOX_IN, false, {"Your order of ten meters of chain has left our house."}},
    {"Key for the boathouse", 0, 92, INBOX_TRASH, false, {"The key is under the blue pot. Please do not lose this mail."}},
};

static const char *const topics[] = {"Lunch", "Sails", "The engine", "Saturday", "Photos", "Varnish", "Tickets", "The fence",
    "Paint", "Your order", "Rain", "The ladder", "A question", "Winter storage", "Ropes", "Keys", "The buoy", "Trip north"};
static const char *const tails[] = {"", " again", " next week", " (changed)", ": two things", " - final", ", please read", "?"};
static const char *const sentences[] = {"I had a look at it this morning.", "Could you tell me by Friday?",
    "It was cheaper than we thought.", "Nobody knows who has the list.", "I will bring it along.", "The weather should hold.",
    "Let us talk about it on the phone.", "See you at the jetty.", "They close at five.", "Everything else stays as it was."};
/* clang-format on */

#define PICK(rnd, list) (list)[site_random_below((rnd), ARRAY_SIZE(list))]

static void fill_plain(struct pool *pool, struct inbox_thread *t, struct site_random *rnd)
{
    t->from = &inbox_contacts[1 + site_random_below(rnd, n_inbox_contacts - 1)];
    t->subject = pool_printf(pool, "%s%s", PICK(rnd, topics), PICK(rnd, tails));
    t->n_bodies = 1 + (site_random_below(rnd, 5) == 0);
    for (int i = 0; i < t->n_bodies; i++)
        t->bodies[i] = pool_printf(pool, "%s %s %s", PICK(rnd, sentences), PICK(rnd, sentences),
                                   PICK(rnd, sentences));
    t->labels = site_random_below(rnd, 6) == 0 ? 1u << (1 + site_random_below(rnd, 3)) : 0;
    t->unread = site_random_below(rnd, 4) == 0;
    t->folder = site_random_below(rnd, 14) ? INBOX_IN : INBOX_ARCHIVE;
}

static void fill_special(struct inbox_thread *t, const struct special *s, bool unread)
{
    t->from = &inbox_contacts[s->from];
    t->subject = s->subject;
    for (t->n_bodies = 0; t->n_bodies < INBOX_MAILS && s->bodies[t->n_bodies]; t->n_bodies++)
        t->bodies[t->n_bodies] = s->bodies[t->n_bodies];
    t->labels = 0;
    t->unread = unread;
    t->folder = s->folder;
    t->attachment = s->attachment;
}

struct inbox *inbox_create(struct pool *pool, int64_t seed)
{
    struct site_random rnd = {(uint64_t)seed};
    struct inbox *box = pool_alloc(pool, sizeof(*box));
    struct tm now = {.tm_year = 126, .tm_mon = 8, .tm_mday = 14, .tm_hour = 9, .tm_min = 12};
    time_t at = timegm(&now);
    box->pool = pool;
    box->soup = seed & 1;
    for (int i = 0; i < INBOX_THREADS; i++) {
        struct inbox_thread *t = &box->threads[i];
        t->id = 4000 + INBOX_THREADS - i;
        t->at = at;
        at -= 1800 + site_random_below(&rnd, 30000);
        fill_plain(pool, t, &rnd);
    }
    for (size_t i = 0; i < ARRAY_SIZE(specials); i++)
        fill_special(&box->threads[specials[i].place + site_random_below(&rnd, 10)], &specials[i],
                     i == 0 || site_random_below(&rnd, 3) == 0);
    for (int i = 0; i < INBOX_THREADS; i++) {
        box->threads[i].first_folder = box->threads[i].folder;
        box->threads[i].first_labels = box->threads[i].labels;
    }
    return box;
}

struct inbox_thread *inbox_thread(struct inbox *box, int id)
{
    int i = 4000 + INBOX_THREADS - id;
    return i >= 0 && i < INBOX_THREADS ? &box->threads[i] : NULL;
}

struct inbox_letter *inbox_letter(struct inbox *box, int id)
{
    return id > 0 && id <= box->n_letters ? box->letters[id - 1] : NULL;
}

struct inbox_letter *inbox_write(struct inbox *box, int reply_to)
{
    if (box->n_letters == CAP_SITE_RECORDS)
        return NULL;
    struct inbox_letter *l = pool_alloc(box->pool, sizeof(*l));
    *l = (struct inbox_letter){.id = box->n_letters + 1,
                               .reply_to = reply_to,
                               .to = "",
                               .subject = "",
                               .body = "",
                               .files = json_keep(box->pool, json_array())};
    box->letters[box->n_letters++] = l;
    return l;
}

/* Drafts are saved again and again; only what is different takes memory. */
void inbox_set(struct inbox *box, const char **field, const char *value)
{
    if (strcmp(*field, value) != 0)
        *field = pool_strdup(box->pool, value);
}
