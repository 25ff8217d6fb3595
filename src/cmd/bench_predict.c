#include "cmd/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "brain/brain.h"
#include "brain/model/ask.h"
#include "brain/model/http_transport.h"
#include "cmd/table.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/settings.h"

#define CASE_DEADLINE_MS (10 * 60 * 1000) /* a model that thinks, asked again as its profile says */

struct bench {
    struct pool *pool;
    const char *dir;
    struct loop *loop;
    const struct profile *profile;
    struct model_link link;
    struct brain *brain;
};

/* --- the model ---------------------------------------------------------------------------------- */

static int connect_to(struct bench *b, const struct bench_model *model, struct err *err)
{
    const struct profile *p = b->profile;
    const char *from_env = *p->key_env ? getenv(p->key_env) : NULL;
    bool ours = model->base_url != NULL;
    /* The profile's own key goes to the profile's own server only. */
    const char *key = model->key ? model->key : from_env && !ours ? from_env : "";
    const struct http_transport_config config = {.base_url = ours ? model->base_url : p->base_url,
                                                 .headers = request_headers(b->pool, p, key)};
    b->link.server = (struct model_server){.ours = ours, .model = model->model, .constrains = ours};
    return http_transport_create(b->loop, &config, &b->link.transport, err);
}

static int open_brain(struct bench *b, const struct bench_model *model, struct err *err)
{
    struct settings found;
    const struct brain_needs needs = {.model = &b->link};
    int r = settings_roots(b->pool, &found, err);
    if (r)
        return r;
    b->link.dirs = profile_dirs_of(&found);
    r = profile_load(b->pool, &b->link.dirs, model->profile, &b->profile, err);
    r = r ? r : loop_create(&b->loop, err);
    r = r ? r : connect_to(b, model, err);
    return r ? r : brain_create(pool_printf(b->pool, "chat:%s", model->profile), &needs, &b->brain, err);
}

/* --- one case ----------------------------------------------------------------------------------- */

/* The file as it is: its size stands in its first chunk. */
static int look_at(struct bench *b, struct pool *pool, const char *image, struct observation *out, struct err *err)
{
    const char *path = *image == '/' ? image : pool_printf(pool, "%s/%s", b->dir, image);
    char *data;
    size_t len;
    int width, height, r = file_read(pool, path, CAP_SCREENSHOT_BYTES, &data, &len, err);
    if (r)
        return r;
    if (!screenshot_size(data, len, &width, &height))
        return err_set(err, E_INVALID, "'%s' is no PNG file of at most %d pixels a side", path, CAP_SCREEN_SIDE_PX);
    *out = (struct observation){.url = "", .title = "", .png = (const uint8_t *)data, .png_len = len,
                                .frame = {.width = width, .height = height}};
    return 0;
}

/* Points are of the picture; the case's regions are of its screen. */
static void to_screen(json_t *params, const char *key, double screen, double picture)
{
    if (json_is_number(json_object_get(params, key)))
        json_put_num(params, key, json_num(params, key, 0) * screen / picture);
}

static json_t *prediction_json(struct pool *pool, const struct screenshot_case *c, const struct observation *seen,
                               const struct brain_reply *reply)
{
    json_t *action = json_keep(pool, action_to_json(&reply->action)), *params = json_object_get(action, "params");
    const char *text = pool_printf(pool, "%s\n%s", reply->thinking ? reply->thinking : "", json_text(pool, action));
    to_screen(params, "x", c->width, seen->frame.width);
    to_screen(params, "y", c->height, seen->frame.height);
    return json_pack("{s:s,s:s,s:O,s:o,s:o}", "id", c->id, "action_type", action_type_name(reply->action.type), "params",
                     params, "text", json_string_safe(text), "thinking",
                     json_string_safe(reply->thinking ? reply->thinking : ""));
}

static json_t *predict(struct bench *b, const struct screenshot_case *c)
{
    struct pool *pool = pool_create(NULL);
    struct observation seen;
    struct brain_reply reply;
    struct err err = {0};
    struct brain_turn turn = {.task = c->task, .obs = &seen, .steps_left = 1,
                              .deadline_mono_ms = clock_mono_ms() + CASE_DEADLINE_MS};
    json_t *out;
    if (look_at(b, pool, c->image, &seen, &err) || brain_think(b->brain, pool, &turn, &reply, &err))
        out = json_pack("{s:s,s:o}", "id", c->id, "error", json_string_safe(err.msg));
    else
        out = prediction_json(pool, c, &seen, &reply);
    pool_destroy(pool);
    return out;
}

int bench_predict(struct pool *pool, const struct bench_model *model, const struct screenshot_cases *cases,
                  const char *dir, json_t **out, struct err *err)
{
    struct bench b = {.pool = pool, .dir = dir};
    struct progress_line line;
    json_t *list = json_keep(pool, json_array());
    int r = open_brain(&b, model, err);
    progress_line_init(&line, stderr);
    for (size_t i = 0; !r && i < cases->n; i++) {
        progress_line_show(&line, pool_printf(pool, "case %zu of %zu: %s", i + 1, cases->n, cases->cases[i].id));
        json_push(list, predict(&b, &cases->cases[i]));
    }
    progress_line_clear(&line);
    brain_destroy(b.brain);
    http_transport_destroy(b.link.transport);
    loop_destroy(b.loop);
    if (!r)
        *out = list;
    return r;
}
