#include "cmd/gguf_words.h"

#include "cmd/table.h"

static char *in_thousands(struct pool *pool, uint64_t n, const char *const units[5])
{
    double value = (double)n;
    int i = 0;
    for (; i < 4 && value >= 999.5; i++)
        value /= 1000;
    return pool_printf(pool, "%.*f%s", i == 0 || value >= 99.95 ? 0 : 1, value, units[i]);
}

char *gguf_weights_text(struct pool *pool, uint64_t weights)
{
    static const char *const units[5] = {"", " K", " M", " B", " T"};
    return in_thousands(pool, weights, units);
}

char *gguf_bytes_text(struct pool *pool, uint64_t bytes)
{
    static const char *const units[5] = {" bytes", " KB", " MB", " GB", " TB"};
    return in_thousands(pool, bytes, units);
}

char *gguf_words(struct pool *pool, const struct gguf *g)
{
    const char *quantisation = *g->file_type ? g->file_type : g->main_type;
    return pool_printf(pool, "%s%s%s%s%s weights, %s", table_clean(pool, g->architecture, 40),
                       *g->architecture ? ", " : "", quantisation, *quantisation ? ", " : "",
                       gguf_weights_text(pool, g->parameters), gguf_bytes_text(pool, g->file_bytes));
}
