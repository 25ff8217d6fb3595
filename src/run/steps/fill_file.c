/*
 * fill_file.c - give a file of the run to a file chooser. The chooser is opened by a click as always;
 * its window is the browser's, so the browser is told the file instead of the window (asks.h).
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "run/asks.h"
#include "run/look.h"
#include "run/steps/fill.h"

#define NAMES_TOLD 10

static bool is_plain_file(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

const char *fill_path_of(struct run *run, const char *name)
{
    const char *dir = run->config->download_dir;
    if (!dir || !*name || *name == '.' || strchr(name, '/'))
        return NULL;
    const char *path = pool_printf(run->step_pool, "%s/%s", dir, name);
    return is_plain_file(path) ? path : NULL;
}

const char *fill_file_names(struct run *run)
{
    const char *out = "", *dir = run->config->download_dir;
    DIR *d = dir ? opendir(dir) : NULL;
    int n = 0;
    for (struct dirent *e; d && n < NAMES_TOLD && (e = readdir(d));)
        if (fill_path_of(run, e->d_name))
            out = pool_printf(run->step_pool, "%s%s'%s'", out, n++ ? ", " : "", e->d_name);
    if (d)
        closedir(d);
    return n ? out : "none";
}

bool fill_is_file(const struct fill *f)
{
    return !strcmp(fill_input_type(f->node), "file") ||
           (fill_path_of(f->run, f->value) && !(f->node && f->node->flags & NODE_EDITABLE));
}

int fill_file(struct fill *f, int try_no, bool *ret_landed, struct err *err)
{
    struct settled s = {0};
    const char *path = fill_path_of(f->run, f->value);
    if (!path)
        return err_set(err, E_NOT_FOUND,
                       "params.value must name a file that this run downloaded; there is: %s",
                       fill_file_names(f->run));
    asks_file(f->run, path);
    int r = run_click(f->run, f->out->at, BUTTON_LEFT, &s, err);
    asks_file(f->run, NULL);
    *ret_landed = !r && s.files > 0;
    return r;
}
