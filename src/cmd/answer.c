#include "cmd/answer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "gate/label.h"
#include "gate/tree.h"
#include "sys/file.h"

int answer_document(struct pool *pool, const json_t *document, const char *text, const char *output, bool json,
                    struct err *err)
{
    const char *as_json = json_pretty(pool, document);
    int r = output ? file_write_atomic(output, as_json, strlen(as_json), 0644, err) : 0;
    if (!r)
        fputs(json || !isatty(STDOUT_FILENO) ? as_json : text, stdout);
    return r;
}

static int read_labelled(struct pool *pool, const char *path, json_t **out, struct err *err)
{
    int r = tree_read(path, out, err);
    if (r)
        return r;
    json_keep(pool, *out);
    return label_check(*out, err) ? err_prefix(err, "%s", path) : 0;
}

int answer_labelled(struct pool *pool, const char *path, labelled_fn *fn, void *arg, struct err *err)
{
    struct tree tree;
    int r = tree_list(pool, path, &tree, err), n = 0;
    for (int i = 0; !r && i < tree.n; i++) {
        struct pool *mine = pool_create(pool);
        struct err broken = {0};
        json_t *labelled;
        if (read_labelled(mine, tree_path(mine, &tree, i), &labelled, &broken) == 0) {
            r = fn(arg, labelled, err);
            n++;
        } else if (tree.is_dir) {
            cmd_warning("%s; left out", broken.msg);
        } else {
            r = err_set(err, broken.code, "%s", broken.msg);
        }
        pool_destroy(mine);
    }
    if (!r && n == 0)
        r = err_set(err, E_INVALID, "%s: there is no labelled trace; `mantis trace label` makes them", path);
    return r;
}
