/*
 * video.c - the screencast of a run: what the result says of it, and its files.
 */
#include "sched/private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "record/mend.h"

#define DIR "video" /* in work/ */

enum { CAP_MENDED_BYTES = 4096 };

static const char *const cuts[] = {"recording_polished", "recording"};

/* In the order in which they are looked for (http-api.md section 17). */
static const struct kind {
    const char *format, *mime;
} kinds[] = {{"mp4", "video/mp4"}, {"webm", "video/webm"}, {"gif", "image/gif"}};

/* A file with something in it; -1: there is none. */
static int open_cut(struct sched *s, struct pool *pool, struct run_key key, const char *cut,
                    const struct kind *kind, int64_t *ret_bytes)
{
    struct stat st;
    int fd = artifacts_open_workers(
        s, pool, key, DIR, pool_printf(pool, "%s.%s", cut, kind->format), CAP_VIDEO_BYTES * 2ll);
    if (fd >= 0 && (fstat(fd, &st) || st.st_size == 0)) {
        close(fd);
        fd = -1;
    }
    if (fd >= 0 && ret_bytes)
        *ret_bytes = st.st_size;
    return fd;
}

/* Why there is none, and what to do. */
static int no_recording(const struct run_record *rec, bool raw, struct err *err)
{
    const json_t *video = json_object_get(json_object_get(rec->settings, "options"), "video");
    if (!json_is_object(video))
        return err_set(err, E_NOT_FOUND,
                       "run '%s' has no recording: start a run with 'record_video': true for one",
                       rec->run_id);
    if (raw && strcmp(json_str(video, "cuts", ""), "polished") == 0)
        return err_set(
            err, E_NOT_FOUND,
            "run '%s' recorded only the polished cut, which is given without 'raw'; start "
            "a run with 'video_cuts': \"raw\" or \"both\" for the raw one",
            rec->run_id);
    return err_set(err, E_NOT_FOUND,
                   run_state_terminal(rec->state)
                       ? "run '%s' has no recording, or not any more: 'video.error' of its result "
                         "says what went wrong, and files of a run are kept for "
                         "MANTIS_ARTIFACT_TTL_DAYS"
                       : "run '%s' has no recording yet: it begins with the run's browser",
                   rec->run_id);
}

/* The cut that callers are shown, and what it is. */
static int open_shown(struct sched *s, struct pool *pool, struct run_key key, bool raw, int *ret_fd,
                      const char **ret_cut, const struct kind **ret_kind, struct err *err)
{
    struct run_record rec;
    struct err cause = {0};
    int r = store_run_get(s->store, pool, key, 0, &rec, &cause);
    if (r)
        return sched_run_error(&cause, err);
    for (size_t c = raw; c < ARRAY_SIZE(cuts); c++)
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
            *ret_fd = open_cut(s, pool, key, cuts[c], &kinds[k], NULL);
            *ret_cut = cuts[c];
            *ret_kind = &kinds[k];
            if (*ret_fd >= 0)
                return 0;
        }
    return no_recording(&rec, raw, err);
}

int sched_video(struct sched *s, struct pool *pool, struct run_key key, bool raw, int *ret_fd,
                const char **ret_mime, const char **ret_format, struct err *err)
{
    const struct kind *kind;
    const char *cut;
    int r = open_shown(s, pool, key, raw, ret_fd, &cut, &kind, err);
    if (!r) {
        *ret_mime = kind->mime;
        *ret_format = kind->format;
    }
    return r;
}

int sched_video_track(struct sched *s, struct pool *pool, struct run_key key, bool raw,
                      const char *track, int *ret_fd, struct err *err)
{
    static const struct {
        const char *track, *suffix;
    } known[] = {{"captions", ".vtt"}, {"chapters", ".chapters.vtt"}};
    const struct kind *kind;
    const char *cut, *suffix = NULL;
    int fd;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (strcmp(known[i].track, track) == 0)
            suffix = known[i].suffix;
    if (!suffix)
        return E_INVALID;
    int r = open_shown(s, pool, key, raw, &fd, &cut, &kind, err);
    if (r)
        return r;
    close(fd);
    *ret_fd = artifacts_open_workers(s, pool, key, DIR, pool_printf(pool, "%s%s", cut, suffix),
                                     CAP_VIDEO_BYTES);
    return *ret_fd < 0 ? err_set(err, E_NOT_FOUND, "the recording of run '%s' has no %s",
                                 key.run_id, track)
                       : 0;
}

/* How long it plays, by what mended it; the worker's user wrote that: numbers alone are taken. */
static void put_lengths(struct sched *s, struct pool *pool, struct run_key key, json_t *video)
{
    static const char *const lengths[] = {"duration_seconds", "polished_duration_seconds"};
    char text[CAP_MENDED_BYTES];
    int fd = artifacts_open_workers(s, pool, key, DIR, MEND_FILE, sizeof(text));
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));
    if (fd >= 0)
        close(fd);
    json_t *said = NULL;
    if (n > 0 && json_parse(text, (size_t)n, MEND_FILE, &said, NULL))
        said = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
        if (json_num(said, lengths[i], 0) > 0)
            json_put_num(video, lengths[i], json_num(said, lengths[i], 0));
    json_decref(said);
}

/* What its worker could not say any more. */
static json_t *what_is_left(struct sched *s, struct pool *pool, struct run_key key,
                            const char *format)
{
    static const char *const paths[] = {"polished_path", "path"}, *const bytes[] = {
                                                                      "polished_bytes", "bytes"};
    json_t *v = json_pack("{s:s,s:f,s:i,s:s}", "format", format, "duration_seconds", 0.0, "bytes",
                          0, "error", "interrupted");
    for (size_t c = 0; c < ARRAY_SIZE(cuts); c++)
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
            int64_t n = 0;
            int fd = strcmp(kinds[k].format, format)
                         ? -1
                         : open_cut(s, pool, key, cuts[c], &kinds[k], &n);
            if (fd < 0)
                continue;
            close(fd);
            json_put_str(v, paths[c], pool_printf(pool, "%s.%s", cuts[c], format));
            json_put_int(v, bytes[c], n);
        }
    if (!json_object_get(v,
                         "path")) /* duration and bytes are of the only one, as a worker says it */
        json_put_int(v, "bytes", json_int(v, "polished_bytes", 0));
    put_lengths(s, pool, key, v);
    return v;
}

/* Names of the worker's become paths, as the others in a result. */
static void put_path(json_t *video, struct pool *pool, const char *work, const char *key)
{
    const char *name = json_str(video, key, "");
    if (*name)
        json_put_str(video, key, pool_printf(pool, "%s/" DIR "/%s", work, name));
}

void video_put(struct sched *s, struct pool *pool, struct run_key key, const json_t *options,
               const json_t *checkpoint, json_t *envelope)
{
    const json_t *wanted = json_object_get(options, "video"),
                 *told = json_object_get(checkpoint, "video");
    const char *work = dirs_work(s, pool, key);
    if (!json_is_object(wanted))
        return;
    json_t *video = json_is_object(told)
                        ? json_deep_copy(told)
                        : what_is_left(s, pool, key, json_str(wanted, "format", "mp4"));
    put_path(video, pool, work, "path");
    put_path(video, pool, work, "polished_path");
    json_put(envelope, "video", video);
}
