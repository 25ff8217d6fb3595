#include "cmd/rows.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "cmd/table.h"

#define CSV_CAP (256u << 20)

/* "VIABLE | Sale Price: $9 | Url: https://x" ->
 * {"status":"VIABLE","sale_price":"$9","url":"https://x"} */
static json_t *lead_row(struct pool *pool, const char *lead)
{
    json_t *row = json_object();
    for (const char *p = lead;; p++) {
        size_t len = strcspn(p, "|");
        char *part = str_squash(pool, pool_strndup(pool, p, len));
        char *colon = strchr(part, ':');
        if (colon) {
            *colon = 0;
            char *key = str_lower(pool, str_squash(pool, part));
            for (char *c = key; *c; c++)
                *c = *c == ' ' ? '_' : *c;
            json_put_str(row, key, str_squash(pool, colon + 1));
        } else if (p == lead) {
            json_put_str(row, "status", part);
        }
        p += len;
        if (!*p)
            return row;
    }
}

json_t *rows_of_result(struct pool *pool, const json_t *result)
{
    size_t i;
    json_t *v, *rows = json_keep(pool, json_array());
    json_array_foreach (json_object_get(result, "artifacts"), i, v) {
        json_t *data = json_object_get(v, "data");
        if (strcmp(json_str(v, "name", ""), "extracted_rows") == 0 && json_is_array(data))
            return data;
    }
    json_array_foreach (json_object_get(result, "leads"), i, v) {
        if (json_is_object(v))
            json_array_append(rows, v);
        else if (json_is_string(v))
            json_push(rows, lead_row(pool, json_string_value(v)));
    }
    return rows;
}

json_t *rows_columns(struct pool *pool, const json_t *rows)
{
    return table_columns(pool, NULL, rows);
}

static void add_cell(struct buf *b, const char *text)
{
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

static const char *cell_text(struct pool *pool, const json_t *v)
{
    if (json_is_string(v))
        return json_string_value(v);
    return !v || json_is_null(v) ? "" : json_text(pool, v);
}

char *rows_csv(struct pool *pool, const json_t *rows)
{
    struct buf b;
    json_t *columns = rows_columns(pool, rows), *column, *row;
    size_t i, k;
    buf_init(&b, CSV_CAP);
    json_array_foreach (columns, k, column) {
        buf_adds(&b, k ? "," : "");
        add_cell(&b, json_string_value(column));
    }
    buf_adds(&b, "\r\n");
    json_array_foreach ((json_t *)rows, i, row) {
        json_array_foreach (columns, k, column) {
            buf_adds(&b, k ? "," : "");
            add_cell(&b, cell_text(pool, json_object_get(row, json_string_value(column))));
        }
        buf_adds(&b, "\r\n");
    }
    char *text = pool_strndup(pool, b.data, b.len);
    buf_release(&b);
    return text;
}
