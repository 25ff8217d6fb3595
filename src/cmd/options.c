#include "cmd/options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cmd/cmd.h"

static void print_help(const struct option *table, const char *usage)
{
    printf("usage: %s\n\n", usage);
    for (; table->name; table++) {
        char left[64];
        snprintf(left, sizeof(left), "%s%s%s%s%s", table->name, table->brief ? ", " : "",
                 table->brief ? table->brief : "", table->arg ? " " : "", table->arg ? table->arg : "");
        printf("  %-28s %s\n", left, table->help);
    }
}

static const struct option *find(const struct option *table, const char *word, size_t len, bool *negated)
{
    *negated = false;
    for (const struct option *o = table; o->name; o++) {
        if (strlen(o->name) == len && strncmp(o->name, word, len) == 0)
            return o;
        if (o->brief && strlen(o->brief) == len && strncmp(o->brief, word, len) == 0)
            return o;
    }
    if (len < 5 || strncmp(word, "--no-", 5) != 0)
        return NULL;
    for (const struct option *o = table; o->name; o++)
        if (o->kind == OPTION_FLAG && strlen(o->name) == len - 3 &&
            strncmp(o->name + 2, word + 5, len - 5) == 0) {
            *negated = true;
            return o;
        }
    return NULL;
}

static int store_value(const struct option *o, const char *text, struct err *err)
{
    char *end;
    if (o->kind == OPTION_STRING) {
        *(const char **)o->value = text;
        return 0;
    }
    if (o->kind == OPTION_LIST) {
        struct option_list *list = o->value;
        if (list->n == OPTION_LIST_MAX)
            return err_set(err, E_INVALID, "%s is given more than %d times", o->name, OPTION_LIST_MAX);
        list->items[list->n++] = text;
        return 0;
    }
    errno = 0;
    if (o->kind == OPTION_INT) {
        long v = strtol(text, &end, 10);
        if (!*text || *end || errno || v < INT_MIN || v > INT_MAX)
            return err_set(err, E_INVALID, "%s takes a whole number, not '%s'", o->name, text);
        *(int *)o->value = (int)v;
        return 0;
    }
    double d = strtod(text, &end);
    if (!*text || *end || errno)
        return err_set(err, E_INVALID, "%s takes a number, not '%s'", o->name, text);
    *(double *)o->value = d;
    return 0;
}

/* One option at argv[*i]; moves *i past its value. */
static int take_option(const struct option *table, int argc, char **argv, int *i, struct err *err)
{
    const char *word = argv[*i], *eq = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
    size_t len = eq ? (size_t)(eq - word) : strlen(word);
    bool negated;
    const struct option *o = find(table, word, len, &negated);
    if (!o)
        return err_set(err, E_INVALID, "there is no option '%.*s'", (int)len, word);
    if (o->kind == OPTION_FLAG) {
        if (eq)
            return err_set(err, E_INVALID, "%s takes no value", o->name);
        *(bool *)o->value = !negated;
        return 0;
    }
    if (eq)
        return store_value(o, eq + 1, err);
    if (*i + 1 >= argc)
        return err_set(err, E_INVALID, "%s needs a value: %s", o->name, o->arg);
    return store_value(o, argv[++*i], err);
}

/* 1: --help or --version was answered. */
static int parse(const struct option *table, const char *usage, int argc, char **argv,
                 const char **args, int max_args, int *ret_n, struct err *err)
{
    bool only_args = false;
    *ret_n = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!only_args && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            print_help(table, usage);
            return 1;
        }
        if (!only_args && cmd_says_version(word))
            return 1;
        if (!only_args && strcmp(word, "--") == 0) {
            only_args = true;
        } else if (!only_args && word[0] == '-' && word[1]) {
            int r = take_option(table, argc, argv, &i, err);
            if (r)
                return r;
        } else if (*ret_n == max_args) {
            return err_set(err, E_INVALID, "unexpected argument '%s'", word);
        } else {
            args[(*ret_n)++] = word;
        }
    }
    return 0;
}

bool options_read(const struct option *table, const char *usage, int argc, char **argv,
                  const char **args, int max_args, int *ret_n, int *exit_code)
{
    struct err err = {0};
    int r = parse(table, usage, argc, argv, args, max_args, ret_n, &err);
    if (r == 0)
        return true;
    if (r < 0) {
        cmd_error("%s", err.msg);
        fprintf(stderr, "usage: %s\n", usage);
    }
    *exit_code = r < 0 ? 2 : 0;
    return false;
}
