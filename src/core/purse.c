#include "core/purse.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

#define CENT_OF_A_CENT  1e-9 /* sums of fractions are not exact */
#define BYTES_PER_TOKEN 2    /* English has four, code three, other scripts about two */
#define TOKENS_OF_CALL  2000 /* what the server adds: its own words for tools */
#define TOKENS_OF_IMAGE                                                                            \
    5000 /* whose size is not known; the largest that Anthropic counts is below */
#define PIXELS_PER_TOKEN 700  /* Anthropic: 750; patches of 28x28: 784 */
#define DEFAULT_TOKENS   4096 /* of an answer, when the call names no limit */
#define PNG_HEAD_BYTES   32   /* base64 digits that hold a PNG's width and height */
#define SLIM_BYTES       256  /* longer base64 is cut before it is read */

/* --- a purse --------------------------------------------------------------------------------- */

double purse_room(const struct purse *p)
{
    return p->cap > 0 ? fmax(0, p->cap - p->spent - p->held) : INFINITY;
}

enum purse_answer purse_ask(const struct purse *p, double usd)
{
    if (p->cap <= 0 || p->spent + p->held + usd <= p->cap + CENT_OF_A_CENT)
        return PURSE_YES;
    return p->held > 0 && p->spent + usd <= p->cap + CENT_OF_A_CENT ? PURSE_LATER : PURSE_NO;
}

void purse_hold(struct purse *p, double usd)
{
    p->held += usd;
}

void purse_settle(struct purse *p, double held, double spent)
{
    p->held -= held;
    p->spent += spent;
    if (p->held < CENT_OF_A_CENT)
        p->held = 0;
}

/* --- before a call --------------------------------------------------------------------------- */

#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

static int digit(char c)
{
    const char *at = c ? strchr(BASE64, c) : NULL;
    return at ? (int)(at - BASE64) : 0;
}

static void decode(const char *text, unsigned char *out)
{
    for (size_t i = 0; i + 3 < PNG_HEAD_BYTES; i += 4, out += 3) {
        uint32_t v = (uint32_t)digit(text[i]) << 18 | (uint32_t)digit(text[i + 1]) << 12 |
                     (uint32_t)digit(text[i + 2]) << 6 | (uint32_t)digit(text[i + 3]);
        out[0] = (unsigned char)(v >> 16);
        out[1] = (unsigned char)(v >> 8);
        out[2] = (unsigned char)v;
    }
}

static uint32_t number_at(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static double image_tokens(const char *base64)
{
    unsigned char head[PNG_HEAD_BYTES] = {0};
    if (strnlen(base64, PNG_HEAD_BYTES) < PNG_HEAD_BYTES)
        return TOKENS_OF_IMAGE;
    decode(base64, head);
    if (memcmp(head, "\x89PNG\r\n\x1a\n", 8))
        return TOKENS_OF_IMAGE;
    double pixels = (double)number_at(head + 16) * number_at(head + 20);
    return fmin(TOKENS_OF_IMAGE, ceil(pixels / PIXELS_PER_TOKEN) + 100);
}

static const char *image_in(const char *text, const json_t *holder)
{
    const char *data = str_starts(text, "data:image/") ? strstr(text, ";base64,") : NULL;
    if (data)
        return data + strlen(";base64,");
    return json_object_get(holder, "media_type") &&
                   json_string_value(json_object_get(holder, "data")) == text
               ? text
               : NULL;
}

/* What was counted so far. */
struct weight {
    double tokens;
    int images;
};

static void weigh(const json_t *value, const json_t *holder, struct weight *w)
{
    const char *key, *text = json_string_value(value);
    const char *image = text ? image_in(text, holder) : NULL;
    json_t *v;
    size_t i;
    w->images += image != NULL;
    w->tokens +=
        image ? image_tokens(image) : 1 + (double)json_string_length(value) / BYTES_PER_TOKEN;
    json_object_foreach ((json_t *)value, key, v) {
        w->tokens += 1 + (double)strlen(key) / BYTES_PER_TOKEN;
        weigh(v, value, w);
    }
    json_array_foreach (value, i, v)
        weigh(v, value, w);
}

/* --- without its pictures' bytes --- */

/* The body as it is read: of a long piece of base64 that begins where a picture may, only the
 * beginning. */
struct slim {
    char *text;
    size_t len, dropped;
    int cuts;
};

static const struct {
    const char *opening;
    size_t len;
} openings[] = {{"\"data:image/", 12}, {"\"data\":\"", 8}, {"\"data\": \"", 9}};

/* Each opening is looked for once behind every place where it was found: a body of nothing but one of them is not gone
 * over again and again for the others. */
struct finder {
    const char *next[ARRAY_SIZE(openings)]; /* NULL not looked for yet; the end: none is left */
};

/* Where the next string that may be a picture has its first base64 digit; NULL: there is none. */
static const char *next_picture(struct finder *f, const char *at, const char *end)
{
    size_t first = 0;
    for (size_t i = 0; i < ARRAY_SIZE(openings); i++) {
        if (!f->next[i] || (f->next[i] < at && f->next[i] != end)) {
            f->next[i] = memmem(at, (size_t)(end - at), openings[i].opening, openings[i].len);
            f->next[i] = f->next[i] ? f->next[i] : end;
        }
        if (f->next[i] < f->next[first])
            first = i;
    }
    return f->next[first] == end ? NULL : f->next[first] + openings[first].len;
}

static struct slim make_slim(struct pool *pool, const char *body, size_t len)
{
    struct slim s = {.text = pool_alloc(pool, len + 1)};
    const char *at = body, *end = body + len, *digits;
    struct finder f = {{NULL}};
    while ((digits = next_picture(&f, at, end))) {
        const char *comma =
            memmem(digits, (size_t)(end - digits < 40 ? end - digits : 40), ";base64,", 8);
        digits = comma ? comma + 8 : digits;
        size_t run = strspn(digits, BASE64 "="), kept = run > SLIM_BYTES ? PNG_HEAD_BYTES * 2 : run;
        memcpy(s.text + s.len, at, (size_t)(digits - at) + kept);
        s.len += (size_t)(digits - at) + kept;
        s.dropped += run - kept;
        s.cuts += run > kept;
        at = digits + run;
    }
    memcpy(s.text + s.len, at, (size_t)(end - at));
    s.len += (size_t)(end - at);
    return s;
}

/* Which of its limits a server heeds is the server's to know: the larger one counts. */
static int64_t most_tokens(const json_t *body)
{
    int64_t a = json_int(body, "max_tokens", 0), b = json_int(body, "max_completion_tokens", 0);
    int64_t most = a > b ? a : b;
    return most > 0 ? most : DEFAULT_TOKENS;
}

static int64_t thinking_tokens(const json_t *body)
{
    int64_t n = json_int(json_object_get(body, "thinking"), "budget_tokens", 0);
    return n > 0 ? n : 0; /* a worker wrote it: no less than nothing comes off an answer's words */
}

int worst_cost(struct pool *pool, const char *text, size_t len, const struct cost_rates *rates,
               struct worst *out, struct err *err)
{
    json_t *body;
    struct weight w = {0};
    const struct slim slim = make_slim(pool, text, len);
    int r = json_parse(slim.text, slim.len, "the call's body", &body, err);
    if (r)
        return r;
    json_keep(pool, body);
    const char *model = json_str(body, "model", "");
    if (!*model)
        return err_set(err, E_INVALID, "the call names no model");
    weigh(body, NULL, &w);
    if (slim.cuts > w.images) /* what was cut was no picture: it is text */
        w.tokens += (double)slim.dropped / BYTES_PER_TOKEN;
    int64_t input = TOKENS_OF_CALL + (int64_t)ceil(w.tokens);
    const struct token_use read = {.input = input}, written = {.cache_write = input};
    const struct token_use token = {.output = 1};
    *out = (struct worst){
        .model = model,
        .token_usd = cost_of_tokens(rates, model, &token) * fmax(1, json_num(body, "n", 1)),
        .max_tokens = most_tokens(body),
        .thought = thinking_tokens(body),
        .cuttable = json_int(body, "max_tokens", 0) > 0 &&
                    !json_object_get(body, "max_completion_tokens")};
    out->usd = fmax(cost_of_tokens(rates, model, &read), cost_of_tokens(rates, model, &written)) +
               out->token_usd * (double)out->max_tokens;
    return 0;
}

double worst_cut(const struct worst *w, int percent)
{
    double words = (double)(w->max_tokens - w->thought);
    double cut = floor(words * (100 - percent) / 100);
    return w->cuttable && words > 0 ? w->usd - cut * w->token_usd : w->usd;
}

int64_t worst_tokens(const struct worst *w, double usd)
{
    double over = fmax(0, w->usd - usd);
    return w->token_usd > 0 ? w->max_tokens - (int64_t)ceil(over / w->token_usd - CENT_OF_A_CENT)
                            : w->max_tokens;
}
