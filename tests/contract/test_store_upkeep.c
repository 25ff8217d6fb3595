/*
 * test_store_upkeep.c - upkeep.h over every kind of store that has a disk: copies, checks, vacuum.
 */
#include "store_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"

/* --- copies -------------------------------------------------------------------------------------
 */

static char copy_path[128];

static void open_copy(void)
{
    struct err err = {0};
    store_close(store);
    store = NULL;
    if (store_open(rig_kind, copy_path, &store, &err))
        fail_msg("%s", err.msg);
}

/* How many files in the directory of the copies. */
static int files_beside(void)
{
    struct dirent **names;
    int n = scandir(rig_dir, &names, NULL, NULL), files = 0;
    for (int i = 0; i < n; i++) {
        files += names[i]->d_name[0] != '.' && strcmp(names[i]->d_name, "new") != 0;
        free(names[i]);
    }
    free(names);
    return files;
}

static void fill(int runs)
{
    char id[16];
    for (int i = 0; i < runs; i++) {
        snprintf(id, sizeof(id), "f%d", i);
        create("acme", id);
    }
}

static void a_copy_is_whole_and_private(void **state)
{
    struct store_backup *job;
    struct stat st;
    int r, percent = 0;
    snprintf(copy_path, sizeof(copy_path), "%s/copy.db", rig_dir);
    fill(20);
    mode_t before = umask(0);
    assert_int_equal(store_backup_begin(store, copy_path, &job, NULL), 0);
    while ((r = store_backup_step(job, &percent, NULL)) == 0)
        ;
    umask(before);
    assert_int_equal(r, 1);
    assert_int_equal(percent, 100);
    store_backup_end(job);
    assert_int_equal(files_beside(), 1);
    assert_int_equal(stat(copy_path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    open_copy();
    assert_string_equal(json_str(get("f19", 0).doc, "model", ""), "page");
    assert_int_equal(set("f19", RUN_RUNNING), 0);
}

static void the_store_is_used_while_it_is_copied(void **state)
{
    struct store_backup *job;
    struct err err = {0};
    int r, percent = 0, steps = 0;
    char big[20000], id[16];
    snprintf(copy_path, sizeof(copy_path), "%s/copy.db", rig_dir);
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    json_t *patch = keep(json_pack("{s:s}", "payload", big));
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof(id), "b%d", i);
        create("acme", id);
        assert_int_equal(store_run_patch(store, K(id), patch, NULL), 0);
    }
    assert_int_equal(store_backup_begin(store, copy_path, &job, NULL), 0);
    while ((r = store_backup_step(job, &percent, &err)) == 0) {
        snprintf(id, sizeof(id), "w%d", steps++);
        create("acme", id);
        assert_int_equal(set("b0", steps % 2 ? RUN_RUNNING : RUN_RECOVERING), 0);
        assert_int_not_equal(access(copy_path, F_OK), 0);
    }
    if (r < 0)
        fail_msg("%s", err.msg);
    store_backup_end(job);
    assert_true(steps > 2);
    open_copy();
    for (int i = 0; i < steps; i++) {
        snprintf(id, sizeof(id), "w%d", i);
        assert_int_equal(get(id, 0).state, RUN_QUEUED);
    }
    assert_int_equal(get("b0", 0).state, steps % 2 ? RUN_RUNNING : RUN_RECOVERING);
    store_close(store);
    store = NULL;
    snprintf(rig_path, sizeof(rig_path), "%s/copy.db", rig_dir);
    assert_sound();
}

static void a_copy_that_is_given_up_leaves_nothing(void **state)
{
    struct store_backup *job;
    snprintf(copy_path, sizeof(copy_path), "%s/copy.db", rig_dir);
    fill(3);
    assert_int_equal(store_backup_begin(store, copy_path, &job, NULL), 0);
    assert_int_equal(files_beside(), 1);
    store_backup_end(job);
    assert_int_equal(files_beside(), 0);
}

static void a_copy_never_writes_over_a_file(void **state)
{
    struct store_backup *job;
    struct err err = {0};
    char *text;
    size_t len;
    int r, percent;
    snprintf(copy_path, sizeof(copy_path), "%s/copy.db", rig_dir);
    assert_int_equal(store_backup_begin(store, copy_path, &job, NULL), 0);
    assert_int_equal(file_write_atomic(copy_path, "mine", 4, 0600, NULL), 0); /* meanwhile */
    while ((r = store_backup_step(job, &percent, &err)) == 0)
        ;
    store_backup_end(job);
    assert_int_equal(r, E_CONFLICT);
    assert_non_null(strstr(err.msg, copy_path));
    assert_int_equal(store_backup_begin(store, copy_path, &job, NULL), E_CONFLICT);
    assert_int_equal(file_read(pool, copy_path, 100, &text, &len, NULL), 0);
    assert_string_equal(text, "mine");
    assert_int_equal(files_beside(), 1);
    snprintf(copy_path, sizeof(copy_path), "%s/nowhere/copy.db", rig_dir);
    assert_int_equal(store_backup_begin(store, copy_path, &job, NULL), E_IO);
}

static bool note_percent(void *arg, int percent)
{
    *(int *)arg = percent;
    return true;
}

static bool stop_at_once(void *arg, int percent)
{
    return false;
}

static void a_file_at_rest_is_copied(void **state)
{
    struct err err = {0};
    int percent = -1;
    snprintf(copy_path, sizeof(copy_path), "%s/copy.db", rig_dir);
    fill(3);
    assert_int_equal(store_backup(rig_path, copy_path, NULL, NULL, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, rig_path));
    store_close(store);
    store = NULL;
    assert_int_equal(store_backup(rig_path, copy_path, note_percent, &percent, NULL), 0);
    snprintf(copy_path, sizeof(copy_path), "%s/other.db", rig_dir);
    sql(rig_path, "CREATE TABLE filler (x); INSERT INTO filler VALUES (zeroblob(3000000));");
    assert_int_equal(store_backup(rig_path, copy_path, stop_at_once, NULL, NULL), E_CANCELLED);
    assert_int_equal(files_beside(), 1);
    snprintf(copy_path, sizeof(copy_path), "%s/copy.db", rig_dir);
    assert_int_equal(percent, 100);
    assert_int_equal(store_backup("/nowhere/x.db", copy_path, NULL, NULL, NULL), E_NOT_FOUND);
    open_copy();
    get("f2", 0);
}

/* --- check and vacuum ---------------------------------------------------------------------------
 */

static void a_sound_file_has_no_findings(void **state)
{
    struct err err = {0};
    const char *const *lines;
    fill(3);
    end_with("f1", "d1");
    assert_int_equal(store_check(pool, rig_path, &lines, &err), E_CONFLICT);
    store_close(store);
    store = NULL;
    assert_sound();
}

static void what_is_wrong_is_found(void **state)
{
    static const struct {
        const char *damage, *found;
    } rows[] = {
        {"DELETE FROM events WHERE run = 1 AND seq = 1", "events: run acme/f0"},
        {"UPDATE runs SET doc = '{' WHERE id = 2", "document: run acme/f1"},
        {"INSERT INTO journal VALUES (99, 'x', 'sent', NULL)", "reference: journal"},
        {"UPDATE runs SET has_result = 1 WHERE id = 3", "result: run acme/f2"},
        {"DROP INDEX runs_by_age", "schema: 'runs_by_age' is missing"},
        {"DELETE FROM step_results WHERE run = 1 AND n = 0",
         "step results: run acme/f0 has 1 of 2"},
        {"UPDATE step_results SET body = '{' WHERE run = 1",
         "document: step result 1 of run acme/f0"},
        {"CREATE TABLE extra (x)", "schema: 'extra' does not belong there"},
    };
    fill(3);
    json_t *checkpoint = keep(json_pack("{s:[{},{}]}", "step_results"));
    assert_int_equal(store_run_checkpoint(store, K("f0"), checkpoint, NULL, NULL), 0);
    store_close(store);
    store = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        bool found = false;
        sql(rig_path, rows[i].damage);
        for (const char *const *line = findings(); *line; line++)
            found |= strncmp(*line, rows[i].found, strlen(rows[i].found)) == 0;
        if (!found)
            fail_msg("not found: %s", rows[i].found);
    }
}

static void a_torn_page_is_found(void **state)
{
    static const char junk[300] = "junk";
    fill(50);
    store_close(store);
    store = NULL;
    int fd = open(rig_path, O_RDWR | O_CLOEXEC);
    for (off_t at = 4096; at < 10 * 4096; at += 4096)
        assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
    close(fd);
    assert_non_null(*findings());
}

static void vacuum_gives_space_back(void **state)
{
    struct err err = {0};
    int64_t before = 0, after = 0;
    char big[20000], id[16];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    json_t *patch = keep(json_pack("{s:s}", "payload", big));
    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof(id), "b%d", i);
        create("acme", id);
        assert_int_equal(store_run_patch(store, K(id), patch, NULL), 0);
        if (i) {
            assert_int_equal(set(id, RUN_CANCELLED), 0);
            assert_int_equal(store_run_delete(store, K(id), NULL), 0);
        }
    }
    assert_int_equal(store_vacuum(rig_path, &before, &after, &err), E_CONFLICT);
    store_close(store);
    store = NULL;
    assert_int_equal(store_vacuum(rig_path, &before, &after, NULL), 0);
    assert_true(after < before);
    assert_int_equal(store_vacuum("/nowhere/x.db", &before, &after, NULL), E_NOT_FOUND);
    assert_sound();
    rig_open();
    assert_int_equal(json_string_length(json_object_get(get("b0", 0).doc, "payload")), 19999);
}

static const struct CMUnitTest tests[] = {
    T(a_copy_is_whole_and_private),
    T(the_store_is_used_while_it_is_copied),
    T(a_copy_that_is_given_up_leaves_nothing),
    T(a_copy_never_writes_over_a_file),
    T(a_file_at_rest_is_copied),
    T(a_sound_file_has_no_findings),
    T(what_is_wrong_is_found),
    T(a_torn_page_is_found),
    T(vacuum_gives_space_back),
};

int main(void)
{
    return rig_run(tests, ARRAY_SIZE(tests), true);
}
