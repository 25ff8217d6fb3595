#include "reader/model_calls.h"

#define SONNET "claude-sonnet-4-6"
#define HAIKU  "claude-haiku-4-5-20251001"

#define EXTRACTS "claude_extract"
#define GROUNDS  "claude_grounding"

/* clang-format off */
static const struct look_call calls[CALL_N] = {
    [CALL_EXTRACT] =          {"extract", "extract_listing", "report_extracted_listing", ROLE_EXTRACT, 1500, 30, 4, EXTRACTS},
    [CALL_EXTRACT_SCROLLED] = {"extract", "extract_listing_scrolled", "report_extracted_listing", ROLE_EXTRACT, 1500, 30, 4, EXTRACTS},
    [CALL_EXTRACT_MULTI] =    {"extract", "extract_listing_multi", "report_extracted_listing", ROLE_EXTRACT, 1500, 45, 4, EXTRACTS},
    [CALL_ROWS] =             {"rows", "extract_rows", "report_extracted_rows", ROLE_EXTRACT, 4000, 45, 4, EXTRACTS},
    [CALL_LISTINGS] =         {"listings", "find_listings", "report_listings", ROLE_EXTRACT, 1500, 20, 1, EXTRACTS},
    [CALL_PAGINATE] =         {"paginate", "find_pagination", "report_pagination", ROLE_EXTRACT, 500, 30, 4, GROUNDS},
    [CALL_FILTER] =           {"filter", "find_filter", "report_filter_target", ROLE_EXTRACT, 500, 30, 4, GROUNDS},
    [CALL_CONTROL] =          {"control", "find_listing_content_control", "report_content_control", ROLE_EXTRACT, 500, 30, 4, GROUNDS},
    [CALL_NAVIGATED] =        {"navigated", "verify_navigation", "report_post_click_navigation", ROLE_EXTRACT, 500, 45, 4, EXTRACTS},
    [CALL_GATE] =             {"gate", "verify_gate", "report_gate_verification", ROLE_VERIFY, 500, 30, 4, EXTRACTS},
    [CALL_GATE_AGAIN] =       {"gate", "verify_gate", "report_gate_verification", ROLE_ESCALATION, 500, 30, 4, EXTRACTS},
    [CALL_TARGET] =           {"target", "find_form_target", "report_form_target", ROLE_FORM, 500, 30, 4, GROUNDS},
    [CALL_AFFORDANCE] =       {"affordance", "find_by_affordance", "report_target_by_affordance", ROLE_FORM, 500, 30, 4, GROUNDS},
    [CALL_CLICK] =            {"target", "find_click", NULL, ROLE_FORM, 500, 30, 4, GROUNDS},
    [CALL_DROPDOWN] =         {"dropdown", "read_dropdown", "report_dropdown_value", ROLE_FORM, 200, 30, 4, EXTRACTS},
    [CALL_DESCRIPTION] =      {"description", "find_description", "report_description_screenshots", ROLE_PHONE, 80, 45, 4, EXTRACTS},
    [CALL_PHONE] =            {"phone", "read_phone", "report_seller_phone", ROLE_PHONE, 500, 45, 4, EXTRACTS},
    [CALL_REGARD] =           {"grounding", "find_clickable", "report_clickable", ROLE_REGARD, 100, 15, 2, GROUNDS},
};
/* clang-format on */

const struct look_call *call_of(enum call_id id)
{
    return &calls[id];
}

const char *call_usual_model(enum call_role role)
{
    static const char *const models[ROLE_N] = {
        [ROLE_EXTRACT] = SONNET,    [ROLE_FORM] = SONNET,  [ROLE_VERIFY] = HAIKU,
        [ROLE_ESCALATION] = SONNET, [ROLE_PHONE] = SONNET, [ROLE_REGARD] = SONNET};
    return models[role];
}
