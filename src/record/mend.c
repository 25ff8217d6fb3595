#include "record/mend.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "record/cut.h"
#include "sys/file.h"

enum { FILE_MODE = 0600 };

/* -1: there is none, or none that plays. */
static int64_t mend(const char *dir, const char *name, const char *format, struct err *err)
{
    int64_t ms;
    struct err why = {0};
    int r = cut_mend(dir, name, format, &ms, &why);
    if (r && r != E_NOT_FOUND)
        *err = why;
    return r ? -1 : ms;
}

static const char *mended_path(struct pool *pool, const char *dir)
{
    return pool_printf(pool, "%s/" MEND_FILE, dir);
}

static int say(struct pool *pool, const char *dir, const json_t *video, struct err *err)
{
    const char *text = json_text(pool, video);
    return file_write_soon(mended_path(pool, dir), text, strlen(text), FILE_MODE, err);
}

int mend_recording(const char *dir, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    int r = err_set(err, E_NOT_FOUND, "there is no recording in '%s'", dir);
    for (const char *const *f = encoder_formats(); *f; f++) {
        json_t *video = json_keep(pool, json_object());
        int64_t raw = mend(dir, CUT_RAW, *f, err), polished = mend(dir, CUT_POLISHED, *f, err);
        json_put_str(video, "format", *f);
        if (cut_tell_all(video, dir, *f, raw, polished))
            r = say(pool, dir, video, err);
    }
    pool_destroy(pool);
    return r ? err->code : 0;
}

void mend_forget(const char *dir)
{
    struct pool *pool = pool_create(NULL);
    unlink(mended_path(pool, dir));
    pool_destroy(pool);
}
