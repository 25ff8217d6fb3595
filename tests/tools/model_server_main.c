/*
 * model_server SCRIPT [--port N | --socket PATH] [--record FILE] - the scripted model server as a
 * program (model_server.h). Writes its address and a line break when it listens; SIGTERM, SIGINT or
 * the end of its standard input end it.
 */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tools/model_server.h"

static int usage(void)
{
    fprintf(stderr, "usage: model_server SCRIPT [--port N | --socket PATH] [--record FILE]\n");
    return 2;
}

static int fails(const struct err *err)
{
    fprintf(stderr, "error: %s\n", err->msg);
    return 1;
}

static int read_options(int argc, char **argv, struct model_server_config *out)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"socket", required_argument, NULL, 's'},
                                            {"record", required_argument, NULL, 'r'},
                                            {0}};
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'p')
            out->port = atoi(optarg);
        else if (c == 's')
            out->socket = optarg;
        else if (c == 'r')
            out->record = optarg;
        else
            return -1;
    }
    return argc - optind == 1 ? 0 : -1;
}

/* Blocked before there are threads, so that none of them takes one. */
static int watch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static void wait_for_end(int signals)
{
    struct pollfd p[] = {{.fd = signals, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    char bytes[256];
    for (;;) {
        poll(p, 2, -1);
        if (p[0].revents)
            return;
        if (p[1].revents && read(STDIN_FILENO, bytes, sizeof(bytes)) <= 0)
            return;
    }
}

int main(int argc, char **argv)
{
    struct model_server_config config = {0};
    struct scripted_server *server;
    struct err err = {0};
    json_t *script;
    if (read_options(argc, argv, &config))
        return usage();
    if (json_parse_file(argv[optind], &script, &err))
        return fails(&err);
    config.script = script;
    int signals = watch_signals();
    if (model_server_start(&config, &server, &err))
        return fails(&err);
    if (config.socket)
        printf("unix:%s\n", config.socket);
    else
        printf("http://127.0.0.1:%d\n", model_server_port(server));
    fflush(stdout);
    wait_for_end(signals);
    model_server_stop(server);
    json_decref(script);
    close(signals);
    return 0;
}
