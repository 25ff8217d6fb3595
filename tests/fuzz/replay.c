/*
 * replay.c - runs a fuzz target over its corpus without libFuzzer: each argument is a directory.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/pool.h"
#include "sys/file.h"

#define INPUT_BYTES (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *dir)
{
    struct dirent **names;
    int n = scandir(dir, &names, NULL, alphasort), done = 0;
    for (int i = 0; i < n; i++) {
        struct pool *pool = pool_create(NULL);
        char *data;
        size_t len;
        /* directories and the like are not inputs */
        if (!file_read(pool, pool_printf(pool, "%s/%s", dir, names[i]->d_name), INPUT_BYTES, &data,
                       &len, NULL)) {
            LLVMFuzzerTestOneInput((const uint8_t *)data, len);
            done++;
        }
        pool_destroy(pool);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return done;
}

int main(int argc, char **argv)
{
    int done = 0;
    for (int i = 1; i < argc; i++)
        done += replay(argv[i]);
    printf("%d inputs\n", done);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
