/*
 * A trace that somebody changed: labelled, looked at, and made into rows. Every step gets one of three labels, a second
 * labelling is refused, and no text of it becomes markup of the page.
 */
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "gate/label.h"
#include "gate/sft_action.h"
#include "gate/trace_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(struct pool *pool, const json_t *labelled)
{
    const struct label_counts n = label_counts_of(labelled);
    const json_t *steps = json_object_get(labelled, "steps"), *step;
    const char *page;
    json_t *again;
    size_t i;
    if ((size_t)(n.positive + n.negative + n.neutral) != json_array_size(steps))
        BUG("not every step has a label");
    json_array_foreach ((json_t *)steps, i, step) {
        const char *written = sft_action(pool, json_object_get(step, "last_action"));
        const char *brief = sft_brief(pool, json_str(step, "predicted_outcome", ""));
        if ((written && strchr(written, '\n')) || strchr(brief, '\n'))
            BUG("a line of a row is broken");
    }
    if (!label_trace(labelled, "", &again, NULL))
        BUG("what is labelled was labelled again");
    if (!trace_page(pool, labelled, "", &page, NULL) && (strstr(page, "<script") || strstr(page, "<img")))
        BUG("text became markup");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_create(NULL);
    json_t *trace, *labelled;
    if (!json_parse((const char *)data, size, "trace", &trace, NULL)) {
        json_keep(pool, trace);
        if (!label_trace(trace, "in/r1.json", &labelled, NULL))
            look_at(pool, json_keep(pool, labelled));
    }
    pool_destroy(pool);
    return 0;
}
