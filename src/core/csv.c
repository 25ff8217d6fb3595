#include "core/csv.h"

#include <string.h>

#include "base/buf.h"
#include "base/caps.h"

static void add_cell(struct buf *b, const char *text, bool first)
{
    if (!first)
        buf_addc(b, ',');
    if (!strpbrk(text, ",\"\r\n") && *text != ' ') {
        buf_adds(b, text);
        return;
    }
    buf_addc(b, '"');
    for (; *text; text++) {
        if (*text == '"')
            buf_addc(b, '"');
        buf_addc(b, *text);
    }
    buf_addc(b, '"');
}

char *csv_table(struct pool *pool, const json_t *columns, const json_t *rows)
{
    struct pool *tmp = pool_create(NULL);
    struct buf b;
    json_t *column, *row;
    size_t i, k;
    buf_init(&b, CAP_CSV_BYTES);
    json_array_foreach ((json_t *)columns, k, column)
        add_cell(&b, json_string_value(column), k == 0);
    buf_adds(&b, "\r\n");
    json_array_foreach ((json_t *)rows, i, row) {
        json_array_foreach ((json_t *)columns, k, column)
            add_cell(&b, json_as_text(tmp, json_object_get(row, json_string_value(column))),
                     k == 0);
        buf_adds(&b, "\r\n");
    }
    char *text = b.failed ? NULL : pool_strndup(pool, b.data, b.len);
    buf_release(&b);
    pool_destroy(tmp);
    return text;
}
