#include "cmd/gate.h"

#include <stddef.h>

int cmd_gate(int argc, char **argv)
{
    static const struct command commands[] = {
        {"run", gate_run, "compare champion and challenger on the same tasks, and decide"},
        {"scorecard", gate_scorecard, "hold what was measured against the thresholds of a tier"},
        {NULL, NULL, NULL},
    };
    return cmd_dispatch(commands, "mantis gate",
                        "May a trained model replace the one in production?", argc, argv);
}
