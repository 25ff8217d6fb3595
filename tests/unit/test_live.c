/*
 * test_live.c - the pure parts of watching and taking over: tokens, the lease, hands, picture messages, and
 * the socket that pictures come through.
 */
#include "unit/test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "core/hand.h"
#include "core/lease.h"
#include "core/patches.h"
#include "core/view_token.h"
#include "sys/blobs.h"

#define KEY  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define WHO  "0123456789abcdef"
#define WHO2 "fedcba9876543210"

static struct pool *pool;

static int setup_pool(void **state)
{
    pool = pool_create(NULL);
    return 0;
}

static int drop_pool(void **state)
{
    pool_destroy(pool);
    return 0;
}

/* --- tokens ------------------------------------------------------------------------------------ */

static const char *token_of(const char *tenant, unsigned rights)
{
    struct view_token t = {.rights = rights, .expires_s = 1000, .tenant = tenant, .who = WHO};
    return view_token_make(pool, KEY, &t, "run1");
}

static void a_token_says_what_it_was_made_for(void **state)
{
    static const char *const tenants[] = {"acme", "acme.eu-west", "a.b.c.d"};
    for (size_t i = 0; i < ARRAY_SIZE(tenants); i++) {
        struct view_token t;
        const char *text = token_of(tenants[i], VIEW_WATCH | VIEW_CONTROL);
        assert_int_equal(view_token_read(pool, KEY, text, "run1", 999, &t, NULL), 0);
        assert_string_equal(t.tenant, tenants[i]);
        assert_string_equal(t.who, WHO);
        assert_int_equal(t.rights, VIEW_WATCH | VIEW_CONTROL);
        assert_int_equal(t.expires_s, 1000);
    }
}

static void a_token_opens_nothing_else(void **state)
{
    struct view_token t;
    const char *good = token_of("acme", VIEW_WATCH);
    assert_int_equal(view_token_read(pool, KEY, good, "run1", 999, &t, NULL), 0);
    assert_int_equal(view_token_read(pool, KEY, good, "run2", 999, &t, NULL), E_UNAUTHORIZED);
    assert_int_equal(view_token_read(pool, "another key", good, "run1", 999, &t, NULL), E_UNAUTHORIZED);
    assert_int_equal(view_token_read(pool, KEY, good, "run1", 1000, &t, NULL), E_UNAUTHORIZED);
    assert_int_equal(view_token_read(pool, KEY, NULL, "run1", 1, &t, NULL), E_UNAUTHORIZED);
    assert_int_equal(view_token_read(pool, KEY, "", "run1", 1, &t, NULL), E_UNAUTHORIZED);
    assert_int_equal(view_token_read(pool, KEY, "....", "run1", 1, &t, NULL), E_UNAUTHORIZED);
}

/* Other rights, a later end, another tenant: whatever is changed, the mac does not fit. */
static void a_changed_token_is_refused(void **state)
{
    const char *good = token_of("acme", VIEW_WATCH);
    struct view_token t;
    for (size_t i = 0; i < strlen(good); i++) {
        char *bad = pool_strdup(pool, good);
        bad[i] = bad[i] == '9' ? '8' : '9';
        assert_int_equal(view_token_read(pool, KEY, bad, "run1", 1, &t, NULL), E_UNAUTHORIZED);
    }
    const char *control = pool_printf(pool, "control%s", good + strlen("view"));
    assert_int_equal(view_token_read(pool, KEY, control, "run1", 1, &t, NULL), E_UNAUTHORIZED);
}

/* --- the lease --------------------------------------------------------------------------------- */

static void one_person_has_the_controls(void **state)
{
    struct lease l = {0};
    struct err err = {0};
    assert_false(lease_is_held(&l, 0));
    assert_int_equal(lease_take(&l, NULL, WHO, false, 1000, 0, &err), 0);
    assert_true(lease_is_held(&l, 999));
    assert_int_equal(lease_take(&l, NULL, WHO2, true, 1000, 500, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "1 s after"));
    assert_int_equal(lease_take(&l, "", WHO2, false, 1000, 1000, &err), 0); /* it ran out */
    assert_true(lease_is_held(&l, 1999));
}

static void a_lease_survives_a_reconnect(void **state)
{
    struct lease l = {0};
    char token[LEASE_TOKEN_BYTES];
    assert_int_equal(lease_take(&l, NULL, WHO, false, 1000, 0, NULL), 0);
    strcpy(token, l.token);
    l.attached = true;
    assert_int_equal(lease_take(&l, token, WHO2, false, 1000, 900, NULL), 0); /* the secret is enough */
    assert_string_equal(l.token, token);
    assert_true(lease_is_held(&l, 1800));
    assert_false(lease_is(&l, token, 1900));
    assert_int_equal(lease_take(&l, token, WHO, false, 1000, 1900, NULL), 0); /* too late: a new one */
    assert_string_not_equal(l.token, token);
}

static void the_same_person_may_come_from_another_window(void **state)
{
    struct lease l = {0};
    char token[LEASE_TOKEN_BYTES];
    assert_int_equal(lease_take(&l, NULL, WHO, false, 1000, 0, NULL), 0);
    strcpy(token, l.token);
    l.attached = true;
    assert_int_equal(lease_take(&l, NULL, WHO, false, 1000, 1, NULL), E_CONFLICT);
    assert_int_equal(lease_take(&l, NULL, WHO, true, 1000, 1, NULL), 0);
    assert_false(lease_is(&l, token, 1)); /* the old window's is void */
    l.attached = false;
    assert_int_equal(lease_take(&l, NULL, WHO, false, 1000, 2, NULL), 0);
}

static void input_renews_a_lease_and_revives_none(void **state)
{
    struct lease l = {0};
    assert_int_equal(lease_take(&l, NULL, WHO, false, 1000, 0, NULL), 0);
    lease_renew(&l, 900);
    assert_true(lease_is_held(&l, 1899));
    lease_renew(&l, 1900);
    assert_false(lease_is_held(&l, 1900));
    lease_end(&l);
    assert_false(lease_is(&l, "", 0));
}

/* --- hands ------------------------------------------------------------------------------------- */

static int read_hand(const char *text, struct hand *out, struct err *err)
{
    json_t *m = json_keep(pool, json_loads(text, 0, NULL));
    assert_non_null(m);
    return hand_read(pool, m, out, err);
}

static void what_a_person_does_is_read(void **state)
{
    static const struct {
        const char *text;
        enum hand_type type;
    } rows[] = {
        {"{'type':'pointer','x':1,'y':2}", HAND_MOVE},
        {"{'type':'pointer','event':'down','x':1.7,'y':2,'button':'right'}", HAND_DOWN},
        {"{'type':'pointer','event':'up','x':1,'y':2,'button':'right'}", HAND_UP},
        {"{'type':'wheel','x':1,'y':2,'dy':-3}", HAND_WHEEL},
        {"{'type':'key','event':'down','key':'Shift'}", HAND_KEY_DOWN},
        {"{'type':'key','event':'up','key':'Shift'}", HAND_KEY_UP},
        {"{'type':'key','key':'ctrl+a'}", HAND_KEY_PRESS},
        {"{'type':'text','text':'na\\u00efve'}", HAND_TEXT},
        {"{'type':'paste','text':'a\\nb'}", HAND_PASTE},
        {"{'type':'clipboard','text':'x'}", HAND_CLIPBOARD},
        {"{'type':'copy'}", HAND_COPY},
    };
    struct hand h;
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char *json = pool_strdup(pool, rows[i].text);
        for (char *p = json; *p; p++)
            if (*p == '\'')
                *p = '"';
        if (read_hand(json, &h, &err))
            fail_msg("%s: %s", rows[i].text, err.msg);
        assert_int_equal(h.type, rows[i].type);
    }
    assert_int_equal(read_hand("{\"type\":\"pointer\",\"event\":\"down\",\"x\":7.9,\"y\":8,\"button\":\"middle\"}", &h, NULL), 0);
    assert_int_equal(h.x, 7);
    assert_int_equal(h.button, BUTTON_MIDDLE);
    assert_int_equal(read_hand("{\"type\":\"key\",\"key\":\"ctrl+a\"}", &h, NULL), 0);
    assert_int_equal(h.n_keys, 2);
    assert_string_equal(h.keys[0], "Control_L");
}

/* And what was typed is not quoted. */
static void what_is_no_hand_is_refused(void **state)
{
    static const char *const rows[] = {
        "{}",
        "{\"type\":\"pointer\"}",
        "{\"type\":\"pointer\",\"x\":\"1\",\"y\":2}",
        "{\"type\":\"pointer\",\"x\":1e9,\"y\":2}",
        "{\"type\":\"pointer\",\"event\":\"hover\",\"x\":1,\"y\":2}",
        "{\"type\":\"pointer\",\"event\":\"down\",\"x\":1,\"y\":2,\"button\":\"fourth\"}",
        "{\"type\":\"wheel\",\"x\":1,\"y\":2,\"dy\":21}",
        "{\"type\":\"key\"}",
        "{\"type\":\"key\",\"key\":\"hunter2\"}",
        "{\"type\":\"key\",\"event\":\"hold\",\"key\":\"a\"}",
        "{\"type\":\"text\"}",
        "{\"type\":\"text\",\"text\":\"\"}",
        "{\"type\":\"text\",\"text\":\"hunter2\\u001b[31m\"}",
        "{\"type\":\"paste\",\"text\":7}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct hand h;
        struct err err = {0};
        if (read_hand(rows[i], &h, &err) != E_INVALID)
            fail_msg("taken: %s", rows[i]);
        assert_true(*err.msg != '\0');
        assert_null(strstr(err.msg, "hunter2"));
    }
}

/* --- picture messages -------------------------------------------------------------------------- */

#define JPEG     "\xff\xd8\xff\xe0"
#define JPEG_LEN 4

static void make(struct buf *out, const struct patches *head, const int *cells, int n)
{
    buf_init(out, 1 << 20);
    patches_begin(out, head);
    for (int i = 0; i < n; i++) {
        struct rect r = patch_rect(head->width, head->height, cells[i]);
        patches_add(out, &r, JPEG, JPEG_LEN);
    }
    patches_end(out, n);
}

static void the_grid_covers_a_screen_of_any_size(void **state)
{
    static const int sizes[][2] = {{1280, 720}, {1281, 721}, {1, 1}, {127, 79}, {CAP_SCREEN_SIDE_PX, 3}};
    for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
        int w = sizes[s][0], h = sizes[s][1], area = 0;
        for (int i = 0; i < patch_columns(w) * patch_rows(h); i++) {
            struct rect r = patch_rect(w, h, i);
            assert_true(r.w > 0 && r.h > 0 && r.x + r.w <= w && r.y + r.h <= h);
            area += r.w * r.h;
        }
        assert_int_equal(area, w * h);
    }
}

static void regions_arrive_as_they_were_sent(void **state)
{
    static const int cells[] = {0, 9, 89};
    const struct patches head = {
        .kind = PATCHES_REGIONS, .flags = PATCHES_WHOLE, .width = 1280, .height = 720, .taken_us = 1772600000123456};
    struct buf out;
    struct patches p;
    struct patch one;
    make(&out, &head, cells, 3);
    assert_int_equal(patches_read(out.data, out.len, &p, NULL), 0);
    assert_int_equal(p.n, 3);
    assert_int_equal(p.width, 1280);
    assert_int_equal(p.taken_us, head.taken_us);
    assert_int_equal(p.flags, PATCHES_WHOLE);
    for (int i = 0; i < 3; i++) {
        struct rect r = patch_rect(1280, 720, cells[i]);
        assert_int_equal(patches_next(&p, &one, NULL), 1);
        assert_memory_equal(&one.rect, &r, sizeof(r));
        assert_int_equal(one.len, JPEG_LEN);
    }
    assert_int_equal(patches_next(&p, &one, NULL), 0);
    buf_release(&out);
}

static int read_all(const void *data, size_t len)
{
    struct patches p;
    struct patch one;
    int r = patches_read(data, len, &p, NULL);
    if (!r)
        do
            r = patches_next(&p, &one, NULL);
        while (r == 1);
    return r;
}

/* Each byte wrong at a time, and every length: read or refused, and what is refused is E_PROTOCOL. */
static void a_broken_message_is_refused(void **state)
{
    static const int cells[] = {0, 3};
    const struct patches head = {.kind = PATCHES_REGIONS, .width = 300, .height = 100};
    struct buf out;
    int refused = 0;
    make(&out, &head, cells, 2);
    assert_int_equal(read_all(out.data, out.len), 0);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(read_all(out.data, len), E_PROTOCOL);
    for (size_t i = 0; i < out.len; i++) {
        out.data[i] ^= 0x40;
        int r = read_all(out.data, out.len);
        assert_true(r == 0 || r == E_PROTOCOL);
        refused += r != 0;
        out.data[i] ^= 0x40;
    }
    assert_true(refused > 20);
    buf_add(&out, "x", 1);
    assert_int_equal(read_all(out.data, out.len), E_PROTOCOL);
    buf_release(&out);
}

/* --- the socket of pictures -------------------------------------------------------------------- */

struct listener {
    int blobs, code;
    size_t bytes, last;
};

static void on_blob(void *arg, const void *data, size_t len)
{
    struct listener *l = arg;
    l->blobs++;
    l->bytes += len;
    l->last = len;
}

static void on_end(void *arg, int code)
{
    ((struct listener *)arg)->code = code;
}

static bool ended(void *arg)
{
    return ((struct listener *)arg)->code != 0;
}

static bool has_room(void *arg)
{
    return blobs_has_room(arg);
}

static void pictures_wait_for_a_reader_and_pile_up_nowhere(void **state)
{
    struct loop *loop;
    struct blobs_reader *reader;
    struct blobs_writer *writer;
    struct listener l = {0};
    int pair[2];
    size_t len = 3u << 20;
    char *data = pool_alloc(pool, len);
    assert_int_equal(loop_create(&loop, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(blobs_writer_create(loop, pair[1], &writer, NULL), 0);
    assert_true(blobs_has_room(writer));
    assert_int_equal(blobs_write(writer, data, len), 0);
    assert_int_equal(blobs_write(writer, data, 5), 0); /* of the same moment */
    assert_false(blobs_has_room(writer));
    assert_int_equal(blobs_write(writer, data, CAP_PICTURE_MESSAGE_BYTES), E_TOOBIG);
    assert_int_equal(loop_wait(loop, has_room, writer, clock_mono_ms() + 50), E_TIMEOUT); /* nobody reads */
    assert_int_equal(blobs_reader_create(loop, pair[0], on_blob, on_end, &l, &reader, NULL), 0);
    assert_int_equal(loop_wait(loop, has_room, writer, clock_mono_ms() + 5000), 0);
    blobs_writer_destroy(writer);
    assert_int_equal(loop_wait(loop, ended, &l, clock_mono_ms() + 5000), 0);
    assert_int_equal(l.code, E_GONE);
    assert_int_equal(l.blobs, 2);
    assert_int_equal(l.bytes, len + 5);
    assert_int_equal(l.last, 5);
    blobs_reader_destroy(reader);
    loop_destroy(loop);
}

static void a_picture_that_is_too_big_ends_the_stream(void **state)
{
    struct loop *loop;
    struct blobs_reader *reader;
    struct listener l = {0};
    int pair[2];
    assert_int_equal(loop_create(&loop, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(blobs_reader_create(loop, pair[0], on_blob, on_end, &l, &reader, NULL), 0);
    assert_int_equal(write(pair[1], "\xff\xff\xff\xff", 4), 4);
    assert_int_equal(loop_wait(loop, ended, &l, clock_mono_ms() + 5000), 0);
    assert_int_equal(l.code, E_PROTOCOL);
    assert_int_equal(l.blobs, 0);
    blobs_reader_destroy(reader);
    close(pair[1]);
    loop_destroy(loop);
}

#define IN_POOL(test) cmocka_unit_test_setup_teardown(test, setup_pool, drop_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_POOL(a_token_says_what_it_was_made_for),
        IN_POOL(a_token_opens_nothing_else),
        IN_POOL(a_changed_token_is_refused),
        IN_POOL(one_person_has_the_controls),
        IN_POOL(a_lease_survives_a_reconnect),
        IN_POOL(the_same_person_may_come_from_another_window),
        IN_POOL(input_renews_a_lease_and_revives_none),
        IN_POOL(what_a_person_does_is_read),
        IN_POOL(what_is_no_hand_is_refused),
        IN_POOL(the_grid_covers_a_screen_of_any_size),
        IN_POOL(regions_arrive_as_they_were_sent),
        IN_POOL(a_broken_message_is_refused),
        IN_POOL(pictures_wait_for_a_reader_and_pile_up_nowhere),
        IN_POOL(a_picture_that_is_too_big_ends_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
