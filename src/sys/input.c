#include "sys/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

#define CHUNK_BYTES 16384

static int read_all(int fd, const char *name, struct buf *b, struct err *err)
{
    char chunk[CHUNK_BYTES];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, E_IO, "cannot read '%s'", name);
        if (n == 0)
            return 0;
        int r = buf_add(b, chunk, (size_t)n);
        if (r)
            return err_set(err, r, "'%s' is larger than %zu bytes", name, b->cap);
    }
}

int input_read(struct pool *pool, const char *path, size_t cap_bytes, char **ret_data,
               size_t *ret_len, struct err *err)
{
    bool from_stdin = strcmp(path, "-") == 0;
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "cannot open '%s'", path);
    struct buf b;
    buf_init(&b, cap_bytes);
    int r = read_all(fd, from_stdin ? "<stdin>" : path, &b, err);
    if (!from_stdin)
        close(fd);
    if (!r) {
        *ret_data = pool_alloc(pool, b.len + 1); /* zeroed */
        memcpy(*ret_data, b.data, b.len);
        *ret_len = b.len;
    }
    buf_release(&b);
    return r;
}

char *input_trim(char *s)
{
    static const char blanks[] = " \t\r\n";
    s += strspn(s, blanks);
    size_t len = strlen(s);
    while (len && strchr(blanks, s[len - 1]))
        s[--len] = 0;
    return s;
}

int input_key_value(char *line, char **ret_key, char **ret_value)
{
    line = input_trim(line);
    if (!*line || *line == '#')
        return 0;
    char *eq = strchr(line, '=');
    if (!eq || eq == line)
        return E_INVALID;
    *eq = 0;
    char *value = input_trim(eq + 1);
    size_t len = strlen(value);
    if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
        value[len - 1] = 0;
        value++;
    }
    *ret_key = input_trim(line);
    *ret_value = value;
    return 1;
}

char *input_absolute(struct pool *pool, const char *path)
{
    if (*path == '/')
        return pool_strdup(pool, path);
    char *cwd = getcwd(NULL, 0);
    char *result = pool_printf(pool, "%s/%s", cwd ? cwd : "", path);
    free(cwd);
    return result;
}
