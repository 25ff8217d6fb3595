/*
 * fake_engine.c - stands for llama-server and vLLM in tests: takes their command line, answers /health
 * and /v1/chat/completions, and does as it is told by files in the directory FAKE_ENGINE_DIR:
 *
 *   starts   it adds a line to this at each start: its pid and its arguments, as JSON
 *   loaded   /health is 503 until this is there
 *   no_token one token is refused with 500 as long as this is there
 *   die      if this is there at a start, it writes some lines and exits with 3
 *   deaf     likewise, SIGTERM is ignored
 *   helper   likewise, a process of its own is started, whose pid is written into helper.pid
 *   chatty   likewise, it writes as many lines as this says
 */
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"

static const char *dir;

static void path_of(const char *name, char out[4096])
{
    snprintf(out, 4096, "%s/%s", dir, name);
}

static bool there(const char *name)
{
    char path[4096];
    path_of(name, path);
    return access(path, F_OK) == 0;
}

static void add_line(const char *name, const char *text)
{
    char path[4096];
    path_of(name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dprintf(fd, "%s\n", text) < 0)
        exit(99);
    close(fd);
}

static void note_start(char **argv)
{
    json_t *list = json_array(), *doc = json_object();
    for (char **a = argv; *a; a++)
        json_array_append_new(list, json_string(*a));
    json_object_set_new(doc, "pid", json_integer(getpid()));
    json_object_set_new(doc, "argv", list);
    json_object_set_new(doc, "hidden", json_boolean(getenv("MANTIS_BRAIN") || getenv("SOME_API_KEY")));
    char *text = json_dumps(doc, JSON_COMPACT);
    add_line("starts", text);
    free(text);
    json_decref(doc);
}

static int port_of(char **argv)
{
    for (char **a = argv; a[0] && a[1]; a++)
        if (strcmp(a[0], "--port") == 0)
            return atoi(a[1]);
    return 0;
}

static enum MHD_Result reply(struct MHD_Connection *conn, unsigned status, const char *text)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(text), (void *)(size_t)text, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(r, "Content-Type", "application/json");
    enum MHD_Result ok = MHD_queue_response(conn, status, r);
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *conn, const char *url, const char *method,
                              const char *version, const char *data, size_t *data_size, void **state)
{
    static int started;
    if (!*state) {
        *state = &started;
        return MHD_YES;
    }
    if (*data_size) {
        char body[2000];
        snprintf(body, sizeof(body), "%.*s", (int)*data_size, data);
        add_line("bodies", body);
        *data_size = 0;
        return MHD_YES;
    }
    if (strcmp(url, "/health") == 0)
        return there("loaded") ? reply(conn, 200, "{\"status\":\"ok\"}")
                               : reply(conn, 503, "{\"error\":{\"message\":\"Loading model\"}}");
    if (strcmp(url, "/v1/chat/completions") == 0)
        return there("no_token") ? reply(conn, 500, "{}")
                                 : reply(conn, 200, "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}");
    if (strcmp(url, "/v1/models") == 0) /* as llama-server does while it is still loading */
        return reply(conn, 200, "{\"data\":[]}");
    return reply(conn, 404, "{}");
}

static void write_lines(void)
{
    char path[4096], text[32] = "";
    path_of("chatty", path);
    FILE *f = fopen(path, "r");
    if (!f || !fgets(text, sizeof(text), f))
        exit(99);
    fclose(f);
    for (int i = 1; i <= atoi(text); i++)
        printf("line %d of a model server that says much\n", i);
}

static void start_helper(void)
{
    char text[32];
    pid_t pid = fork();
    if (pid == 0) {
        execlp("sleep", "sleep", "1000", (char *)NULL);
        _exit(99);
    }
    snprintf(text, sizeof(text), "%d", (int)pid);
    add_line("helper.pid", text);
}

int main(int argc, char **argv)
{
    dir = getenv("FAKE_ENGINE_DIR");
    if (!dir)
        return 99;
    setvbuf(stdout, NULL, _IOLBF, 0);
    note_start(argv);
    if (there("chatty"))
        write_lines();
    if (there("die")) {
        printf("loading the model\n");
        fprintf(stderr, "error: not enough memory on the GPU\n");
        return 3;
    }
    if (there("deaf"))
        signal(SIGTERM, SIG_IGN);
    if (there("helper"))
        start_helper();
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port_of(argv)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (!MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_SOCK_ADDR,
                          &a, MHD_OPTION_END)) {
        fprintf(stderr, "cannot listen\n");
        return 4;
    }
    for (;;)
        pause();
}
