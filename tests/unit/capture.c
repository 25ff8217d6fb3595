#include "unit/capture.h"

#include <sys/mman.h>
#include <unistd.h>

#include "unit/test.h"

struct capture capture_begin(FILE *stream)
{
    struct capture c = {stream, memfd_create("captured", MFD_CLOEXEC), dup(fileno(stream))};
    fflush(stream);
    dup2(c.file, fileno(stream));
    return c;
}

char *capture_end(struct pool *pool, struct capture *c)
{
    fflush(c->stream);
    dup2(c->before, fileno(c->stream));
    close(c->before);
    off_t len = lseek(c->file, 0, SEEK_END);
    char *text = pool_alloc(pool, (size_t)len + 1);
    assert_int_equal(pread(c->file, text, (size_t)len, 0), len);
    close(c->file);
    return text;
}
