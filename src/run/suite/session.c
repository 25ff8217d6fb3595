/*
 * session.c - a browser session by its name: in a file of the profile, which only this tenant's
 * runs under this profile ever see, which is exported and removed with it, and which holds what the
 * profile's own cookie store holds.
 */
#include "run/suite/suite.h"

#include <string.h>
#include <sys/stat.h>

#include "base/caps.h"
#include "base/id.h"
#include "run/look.h"
#include "sys/file.h"

#define LOGINS_MS 5000

static const char *path_of(struct run *run)
{
    char name[ID_NAME_MAX + 1], digest[ID_SHA256_HEX_BYTES];
    const char *dir = run->config->session_dir, *given = run->plan->session_name;
    if (!dir)
        return NULL;
    id_sanitise(given, name, sizeof(name));
    id_sha256_hex(given, strlen(given), digest); /* "a b" and "a_b" are two sessions */
    return pool_printf(run->step_pool, "%s/%s-%.12s.json", dir, name, digest);
}

static int read_saved(struct run *run, json_t **out, struct err *err)
{
    const char *path = path_of(run);
    int r = path ? json_parse_file(path, out, err) : E_NOT_FOUND;
    if (r == E_NOT_FOUND)
        return err_set(err, r, "no session '%s' was saved in this profile",
                       run->plan->session_name);
    return r ? err_set(err, E_NOT_FOUND, "the saved session '%s' cannot be read",
                       run->plan->session_name)
             : 0;
}

/* Storage belongs to an origin, so that a page of it has to be open before it can be put back. */
int session_restore(struct run *run, const char *url, struct err *err)
{
    json_t *saved = NULL;
    bool storage = false;
    struct settled s;
    int r = read_saved(run, &saved, err);
    if (r)
        return r;
    r = plane_load_logins(run->plane, saved, LOGINS_MS, &storage, err);
    if (!r && json_array_size(json_object_get(saved, "storage")) && *url) {
        r = run_open(run, url, CAP_LOAD_MS, &s, err);
        if (!r)
            r = plane_load_logins(run->plane, saved, LOGINS_MS, &storage, err);
    }
    json_decref(saved);
    return r;
}

int session_keep(struct run *run, struct err *err)
{
    json_t *saved = NULL;
    const char *path = path_of(run);
    if (!path)
        return err_set(err, E_UNSUPPORTED, "this run has no profile to keep a session in");
    int r = plane_save_logins(run->plane, LOGINS_MS, &saved, err);
    if (r)
        return r;
    const char *text = json_text(run->step_pool, saved);
    json_decref(saved);
    r = file_mkdirs(run->config->session_dir, 0700, err);
    if (!r && strlen(text) > CAP_PLAN_FILE_BYTES)
        r = err_set(err, E_TOOBIG, "the session holds more than %d bytes", CAP_PLAN_FILE_BYTES);
    return r ? r : file_write_atomic(path, text, strlen(text), 0600, err);
}
