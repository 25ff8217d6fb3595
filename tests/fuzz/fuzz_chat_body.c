/*
 * Any body of a chat call: what json_scan() takes for JSON is what jansson takes, but for what only
 * a reader can object to; "model" is where jansson finds it; mapping it changes nothing else.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/chat.h"
#include "base/json.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* "\ud800", which jansson wants in pairs. */
static bool has_half(const char *text, size_t len)
{
    for (size_t i = 0; i + 3 < len; i++)
        if (memcmp(text + i, "\\u", 2) == 0 && (text[i + 2] == 'd' || text[i + 2] == 'D'))
            return true;
    return false;
}

static bool only_a_reader_objects(const char *text, size_t len, const json_error_t *je)
{
    enum json_error_code code = json_error_code(je);
    return code == json_error_invalid_utf8 || code == json_error_null_character ||
           code == json_error_numeric_overflow || has_half(text, len) || !str_is_utf8(text, len);
}

static void check_mapped(const json_t *doc, const char *text, size_t len,
                         const struct json_field *model)
{
    struct buf body;
    struct err err = {0};
    buf_init(&body, len + 64);
    require(!buf_add(&body, text, len));
    int r = chat_map_model(&body, model, "a", "b/\"c\"", &err);
    bool fine = json_is_object(doc) && model->times <= 1;
    require(!r == fine);
    if (fine) {
        json_t *wanted = json_deep_copy(doc), *got = json_loadb(body.data, body.len, 0, NULL);
        if (strcmp(json_str(doc, "model", ""), "a") == 0)
            json_put_str(wanted, "model", "b/\"c\"");
        require(got && json_equal(wanted, got));
        json_decref(wanted);
        json_decref(got);
    }
    buf_release(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* a copy of just that size: a byte too far is seen */
    char *text = malloc(size ? size : 1);
    struct json_field model = {.name = "model"};
    struct err err = {0};
    json_error_t je;
    if (!text)
        return 0;
    memcpy(text, data, size);
    int r = json_scan(text, size, "body", &model, &err);
    json_t *doc = json_loadb(text, size, JSON_DECODE_ANY, &je);
    if (doc) /* jansson takes a NUL behind a number for the end */
        require(!r || strstr(err.msg, "deeper") || memchr(text, 0, size));
    if (!r && !doc)
        require(only_a_reader_objects(text, size, &je));
    if (!r) {
        require(model.at + model.len <= size);
        require(!json_is_object(doc) || !model.times == !json_object_get(doc, "model"));
    }
    if (!r && doc)
        check_mapped(doc, text, size, &model);
    json_decref(doc);
    free(text);
    return 0;
}
