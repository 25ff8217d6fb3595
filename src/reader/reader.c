#include "reader/driver.h"

#include <string.h>

#include "base/str.h"

static const struct reader_driver *const drivers[] = {&reader_page, &reader_script, &reader_claude,
                                                      &reader_vlm};

static const char *const kinds[] = {"page", "script", "claude", "vlm", NULL};

const char *const *reader_kinds(void)
{
    return kinds;
}

static const struct reader_driver *driver_of(const char *spec)
{
    size_t len = strcspn(spec, ":");
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        if (strlen(drivers[i]->kind) == len && strncmp(drivers[i]->kind, spec, len) == 0)
            return drivers[i];
    return NULL;
}

bool reader_spec_is_model(const char *spec)
{
    const struct reader_driver *driver = driver_of(spec);
    return driver && driver->is_model;
}

int reader_create(const char *spec, const struct reader_needs *needs, struct reader **out,
                  struct err *err)
{
    static const struct reader_needs nothing;
    const struct reader_driver *driver = driver_of(spec);
    size_t len = strcspn(spec, ":");
    if (driver)
        return driver->create(spec[len] ? spec + len + 1 : "", needs ? needs : &nothing, out, err);
    return err_set(err, E_UNSUPPORTED,
                   "reader '%.60s' is not built in; there are page, script:<file>, "
                   "claude[:<profile>] and vlm[:<profile>]",
                   spec);
}

void reader_destroy(struct reader *reader)
{
    if (reader)
        reader->driver->destroy(reader);
}

struct reader *reader_free(struct reader *reader)
{
    return reader->first ? reader->first : reader;
}

bool reader_is_model(const struct reader *reader)
{
    return reader->driver->is_model;
}

void reader_forget(struct reader *reader)
{
    if (reader->driver->forget)
        reader->driver->forget(reader);
}

bool target_kind_parse(const char *name, enum target_kind *out)
{
    static const char *const names[] = {
        [TARGET_ANY] = "any",
        [TARGET_BUTTON] = "button",
        [TARGET_NAV_LINK] = "nav_link",
        [TARGET_TAB] = "tab",
        [TARGET_MENU_ITEM] = "menu_item",
        [TARGET_ROW_LINK] = "row_link",
        [TARGET_CELL_LINK] = "cell_link",
        [TARGET_FIELD] = "field",
        [TARGET_SELECT] = "select",
        [TARGET_OPTION] = "option",
        [TARGET_THING] = "thing",
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (str_eq_fold(names[i], name)) {
            *out = (enum target_kind)i;
            return true;
        }
    return false;
}

int reader_find(struct reader *reader, struct pool *pool, const struct observation *obs,
                const struct target_query *query, struct target *out, struct err *err)
{
    struct target_query q = *query;
    q.label = q.label ? q.label : "";
    q.intent = q.intent ? q.intent : "";
    return reader->driver->find(reader, pool, obs, &q, out, err);
}

#define AS_SURE_AS_BEFORE 0.5

int reader_regard(struct reader *reader, struct pool *pool, const struct observation *obs,
                  struct point at, const char *wanted, bool fresh, struct regard *out,
                  struct err *err)
{
    *out = (struct regard){at, AS_SURE_AS_BEFORE};
    if (!reader->driver->regard)
        return 0;
    return reader->driver->regard(reader, pool, obs, at, wanted ? wanted : "", fresh, out, err);
}

int reader_find_next_page(struct reader *reader, struct pool *pool, const struct observation *obs,
                          int current_page, struct target *out, struct err *err)
{
    return reader->driver->find_next_page(reader, pool, obs, current_page < 1 ? 1 : current_page,
                                          out, err);
}

int reader_find_more(struct reader *reader, struct pool *pool, const struct observation *obs,
                     struct target *out, struct err *err)
{
    return reader->driver->find_more(reader, pool, obs, out, err);
}

int reader_find_reveal(struct reader *reader, struct pool *pool, const struct observation *obs,
                       const struct schema *schema, const char *const *done, int n_done,
                       struct target *out, struct err *err)
{
    return reader->driver->find_reveal(reader, pool, obs, schema, done, n_done, out, err);
}

int reader_find_dismiss(struct reader *reader, struct pool *pool, const struct observation *obs,
                        struct target *out, struct err *err)
{
    return reader->driver->find_dismiss(reader, pool, obs, out, err);
}

int reader_list(struct reader *reader, struct pool *pool, const struct observation *obs,
                const struct schema *schema, int max_cards, struct card **ret_cards, int *ret_n,
                enum list_status *ret_status, struct err *err)
{
    if (max_cards < 1)
        return err_set(err, E_INVALID, "list: max_cards must be at least 1");
    return reader->driver->list(reader, pool, obs, schema, max_cards, ret_cards, ret_n, ret_status,
                                err);
}

int reader_extract(struct reader *reader, struct pool *pool, const struct observation *obs,
                   int n_obs, const struct schema *schema, struct extraction *out, struct err *err)
{
    if (!schema || n_obs < 1)
        return err_set(err, E_INVALID, "extract: needs a schema and at least one observation");
    return reader->driver->extract(reader, pool, obs, n_obs, schema, out, err);
}

int reader_rows(struct reader *reader, struct pool *pool, const struct observation *obs,
                const struct schema *schema, int max_rows, struct extraction **ret_rows, int *ret_n,
                struct err *err)
{
    if (!schema || max_rows < 1)
        return err_set(err, E_INVALID, "rows: needs a schema and max_rows of at least 1");
    return reader->driver->rows(reader, pool, obs, schema, max_rows, ret_rows, ret_n, err);
}

int reader_visible(struct reader *reader, struct pool *pool, const struct observation *obs,
                   const char *question, struct verdict *out, struct err *err)
{
    if (str_empty(question))
        return err_set(err, E_INVALID, "visible: the question is empty");
    return reader->driver->visible(reader, pool, obs, question, out, err);
}

int reader_navigated(struct reader *reader, struct pool *pool, const struct observation *before,
                     const struct observation *after, const char *wanted, struct passage *out,
                     struct err *err)
{
    return reader->driver->navigated(reader, pool, before, after, wanted ? wanted : "", out, err);
}

int reader_shown_value(struct reader *reader, struct pool *pool, const struct observation *obs,
                       const char *dropdown, const char **out, struct err *err)
{
    return reader->driver->shown_value(reader, pool, obs, dropdown ? dropdown : "", out, err);
}
