/*
 * script.c - the "script" kind: replays actions from a JSON file, one per call.
 * docs/internals/script-reader.md describes the file. A script that runs out is E_INVALID.
 */
#include "brain/driver.h"

#include <stdlib.h>
#include <string.h>

struct script {
    struct brain base;
    json_t *actions;
    size_t next;
};

static int script_create(const char *argument, const struct brain_needs *needs, struct brain **out,
                         struct err *err)
{
    json_t *file = NULL;
    if (!*argument)
        return err_set(err, E_INVALID, "brain script: needs a file: script:<file>");
    int r = json_parse_file(argument, &file, err);
    if (r)
        return r;
    json_t *actions = json_incref(json_is_array(file) ? file : json_object_get(file, "actions"));
    json_decref(file);
    if (!json_is_array(actions)) {
        json_decref(actions);
        return err_set(
            err, E_INVALID,
            "brain script '%s': must be a list of actions, or an object with one in 'actions'",
            argument);
    }
    struct script *s = calloc(1, sizeof(*s));
    if (!s)
        BUG("out of memory");
    *s = (struct script){.base.driver = &brain_script, .actions = actions};
    *out = &s->base;
    return 0;
}

static void script_destroy(struct brain *brain)
{
    struct script *s = (struct script *)brain;
    json_decref(s->actions);
    free(s);
}

static int script_think(struct brain *brain, struct pool *pool, const struct brain_turn *turn,
                        struct brain_reply *out, struct err *err)
{
    if (brain->driver != &brain_script)
        BUG("not a script brain");
    struct script *s = (struct script *)brain;
    const json_t *a = json_array_get(s->actions, s->next);
    if (!a)
        return err_set(err, E_INVALID,
                       "brain script: it has %zu actions, and one more was asked for", s->next);
    const json_t *args = json_object_get(a, "params");
    const char *name = json_str(a, "action_type", "");
    int r = action_parse(pool, name, args ? args : a, &out->action, err);
    if (r)
        return err_prefix(err, "brain script: action %zu", s->next + 1);
    s->next++;
    const char *thinking = json_str(a, "reasoning", "");
    out->thinking = pool_strdup(pool, thinking);
    return 0;
}

const struct brain_driver brain_script = {.kind = "script",
                                          .caps = BRAIN_CAN_PLAN,
                                          .create = script_create,
                                          .destroy = script_destroy,
                                          .think = script_think};
