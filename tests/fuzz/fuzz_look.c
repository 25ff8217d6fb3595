/*
 * What a model answers a question about the screen: it fits what was asked for or is refused, what
 * fits once fits again unchanged, and a point is inside the screen, on something that stands there.
 *
 * Input: a digit that chooses how the model points, then its answer.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "brain/model/literal.h"
#include "reader/model_reader.h"

#define WIDTH  1280
#define HEIGHT 720

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static const char schema_text[] =
    "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"number\"},\"y\":{\"type\":\"number\"},"
    "\"action\":{\"type\":\"string\",\"enum\":[\"click\",\"not_found\"]},\"label\":{\"type\":"
    "\"string\"},\"passed\":{\"type\":\"boolean\"},\"listings\":{\"type\":\"array\",\"maxItems\":3,"
    "\"items\":{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\"},\"x\":{"
    "\"type\":"
    "\"integer\"}},\"required\":[\"title\"]}}},\"required\":[\"action\"]}";

static const char page_text_json[] =
    "{\"url\":\"http://a.test/"
    "\",\"title\":\"A\",\"nodes\":[{\"parent\":-1,\"tag\":\"html\",\"flags\":"
    "\"visible "
    "in_view\",\"box\":[0,0,1280,720]},{\"parent\":0,\"tag\":\"button\",\"flags\":\"visible "
    "in_view\",\"box\":[0,0,640,720]},{\"parent\":1,\"text\":\"Go\"}]}";

static const struct space spaces[] = {
    {.kind = SPACE_SCREEN},
    {.kind = SPACE_RESIZED, .factor = 28, .min_pixels = 3136, .max_pixels = 12845056},
    {.kind = SPACE_UNIT},
    {.kind = SPACE_PER_MILLE},
    {.kind = SPACE_FIXED, .width = 1428, .height = 896},
};

static json_t *given(struct pool *pool, const char *text)
{
    json_t *out = json_loads(text, 0, NULL);
    require(out != NULL);
    return json_keep(pool, out);
}

static void read_point(struct pool *pool, const struct space *space, const json_t *answer)
{
    const struct profile profile = {.space = *space};
    const struct mind mind = {.profile = &profile};
    const struct look_answer a = {.view = {WIDTH, HEIGHT, WIDTH, HEIGHT}, .mind = &mind};
    struct observation obs = {.url = "", .title = "", .frame = {.width = WIDTH, .height = HEIGHT}};
    struct page *page;
    struct point at;
    struct target t;
    if (!model_point(&a, answer, &at))
        return;
    require(at.x >= 0 && at.x < WIDTH && at.y >= 0 && at.y < HEIGHT);
    require(!model_target(pool, &obs, at, "", "click", &t, NULL) && t.node == -1);
    require(!page_from_json(pool, given(pool, page_text_json), &page, NULL));
    obs.page = page;
    bool there = !model_target(pool, &obs, at, "", "click", &t, NULL);
    require(there == (at.x < 640));
    require(!there || t.node == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_create(NULL);
    if (size > 1 && str_is_utf8((const char *)data + 1, size - 1)) {
        const char *text = pool_strndup(pool, (const char *)data + 1, size - 1), *p = text;
        const json_t *schema = given(pool, schema_text), *said = literal_find(pool, &p, false);
        json_t *fitted, *again;
        if (said && !model_fit(pool, schema, said, &fitted, NULL)) {
            require(!model_fit(pool, schema, fitted, &again, NULL));
            require(json_equal(fitted, again));
            require(json_object_size(fitted) <= 6);
            require(json_array_size(json_object_get(fitted, "listings")) <= 3);
            read_point(pool, &spaces[data[0] % ARRAY_SIZE(spaces)], fitted);
        }
    }
    pool_destroy(pool);
    return 0;
}
