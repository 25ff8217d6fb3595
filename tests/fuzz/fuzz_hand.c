/*
 * What a viewer can say in one message, and the token in its address: read as their receivers read them. What is
 * refused is refused with words, and the words do not repeat what was typed.
 */
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "core/hand.h"
#include "core/view_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_message(struct pool *pool, const json_t *message)
{
    struct hand hand;
    struct err err = {0};
    const char *text = json_str(message, "text", "");
    bool known = hand_is(json_str(message, "type", ""));
    int r = hand_read(pool, message, &hand, &err);
    if (!r && (!known || hand.n_keys > HAND_KEYS_MAX || hand.type > HAND_COPY))
        BUG("a hand that is none");
    if (r && (!*err.msg || (strlen(text) > 12 && strstr(err.msg, text))))
        BUG("refused in the wrong words: %s", err.msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_create(NULL);
    struct view_token token;
    json_t *message;
    const char *text = pool_strndup(pool, (const char *)data, size);
    if (!view_token_read(pool, "key", text, "run", 1, &token, NULL))
        BUG("a token was guessed");
    if (!json_parse((const char *)data, size, "message", &message, NULL)) {
        json_keep(pool, message);
        if (json_is_object(message))
            read_message(pool, message);
    }
    pool_destroy(pool);
    return 0;
}
