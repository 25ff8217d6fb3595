#include <stdlib.h>
#include <string.h>

#include "core/picture_priv.h"

enum { LANES = 4 }; /* of a mark, which takes in as many words at a time */

/* What a file was made of, and how. The pixels by a mark of 256 bits: two pictures of one mark do
 * not come by chance. */
struct key {
    uint64_t mark[LANES];
    int width, height, to_width, to_height, format, quality;
};

struct picture_memo {
    struct key key;
    uint8_t *data; /* NULL: nothing is remembered */
    size_t len;
    int made;
};

struct picture_memo *picture_memo_create(void)
{
    struct picture_memo *memo = calloc(1, sizeof(*memo));
    if (!memo)
        BUG("out of memory");
    return memo;
}

void picture_memo_destroy(struct picture_memo *memo)
{
    if (memo)
        free(memo->data);
    free(memo);
}

int picture_memo_made(const struct picture_memo *memo)
{
    return memo->made;
}

/* --- the mark ----------------------------------------------------------------------------------
 */

static void take_word(uint64_t *lane, const uint8_t *at, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, at, len);
    *lane += word * 0xc2b2ae3d27d4eb4fu;
    *lane = (*lane << 31 | *lane >> 33) * 0x9e3779b185ebca87u;
}

static void mark_row(uint64_t *mark, const uint8_t *row, size_t len)
{
    enum { WORD = 8 };
    for (; len >= LANES * WORD; len -= LANES * WORD, row += LANES * WORD)
        for (size_t i = 0; i < LANES; i++)
            take_word(&mark[i], row + i * WORD, WORD);
    for (; len; row += 4, len -= 4) /* pixels that are left */
        take_word(&mark[0], row, 4);
}

static struct key key_of(const struct frame *f, const struct picture_kind *kind)
{
    struct key key;
    memset(&key, 0, sizeof(key)); /* it is compared as bytes */
    key.width = f->width;
    key.height = f->height;
    key.to_width = kind->width;
    key.to_height = kind->height;
    key.format = kind->format;
    key.quality = kind->format == PICTURE_PNG ? 0 : kind->quality; /* PNGs have none */
    for (int y = 0; y < f->height; y++)
        mark_row(key.mark, f->pixels + (size_t)y * (size_t)f->stride, 4 * (size_t)f->width);
    return key;
}

/* --- pictures ----------------------------------------------------------------------------------
 */

static int make(struct pool *pool, struct pool *scratch, const struct frame *frame,
                const struct picture_kind *kind, const uint8_t **ret_data, size_t *ret_len,
                struct err *err)
{
    struct frame sized;
    int r = picture_resize(scratch, frame, kind->width, kind->height, &sized, err);
    return r ? r
             : picture_encode(pool, &sized, kind->format, kind->quality, ret_data, ret_len, err);
}

static void remember(struct picture_memo *memo, const struct key *key, const uint8_t *data,
                     size_t len)
{
    uint8_t *copy = realloc(memo->data, len);
    memo->made++;
    if (!copy) {
        free(memo->data);
        memo->data = NULL;
        return;
    }
    memcpy(copy, data, len);
    memo->data = copy;
    memo->len = len;
    memo->key = *key;
}

static int make_once(struct picture_memo *memo, struct pool *pool, struct pool *scratch,
                     const struct frame *frame, const struct picture_kind *kind,
                     const uint8_t **ret_data, size_t *ret_len, struct err *err)
{
    struct frame safe;
    int r = picture_masked(scratch, frame, &safe, err);
    if (r)
        return r;
    struct key key = key_of(&safe, kind);
    if (memo->data && !memcmp(&key, &memo->key, sizeof(key)))
        return picture_keep(pool, memo->data, memo->len, ret_data, ret_len, err);
    r = make(pool, scratch, &safe, kind, ret_data, ret_len, err);
    if (!r)
        remember(memo, &key, *ret_data, *ret_len);
    return r;
}

int picture_memo_get(struct picture_memo *memo, struct pool *pool, const struct frame *frame,
                     const struct picture_kind *kind, const uint8_t **ret_data, size_t *ret_len,
                     struct err *err)
{
    struct pool *scratch =
        pool_create(NULL); /* the resized pixels are needed no longer than here */
    int r = picture_check(frame, err);
    if (!r && memo)
        r = make_once(memo, pool, scratch, frame, kind, ret_data, ret_len, err);
    else if (!r)
        r = make(pool, scratch, frame, kind, ret_data, ret_len, err);
    pool_destroy(scratch);
    return r;
}
