#include "cmd/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static void print_help(const struct command *table, const char *prefix, const char *about, FILE *to)
{
    fprintf(to, "%s\n\nusage: %s <command> [options]\n\n", about, prefix);
    for (; table->name; table++)
        fprintf(to, "  %-12s %s\n", table->name, table->help);
    fprintf(to, "\n`%s <command> --help` tells more about one.\n", prefix);
}

/* Levenshtein distance, for "did you mean"; names are short. */
static int distance(const char *a, const char *b)
{
    int row[64];
    size_t la = strlen(a), lb = strlen(b);
    if (la >= ARRAY_SIZE(row) || lb >= ARRAY_SIZE(row))
        return 99;
    for (size_t j = 0; j <= lb; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= la; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= lb; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            int best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < best ? change : best;
        }
    }
    return row[lb];
}

static const char *nearest(const struct command *table, const char *word)
{
    const char *best = NULL;
    int best_distance = 3; /* further apart is not a typing mistake */
    for (; table->name; table++) {
        int d = distance(word, table->name);
        if (d < best_distance) {
            best = table->name;
            best_distance = d;
        }
    }
    return best;
}

bool cmd_says_version(const char *word)
{
    if (strcmp(word, "--version") != 0)
        return false;
    printf("mantis %s\n", MANTIS_VERSION);
    return true;
}

int cmd_dispatch(const struct command *table, const char *prefix, const char *about, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    if (!word || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help(table, prefix, about, word ? stdout : stderr);
        return word ? 0 : 1;
    }
    if (cmd_says_version(word))
        return 0;
    for (const struct command *c = table; c->name; c++)
        if (strcmp(word, c->name) == 0)
            return c->run(argc - 1, argv + 1);
    const char *guess = nearest(table, word);
    if (guess)
        cmd_error("there is no command '%s'; did you mean '%s %s'?", word, prefix, guess);
    else
        cmd_error("there is no command '%s'; `%s --help` lists them", word, prefix);
    return 2;
}

static void say(const char *kind, const char *fmt, va_list ap)
{
    fprintf(stderr, "%s: ", kind);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

void cmd_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say("error", fmt, ap);
    va_end(ap);
}

void cmd_warning(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say("warning", fmt, ap);
    va_end(ap);
}
