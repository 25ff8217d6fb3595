#include "cmd/eval_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "sys/input.h"

/* --- writing ---------------------------------------------------------------------------------- */

/* One write: a kill leaves whole lines, or the beginning of one, which is not read. So does a full disk, and what it took
 * goes: the next line begins where a line begins. */
static int append(const struct eval_journal *j, struct pool *pool, const json_t *line,
                  struct err *err)
{
    const char *text = pool_printf(pool, "%s\n", json_text(pool, line));
    size_t len = strlen(text);
    off_t begin = lseek(j->fd, 0, SEEK_END);
    if (write(j->fd, text, len) == (ssize_t)len && fdatasync(j->fd) == 0)
        return 0;
    err_sys(err, E_IO, "cannot write '%s'", j->path);
    int ignored = ftruncate(j->fd, begin);
    (void)ignored;
    return E_IO;
}

int eval_journal_submitted(const struct eval_journal *j, struct pool *pool,
                           const struct batch_run *run, struct err *err)
{
    json_t *line = json_keep(pool, json_pack("{s:s,s:i,s:s}", "submitted", run->task->id, "repeat",
                                             run->repeat, "run_id", run->run_id));
    return append(j, pool, line, err);
}

int eval_journal_done(const struct eval_journal *j, struct pool *pool, const struct batch_run *run,
                      struct err *err)
{
    const struct report one = {.name = "", .results = &run->result, .n = 1};
    json_t *report = json_keep(pool, report_json(&one));
    json_t *line =
        json_keep(pool, json_pack("{s:s,s:i,s:O}", "done", run->task->id, "repeat", run->repeat,
                                  "results", json_object_get(report, "results")));
    return append(j, pool, line, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

static struct batch_run *find(struct batch_run *runs, size_t n, const char *task, int64_t repeat)
{
    for (size_t i = 0; i < n; i++)
        if (runs[i].repeat == repeat && strcmp(runs[i].task->id, task) == 0)
            return &runs[i];
    return NULL;
}

/* A run that was not carried out is tried again. */
static int take_done(struct pool *pool, json_t *line, struct batch_run *run, struct err *err)
{
    struct report one;
    int r = report_parse(pool, line, "journal", &one, err);
    if (r || one.n != 1 || *one.results[0].outcome.error)
        return r;
    run->result = one.results[0];
    run->result.task_id = run->task->id;
    run->result.metadata = run->task->metadata;
    run->done = true;
    return 0;
}

static int take_line(struct pool *pool, json_t *line, struct batch_run *runs, size_t n,
                     struct err *err)
{
    const char *done = json_str(line, "done", NULL), *submitted = json_str(line, "submitted", NULL);
    struct batch_run *run =
        done || submitted ? find(runs, n, done ? done : submitted, json_int(line, "repeat", -1))
                          : NULL;
    if (!run)
        return 0;
    run->run_id = done ? "" : json_str(line, "run_id", "");
    return done ? take_done(pool, line, run, err) : 0;
}

static int take_lines(const struct eval_journal *j, struct pool *pool, char *text,
                      const json_t *identity, struct batch_run *runs, size_t n, struct err *err)
{
    bool first = true;
    int number = 1;
    for (char *end; (end = strchr(text, '\n')); text = end + 1, number++) {
        struct err why = {0};
        json_t *line;
        if (json_parse(text, (size_t)(end - text), "it", &line, &why))
            return err_set(err, E_INVALID,
                           "'%s' line %d is damaged: %s. Take the line out (its run is repeated), or "
                           "remove the file to begin anew",
                           j->path, number, why.msg);
        json_keep(pool, line);
        if (first && !json_equal(line, identity))
            return err_set(err, E_CONFLICT,
                           "'%s' is the journal of another evaluation (other tasks, runner, name, "
                           "seed or repeats): finish "
                           "that one, or remove the file",
                           j->path);
        int r = first ? 0 : take_line(pool, line, runs, n, err);
        if (r)
            return r;
        first = false;
    }
    return 0;
}

/* What a kill cut in the middle goes, so that the next line begins where a line begins. */
static int cut_torn(const struct eval_journal *j, const char *text, size_t len, struct err *err)
{
    while (len && text[len - 1] != '\n')
        len--;
    if (ftruncate(j->fd, (off_t)len))
        return err_sys(err, E_IO, "cannot write '%s'", j->path);
    return 0;
}

static int lock(const struct eval_journal *j, struct err *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(j->fd, F_OFD_SETLK, &whole))
        return err_set(err, E_CONFLICT, "another `mantis eval run` is writing '%s'", j->path);
    return 0;
}

int eval_journal_open(struct eval_journal *j, struct pool *pool, const char *path,
                      const json_t *identity, struct batch_run *runs, size_t n, struct err *err)
{
    char *text = NULL;
    size_t len = 0;
    *j = (struct eval_journal){.path = path, .fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (j->fd < 0)
        return err_sys(err, E_IO, "cannot open '%s'", path);
    int r = lock(j, err);
    r = r ? r : input_read(pool, path, CAP_GATE_FILE_BYTES, &text, &len, err);
    r = r ? r : cut_torn(j, text, len, err);
    r = r ? r : take_lines(j, pool, text, identity, runs, n, err);
    if (!r && !strchr(text, '\n'))
        r = append(j, pool, identity, err);
    if (r)
        eval_journal_close(j, false);
    return r;
}

void eval_journal_close(struct eval_journal *j, bool finished)
{
    if (j->fd < 0)
        return;
    if (finished)
        unlink(j->path);
    close(j->fd);
    j->fd = -1;
}
