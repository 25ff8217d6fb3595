/*
 * page_reader.c - the "page" kind: reads the DOM that the plane gave, no model, no network.
 */
#include "reader/page_parts.h"

#include <stdlib.h>

static int page_create(const char *argument, const struct reader_needs *needs, struct reader **out,
                       struct err *err)
{
    if (*argument)
        return err_set(err, E_INVALID, "reader 'page' takes no argument, not '%.60s'", argument);
    struct reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return err_set(err, E_NOMEM, "reader: out of memory");
    reader->driver = &reader_page;
    *out = reader;
    return 0;
}

static void page_destroy(struct reader *reader)
{
    free(reader);
}

const struct reader_driver reader_page = {
    .kind = "page",
    .create = page_create,
    .destroy = page_destroy,
    .find = page_find,
    .find_next_page = page_find_next_page,
    .find_more = page_find_more,
    .find_reveal = page_find_reveal,
    .find_dismiss = page_find_dismiss,
    .list = page_list,
    .extract = page_extract,
    .rows = page_rows,
    .visible = page_visible,
    .navigated = page_navigated,
    .shown_value = page_shown_value,
};
