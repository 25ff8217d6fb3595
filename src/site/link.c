#include <string.h>

#include "base/caps.h"
#include "site/kind.h"

static void add_escaped(struct buf *b, const char *s)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
    for (; *s; s++) {
        if (strchr(plain, *s))
            buf_addc(b, *s);
        else if (*s == ' ')
            buf_addc(b, '+');
        else
            buf_addf(b, "%%%02X", (unsigned char)*s);
    }
}

const char *site_link(struct pool *pool, const char *path, const char *const args[][2],
                      size_t n_args)
{
    struct buf b;
    char sign = '?';
    buf_init(&b, CAP_SITE_BODY_BYTES);
    buf_adds(&b, path);
    for (size_t i = 0; i < n_args; i++) {
        if (!*args[i][1])
            continue;
        buf_addf(&b, "%c%s=", sign, args[i][0]);
        add_escaped(&b, args[i][1]);
        sign = '&';
    }
    const char *link = pool_strdup(pool, b.data);
    buf_release(&b);
    return link;
}
