#include "cmd/eval.h"

#include <stddef.h>

int cmd_eval(int argc, char **argv)
{
    static const struct command commands[] = {
        {"run", eval_run, "carry out tasks on a deployment and report how they went"},
        {"compare", eval_compare, "compare two reports task by task"},
        {NULL, NULL, NULL},
    };
    return cmd_dispatch(commands, "mantis eval",
                        "Tasks against a deployment: how many does it pass?", argc, argv);
}
