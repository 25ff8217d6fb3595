/* Is a file what it is used as, and which files of a directory are a model (serving.md section 1.2)? */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/model_check.h"
#include "engine/model_find.h"
#include "sys/file.h"
#include "tools/gguf_maker.h"

static struct pool *pool;
static char dir[64];
static struct err err;

static int set_up(void **state)
{
    pool = pool_create(NULL);
    snprintf(dir, sizeof(dir), "/tmp/test_model_check_XXXXXX");
    assert_non_null(mkdtemp(dir));
    err_clear(&err);
    return 0;
}

static int tear_down(void **state)
{
    pool_destroy(pool);
    return file_remove_tree(dir, NULL);
}

static const char *in_dir(const char *name)
{
    return pool_printf(pool, "%s/%s", dir, name);
}

static const char *put(const char *name, const void *data, size_t len)
{
    const char *path = in_dir(name);
    assert_int_equal(file_write_soon(path, data, len, 0644, NULL), 0);
    return path;
}

/* What m makes, without its last cut bytes. Releases m. */
static const char *put_made(const char *name, struct gguf_maker *m, size_t cut)
{
    struct buf file;
    gguf_maker_finish(m, &file);
    const char *path = put(name, file.data, file.len - cut);
    buf_release(&file);
    gguf_maker_release(m);
    return path;
}

enum made {
    MODEL,
    CUT_MODEL,
    ADAPTER,
    HOLO3_ADAPTER,
    OTHER_ADAPTER,
    CONTROL_VECTOR,
    PROJECTOR,
    CUT_PROJECTOR,
    EARS,
    VOCABULARY,
    IMATRIX,
    NO_GGUF,
};

static const char *make(enum made what, const char *name)
{
    struct gguf_maker m;
    gguf_maker_init(&m);
    switch (what) {
    case MODEL:
    case CUT_MODEL:
        gguf_small_model(&m, "gemma4", "m");
        break;
    case ADAPTER:
        gguf_small_adapter(&m, "gemma4");
        break;
    case HOLO3_ADAPTER:
        gguf_small_adapter(&m, "qwen35moe");
        break;
    case OTHER_ADAPTER:
        gguf_small_adapter(&m, "llama");
        break;
    case CONTROL_VECTOR:
        gguf_key_text(&m, "general.architecture", "gemma4");
        gguf_key_text(&m, "adapter.type", "control_vector");
        break;
    case PROJECTOR:
    case CUT_PROJECTOR:
        gguf_small_projector(&m);
        break;
    case EARS:
        gguf_key_text(&m, "general.architecture", "clip");
        gguf_key_bool(&m, "clip.has_vision_encoder", false);
        gguf_key_bool(&m, "clip.has_audio_encoder", true);
        break;
    case VOCABULARY:
        gguf_key_text(&m, "general.architecture", "gemma4");
        break;
    case IMATRIX:
        gguf_key_text(&m, "general.type", "imatrix");
        break;
    case NO_GGUF:
        gguf_maker_release(&m);
        return put(name, "<html>404</html>", 16);
    }
    return put_made(name, &m, what == CUT_MODEL || what == CUT_PROJECTOR ? 100 : 0);
}

static void what_cannot_be_served_as_a_model_is_refused(void **state)
{
    static const struct {
        enum made file;
        const char *says; /* NULL: it is fine */
    } cases[] = {
        {MODEL, NULL},
        {CUT_MODEL, "MANTIS_X_GGUF: '%' is cut short: it has 9756 bytes of 9856, 100 are missing, from tensor "
                    "'output_norm.weight' on"},
        {ADAPTER, "MANTIS_X_GGUF: '%' is a LoRA adapter, not a model: its place is MANTIS_LORA_ADAPTER"},
        {PROJECTOR, "MANTIS_X_GGUF: '%' is a vision projector, not a model: its place is MANTIS_<MODEL>_MMPROJ"},
        {VOCABULARY, "MANTIS_X_GGUF: '%' holds no weights"},
        {IMATRIX, "MANTIS_X_GGUF: '%' is something else ('imatrix'), not a model"},
        {NO_GGUF, "MANTIS_X_GGUF: '%': it is no GGUF file"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gguf g;
        const char *path = make(cases[i].file, "x.gguf");
        err_clear(&err);
        int r = model_check_weights(pool, "MANTIS_X_GGUF", path, &g, &err);
        if (!cases[i].says) {
            assert_int_equal(r, 0);
            continue;
        }
        const char *gap = strchr(cases[i].says, '%');
        assert_int_equal(r, E_INVALID);
        assert_non_null(strstr(err.msg, pool_printf(pool, "%.*s%s%s", (int)(gap - cases[i].says),
                                                    cases[i].says, path, gap + 1)));
    }
}

static void what_is_no_projector_for_images_is_refused(void **state)
{
    static const struct {
        enum made file;
        const char *says;
    } cases[] = {
        {PROJECTOR, NULL},
        {CUT_PROJECTOR, "is cut short"},
        {MODEL, "is a model, not a vision projector: its place is MANTIS_<MODEL>_GGUF"},
        {ADAPTER, "is a LoRA adapter, not a vision projector"},
        {EARS, "is a projector, but not for images"},
        {NO_GGUF, "it is no GGUF file"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *path = make(cases[i].file, "p.gguf");
        err_clear(&err);
        int r = model_check_projector(pool, "MANTIS_X_MMPROJ", path, &err);
        assert_int_equal(r, cases[i].says ? E_INVALID : 0);
        if (cases[i].says)
            assert_true(strstr(err.msg, "MANTIS_X_MMPROJ: '") && strstr(err.msg, cases[i].says));
    }
}

static void an_adapter_has_to_fit_the_model(void **state)
{
    static const struct {
        enum made file;
        const char *says;
    } cases[] = {
        {ADAPTER, NULL},
        {OTHER_ADAPTER, "is an adapter for 'llama', the model"},
        {HOLO3_ADAPTER, "is an adapter for 'qwen35moe', the architecture of Holo3, which fails as GGUF"},
        {CONTROL_VECTOR, "is an adapter of type 'control_vector', not lora"},
        {MODEL, "is a model, not a LoRA adapter"},
        {PROJECTOR, "is a vision projector, not a LoRA adapter"},
        {NO_GGUF, "it is no GGUF file"},
    };
    struct gguf model;
    assert_int_equal(model_check_weights(pool, "V", make(MODEL, "m.gguf"), &model, &err), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *path = make(cases[i].file, "a.gguf");
        err_clear(&err);
        int r = model_check_adapter(pool, "MANTIS_LORA_ADAPTER", path, &model, &err);
        assert_int_equal(r, cases[i].says ? E_INVALID : 0);
        if (cases[i].says)
            assert_true(strstr(err.msg, "MANTIS_LORA_ADAPTER: '") &&
                        strstr(err.msg, cases[i].says));
    }
}

static void holo3_is_known_by_both_its_names(void **state)
{
    assert_true(model_takes_no_gguf_adapter("qwen3_5_moe"));
    assert_true(model_takes_no_gguf_adapter("qwen35moe"));
    assert_false(model_takes_no_gguf_adapter("qwen3moe"));
    assert_false(model_takes_no_gguf_adapter(""));
}

/* --- split files -------------------------------------------------------------------------------- */

static const char *put_part(int no, int count, int of_count, size_t cut)
{
    struct gguf_maker m;
    gguf_maker_init(&m);
    gguf_small_part(&m, no, of_count);
    return put_made(pool_printf(pool, "s-%05d-of-%05d.gguf", no + 1, count), &m, cut);
}

static const char *put_parts(void)
{
    const char *first = put_part(0, 3, 3, 0);
    put_part(1, 3, 3, 0);
    put_part(2, 3, 3, 0);
    return first;
}

static int check(const char *path)
{
    struct gguf g;
    err_clear(&err);
    return model_check_weights(pool, "MANTIS_X_GGUF", path, &g, &err);
}

static void all_parts_of_a_split_file_are_looked_at(void **state)
{
    const char *first = put_parts();
    assert_int_equal(check(first), 0);
    assert_int_equal(unlink(in_dir("s-00002-of-00003.gguf")), 0);
    assert_int_equal(check(first), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "s-00001-of-00003.gguf' is part 1 of 3, and part 2 is not there: fetch '"));
    assert_non_null(strstr(err.msg, "s-00002-of-00003.gguf' too"));
    put_part(1, 3, 3, 10);
    assert_int_equal(check(first), E_INVALID);
    assert_non_null(strstr(err.msg, "s-00002-of-00003.gguf' is cut short"));
}

static void a_later_part_is_not_the_model(void **state)
{
    put_parts();
    assert_int_equal(check(in_dir("s-00002-of-00003.gguf")), E_INVALID);
    assert_non_null(strstr(err.msg, "is part 2 of 3: name the first one, '"));
    assert_non_null(strstr(err.msg, "s-00001-of-00003.gguf'"));
}

static void parts_of_two_models_are_told_apart(void **state)
{
    const char *first = put_parts();
    put_part(1, 3, 4, 0);
    assert_int_equal(check(first), E_INVALID);
    assert_non_null(strstr(err.msg, "says it is part 2 of 4: it is of another model"));
    struct gguf_maker m;
    gguf_maker_init(&m);
    gguf_small_part(&m, 1, 3);
    gguf_tensor_add(&m, "more", 0, 256, (const uint64_t[]){64, 0});
    put_made("s-00002-of-00003.gguf", &m, 0);
    assert_int_equal(check(first), E_INVALID);
    assert_non_null(strstr(err.msg, "have 4 tensors of 3"));
}

static void a_part_is_named_as_one(void **state)
{
    const char *first = put_parts();
    const char *renamed = in_dir("renamed.gguf");
    assert_int_equal(rename(first, renamed), 0);
    assert_int_equal(check(renamed), E_INVALID);
    assert_non_null(strstr(err.msg, "must end in -00001-of-00003.gguf for the others to be found"));
}

static void names_of_parts(void **state)
{
    static const struct {
        const char *name;
        int no, count; /* 0: it is none */
    } cases[] = {
        {"m-00002-of-00003.gguf", 2, 3},  {"/d/m.Q8_0-00001-of-00010.gguf", 1, 10},
        {"m-2-of-3.gguf", 0, 0},          {"m-00002-of-00003.bin", 0, 0},
        {"m-0000a-of-00003.gguf", 0, 0},  {"m_00002-of-00003.gguf", 0, 0},
        {"m.gguf", 0, 0},                 {"", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int no = 0, count = 0;
        assert_int_equal(gguf_part_name(cases[i].name, &no, &count), cases[i].no > 0);
        assert_int_equal(no, cases[i].no);
        assert_int_equal(count, cases[i].count);
    }
}

/* --- which files -------------------------------------------------------------------------------- */

struct find_case {
    const char *row;
    const char *there; /* names, a blank between them; a name that ends in / is a directory */
    const char *gguf, *mmproj;
    const char *weights, *projector; /* names that are found; NULL: it is refused */
    const char *says;
};

static const struct find_case find_cases[] = {
    {"serving 1.2 a q8_0 file goes before a q4_k_m one, and that before others",
     "a.gguf b.Q4_K_M.gguf c.Q8_0.gguf mmproj.gguf", "", "", "c.Q8_0.gguf", "mmproj.gguf", NULL},
    {"serving 1.2 q4_k_m goes before others", "a.gguf b.q4_k_m.gguf mmproj.gguf", "", "", "b.q4_k_m.gguf",
     "mmproj.gguf", NULL},
    {"serving 1.2 two of one kind: the first by its lower-cased name", "B.Q8_0.gguf a.Q8_0.gguf mmproj.gguf", "", "",
     "a.Q8_0.gguf", "mmproj.gguf", NULL},
    {"serving 1.2 a projector is no model, whatever its case", "A.MMProj.gguf z.gguf", "", "", "z.gguf",
     "A.MMProj.gguf", NULL},
    {"serving 1.2 the first projector by name", "m.gguf z.mmproj-f16.gguf a.mmproj-f16.gguf", "", "", "m.gguf",
     "a.mmproj-f16.gguf", NULL},
    {"serving 1.2 no model is refused", "mmproj.gguf readme.md", "", "", NULL, NULL,
     "MANTIS_X_MODEL_DIR: there is no model in '"},
    {"serving 1.2 no projector is refused", "m.gguf", "", "", NULL, NULL,
     "MANTIS_X_MMPROJ: there is no *mmproj*.gguf in '"},
    {"serving 1.2 a directory is no model", "m.gguf/ mmproj.gguf", "", "", NULL, NULL, "there is no model"},
    {"serving 1.2 what lies deeper is not found", "sub/ sub/m.gguf mmproj.gguf", "", "", NULL, NULL, "there is no model"},
    {"serving 1.2 later parts of a split file are passed over",
     "m.Q8_0-00002-of-00002.gguf m.Q8_0-00001-of-00002.gguf mmproj.gguf", "", "", "m.Q8_0-00001-of-00002.gguf",
     "mmproj.gguf", NULL},
    {"serving 1.2 a split file without its first part is named", "m-00002-of-00002.gguf mmproj.gguf", "", "", NULL, NULL,
     "has 'm-00002-of-00002.gguf', but not the first part"},
    {"serving 1.2 a file that is named wins", "a.Q8_0.gguf b.gguf mmproj.gguf", "b.gguf", "", "b.gguf", "mmproj.gguf", NULL},
    {"serving 1.2 a projector that is named wins", "m.gguf a.mmproj.gguf eyes.gguf", "m.gguf", "eyes.gguf", "m.gguf",
     "eyes.gguf", NULL},
    {"serving 1.2 a file that is named and not there is refused", "a.gguf mmproj.gguf", "b.gguf", "", NULL, NULL,
     "MANTIS_X_GGUF: there is no file 'b.gguf', nor '"},
    {"serving 1.2 a projector that is named and not there is refused", "a.gguf mmproj.gguf", "", "b.gguf", NULL, NULL,
     "MANTIS_X_MMPROJ: there is no file 'b.gguf', nor '"},
};

static void make_names(const char *names)
{
    char *rest = pool_strdup(pool, names), *name;
    while ((name = strsep(&rest, " "))) {
        if (name[strlen(name) - 1] == '/')
            assert_int_equal(mkdir(in_dir(name), 0755), 0);
        else
            put(name, "", 0);
    }
}

static void finds(void **state)
{
    const struct find_case *c = *state;
    set_up(NULL);
    struct settings_weights where = {dir, c->gguf, c->mmproj};
    struct model_files files;
    make_names(c->there);
    int r = model_files_find(pool, "X", &where, &files, &err);
    if (c->weights) {
        assert_int_equal(r, 0);
        assert_string_equal(files.weights.path, in_dir(c->weights));
        assert_string_equal(files.projector.path, in_dir(c->projector));
        assert_string_equal(files.weights.variable, *c->gguf ? "MANTIS_X_GGUF" : "MANTIS_X_MODEL_DIR");
    } else {
        assert_int_equal(r, E_NOT_FOUND);
        assert_non_null(strstr(err.msg, c->says));
    }
    tear_down(NULL);
}

static void a_path_goes_before_the_directory(void **state)
{
    const char *elsewhere = in_dir("elsewhere");
    assert_int_equal(mkdir(elsewhere, 0755), 0);
    put("elsewhere/m.gguf", "", 0);
    put("elsewhere/p.gguf", "", 0);
    struct settings_weights where = {"/nowhere", in_dir("elsewhere/m.gguf"), in_dir("elsewhere/p.gguf")};
    struct model_files files;
    assert_int_equal(model_files_find(pool, "X", &where, &files, &err), 0); /* the directory is not needed */
    assert_string_equal(files.weights.path, in_dir("elsewhere/m.gguf"));
    where.mmproj = "";
    assert_int_equal(model_files_find(pool, "X", &where, &files, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "MANTIS_X_MODEL_DIR: there is no directory '/nowhere'"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest plain[] = {
        T(what_cannot_be_served_as_a_model_is_refused),
        T(what_is_no_projector_for_images_is_refused),
        T(an_adapter_has_to_fit_the_model),
        T(holo3_is_known_by_both_its_names),
        T(all_parts_of_a_split_file_are_looked_at),
        T(a_later_part_is_not_the_model),
        T(parts_of_two_models_are_told_apart),
        T(a_part_is_named_as_one),
        T(names_of_parts),
        T(a_path_goes_before_the_directory),
    };
    struct CMUnitTest rows[ARRAY_SIZE(find_cases)];
    for (size_t i = 0; i < ARRAY_SIZE(find_cases); i++)
        rows[i] = (struct CMUnitTest){find_cases[i].row, finds, NULL, NULL,
                                      (void *)(uintptr_t)&find_cases[i]};
    int failed = cmocka_run_group_tests(plain, NULL, NULL);
    return failed + cmocka_run_group_tests(rows, NULL, NULL);
}
