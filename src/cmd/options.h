/*
 * options.h - command-line options as a table that also prints its own help.
 */
#ifndef MANTIS_CMD_OPTIONS_H
#define MANTIS_CMD_OPTIONS_H

#include <stdbool.h>

enum option_kind {
    OPTION_FLAG,   /* bool: --x sets it, --no-x clears it */
    OPTION_STRING, /* const char * */
    OPTION_INT,    /* int */
    OPTION_NUMBER, /* double */
    OPTION_LIST,   /* struct option_list: may be given several times */
};

#define OPTION_LIST_MAX 64
struct option_list {
    const char *items[OPTION_LIST_MAX];
    int n;
};

struct option {
    const char *name; /* "--max-cost" */
    const char *brief; /* "-o" or NULL */
    enum option_kind kind;
    void *value;      /* of the kind's type; keeps its default when the option is not given */
    const char *arg;  /* name of the value in the help, NULL for flags */
    const char *help;
};

/*
 * Read argv[1..]: options anywhere, `--x v` or `--x=v`, `--` ends them, `-` is a plain argument. Plain
 * arguments are moved to args[0..*ret_n), at most max_args. The table ends with a NULL name.
 * True to go on. False: --help or --version was answered (*exit_code 0), or what is wrong was said
 * with the usage line (2).
 */
bool options_read(const struct option *table, const char *usage, int argc, char **argv,
                  const char **args, int max_args, int *ret_n, int *exit_code);

#endif
