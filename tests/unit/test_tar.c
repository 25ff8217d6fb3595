#include "unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include "base/pool.h"
#include "sys/file.h"
#include "sys/tar.h"

#define BLOCK 512

static char dir[64];
static struct pool *pool;

static int make_dir(void **state)
{
    strcpy(dir, "/tmp/mantis-test-tar-XXXXXX");
    pool = pool_create(NULL);
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    pool_destroy(pool);
    return file_remove_tree(dir, NULL);
}

static const char *in(const char *name)
{
    return pool_printf(pool, "%s/%s", dir, name);
}

static void write_file(const char *name, const char *text)
{
    assert_int_equal(file_write_soon(in(name), text, strlen(text), 0644, NULL), 0);
}

static void what_is_packed_comes_back_without_links_and_sockets(void **state)
{
    const char *deep = pool_printf(pool, "from/%0150d/%0150d", 1, 2);
    const char *file = pool_printf(pool, "%s/deep \xc3\xa9", deep);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int64_t packed, unpacked;
    char *text;
    size_t len;
    assert_int_equal(file_mkdirs(in(deep), 0700, NULL), 0);
    assert_int_equal(file_mkdirs(in("to"), 0700, NULL), 0);
    write_file("from/empty", "");
    write_file("from/a", "alpha");
    write_file(file, "below");
    assert_int_equal(symlink("/etc/passwd", in("from/link")), 0);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s/from/s", dir);
    assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
    close(s);
    assert_int_equal(tar_pack(in("from"), in("x.tar.gz"), &packed, NULL), 0);
    assert_int_equal(packed, 10);
    struct stat st;
    assert_int_equal(stat(in("x.tar.gz"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(tar_unpack(in("x.tar.gz"), in("to"), 1000, 10, &unpacked, NULL), 0);
    assert_int_equal(unpacked, 10);
    const char *back = pool_printf(pool, "%s/to%s", dir, file + strlen("from"));
    assert_int_equal(file_read(pool, back, 100, &text, &len, NULL), 0);
    assert_string_equal(text, "below");
    assert_int_equal(access(in("to/link"), F_OK), -1);
    assert_int_equal(access(in("to/s"), F_OK), -1);
    char list[200];
    snprintf(list, sizeof(list), "tar -tzf %s >/dev/null", in("x.tar.gz"));
    assert_int_equal(system(list), 0); /* others read it too */
}

static void put_entry(gzFile out, const char *name, char type, const char *text, const char *link)
{
    char h[BLOCK] = {0}, body[BLOCK] = {0};
    unsigned sum = 0;
    snprintf(h, 100, "%s", name);
    memcpy(h + 100, "0000600", 8);
    snprintf(h + 124, 12, "%011o", (unsigned)strlen(text));
    h[156] = type;
    snprintf(h + 157, 100, "%s", link);
    memcpy(h + 257, "ustar\0" "00", 8);
    memset(h + 148, ' ', 8);
    for (int i = 0; i < BLOCK; i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 7, "%06o", sum);
    gzwrite(out, h, BLOCK);
    snprintf(body, sizeof(body), "%s", text);
    if (*text)
        gzwrite(out, body, BLOCK);
}

static const struct {
    const char *name, *link, *says;
    char type;
} bad[] = {
    {"../escape", "", "outside of the profile", '0'},
    {"a/../../escape", "", "outside of the profile", '0'},
    {"/etc/escape", "", "outside of the profile", '0'},
    {"a//b", "", "outside of the profile", '0'},
    {"a\nb", "", "outside of the profile", '0'},
    {"link", "/etc/passwd", "no plain file", '2'},
    {"hard", "../x", "no plain file", '1'},
    {"device", "", "no plain file", '3'},
    {"fifo", "", "no plain file", '6'},
};

static void an_archive_cannot_reach_outside(void **state)
{
    int64_t bytes;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        const char *to = in(pool_printf(pool, "to%zu", i));
        struct err err = {0};
        gzFile out = gzopen(in("bad.tar.gz"), "wb");
        put_entry(out, "fine", '0', "x", "");
        put_entry(out, bad[i].name, bad[i].type, "x", bad[i].link);
        gzclose(out);
        assert_int_equal(file_mkdirs(to, 0700, NULL), 0);
        assert_int_equal(tar_unpack(in("bad.tar.gz"), to, 1000, 10, &bytes, &err), E_INVALID);
        if (!strstr(err.msg, bad[i].says))
            fail_msg("%s: %s", bad[i].name, err.msg);
        assert_int_equal(access(in("escape"), F_OK), -1);
    }
}

static void caps_and_damage_end_it(void **state)
{
    static const struct {
        int64_t bytes;
        int files, code;
    } cases[] = {{3, 10, E_TOOBIG}, {1000, 1, E_TOOBIG}, {1000, 10, E_INVALID}};
    int64_t bytes;
    struct err err = {0};
    gzFile out = gzopen(in("x.tar.gz"), "wb"); /* and no end */
    put_entry(out, "a", '0', "one", "");
    put_entry(out, "b", '0', "two", "");
    gzclose(out);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *to = in(pool_printf(pool, "to%zu", i));
        assert_int_equal(file_mkdirs(to, 0700, NULL), 0);
        assert_int_equal(
            tar_unpack(in("x.tar.gz"), to, cases[i].bytes, cases[i].files, &bytes, &err),
            cases[i].code);
    }
    write_file("text", "this is no archive");
    assert_int_equal(file_mkdirs(in("to"), 0700, NULL), 0);
    assert_int_equal(tar_unpack(in("text"), in("to"), 1000, 10, &bytes, &err), E_INVALID);
    assert_int_equal(tar_unpack(in("none"), in("to"), 1000, 10, &bytes, &err), E_NOT_FOUND);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, make_dir, drop_dir)
    const struct CMUnitTest tests[] = {
        T(what_is_packed_comes_back_without_links_and_sockets),
        T(an_archive_cannot_reach_outside),
        T(caps_and_damage_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
