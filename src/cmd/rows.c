#include "cmd/rows.h"

#include <string.h>

#include "core/lead.h"

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
            json_push(rows, lead_to_json(pool, json_string_value(v)));
    }
    return rows;
}
