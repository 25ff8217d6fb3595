#include "plan/normalise.h"

#include <string.h>

/* clang-format off */
static const struct step_kind kinds[] = {
    {"navigate",                "setup",      STEP_RUNS},
    {"navigate_back",           "extraction", STEP_RUNS},
    {"click",                   "extraction", STEP_GROUNDING | STEP_RUNS},
    {"scroll",                  "extraction", STEP_RUNS},
    {"wait",                    "",           STEP_RUNS},
    {"submit",                  "setup",      STEP_GROUNDING | STEP_REQUIRED | STEP_RUNS},
    {"fill_field",              "setup",      STEP_GROUNDING | STEP_REQUIRED | STEP_RUNS},
    {"filter",                  "setup",      STEP_GROUNDING | STEP_REQUIRED | STEP_RUNS},
    {"paginate",                "pagination", STEP_GROUNDING | STEP_RUNS},
    {"extract_url",             "extraction", STEP_CLAUDE_ONLY | STEP_RUNS},
    {"extract_data",            "extraction", STEP_CLAUDE_ONLY | STEP_RUNS},
    {"extract_rows",            "",           STEP_RUNS},
    {"loop",                    "",           STEP_RUNS},
    {"select_option",           "setup",      STEP_GROUNDING | STEP_REQUIRED | STEP_RUNS},
    {"request_user_input",      "setup",      STEP_REQUIRED | STEP_RUNS},
    {"right_click",             "extraction", STEP_RUNS},
    {"collect_urls",            "extraction", STEP_RUNS},
    {"detect_visible",          "",           STEP_CLAUDE_ONLY | STEP_RUNS},
    {"if_else",                 "",           STEP_RUNS},
    {"holo3",                   "",           STEP_RUNS},
    {"claude",                  "",           STEP_RUNS},
    {"double_click",            "",           STEP_RUNS},
    {"drag",                    "",           STEP_RUNS},
    {"key_press",               "",           STEP_RUNS},
    {"type_text",               "",           STEP_RUNS},
    {"tool_call",               "",           STEP_RUNS},
    {"capture_link_in_new_tab", "",           STEP_RUNS},
    {"done",                    "",           STEP_RUNS},
    {"graph_learn",             "",           STEP_INTERNAL},
};
/* clang-format on */

const struct step_kind *step_kind_find(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    return NULL;
}

char *step_kinds_that_run(struct pool *pool)
{
    char *list = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].flags & STEP_RUNS)
            list = list ? pool_printf(pool, "%s, %s", list, kinds[i].type)
                        : pool_strdup(pool, kinds[i].type);
    return list;
}
