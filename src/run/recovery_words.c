/*
 * recovery_words.c - what remedies know about addresses and labels by their letters alone.
 */
#include "run/recovery.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "run/inner/perceptual.h"
#include "run/url.h"

#define MAX_LINKS   200
#define BEST_LINKS  3
#define MIN_OVERLAP 0.25
#define MAX_WORDS   64
#define WORD_BYTES  24

/* --- labels ----------------------------------------------------------------------------------- */

/* Letters and figures in lower case; the bytes of other scripts as they are. */
static char *letters(struct pool *pool, const char *s)
{
    char *low = str_lower(pool, s), *to = low;
    for (const unsigned char *p = (const unsigned char *)low; *p; p++)
        if (isalnum(*p) || *p >= 0x80)
            *to++ = (char)*p;
    *to = 0;
    return low;
}

double recovery_likeness(struct pool *pool, const char *a, const char *b)
{
    char *x = letters(pool, a), *y = letters(pool, b);
    size_t nx = strlen(x), ny = strlen(y), common = 0;
    if (nx < 2 || ny < 2)
        return nx && nx == ny && *x == *y ? 1 : 0;
    bool *used = pool_alloc(pool, ny * sizeof(*used));
    memset(used, 0, ny * sizeof(*used));
    for (size_t i = 0; i + 1 < nx; i++)
        for (size_t j = 0; j + 1 < ny; j++)
            if (!used[j] && x[i] == y[j] && x[i + 1] == y[j + 1]) {
                used[j] = true;
                common++;
                break;
            }
    return 2.0 * (double)common / (double)(nx + ny - 2);
}

static const char *const commits[] = {
    "delete", "remove",   "cancel",   "discard", "archive",  "buy",         "pay",
    "order",  "purchase", "send",     "submit",  "confirm",  "unsubscribe", "withdraw",
    "reset",  "close",    "sign out", "log out", "transfer",
};

bool recovery_commits_more(const char *proposed, const char *wanted)
{
    for (size_t i = 0; i < ARRAY_SIZE(commits); i++)
        if (str_has_words_fold(proposed, commits[i]) && !str_has_words_fold(wanted, commits[i]))
            return true;
    return perceptual_commits(proposed) && !perceptual_commits(wanted);
}

/* --- addresses -------------------------------------------------------------------------------- */

struct proposals {
    struct pool *pool;
    struct url_proposal *list;
    int n;
};

static void propose(struct proposals *p, const char *original, const char *url, double confidence,
                    const char *source)
{
    if (p->n >= URL_PROPOSALS || !strcmp(url, original) || !url_is_web(url))
        return;
    for (int i = 0; i < p->n; i++)
        if (!strcmp(p->list[i].url, url))
            return;
    p->list[p->n++] = (struct url_proposal){url, source, confidence};
}

/* scheme://host | path | ?query#fragment */
struct pieces {
    const char *origin, *path, *rest;
};

static struct pieces cut(struct pool *pool, const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t to_path = (size_t)(host - url) + strcspn(host, "/?#");
    size_t path_len = strcspn(url + to_path, "?#");
    return (struct pieces){pool_strndup(pool, url, to_path),
                           pool_strndup(pool, url + to_path, path_len), url + to_path + path_len};
}

static void toggle_slash(struct proposals *p, const char *url, const struct pieces *u)
{
    size_t len = strlen(u->path);
    bool slash = len && u->path[len - 1] == '/';
    const char *path =
        slash ? pool_strndup(p->pool, u->path, len - 1) : pool_printf(p->pool, "%s/", u->path);
    propose(p, url, pool_printf(p->pool, "%s%s%s", u->origin, path, u->rest), .6, "pattern");
}

/* "/jobs-de" <-> "/jobs/de": two letters at the end of the path. */
static void toggle_region(struct proposals *p, const char *url, const struct pieces *u)
{
    char *path = pool_strdup(p->pool, u->path);
    size_t len = strlen(path);
    bool slash = len && path[len - 1] == '/';
    len -= slash;
    if (len < 5 || !isalpha((unsigned char)path[len - 1]) ||
        !isalpha((unsigned char)path[len - 2]) || !isalnum((unsigned char)path[len - 4]))
        return;
    char *mark = &path[len - 3];
    if (*mark != '-' && *mark != '/')
        return;
    *mark = *mark == '-' ? '/' : '-';
    propose(p, url, pool_printf(p->pool, "%s%s%s", u->origin, path, u->rest), .6, "pattern");
}

static void toggle_www(struct proposals *p, const char *url)
{
    const char *host = strstr(url, "://");
    if (!host)
        return;
    host += 3;
    bool has = !strncasecmp(host, "www.", 4);
    /* an address of figures has no "www." */
    if (!has && (isdigit((unsigned char)*host) || *host == '[' ||
                 !memchr(host, '.', strcspn(host, "/:?#"))))
        return;
    propose(p, url,
            pool_printf(p->pool, "%.*s%s%s", (int)(host - url), url, has ? "" : "www.",
                        has ? host + 4 : host),
            .55, "pattern");
}

static void lower_query(struct proposals *p, const char *url, const struct pieces *u)
{
    if (*u->rest)
        propose(p, url,
                pool_printf(p->pool, "%s%s%s", u->origin, u->path, str_lower(p->pool, u->rest)), .5,
                "pattern");
}

/* --- links ------------------------------------------------------------------------------------ */

struct words {
    char list[MAX_WORDS][WORD_BYTES];
    int n;
};

static void add_words(struct words *w, const char *text)
{
    static const char *const dull[] = {"http", "https", "www", "com",  "the", "a",
                                       "and",  "to",    "of",  "open", "page"};
    while (*text && w->n < MAX_WORDS) {
        size_t len = 0;
        char *to = w->list[w->n];
        while (isalnum((unsigned char)text[len])) {
            if (len < WORD_BYTES - 1)
                to[len] = (char)tolower((unsigned char)text[len]);
            len++;
        }
        to[len < WORD_BYTES - 1 ? len : WORD_BYTES - 1] = 0;
        bool keep = len > 1;
        for (size_t i = 0; keep && i < ARRAY_SIZE(dull); i++)
            keep = strcmp(dull[i], to) != 0;
        for (int i = 0; keep && i < w->n; i++)
            keep = strcmp(w->list[i], to) != 0;
        w->n += keep;
        text += len ? len : 1;
    }
}

/* Share of the wanted words that the link has. */
static double overlap(const struct words *wanted, const struct words *link)
{
    int hits = 0;
    for (int i = 0; i < wanted->n; i++)
        for (int j = 0; j < link->n; j++)
            hits += !strcmp(wanted->list[i], link->list[j]);
    return wanted->n ? (double)hits / wanted->n : 0;
}

static void page_links(struct proposals *p, const char *url, const char *intent,
                       const struct page *page)
{
    struct words *wanted = pool_alloc(p->pool, sizeof(*wanted)),
                 *link = pool_alloc(p->pool, sizeof(*link));
    struct {
        const char *href;
        double score;
    } best[BEST_LINKS] = {0};
    int seen = 0;
    wanted->n = 0;
    add_words(wanted, intent);
    add_words(wanted, url_path(p->pool, url));
    for (int i = 0; page && i < page->n_nodes && seen < MAX_LINKS; i++) {
        const struct node *n = &page->nodes[i];
        if (!*n->href || !url_same_site(n->href, url))
            continue;
        seen++;
        link->n = 0;
        add_words(link, n->name);
        add_words(link, url_path(p->pool, n->href));
        double score = overlap(wanted, link);
        for (int b = 0; score >= MIN_OVERLAP && b < BEST_LINKS; b++)
            if (score > best[b].score) {
                memmove(&best[b + 1], &best[b], sizeof(best[0]) * (size_t)(BEST_LINKS - 1 - b));
                best[b].href = n->href;
                best[b].score = score;
                break;
            }
    }
    for (int b = 0; b < BEST_LINKS && best[b].href; b++) {
        double confidence = .5 + .25 * best[b].score;
        propose(p, url, best[b].href, confidence > .75 ? .75 : confidence, "page_link");
    }
}

static int by_confidence(const void *a, const void *b)
{
    const struct url_proposal *x = a, *y = b;
    return x->confidence < y->confidence   ? 1
           : x->confidence > y->confidence ? -1
                                           : strcmp(x->url, y->url);
}

int recovery_urls(struct pool *pool, const char *url, const char *intent, const struct page *page,
                  struct url_proposal out[URL_PROPOSALS])
{
    struct proposals p = {.pool = pool, .list = out};
    struct pieces u = cut(pool, url);
    toggle_slash(&p, url, &u);
    toggle_region(&p, url, &u);
    toggle_www(&p, url);
    lower_query(&p, url, &u);
    page_links(&p, url, intent, page);
    qsort(out, (size_t)p.n, sizeof(*out), by_confidence);
    return p.n;
}
