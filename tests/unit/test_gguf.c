/* Reading GGUF files: right ones of every kind, wrong ones, and ones that end anywhere. */
#include "unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "engine/gguf.h"
#include "tools/gguf_maker.h"

static struct pool *pool;
static struct gguf_maker m;
static struct err err;

static int set_up(void **state)
{
    pool = pool_create(NULL);
    gguf_maker_init(&m);
    err_clear(&err);
    return 0;
}

static int tear_down(void **state)
{
    gguf_maker_release(&m);
    pool_destroy(pool);
    return 0;
}

static int read_bytes(const void *data, size_t len, unsigned flags, struct gguf *g)
{
    int fd = memfd_create("gguf", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    err_clear(&err);
    int r = gguf_read_fd(pool, fd, "m.gguf", flags, g, &err);
    close(fd);
    return r;
}

/* The made file, read. */
static int read_made(unsigned flags, struct gguf *g)
{
    struct buf file;
    gguf_maker_finish(&m, &file);
    int r = read_bytes(file.data, file.len, flags, g);
    buf_release(&file);
    return r;
}

static const char *shown(const struct gguf *g, const char *key)
{
    return json_text(pool, json_object_get(g->metadata, key));
}

static void every_value_type_is_read(void **state)
{
    static const struct {
        const char *key, *json;
    } cases[] = {
        {"test.uint8", "{\"type\":\"uint8\",\"value\":254}"},
        {"test.int8", "{\"type\":\"int8\",\"value\":-128}"},
        {"test.uint16", "{\"type\":\"uint16\",\"value\":65535}"},
        {"test.int16", "{\"type\":\"int16\",\"value\":-32768}"},
        {"test.uint32", "{\"type\":\"uint32\",\"value\":4294967295}"},
        {"test.int32", "{\"type\":\"int32\",\"value\":-2147483648}"},
        {"test.bool", "{\"type\":\"bool\",\"value\":true}"},
        {"test.uint64", "{\"type\":\"uint64\",\"value\":\"18446744073709551615\"}"},
        {"test.int64", "{\"type\":\"int64\",\"value\":-9223372036854775808}"},
        {"test.text_0", "{\"type\":\"string\",\"bytes\":0,\"value\":\"\"}"},
        {"test.text_2", "{\"type\":\"string\",\"bytes\":20,\"value\":\"Gr\xc3\xbc\xc3\x9f Gott \xe2\x82\xac \xf0\x9f\x90\x98\"}"},
        {"test.array.int8", "{\"type\":\"array\",\"of\":\"int8\",\"count\":3,\"value\":[-128,0,-128]}"},
        {"test.array.bool", "{\"type\":\"array\",\"of\":\"bool\",\"count\":3,\"value\":[true,false,true]}"},
        {"test.array.nested",
         "{\"type\":\"array\",\"of\":\"array\",\"count\":2,\"value\":[{\"type\":\"array\",\"of\":\"string\",\"count\":2,\"value\":"
         "[\"one\",\"\"]},{\"type\":\"array\",\"of\":\"uint16\",\"count\":0,\"value\":[]}]}"},
    };
    struct gguf g;
    gguf_all_values(&m);
    for (m.version = 2; m.version <= 3; m.version++) {
        assert_int_equal(read_made(GGUF_KEEP_ALL, &g), 0);
        assert_int_equal(g.version, m.version);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
            assert_string_equal(shown(&g, cases[i].key), cases[i].json);
        assert_true((float)json_real_value(json_object_get(
                        json_object_get(g.metadata, "test.float32"), "value")) == 1e-4f);
        assert_true(json_real_value(json_object_get(json_object_get(g.metadata, "test.float64"),
                                                    "value")) == 0.1);
        assert_int_equal(json_object_size(g.metadata), m.n_keys);
    }
}

static void arrays_and_long_strings_are_kept_only_when_asked_for(void **state)
{
    struct gguf g;
    char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    gguf_all_values(&m);
    gguf_key_text(&m, "test.long", text);
    assert_int_equal(read_made(0, &g), 0);
    assert_string_equal(shown(&g, "test.array.string"),
                        "{\"type\":\"array\",\"of\":\"string\",\"count\":4}");
    assert_string_equal(shown(&g, "test.long"), "{\"type\":\"string\",\"bytes\":2999}");
    assert_int_equal(read_made(GGUF_KEEP_ALL, &g), 0);
    assert_non_null(strstr(shown(&g, "test.long"), text));
}

static void floats_that_are_no_numbers_have_words(void **state)
{
    static const uint32_t bits[] = {0x7fc00000, 0x7f800000, 0xff800000};
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    struct gguf g;
    for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
        gguf_key_raw(&m, words[i], GGUF_FLOAT32, &bits[i], 4);
    assert_int_equal(read_made(0, &g), 0);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        assert_non_null(strstr(shown(&g, words[i]), pool_printf(pool, "\"%s\"", words[i])));
}

static void every_tensor_type_has_its_size(void **state)
{
    struct gguf g;
    m.alignment = 64;
    gguf_all_tensors(&m);
    assert_int_equal(read_made(0, &g), 0);
    assert_true(g.n_tensors >= 34);
    assert_int_equal(g.needed_bytes, g.file_bytes);
    assert_int_equal(g.data_start % 64, 0);
    for (size_t i = 0; i < g.n_tensors; i++) {
        const struct gguf_tensor *t = &g.tensors[i];
        const struct gguf_tensor_type *type = gguf_tensor_type(t->type);
        assert_int_equal(t->n_dims, 1 + i % 4);
        assert_int_equal(t->dims[0], 2 * type->block);
        assert_int_equal(t->bytes, t->elements / type->block * type->bytes);
        if (i + 1 < g.n_tensors)
            assert_int_equal(g.tensors[i + 1].offset, (t->offset + t->bytes + 63) / 64 * 64);
    }
}

static void a_model_says_what_it_is(void **state)
{
    struct gguf g;
    gguf_small_model(&m, "qwen35moe", "Holo3");
    assert_int_equal(read_made(0, &g), 0);
    assert_int_equal(g.kind, GGUF_MODEL);
    assert_string_equal(g.architecture, "qwen35moe");
    assert_string_equal(g.name, "Holo3");
    assert_string_equal(g.file_type, "Q8_0");
    assert_string_equal(g.main_type, "Q8_0");
    assert_int_equal(g.context_length, 262144);
    assert_int_equal(g.block_count, 40);
    assert_int_equal(g.parameters, 64 * 32 * 2 + 64);
    assert_int_equal(g.split_count, 1);
    assert_true(g.chat_template);
    assert_null(g.cut_tensor);
}

static void kinds_are_told_apart(void **state)
{
    static const struct {
        const char *architecture, *type, *adapter;
        enum gguf_kind kind;
        const char *name;
    } cases[] = {
        {"llama", NULL, NULL, GGUF_MODEL, "model"},
        {"llama", "model", NULL, GGUF_MODEL, "model"},
        {"llama", "adapter", "lora", GGUF_ADAPTER, "adapter"},
        {"llama", NULL, "lora", GGUF_ADAPTER, "adapter"},
        {"llama", "adapter", NULL, GGUF_ADAPTER, "adapter"},
        {"clip", NULL, NULL, GGUF_PROJECTOR, "projector"},
        {"clip", "model", NULL, GGUF_PROJECTOR, "projector"},
        {"gemma4v", "mmproj", NULL, GGUF_PROJECTOR, "projector"},
        {"llama", "imatrix", NULL, GGUF_OTHER, "imatrix"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gguf g;
        gguf_maker_release(&m);
        gguf_maker_init(&m);
        gguf_key_text(&m, "general.architecture", cases[i].architecture);
        if (cases[i].type)
            gguf_key_text(&m, "general.type", cases[i].type);
        if (cases[i].adapter)
            gguf_key_text(&m, "adapter.type", cases[i].adapter);
        assert_int_equal(read_made(0, &g), 0);
        assert_int_equal(g.kind, cases[i].kind);
        assert_string_equal(gguf_kind_name(&g), cases[i].name);
    }
}

static void a_file_that_ends_anywhere_is_cut_or_refused(void **state)
{
    struct buf file;
    struct gguf g;
    gguf_small_model(&m, "llama", "m");
    gguf_all_values(&m);
    gguf_all_tensors(&m);
    gguf_maker_finish(&m, &file);
    assert_int_equal(read_bytes(file.data, file.len, 0, &g), 0);
    size_t head = (size_t)g.data_start;
    for (size_t len = 0; len < file.len; len += len < head ? 1 : 1024) {
        int r = read_bytes(file.data, len, len % 2 ? GGUF_KEEP_ALL : 0, &g);
        if (r == 0) {
            assert_true(g.cut_tensor && g.needed_bytes == file.len && g.file_bytes == len);
        } else {
            assert_true(r == E_INVALID && strstr(err.msg, "'m.gguf'"));
            assert_true(len < head);
        }
    }
    buf_release(&file);
}

static void weights_that_are_missing_are_counted(void **state)
{
    struct buf file;
    struct gguf g;
    gguf_small_model(&m, "llama", "m");
    gguf_maker_finish(&m, &file);
    assert_int_equal(read_bytes(file.data, file.len - 1, 0, &g), 0);
    assert_string_equal(g.cut_tensor, "output_norm.weight");
    assert_int_equal(g.needed_bytes - g.file_bytes, 1);
    assert_int_equal(read_bytes(file.data, (size_t)g.data_start + 10, 0, &g), 0);
    assert_string_equal(g.cut_tensor, "token_embd.weight");
    buf_release(&file);
}

/* --- wrong files -------------------------------------------------------------------------------- */

static const uint64_t row[] = {64, 0};

static void wrong_version(void)
{
    m.version = 1;
}

static void big_endian(void)
{
    m.version = 0x03000000;
}

static void many_keys(void)
{
    m.n_keys = UINT64_MAX;
}

static void many_tensors(void)
{
    m.n_tensors = UINT64_MAX;
}

static void tensors_that_cannot_fit(void)
{
    m.n_tensors = CAP_GGUF_TENSORS;
}

static void raw_string(const char *key, uint64_t len, uint32_t type)
{
    struct buf b;
    buf_init(&b, 1000);
    buf_add(&b, &len, sizeof(len));
    buf_add(&b, "abc", 3);
    gguf_key_raw(&m, key, type, b.data, b.len);
    buf_release(&b);
}

static void string_longer_than_the_file(void)
{
    raw_string("a.b", 1000, GGUF_STRING);
}

static void string_over_the_cap(void)
{
    raw_string("a.b", UINT64_MAX, GGUF_STRING);
}

static void unknown_value_type(void)
{
    raw_string("a.b", 3, 13);
}

static void no_bool(void)
{
    gguf_key_raw(&m, "a.b", GGUF_BOOL, "\2", 1);
}

static void key_without_a_name(void)
{
    gguf_key_u32(&m, "", 1);
}

static void key_twice(void)
{
    gguf_key_u32(&m, "a.b", 1);
    gguf_key_u32(&m, "a.b", 2);
}

static void key_that_is_no_text(void)
{
    gguf_key_u32(&m, "\xff\xfe", 1);
}

static void long_array(uint32_t type, uint64_t count)
{
    struct buf b;
    buf_init(&b, 1000);
    gguf_array_begin(&b, type, count);
    gguf_key_raw(&m, "a.b", GGUF_ARRAY, b.data, b.len);
    buf_release(&b);
}

static void array_over_the_cap(void)
{
    long_array(GGUF_UINT8, UINT64_MAX / 8);
}

static void array_longer_than_the_file(void)
{
    long_array(GGUF_UINT64, 1000);
}

static void array_of_nothing_known(void)
{
    long_array(99, 1);
}

static void array_too_deep(void)
{
    struct buf b;
    buf_init(&b, 10000);
    for (int i = 0; i < 100; i++)
        gguf_array_begin(&b, GGUF_ARRAY, 1);
    gguf_key_raw(&m, "a.b", GGUF_ARRAY, b.data, b.len);
    buf_release(&b);
}

static void odd_alignment(void)
{
    gguf_key_u32(&m, "general.alignment", 48);
}

static void no_alignment(void)
{
    gguf_key_u32(&m, "general.alignment", 0);
}

static void alignment_in_words(void)
{
    gguf_key_text(&m, "general.alignment", "32");
}

static void many_dimensions(void)
{
    static const uint64_t dims[] = {1, 1, 1, 1, 1};
    gguf_tensor_raw(&m, "t", 0, 5, dims, 0);
}

static void more_weights_than_can_be_counted(void)
{
    static const uint64_t dims[] = {UINT64_C(1) << 40, UINT64_C(1) << 40};
    gguf_tensor_raw(&m, "t", 0, 2, dims, 0);
}

static void more_bytes_than_can_be_counted(void)
{
    static const uint64_t dims[] = {INT64_MAX};
    gguf_tensor_raw(&m, "t", 27, 1, dims, 0);
}

static void beyond_all_files(void)
{
    gguf_tensor_raw(&m, "t", 0, 1, row, UINT64_MAX - 31);
}

static void beside_the_alignment(void)
{
    gguf_tensor_raw(&m, "t", 0, 1, row, 8);
}

static void half_a_block(void)
{
    static const uint64_t dims[] = {48};
    gguf_tensor_raw(&m, "t", 8, 1, dims, 0);
}

static void removed_type(void)
{
    gguf_tensor_raw(&m, "t", 31, 1, row, 0);
}

static void tensor_twice(void)
{
    gguf_tensor_add(&m, "t", 0, 256, row);
    gguf_tensor_add(&m, "u", 0, 256, row);
    gguf_tensor_add(&m, "t", 0, 256, row);
}

static void tensor_without_a_name(void)
{
    gguf_tensor_raw(&m, "", 0, 1, row, 0);
}

static void part_four_of_three(void)
{
    gguf_key_u16(&m, "split.no", 3);
    gguf_key_u16(&m, "split.count", 3);
}

static void wrong_files_are_refused_with_a_reason(void **state)
{
    static const struct {
        void (*make)(void);
        int code;
        const char *says;
    } cases[] = {
        {wrong_version, E_INVALID, "the header is of version 1; versions 2 and 3 are read"},
        {big_endian, E_INVALID, "big-endian"},
        {many_keys, E_TOOBIG, "18446744073709551615 keys"},
        {many_tensors, E_TOOBIG, "18446744073709551615 tensors"},
        {tensors_that_cannot_fit, E_INVALID, "tensor 1 of 200000 cannot be there"},
        {string_longer_than_the_file, E_INVALID, "key 1 of 1 ('a.b') is not whole"},
        {string_over_the_cap, E_TOOBIG, "holds a string of 18446744073709551615 bytes"},
        {unknown_value_type, E_INVALID, "key 1 of 1 ('a.b') is of type 13"},
        {no_bool, E_INVALID, "holds 2 where only 0 and 1"},
        {key_without_a_name, E_INVALID, "key 1 of 1 has no name"},
        {key_twice, E_INVALID, "key 2 of 2 ('a.b') stands there twice"},
        {key_that_is_no_text, E_INVALID, "no UTF-8"},
        {array_over_the_cap, E_TOOBIG, "an array of 2305843009213693951 items"},
        {array_longer_than_the_file, E_INVALID, "is not whole"},
        {array_of_nothing_known, E_INVALID, "is of type 99"},
        {array_too_deep, E_TOOBIG, "more than 4 deep"},
        {odd_alignment, E_INVALID, "general.alignment takes a power of two"},
        {no_alignment, E_INVALID, "general.alignment"},
        {alignment_in_words, E_INVALID, "general.alignment"},
        {many_dimensions, E_INVALID, "tensor 1 of 1 ('t') has 5 dimensions"},
        {more_weights_than_can_be_counted, E_INVALID, "more weights than can be counted"},
        {more_bytes_than_can_be_counted, E_INVALID, "more bytes than can be counted"},
        {beyond_all_files, E_INVALID, "ends beyond what a file can hold"},
        {beside_the_alignment, E_INVALID, "begins at byte 8, which is no multiple of 32"},
        {half_a_block, E_INVALID, "has rows of 48 weights; Q8_0 comes in blocks of 32"},
        {removed_type, E_INVALID, "type 31, which is not in use any more"},
        {tensor_twice, E_INVALID, "tensor 't' stands there twice"},
        {tensor_without_a_name, E_INVALID, "tensor 1 of 1 has no name"},
        {part_four_of_three, E_INVALID, "part 4 of 3, which cannot be"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (unsigned flags = 0; flags <= GGUF_KEEP_ALL; flags += GGUF_KEEP_ALL) {
            struct gguf g;
            gguf_maker_release(&m);
            gguf_maker_init(&m);
            cases[i].make();
            int r = read_made(flags, &g);
            if (r != cases[i].code || !strstr(err.msg, cases[i].says) || !strstr(err.msg, "m.gguf"))
                fail_msg("case %zu: %d, \"%s\" lacks \"%s\"", i, r, err.msg, cases[i].says);
        }
    }
}

static void a_type_of_a_later_version_is_passed_over(void **state)
{
    struct gguf g;
    gguf_tensor_add(&m, "new", 99, 100, row);
    gguf_tensor_add(&m, "old", 0, 256, row);
    assert_int_equal(read_made(0, &g), 0);
    assert_int_equal(g.n_unknown, 1);
    assert_int_equal(g.needed_bytes, g.file_bytes);
}

static void what_is_no_gguf_file_is_said(void **state)
{
    struct gguf g;
    assert_int_equal(read_bytes("", 0, 0, &g), E_INVALID);
    assert_string_equal(err.msg, "'m.gguf': it is empty");
    assert_int_equal(read_bytes("GGU", 3, 0, &g), E_INVALID);
    assert_int_equal(read_bytes("PK\3\4 and more of it", 19, 0, &g), E_INVALID);
    assert_string_equal(err.msg, "'m.gguf': it is no GGUF file: it does not begin with \"GGUF\"");
    assert_int_equal(gguf_read(pool, "/nowhere/m.gguf", 0, &g, &err), E_NOT_FOUND);
    assert_int_equal(gguf_read(pool, "/tmp", 0, &g, &err), E_INVALID);
    assert_int_equal(gguf_read(pool, "/dev/zero", 0, &g, &err), E_INVALID);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(every_value_type_is_read),
        T(arrays_and_long_strings_are_kept_only_when_asked_for),
        T(floats_that_are_no_numbers_have_words),
        T(every_tensor_type_has_its_size),
        T(a_model_says_what_it_is),
        T(kinds_are_told_apart),
        T(a_file_that_ends_anywhere_is_cut_or_refused),
        T(weights_that_are_missing_are_counted),
        T(wrong_files_are_refused_with_a_reason),
        T(a_type_of_a_later_version_is_passed_over),
        T(what_is_no_gguf_file_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
