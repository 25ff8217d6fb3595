#include "brain/driver.h"

#include <string.h>

static const struct brain_driver *const drivers[] = {&brain_page, &brain_script, &brain_mock,
                                                     &brain_none, &brain_chat,   &brain_claude,
                                                     &brain_ladder};

static const char *const kinds[] = {"page", "script", "mock", "none", "chat", "claude", "ladder", NULL};

const char *const *brain_kinds(void)
{
    return kinds;
}

static const struct brain_driver *driver_of(const char *spec)
{
    size_t len = strcspn(spec, ":");
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        if (strlen(drivers[i]->kind) == len && strncmp(drivers[i]->kind, spec, len) == 0)
            return drivers[i];
    return NULL;
}

int brain_create(const char *spec, const struct brain_needs *needs, struct brain **out, struct err *err)
{
    const struct brain_driver *driver = driver_of(spec);
    if (!driver)
        return err_set(
            err, E_UNSUPPORTED,
            "brain '%.60s' is not built in; there are page, script:<file>, mock, none, "
            "chat:<profile>, claude and ladder:<primary>,<fallback>",
            spec);
    size_t len = strlen(driver->kind);
    return driver->create(spec[len] ? spec + len + 1 : "", needs, out, err);
}

void brain_destroy(struct brain *brain)
{
    if (brain)
        brain->driver->destroy(brain);
}

unsigned brain_caps_of(const char *spec)
{
    const struct brain_driver *driver = driver_of(spec);
    return driver ? driver->caps : 0;
}

bool brain_known(const char *spec)
{
    return driver_of(spec) != NULL;
}

const char *brain_name(const struct brain *brain)
{
    return brain->driver->kind;
}

unsigned brain_abilities(const struct brain *brain)
{
    return brain->driver->caps | brain->also;
}

int brain_query(struct brain *brain, struct pool *pool, const struct brain_query *query,
                struct brain_answer *out, struct err *err)
{
    *out = (struct brain_answer){.why = ""};
    return brain->driver->query ? brain->driver->query(brain, pool, query, out, err) : 0;
}

int brain_think(struct brain *brain, struct pool *pool, const struct brain_turn *turn,
                struct brain_reply *out, struct err *err)
{
    *out = (struct brain_reply){.thinking = ""};
    return brain->driver->think(brain, pool, turn, out, err);
}
