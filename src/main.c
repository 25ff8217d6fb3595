/*
 * main.c - the command table of `mantis`. A new command is a file in src/cmd and a row here.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"

static const struct command commands[] = {
    {"serve", cmd_serve, "run the server: HTTP API, queue and workers"},
    {"plan", cmd_plan, "check a plan, show it, or run it here"},
    {"runs", cmd_runs, "submit runs to a server and follow them"},
    {"store", cmd_store, "back up, check and shrink a server's database"},
    {"profile", cmd_profile, "list, remove and carry a server's browser profiles"},
    {"tenant", cmd_tenant, "issue, list, rotate and revoke the tokens of tenants"},
    {"engine", cmd_engine, "show how the model server of this pod is started"},
    {"selftest", cmd_selftest, "look whether a model clicks where it means to"},
    {"trace", cmd_trace, "label what runs did and make training data of it"},
    {"gguf", cmd_gguf, "say what model files are, and whether they are whole"},
    {"eval", cmd_eval, "carry out tasks on a deployment and report how they went"},
    {"gate", cmd_gate, "decide whether a challenger may replace the champion"},
    {"shadow", cmd_shadow, "split live traffic between two models, and compare them"},
    {"bench", cmd_bench, "measure a model on screenshots"},
    {"holdout", cmd_holdout, "list, write and freeze the tasks that the gate decides by"},
    {"env", cmd_env, "start and stop practice web sites"},
    {NULL, NULL, NULL},
};

/* A full disk behind `> FILE` must not look like success. */
static int told(int code)
{
    bool lost = fflush(stdout) || ferror(stdout);
    if (lost)
        cmd_error("standard output could not be written: it is not complete");
    return lost && code == EXIT_SUCCESS ? EXIT_FAILURE : code;
}

int main(int argc, char **argv)
{
    return told(cmd_dispatch(commands, "mantis",
                             "Mantis drives a real browser through a plan and returns checked rows.",
                             argc, argv));
}
