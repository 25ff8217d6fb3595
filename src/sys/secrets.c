#include "sys/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/id.h"
#include "sys/input.h"

struct secret {
    size_t size;
    char text[];
};

static void wipe(void *arg)
{
    struct secret *secret = arg;
    explicit_bzero(secret->text, secret->size);
}

/* Without O_NONBLOCK a pipe that somebody put there would stop the server. */
static int open_regular(struct pool *pool, const char *dir, const char *name, off_t *ret_size)
{
    struct stat st;
    int fd = open(pool_printf(pool, "%s/%s", dir, name), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= CAP_SECRET_BYTES) {
        *ret_size = st.st_size;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* False when it does not hold what it said it would: it is being written. */
static bool read_whole(int fd, char *out, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = read(fd, out + got, len - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

const char *secret_read(struct pool *pool, const char *dir, const char *name)
{
    off_t size = 0;
    int fd = id_is_file_name(name) ? open_regular(pool, dir, name, &size) : -1;
    if (fd < 0)
        return "";
    struct secret *secret = pool_alloc(pool, sizeof(*secret) + (size_t)size + 1);
    secret->size = (size_t)size;
    pool_defer(pool, wipe, secret);
    bool whole = read_whole(fd, secret->text, secret->size);
    close(fd);
    /* a NUL inside is no text: half a secret must not pass for one */
    return whole && strlen(secret->text) == secret->size ? input_trim(secret->text) : "";
}
