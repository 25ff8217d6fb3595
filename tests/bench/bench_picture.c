/*
 * bench_picture PAGE.png: what it costs to make the picture that a model is sent, of one
 * screenshot. Prints JSON: median milliseconds of CPU and bytes per kind. Runs on one core
 */
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "brain/model/picture.h"

#define ROUNDS 41

/* Of this thread: the figure does not depend on who else is busy. */
static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;
    return (d > 0) - (d < 0);
}

static void swap_red_and_blue(uint8_t *rgba, size_t len)
{
    for (size_t i = 0; i < len; i += 4) {
        uint8_t red = rgba[i];
        rgba[i] = rgba[i + 2];
        rgba[i + 2] = red;
    }
}

static int read_frame(struct pool *pool, const char *path, struct frame *out)
{
    FILE *f = fopen(path, "rb");
    spng_ctx *ctx = spng_ctx_new(0);
    struct spng_ihdr ihdr = {0};
    size_t size = 0;
    int r = f && ctx ? spng_set_png_file(ctx, f) : 1;
    r = r ? r : spng_get_ihdr(ctx, &ihdr);
    r = r ? r : spng_decoded_image_size(ctx, SPNG_FMT_RGBA8, &size);
    uint8_t *pixels = pool_alloc(pool, size + 1);
    r = r ? r : spng_decode_image(ctx, pixels, size, SPNG_FMT_RGBA8, 0);
    swap_red_and_blue(pixels, size);
    *out = (struct frame){.width = (int)ihdr.width,
                          .height = (int)ihdr.height,
                          .stride = (int)ihdr.width * 4,
                          .pixels = pixels};
    spng_ctx_free(ctx);
    if (f)
        fclose(f);
    return r;
}

static int measure(const char *name, const struct frame *frame, enum picture_format format, int w,
                   int h)
{
    double ms[ROUNDS];
    const struct profile p = {.format = format, .quality = 85};
    struct model_frame out = {0};
    int r = 0;
    for (int i = 0; i < ROUNDS && !r; i++) {
        struct pool *pool = pool_create(NULL);
        double start = cpu_ms();
        r = model_picture(NULL, pool, &p, frame, w ? w : frame->width, h ? h : frame->height, &out,
                          NULL);
        ms[i] = cpu_ms() - start;
        pool_destroy(pool);
    }
    qsort(ms, ROUNDS, sizeof(*ms), by_size);
    printf("\"%s\":{\"median_ms\":%.2f,\"bytes\":%zu}", name, ms[ROUNDS / 2], out.len);
    return r;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum picture_format format;
        int w, h; /* 0: as it is */
    } kinds[] = {{"png", PICTURE_PNG, 0, 0},
                 {"png_1428x896", PICTURE_PNG, 1428, 896},
                 {"jpeg_85", PICTURE_JPEG, 0, 0},
                 {"jpeg_85_1428x896", PICTURE_JPEG, 1428, 896},
                 {"webp_85", PICTURE_WEBP, 0, 0}};
    struct pool *pool = pool_create(NULL);
    struct frame frame;
    int r = argc == 2 ? read_frame(pool, argv[1], &frame) : 2;
    if (r)
        fprintf(stderr, "usage: bench_picture FILE.png (a screenshot)\n");
    for (size_t i = 0; i < ARRAY_SIZE(kinds) && !r; i++) {
        printf(i ? ",\n " : "{");
        r = measure(kinds[i].name, &frame, kinds[i].format, kinds[i].w, kinds[i].h);
    }
    printf(r ? "" : "}\n");
    pool_destroy(pool);
    return r != 0;
}
