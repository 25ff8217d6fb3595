/*
 * fake_worker.c - speaks the worker's side of docs/processes.md from a script, for test_sched.
 *
 * The script is in the start message: options.scripts[attempt - 1], the last one for all later
 * attempts. Each row is {"do": verb, ...}; the verbs are the table below. As what mends a recording it hangs.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"

#define SOCKET  3
#define PICTURE 4

static json_t *start;
static json_t *given; /* with the last word that was expected; NULL none */

static void must(bool ok)
{
    if (!ok)
        _exit(99);
}

static void read_all(void *data, size_t len)
{
    for (char *p = data; len;) {
        ssize_t n = read(SOCKET, p, len);
        if (n <= 0)
            _exit(0); /* serve is gone */
        p += n;
        len -= (size_t)n;
    }
}

static json_t *receive(void)
{
    unsigned char h[4];
    read_all(h, sizeof(h));
    size_t len = h[0] | h[1] << 8 | h[2] << 16 | (size_t)h[3] << 24;
    char *text = malloc(len);
    must(text != NULL);
    read_all(text, len);
    json_t *m = json_loadb(text, len, 0, NULL);
    free(text);
    must(m != NULL);
    return m;
}

static void send_message(const json_t *m)
{
    char *text = json_dumps(m, JSON_COMPACT);
    size_t len = strlen(text);
    unsigned char h[4] = {len & 0xff, len >> 8 & 0xff, len >> 16 & 0xff, len >> 24 & 0xff};
    must(write(SOCKET, h, sizeof(h)) == (ssize_t)sizeof(h));
    must(write(SOCKET, text, len) == (ssize_t)len);
    free(text);
}

static void do_send(const json_t *row)
{
    send_message(json_object_get(row, "message"));
}

/* Many, and together larger than what a server keeps for its last words. */
static void do_checkpoints(const json_t *row)
{
    char filler[20001];
    memset(filler, 'f', sizeof(filler) - 1);
    filler[sizeof(filler) - 1] = 0;
    json_t *checkpoint = json_object_get(row, "checkpoint");
    json_t *m = json_pack("{s:s,s:O}", "type", "checkpoint", "checkpoint", checkpoint);
    json_put_str(checkpoint, "filler", filler);
    for (int i = 0; i < 50; i++)
        send_message(m);
    json_decref(m);
}

static void do_expect(const json_t *row)
{
    for (bool found = false; !found;) {
        json_t *m = receive();
        found = strcmp(json_str(m, "type", ""), json_str(row, "type", "")) == 0;
        if (found && json_object_get(m, "user_input")) {
            json_decref(given);
            given = json_incref(json_object_get(m, "user_input"));
        }
        json_decref(m);
    }
}

static void do_exit(const json_t *row)
{
    _exit((int)json_int(row, "code", 0));
}

/* As init of its own namespace it is immune to signals it sends itself, but not to its own faults.
 */
static void do_die(const json_t *row)
{
    __builtin_trap();
}

/* Deaf and alive. */
static void do_hang(const json_t *row)
{
    for (;;)
        pause();
}

static void do_garbage(const json_t *row)
{
    must(write(SOCKET, "\3\0\0\0[1]", 7) == 7);
    do_hang(row);
}

/* row.bytes, in hex, as one picture message. */
static void do_picture(const json_t *row)
{
    const char *hex = json_str(row, "bytes", "");
    unsigned char h[4] = {(unsigned char)(strlen(hex) / 2), (unsigned char)(strlen(hex) / 2 >> 8)};
    unsigned byte;
    must(write(PICTURE, h, sizeof(h)) == (ssize_t)sizeof(h));
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2) {
        unsigned char b = (unsigned char)byte;
        must(write(PICTURE, &b, 1) == 1);
    }
}

static const char *dir(const char *name)
{
    return json_str(json_object_get(start, "dirs"), name, "");
}

static void write_file(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    must(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    close(fd);
}

static void do_png(const json_t *row)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", dir("screenshots"), json_str(row, "name", "x.png"));
    write_file(path, "\x89PNG\r\n\x1a\nnot really", 18);
}

/* Screenshots become a link to a directory of somebody else. */
static void do_link_screenshots(const json_t *row)
{
    must(rmdir(dir("screenshots")) == 0);
    must(symlink(json_str(row, "to", "/"), dir("screenshots")) == 0);
}

/* A child that outlives its parent if nobody ends it; it holds a lock that others can see. */
static void do_orphan(const json_t *row)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/orphan.lock", dir("work"));
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    struct flock lock = {.l_type = F_WRLCK};
    must(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0); /* shared with children */
    if (fork() == 0) {
        const char *argv[] = {"sleep", "1000", NULL}, *env[] = {NULL};
        setsid();
        close(SOCKET);
        if (json_flag(row, "bare", false)) /* nothing it was started with shows where it is from */
            execve("/bin/sleep", (char *const *)argv, (char *const *)env);
        do_hang(row);
    }
}

/* Rights for everybody who comes after. */
static void do_open_up(const json_t *row)
{
    must(chmod(dir("work"), 0777) == 0 && chmod(dir("profile"), 0777) == 0);
}

static void do_shout(const json_t *row)
{
    char block[1000];
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 6000; i++)
        must(write(STDERR_FILENO, block, sizeof(block)) == (ssize_t)sizeof(block));
    must(write(STDERR_FILENO, "that was it", 11) == 11);
}

/* What it was given, and what it may do, as one event. */
static void do_report(const json_t *row)
{
    const json_t *checkpoint = json_object_get(start, "checkpoint");
    const json_t *sent = json_object_get(json_object_get(start, "journal"), "1#1");
    struct stat tmp, work;
    char text[512];
    must(stat("/tmp", &tmp) == 0 && stat(dir("work"), &work) == 0);
    snprintf(text, sizeof(text),
             "attempt=%d step=%d journal=%s uid=%u work=%d profile=%d parent=%d own_tmp=%d home=%d "
             "cost=%g browser=%s",
             (int)json_int(start, "attempt", 0), (int)json_int(checkpoint, "step_index", -1),
             json_str(sent, "state", "none"), (unsigned)getuid(), access(dir("work"), W_OK) == 0,
             access(dir("profile"), W_OK) == 0, access("..", R_OK) == 0,
             access(dir("tmp"), W_OK) == 0 && tmp.st_dev != work.st_dev,
             strcmp(getenv("HOME"), dir("work")) == 0,
             json_num(json_object_get(checkpoint, "costs"), "total", 0),
             json_str(json_object_get(start, "options"), "browser", "?"));
    json_t *m = json_pack("{s:s,s:{s:s,s:s,s:s}}", "type", "event", "event", "layer", "run", "kind",
                          "result", "summary", text);
    send_message(m);
    json_decref(m);
}

/* Which of our variables it was given, as one event. */
static void do_variables(const json_t *row)
{
    char text[1000] = "variables";
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "MANTIS_", 7) == 0)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", *e);
    json_t *m = json_pack("{s:s,s:{s:s,s:s,s:s}}", "type", "event", "event", "layer", "run", "kind",
                          "result", "summary", text);
    send_message(m);
    json_decref(m);
}

/* How long the answers are that it was given with its start and since: an event that does not say them. */
static void do_answers(const json_t *row)
{
    const char *n;
    char text[200] = "answers";
    json_t *value, *all = given ? given : json_object_get(start, "user_input");
    json_object_foreach (all, n, value)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s=%d", n,
                 (int)json_string_length(value));
    json_t *m = json_pack("{s:s,s:{s:s,s:s,s:s}}", "type", "event", "event", "layer", "run", "kind",
                          "result", "summary", text);
    send_message(m);
    json_decref(m);
}

/* Helpers of the inner loop that it was told to leave off, as one event. */
static void do_switches(const json_t *row)
{
    char text[400] = "off:";
    size_t i;
    json_t *name;
    json_array_foreach (json_object_get(json_object_get(start, "options"), "inner_off"), i, name)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", json_string_value(name));
    json_t *m = json_pack("{s:s,s:{s:s,s:s,s:s}}", "type", "event", "event", "layer", "run", "kind",
                          "result", "summary", text);
    send_message(m);
    json_decref(m);
}

/* Until a file of this name is in the downloads directory. */
static void do_wait_file(const json_t *row)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", dir("downloads"), json_str(row, "name", ""));
    while (access(path, F_OK))
        poll(NULL, 0, 10);
}

static const struct {
    const char *verb;
    void (*act)(const json_t *row);
} verbs[] = {
    {"send", do_send},
    {"checkpoints", do_checkpoints},
    {"expect", do_expect},
    {"exit", do_exit},
    {"die", do_die},
    {"hang", do_hang},
    {"garbage", do_garbage},
    {"picture", do_picture},
    {"png", do_png},
    {"orphan", do_orphan},
    {"open_up", do_open_up},
    {"shout", do_shout},
    {"report", do_report},
    {"variables", do_variables},
    {"answers", do_answers},
    {"switches", do_switches},
    {"wait_file", do_wait_file},
    {"link_screenshots", do_link_screenshots},
};

static void act(const json_t *row)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(verbs[i].verb, json_str(row, "do", "")) == 0) {
            verbs[i].act(row);
            return;
        }
    }
    _exit(98);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--mend"))
        do_hang(NULL);
    start = receive();
    json_t *scripts = json_object_get(json_object_get(start, "options"), "scripts"), *row;
    size_t last = json_array_size(scripts) - 1, i = (size_t)json_int(start, "attempt", 1) - 1;
    json_t *script = json_array_get(scripts, i < last ? i : last);
    json_array_foreach (script, i, row)
        act(row);
    json_decref(start);
    return 0;
}
