#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

#include "core/picture_priv.h"

/* PNG (ISO/IEC 15948): a signature and three chunks, each of a length, a type, its data and a CRC of the
 * last two. IDAT is one zlib stream of the rows, RGB in 8 bits, a byte that says "not filtered" before each. */
#define SIGNATURE   "\x89PNG\r\n\x1a\n"
#define CHUNK_BYTES 12 /* beside its data */
#define IHDR_BYTES  13
#define BIT_DEPTH   8
#define TRUECOLOUR  2

/* A deflate stream of what cannot be compressed: 5 bytes for each of its blocks of at most 64 KB, and the
 * library closes some early. zlib adds 6; 400 are for a header of codes that is written and taken back. */
static size_t most_deflated(size_t raw)
{
    return raw + raw / 1024 + 512;
}

static uint8_t *put_be32(uint8_t *at, size_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(v >> shift);
    return at;
}

static uint8_t *put_chunk(uint8_t *at, const char *type, const uint8_t *data, size_t len)
{
    at = put_be32(at, len);
    uint8_t *checked = at;
    memcpy(at, type, 4);
    if (len)
        memcpy(at + 4, data, len);
    at += 4 + len;
    return put_be32(at, crc32_gzip_refl(0, checked, 4 + len));
}

/* Four bytes at a time, the fourth for whatever follows: there must be a byte behind the last row. */
static void to_rgb(uint8_t *out, const uint8_t *bgrx, int width)
{
    for (int x = 0; x < width; x++, out += 3, bgrx += 4) {
        uint32_t pixel = (uint32_t)bgrx[2] | (uint32_t)bgrx[1] << 8 | (uint32_t)bgrx[0] << 16;
        memcpy(out, &pixel, sizeof(pixel));
    }
}

/* The rows as the stream holds them. Many are as the one above. */
static void put_rows(uint8_t *rows, size_t row_bytes, const struct frame *frame)
{
    size_t stride = (size_t)frame->stride, shown = (size_t)frame->width * 4;
    for (int y = 0; y < frame->height; y++, rows += row_bytes) {
        const uint8_t *from = frame->pixels + (size_t)y * stride;
        if (y && !memcmp(from, from - stride, shown)) {
            memcpy(rows, rows - row_bytes, row_bytes);
            continue;
        }
        *rows = 0;
        to_rgb(rows + 1, from, frame->width);
    }
}

/* A stream of the library's, which is 360 KB with its tables. */
struct packer {
    struct isal_zstream stream;
    uint8_t tables[ISAL_DEF_LVL1_DEFAULT];
};

/* Level 1. False: the library did not come to an end in the room that it was given. */
static bool pack(struct packer *p, uint8_t *raw, size_t raw_len, uint8_t *out, size_t room, size_t *ret_len)
{
    isal_deflate_init(&p->stream);
    p->stream.level = 1;
    p->stream.level_buf = p->tables;
    p->stream.level_buf_size = sizeof(p->tables);
    p->stream.gzip_flag = IGZIP_ZLIB;
    p->stream.end_of_stream = 1;
    p->stream.next_in = raw;
    p->stream.avail_in = (uint32_t)raw_len;
    p->stream.next_out = out;
    p->stream.avail_out = (uint32_t)room;
    int r = isal_deflate(&p->stream);
    *ret_len = p->stream.total_out;
    return r == COMP_OK && p->stream.internal_state.state == ZSTATE_END;
}

static size_t put_file(uint8_t *file, const struct frame *frame, const uint8_t *packed, size_t packed_len)
{
    uint8_t ihdr[IHDR_BYTES] = {0}, *at = file + strlen(SIGNATURE);
    uint8_t *rest = put_be32(put_be32(ihdr, (size_t)frame->width), (size_t)frame->height);
    rest[0] = BIT_DEPTH;
    rest[1] = TRUECOLOUR;
    memcpy(file, SIGNATURE, strlen(SIGNATURE));
    at = put_chunk(at, "IHDR", ihdr, sizeof(ihdr));
    at = put_chunk(at, "IDAT", packed, packed_len);
    return (size_t)(put_chunk(at, "IEND", NULL, 0) - file);
}

int picture_png(struct pool *pool, const struct frame *frame, int quality, const uint8_t **ret_data,
                size_t *ret_len, struct err *err)
{
    size_t row_bytes = 1 + 3 * (size_t)frame->width, raw_len = row_bytes * (size_t)frame->height;
    size_t room = most_deflated(raw_len), packed_len;
    struct packer *packer = malloc(sizeof(*packer));
    uint8_t *raw = malloc(raw_len + 1), *packed = malloc(room), *file = NULL;
    int r = packer && raw && packed ? 0 : err_set(err, E_NOMEM, "no memory for a PNG");
    if (!r) {
        put_rows(raw, row_bytes, frame);
        if (!pack(packer, raw, raw_len, packed, room, &packed_len))
            r = err_set(err, E_INTERNAL, "cannot encode a PNG of %zu bytes", raw_len);
    }
    if (!r && !(file = pool_try_raw(pool, strlen(SIGNATURE) + 3 * CHUNK_BYTES + IHDR_BYTES + packed_len)))
        r = err_set(err, E_NOMEM, "no memory for a PNG of %zu bytes", packed_len);
    if (!r) {
        *ret_len = put_file(file, frame, packed, packed_len);
        *ret_data = file;
    }
    free(packer);
    free(raw);
    free(packed);
    return r;
}
