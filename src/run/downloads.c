#include "run/downloads.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"

#define NAME_BYTES 100
#define URL_BYTES  2000

static const struct {
    const char *suffix, *mime;
} types[] = {
    {".pdf", "application/pdf"},   {".csv", "text/csv"},
    {".txt", "text/plain"},        {".json", "application/json"},
    {".xml", "application/xml"},   {".html", "text/html"},
    {".htm", "text/html"},         {".md", "text/markdown"},
    {".png", "image/png"},         {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},       {".gif", "image/gif"},
    {".webp", "image/webp"},       {".svg", "image/svg+xml"},
    {".zip", "application/zip"},   {".gz", "application/gzip"},
    {".tar", "application/x-tar"}, {".mp4", "video/mp4"},
    {".webm", "video/webm"},       {".mp3", "audio/mpeg"},
    {".ics", "text/calendar"},     {".eml", "message/rfc822"},
    {".doc", "application/msword"},
    {".xls", "application/vnd.ms-excel"},
    {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
};

const char *downloads_mime(const char *file_name)
{
    const char *dot = strrchr(file_name, '.');
    for (size_t i = 0; dot && i < ARRAY_SIZE(types); i++)
        if (!strcasecmp(types[i].suffix, dot))
            return types[i].mime;
    return "application/octet-stream";
}

/* Artifacts that every run may have, and pictures of rows. */
static bool is_taken(const struct run *run, const char *name)
{
    static const char *const own[] = {"leads.csv",   "extracted_rows.csv", "extracted_rows.json",
                                      "result.json", "final.png",          "claude_cost_by_path.json",
                                      "extracted_rows"};
    size_t i;
    json_t *d;
    for (i = 0; i < ARRAY_SIZE(own); i++)
        if (!strcmp(own[i], name))
            return true;
    json_array_foreach (run->progress.downloads, i, d)
        if (!strcmp(json_str(d, "name", ""), name))
            return true;
    return str_starts(name, "row_") && str_ends(name, ".png");
}

static const char *artifact_name(struct run *run, const char *file_name)
{
    char clean[NAME_BYTES + 1];
    id_sanitise(file_name, clean, sizeof(clean));
    size_t number = json_array_size(run->progress.downloads) + 1;
    if (!is_taken(run, clean) && id_is_clean(clean))
        return pool_strdup(run->step_pool, clean);
    return pool_printf(run->step_pool, "download_%zu%s%s", number, id_is_clean(clean) ? "_" : "",
                       id_is_clean(clean) ? clean : "");
}

/* SHA-256 of a plain file that no link led to. E_IO. */
static int digest(int fd, int64_t *ret_bytes, char out[ID_SHA256_HEX_BYTES])
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > CAP_DOWNLOAD_BYTES)
        return E_IO;
    *ret_bytes = st.st_size;
    if (!st.st_size) {
        id_sha256_hex("", 0, out);
        return 0;
    }
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return E_IO;
    id_sha256_hex(data, (size_t)st.st_size, out);
    munmap(data, (size_t)st.st_size);
    return 0;
}

static int look_into(struct run *run, const char *name, int64_t *ret_bytes,
                     char out[ID_SHA256_HEX_BYTES])
{
    const char *dir = run->config->download_dir;
    if (!dir || !id_is_file_name(name))
        return E_IO;
    int fd = open(pool_printf(run->step_pool, "%s/%s", dir, name),
                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int r = fd < 0 ? E_IO : digest(fd, ret_bytes, out);
    if (fd >= 0)
        close(fd);
    return r;
}

/* Without user and password. */
static const char *public_url(struct pool *pool, const char *url)
{
    const char *host = strstr(url, "://");
    size_t len = host ? strcspn(host + 3, "/?#") : 0;
    const char *at = host ? memrchr(host + 3, '@', len) : NULL;
    if (!at)
        return str_cut(pool, url, URL_BYTES);
    return str_cut(pool, pool_printf(pool, "%.*s%s", (int)(host + 3 - url), url, at + 1), URL_BYTES);
}

void downloads_keep(struct run *run, const struct download *d)
{
    char sha256[ID_SHA256_HEX_BYTES], at[CLOCK_ISO_BYTES];
    int64_t bytes = 0;
    struct pool *pool = run->step_pool;
    if (look_into(run, d->name, &bytes, sha256)) {
        run_warn(run, "download_lost", "the download '%s' cannot be read and is not listed",
                 str_cut(pool, d->name, NAME_BYTES));
        return;
    }
    json_t *one = json_object();
    json_put_str(one, "name", artifact_name(run, d->name));
    json_put(one, "file_name", json_string_safe(d->name));
    json_put_str(one, "mime_type", downloads_mime(d->name));
    json_put_int(one, "bytes", bytes);
    json_put_str(one, "sha256", sha256);
    json_put(one, "source_url", json_string_safe(public_url(pool, d->url ? d->url : "")));
    json_put(one, "page_url", json_string_safe(public_url(pool, run->live_url)));
    json_put_int(one, "step_index", run->index);
    json_put_str(one, "at", clock_iso(clock_wall_us(), at));
    json_push(run->progress.downloads, one);
}
