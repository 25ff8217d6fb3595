#include "plan/normalise.h"

#include <string.h>

/* clang-format off */
static const struct step_kind kinds[] = {
    {"navigate",                "setup",      0},
    {"navigate_back",           "extraction", 0},
    {"click",                   "extraction", STEP_GROUNDING},
    {"scroll",                  "extraction", 0},
    {"wait",                    "",           0},
    {"submit",                  "setup",      STEP_GROUNDING | STEP_REQUIRED},
    {"fill_field",              "setup",      STEP_GROUNDING | STEP_REQUIRED},
    {"filter",                  "setup",      STEP_GROUNDING | STEP_REQUIRED},
    {"paginate",                "pagination", STEP_GROUNDING},
    {"extract_url",             "extraction", STEP_CLAUDE_ONLY},
    {"extract_data",            "extraction", STEP_CLAUDE_ONLY},
    {"extract_rows",            "",           0},
    {"loop",                    "",           0},
    {"select_option",           "setup",      STEP_GROUNDING | STEP_REQUIRED},
    {"request_user_input",      "setup",      STEP_REQUIRED},
    {"right_click",             "extraction", 0},
    {"collect_urls",            "extraction", 0},
    {"detect_visible",          "",           STEP_CLAUDE_ONLY},
    {"if_else",                 "",           0},
    {"holo3",                   "",           0},
    {"claude",                  "",           0},
    {"double_click",            "",           0},
    {"drag",                    "",           0},
    {"key_press",               "",           0},
    {"type_text",               "",           0},
    {"tool_call",               "",           0},
    {"capture_link_in_new_tab", "",           0},
    {"done",                    "",           0},
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
