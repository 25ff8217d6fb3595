#include "plane/cdp/asks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "plane/cdp/tabs.h"

#define URL_BYTES 2000 /* of where a download came from */

static void keep(char **slot, const char *text, bool secret)
{
    if (*slot && secret)
        explicit_bzero(*slot, strlen(*slot));
    free(*slot);
    *slot = text ? strdup(text) : NULL;
    if (text && !*slot)
        BUG("out of memory");
}

void asks_release(struct asks *a)
{
    struct plane_answers none = {0};
    keep(&a->prompt, none.prompt, true);
    keep(&a->user, none.user, true);
    keep(&a->password, none.password, true);
    keep(&a->origin, none.origin, false);
    keep(&a->file, none.file, false);
    while (a->downloads) {
        struct download_entry *d = a->downloads;
        a->downloads = d->next;
        free(d->name);
        free(d->url);
        free(d);
    }
}

/* --- dialogs --------------------------------------------------------------------------------- */

/* "Leave page?" and plain notices are accepted, questions only when somebody wants that. */
static bool accepts(const struct asks *a, const char *type, const char *message)
{
    if (strcmp(type, "alert") == 0 || strcmp(type, "beforeunload") == 0)
        return true;
    if (strcmp(type, "prompt") == 0)
        return a->prompt || a->prompt_as_is;
    return a->confirm && a->confirm(a->arg, message);
}

static void note_text(struct asks *a, const char *message)
{
    snprintf(a->dialog_text, sizeof(a->dialog_text), "%s", message);
    size_t end = strlen(a->dialog_text);
    while (end && !str_is_utf8(a->dialog_text, end))
        a->dialog_text[--end] = 0; /* cut inside a character */
}

void asks_on_dialog(struct tabs *t, struct session *s, const json_t *params)
{
    struct asks *a = &t->asks;
    const char *type = json_str(params, "type", ""), *message = json_str(params, "message", "");
    bool yes = accepts(a, type, message), prompt = strcmp(type, "prompt") == 0;
    json_t *answer = json_object();
    json_put_bool(answer, "accept", yes);
    if (yes && prompt)
        json_put_str(answer, "promptText",
                     a->prompt ? a->prompt : json_str(params, "defaultPrompt", ""));
    cdp_post(t->cdp, s->id, "Page.handleJavaScriptDialog", answer);
    a->dialogs++;
    a->declined += !yes;
    note_text(a, message);
}

/* --- files ----------------------------------------------------------------------------------- */

/* Without a file the chooser is cancelled as a person would; with one it stays open for us. */
static void arm_chooser(struct tabs *t, const struct session *s)
{
    json_t *params = json_object();
    json_put_bool(params, "enabled", true);
    json_put_bool(params, "cancel", t->asks.file == NULL);
    cdp_post(t->cdp, s->id, "Page.setInterceptFileChooserDialog", params);
}

struct file_call {
    struct cdp_call call;
    struct asks *asks; /* lives as long as the pipe */
};

static void on_file_taken(void *arg, const json_t *result)
{
    struct file_call *call = arg;
    call->asks->files += result != NULL;
    free(call);
}

void asks_on_chooser(struct tabs *t, struct session *s, const json_t *params)
{
    int64_t node = json_int(params, "backendNodeId", 0);
    if (!t->asks.file || !node)
        return;
    json_t *answer = json_object(), *files = json_array();
    json_push(files, json_string_safe(t->asks.file));
    json_put(answer, "files", files);
    json_put_int(answer, "backendNodeId", node);
    struct file_call *call = calloc(1, sizeof(*call));
    if (!call)
        BUG("out of memory");
    call->asks = &t->asks;
    call->call.on_done = on_file_taken;
    call->call.arg = call;
    cdp_start(t->cdp, s->id, "DOM.setFileInputFiles", answer, &call->call);
}

/* --- sign-ins -------------------------------------------------------------------------------- */

/* The browser tells of a sign-in only for requests that it lets us hold: those for documents, which
 * go on at once. */
void asks_set_up(struct tabs *t, const struct session *s, bool is_tab)
{
    json_t *params = json_object(), *patterns = json_array();
    json_push(patterns, json_pack("{s:s}", "resourceType", "Document"));
    json_put(params, "patterns", patterns);
    json_put_bool(params, "handleAuthRequests", true);
    cdp_post(t->cdp, s->id, "Fetch.enable", params);
    if (is_tab)
        arm_chooser(t, s);
}

/* The password goes to the server it is for, and once: a second question means that it is wrong. */
static bool knows(struct asks *a, const char *request, const json_t *challenge)
{
    bool first = strcmp(a->signed_in, request) != 0;
    cdp_set_id(a->signed_in, request);
    return first && a->user && a->origin &&
           strcmp(json_str(challenge, "source", "Server"), "Server") == 0 &&
           strcmp(json_str(challenge, "origin", ""), a->origin) == 0;
}

void asks_on_sign_in(struct tabs *t, struct session *s, const json_t *params)
{
    struct asks *a = &t->asks;
    const char *request = json_str(params, "requestId", "");
    json_t *answer = json_object(), *response = json_object();
    bool known = knows(a, request, json_object_get(params, "authChallenge"));
    json_put_str(response, "response", known ? "ProvideCredentials" : "CancelAuth");
    if (known) {
        json_put_str(response, "username", a->user);
        json_put_str(response, "password", a->password ? a->password : "");
    }
    json_put_str(answer, "requestId", request);
    json_put(answer, "authChallengeResponse", response);
    cdp_post(t->cdp, s->id, "Fetch.continueWithAuth", answer);
    a->refused_sign_ins += !known;
}

void asks_on_paused(struct tabs *t, struct session *s, const json_t *params)
{
    json_t *answer = json_object();
    json_put_str(answer, "requestId", json_str(params, "requestId", ""));
    cdp_post(t->cdp, s->id, "Fetch.continueRequest", answer);
}

/* --- downloads ------------------------------------------------------------------------------- */

static struct download_entry *find_download(struct asks *a, const char *id)
{
    for (struct download_entry *d = a->downloads; d; d = d->next)
        if (strcmp(d->id, id) == 0)
            return d;
    return NULL;
}

static int count_downloads(const struct asks *a)
{
    int n = 0;
    for (const struct download_entry *d = a->downloads; d; d = d->next)
        n++;
    return n;
}

static void refuse(struct tabs *t, struct download_entry *d)
{
    json_t *params = json_object();
    json_put_str(params, "guid", d->id);
    cdp_post(t->cdp, NULL, "Browser.cancelDownload", params);
    d->refused = true;
}

void asks_on_download(struct tabs *t, struct session *s, const json_t *params)
{
    struct asks *a = &t->asks;
    const char *id = json_str(params, "guid", "");
    if (find_download(a, id) || count_downloads(a) > 2 * CAP_DOWNLOADS)
        return;
    struct download_entry *d = calloc(1, sizeof(*d));
    if (!d)
        BUG("out of memory");
    cdp_set_id(d->id, id);
    keep(&d->name, json_str(params, "suggestedFilename", ""), false);
    d->url = strndup(json_str(params, "url", ""), URL_BYTES);
    if (!d->url)
        BUG("out of memory");
    d->start_us = clock_mono_us();
    d->next = a->downloads;
    a->downloads = d;
    a->begun++;
    if (count_downloads(a) > CAP_DOWNLOADS)
        refuse(t, d);
}

static void end_download(struct asks *a, struct download_entry *d, const json_t *params)
{
    const char *path = json_str(params, "filePath", ""), *slash = strrchr(path, '/');
    d->over = true;
    d->complete = strcmp(json_str(params, "state", ""), "completed") == 0;
    if (d->complete)
        a->download_bytes += d->bytes;
    if (d->complete && slash && slash[1]) /* a second file of a name gets another one */
        keep(&d->name, slash + 1, false);
}

void asks_on_progress(struct tabs *t, struct session *s, const json_t *params)
{
    struct asks *a = &t->asks;
    struct download_entry *d = find_download(a, json_str(params, "guid", ""));
    if (!d || d->over)
        return;
    int64_t total = json_int(params, "totalBytes", 0);
    d->bytes = json_int(params, "receivedBytes", 0);
    if (strcmp(json_str(params, "state", ""), "inProgress") != 0)
        end_download(a, d, params);
    else if (!d->refused && (d->bytes > CAP_DOWNLOAD_BYTES || total > CAP_DOWNLOAD_BYTES ||
                             a->download_bytes + d->bytes > CAP_DOWNLOADS_BYTES))
        refuse(t, d);
}

bool asks_downloading(const struct asks *a, int64_t since_us)
{
    for (const struct download_entry *d = a->downloads; d; d = d->next)
        if (!d->over && d->start_us >= since_us)
            return true;
    return false;
}

struct download_entry *asks_next_download(struct asks *a)
{
    struct download_entry *found = NULL;
    for (struct download_entry *d = a->downloads; d; d = d->next)
        if (d->over && !d->told)
            found = d;
    return found;
}

/* --- answers --------------------------------------------------------------------------------- */

void asks_set(struct tabs *t, const struct plane_answers *answers)
{
    struct asks *a = &t->asks;
    bool had_file = a->file != NULL;
    a->confirm = answers->confirm;
    a->arg = answers->arg;
    a->prompt_as_is = answers->prompt_as_is;
    keep(&a->prompt, answers->prompt, true);
    keep(&a->user, answers->user, true);
    keep(&a->password, answers->password, true);
    keep(&a->origin, answers->origin, false);
    keep(&a->file, answers->file, false);
    for (const struct session *s = t->sessions; s; s = s->next)
        if (s->tab == s && had_file != (a->file != NULL))
            arm_chooser(t, s);
}
