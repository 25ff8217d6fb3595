/*
 * The rows of plans.md sections 1 to 7, one after another: what is sent, where to look, what stands
 * there.
 *
 * A row's input is a request of POST /v1/predict; one that begins with '[' is its task_suite. `at`
 * is a path into {"plan", "warnings", "error", "code"}: "plan.steps.0.type". `want` is JSON, or
 * "~words" that the text there contains, or "" for nothing there.
 */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "plan/allow.h"
#include "plan/intake.h"
#include "plan/suite.h"
#include "sys/file.h"

struct row {
    const char *row, *input, *at, *want;
};

#define NAV             "{\"type\":\"navigate\",\"intent\":\"Open https://a.test/\"}"
#define WAIT            "{\"type\":\"wait\",\"intent\":\"w\"}"
#define ONE(type, more) "[{\"type\":\"" type "\",\"intent\":\"x\"" more "}]"
#define RUNTIME(block)  "{\"task_suite\":{\"steps\":[" WAIT "],\"runtime\":{" block "}}}"
#define ASK(more)       "{\"task_suite\":[" WAIT "]," more "}"

/* clang-format off */
static const struct row rows[] = {
    /* 1: which field counts */
    {"plans 1 task_suite wins over every other field", "{\"task_suite\":[" WAIT "],\"task_file_contents\":\"5\",\"task_file\":\"/x\",\"plan_text\":\"?\",\"micro\":\"/x\"}", "plan.steps.0.intent", "\"w\""},
    {"plans 1 task_file_contents wins over a file", "{\"task_file_contents\":\"[" "{\\\"type\\\":\\\"wait\\\",\\\"intent\\\":\\\"c\\\"}" "]\",\"task_file\":\"/x\"}", "plan.steps.0.intent", "\"c\""},
    {"plans 1 task_file wins over words", "{\"task_file\":\"in.json\",\"plan_text\":\"?\"}", "plan.steps.0.intent", "\"file\""},
    {"plans 1 plan_text wins over micro", "{\"plan_text\":\"Wait 2 seconds.\",\"micro\":\"/x\"}", "plan.steps.0.params.seconds", "2"},
    {"plans 1 micro is a path", "{\"micro\":\"in.json\"}", "plan.steps.0.intent", "\"file\""},
    {"plans 1 micro_path is another name of micro", "{\"micro_path\":\"in.json\"}", "plan.steps.0.intent", "\"file\""},
    {"plans 1 MANTIS_DEFAULT_MICRO counts when no field is there", "{}", "plan.steps.0.intent", "\"file\""},
    {"plans 1 an empty field is no field", "{\"task_suite\":\"\",\"task_file_contents\":\"\",\"plan_text\":\"\",\"micro\":\"in.json\"}", "plan.steps.0.intent", "\"file\""},
    {"plans 1 a path that starts with plans/ is tried without it", "{\"micro\":\"plans/in.json\"}", "plan.steps.0.intent", "\"file\""},
    {"plans 1 a micro of any other suffix is prose and decomposed", "{\"micro\":\"words.txt\"}", "plan.steps.0.params.seconds", "3"},
    {"plans 1 a bare array is a plan", "[" WAIT "]", "plan.steps.0.intent", "\"w\""},
    {"plans 1 a wrapped object is a plan", "{\"task_suite\":{\"steps\":[" WAIT "]}}", "plan.steps.0.intent", "\"w\""},
    {"plans 1 a wrapped object's runtime applies, in a file too", "{\"micro\":\"in.json\"}", "plan.runtime.max_cost", "1.5"},
    {"plans 1 a canonical suite is a plan", "{\"task_suite\":{\"session_name\":\"s\",\"base_url\":\"\",\"_micro_plan\":[" WAIT "],\"tasks\":[]}}", "plan.session_name", "\"s\""},
    {"plans 1 an array in task_suite is taken", "{\"task_suite\":[" WAIT "]}", "plan.steps.0.type", "\"wait\""},
    {"plans 1 unknown keys are ignored with a warning on every path", "{\"task_suite\":{\"_micro_plan\":[{\"type\":\"wait\",\"intent\":\"x\",\"zz\":1}]}}", "warnings.0", "\"~unknown key 'zz' is ignored\""},
    {"plans 1 an unknown type is kept, with the warning unknown_step_type", ONE("dance", ""), "warnings.0", "\"~unknown_step_type 'dance'\""},
    {"plans 1 a brain's own types bring no warning", ONE("holo3", ""), "warnings", "[]"},
    {"plans 1 decompose:false makes one task of words of 80 or fewer", "{\"plan_text\":\"Do what you can\",\"decompose\":false}", "suite.tasks.0.task_id", "\"plan_text\""},
    {"plans 1 decompose:false names the session plan_text_raw", "{\"plan_text\":\"Do what you can\",\"decompose\":false}", "plan.session_name", "\"plan_text_raw\""},
    {"plans 1 decompose:false refuses more than 80 words", "{\"plan_text\":\"1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1\",\"decompose\":false}", "error", "\"~more than 80 words\""},
    {"plans 1 cua_model claude takes a micro plan too", "{\"cua_model\":\"claude\",\"task_suite\":{\"_micro_plan\":[" WAIT "]}}", "plan.steps.0.type", "\"wait\""},
    {"plans 1 a suite with neither tasks nor _micro_plan is refused", "{\"cua_model\":\"holo3\",\"task_suite\":{\"session_name\":\"x\"}}", "error", "\"~none of 'steps', '_micro_plan' and 'tasks'\""},

    /* 2: the canonical suite */
    {"plans 2 session_name is micro_<domain>, dots as underscores", "[{\"type\":\"navigate\",\"intent\":\"Open https://shop.a.test/x\"}]", "suite.session_name", "\"micro_shop_a_test\""},
    {"plans 2 base_url is empty", "[" WAIT "]", "suite.base_url", "\"\""},
    {"plans 2 tasks is empty", "[" WAIT "]", "suite.tasks", "[]"},
    {"plans 2 _micro_plan holds the normalised steps", "[" WAIT "]", "suite._micro_plan.0.budget", "5"},
    {"plans 2 _plan_signature is the plan's", "[" WAIT "]", "suite._plan_signature", "\"~\""},
    {"plans 2 _brain_budgets stands there when set", RUNTIME("\"brain_budgets\":{\"click\":3}"), "suite._brain_budgets", "{\"click\":3}"},
    {"plans 2 _brain_budgets is absent when not set", "[" WAIT "]", "suite._brain_budgets", ""},
    {"plans 2 _pause_on_captcha stands there when set", RUNTIME("\"pause_on_captcha\":false"), "suite._pause_on_captcha", "false"},
    {"plans 2 _extractor_model stands there when set", RUNTIME("\"extractor_model\":\"claude-x\""), "suite._extractor_model", "\"claude-x\""},
    {"http-api 4.4 _extractor_model of a suite is read", "{\"task_suite\":{\"_micro_plan\":[" WAIT "],\"_extractor_model\":\"claude-x\"}}", "plan.runtime.extractor_model", "\"claude-x\""},
    {"plans 2 _extractor_model is absent when not set", "[" WAIT "]", "suite._extractor_model", ""},
    {"plans 2 _settle_ceiling_seconds stands there when set", RUNTIME("\"settle_ceiling_seconds\":2.5"), "suite._settle_ceiling_seconds", "2.5"},
    {"plans 2 _max_recoveries_per_run stands there when set", RUNTIME("\"max_recoveries_per_run\":4"), "suite._max_recoveries_per_run", "4"},
    {"plans 2 _max_recoveries_per_step stands there when set", RUNTIME("\"max_recoveries_per_step\":3"), "suite._max_recoveries_per_step", "3"},
    {"plans 2 _pagination_url_template stands there when set", "{\"task_suite\":{\"steps\":[" WAIT "],\"pagination_url_template\":\"{base}/p{n}\"}}", "suite._pagination_url_template", "\"{base}/p{n}\""},
    {"plans 2 _site_config stands there when set", "{\"task_suite\":{\"steps\":[" WAIT "],\"_site_config\":{\"a\":1}}}", "suite._site_config", "{\"a\":1}"},
    {"plans 2 _plan_name stands there when set", "{\"task_suite\":[" WAIT "],\"plan_name\":\"p\"}", "suite._plan_name", "\"p\""},
    {"plans 2 _objective stands there when set", "{\"task_suite\":{\"_micro_plan\":[" WAIT "],\"_objective\":{\"start_url\":\"https://b.test/\"}}}", "suite._objective.start_url", "\"https://b.test/\""},
    {"plans 2 _loop_groups stands there for words", "{\"plan_text\":\"Open https://a.test/. Open the first 2 results, extract title.\"}", "suite._loop_groups.0.body_range", "[1,4]"},
    {"plans 2 identities and signatures a caller writes are not taken", "{\"task_suite\":{\"_micro_plan\":[" WAIT "],\"_profile_id\":\"other\"}}", "warnings.0", "\"~'_profile_id' is ignored\""},

    /* 3: aliases */
    {"plans 3 step_type is another name of type", "[{\"step_type\":\"wait\",\"intent\":\"x\"}]", "plan.steps.0.type", "\"wait\""},
    {"plans 3 action is another name of type", "[{\"action\":\"wait\",\"intent\":\"x\"}]", "plan.steps.0.type", "\"wait\""},
    {"plans 3 type wins over action", "[{\"type\":\"wait\",\"action\":\"click\",\"intent\":\"x\"}]", "plan.steps.0.type", "\"wait\""},
    {"plans 3 reverse_action is another name of reverse", ONE("wait", ",\"reverse_action\":\"escape\""), "plan.steps.0.reverse", "\"escape\""},
    {"plans 3 expected_outcome is another name of verify", ONE("wait", ",\"expected_outcome\":\"v\""), "plan.steps.0.verify", "\"v\""},
    {"plans 3 loop_target may stand in params", "[" WAIT "," "{\"type\":\"loop\",\"intent\":\"x\",\"params\":{\"loop_target\":0}}]", "plan.steps.1.loop_target", "0"},
    {"plans 3 loop_count may stand in params", "[" WAIT "," "{\"type\":\"loop\",\"intent\":\"x\",\"params\":{\"loop_count\":3}}]", "plan.steps.1.loop_count", "3"},
    {"plans 3 params that are no object become one", ONE("wait", ",\"params\":[1]"), "plan.steps.0.params", "{}"},
    {"plans 3 hints that are no object become one", ONE("wait", ",\"hints\":5"), "plan.steps.0.hints", "{}"},

    /* 3: defaults */
    {"plans 3 verify is empty by default", ONE("wait", ""), "plan.steps.0.verify", "\"\""},
    {"plans 3 budget is 5 by default", ONE("wait", ""), "plan.steps.0.budget", "5"},
    {"plans 3 reverse is empty by default", ONE("wait", ""), "plan.steps.0.reverse", "\"\""},
    {"plans 3 grounding is false by default", ONE("wait", ""), "plan.steps.0.grounding", "false"},
    {"plans 3 grounding is true for click", ONE("click", ""), "plan.steps.0.grounding", "true"},
    {"plans 3 grounding is true for filter", ONE("filter", ""), "plan.steps.0.grounding", "true"},
    {"plans 3 grounding is true for paginate", ONE("paginate", ""), "plan.steps.0.grounding", "true"},
    {"plans 3 grounding is true for fill_field", ONE("fill_field", ",\"params\":{\"value\":\"a\"}"), "plan.steps.0.grounding", "true"},
    {"plans 3 grounding is true for submit", ONE("submit", ""), "plan.steps.0.grounding", "true"},
    {"plans 3 grounding is true for select_option", ONE("select_option", ",\"gate\":true"), "plan.steps.0.grounding", "true"},
    {"plans 3 claude_only is true for extract_url", ONE("extract_url", ""), "plan.steps.0.claude_only", "true"},
    {"plans 3 claude_only is true for extract_data", ONE("extract_data", ""), "plan.steps.0.claude_only", "true"},
    {"plans 3 claude_only is true for detect_visible", ONE("detect_visible", ",\"gate\":true"), "plan.steps.0.claude_only", "true"},
    {"plans 3 claude_only is false for others", ONE("click", ""), "plan.steps.0.claude_only", "false"},
    {"plans 3 required is true for filter", ONE("filter", ""), "plan.steps.0.required", "true"},
    {"plans 3 required is true for fill_field", ONE("fill_field", ",\"params\":{\"value\":\"a\"}"), "plan.steps.0.required", "true"},
    {"plans 3 required is true for submit", ONE("submit", ""), "plan.steps.0.required", "true"},
    {"plans 3 required is true for select_option", ONE("select_option", ",\"gate\":true"), "plan.steps.0.required", "true"},
    {"plans 3 required is true for request_user_input", ONE("request_user_input", ",\"gate\":true"), "plan.steps.0.required", "true"},
    {"plans 3 required is false for others", ONE("click", ""), "plan.steps.0.required", "false"},
    {"plans 3 what the author says beats a default", ONE("submit", ",\"required\":false"), "plan.steps.0.required", "false"},
    {"plans 3 loop_target of the step beats that of params", "[" WAIT "," "{\"type\":\"loop\",\"intent\":\"x\",\"loop_target\":0,\"params\":{\"loop_target\":9}}]", "plan.steps.1.loop_target", "0"},
    {"plans 3 loop_count of the step beats that of params", "[" WAIT "," "{\"type\":\"loop\",\"intent\":\"x\",\"loop_count\":2,\"params\":{\"loop_count\":9}}]", "plan.steps.1.loop_count", "2"},
    {"plans 3 gate is false by default", ONE("wait", ""), "plan.steps.0.gate", "false"},
    {"plans 3 stop_var is empty by default", ONE("wait", ""), "plan.steps.0.stop_var", "\"\""},
    {"plans 3 a step has no condition_var by default", ONE("wait", ""), "plan.steps.0.condition_var", ""},
    {"plans 3 a then_target of -1 is no then_target", ONE("if_else", ",\"then_target\":-1"), "plan.steps.0.then_target", ""},
    {"plans 3 an else_target of -1 is no else_target", ONE("if_else", ",\"else_target\":-1"), "plan.steps.0.else_target", ""},
    {"plans 3 guard is empty by default", ONE("wait", ""), "plan.steps.0.guard", "\"\""},
    {"plans 3 out_var is empty by default", ONE("wait", ""), "plan.steps.0.out_var", "\"\""},
    {"plans 3 params is {} by default", ONE("wait", ""), "plan.steps.0.params", "{}"},
    {"plans 3 hints is {} by default", ONE("wait", ""), "plan.steps.0.hints", "{}"},
    {"plans 3 extract is {} by default", ONE("wait", ""), "plan.steps.0.extract", "{}"},
    {"plans 3 target_role of a capture is kept", ONE("capture_link_in_new_tab", ",\"target_role\":\"row_link\""), "plan.steps.0.params.target_role", "\"row_link\""},
    {"plans 3 loop_target is -1 by default", ONE("wait", ""), "plan.steps.0.loop_target", "-1"},
    {"plans 3 loop_count is 0 by default", ONE("wait", ""), "plan.steps.0.loop_count", "0"},
    {"plans 3 stop_var is read", ONE("loop", ",\"stop_var\":\"s\""), "plan.steps.0.stop_var", "\"s\""},
    {"plans 3 condition_var survives every path", "{\"task_suite\":{\"steps\":[{\"type\":\"if_else\",\"intent\":\"x\",\"condition_var\":\"c\"}]}}", "plan.steps.0.condition_var", "\"c\""},
    {"plans 3 then_target survives every path", "[{\"type\":\"if_else\",\"intent\":\"x\",\"condition_var\":\"c\",\"then_target\":1}," WAIT "]", "plan.steps.0.then_target", "1"},
    {"plans 3 else_target survives every path", "[{\"type\":\"if_else\",\"intent\":\"x\",\"condition_var\":\"c\",\"else_target\":1}," WAIT "]", "plan.steps.0.else_target", "1"},
    {"plans 3 guard is read from the step", ONE("wait", ",\"guard\":\"g\""), "plan.steps.0.guard", "\"g\""},
    {"plans 3 guard is read from params", ONE("wait", ",\"params\":{\"guard\":\"g\"}"), "plan.steps.0.guard", "\"g\""},
    {"plans 3 guard is read from hints", ONE("wait", ",\"hints\":{\"guard\":\"g\"}"), "plan.steps.0.guard", "\"g\""},
    {"plans 3 out_var is read from the step", ONE("wait", ",\"out_var\":\"o\""), "plan.steps.0.out_var", "\"o\""},
    {"plans 3 out_var is read from params", ONE("wait", ",\"params\":{\"out_var\":\"o\"}"), "plan.steps.0.out_var", "\"o\""},
    {"plans 3 out_var is read from hints", ONE("wait", ",\"hints\":{\"out_var\":\"o\"}"), "plan.steps.0.out_var", "\"o\""},

    /* 3: sections */
    {"plans 3 navigate belongs to setup", "[" NAV "]", "plan.steps.0.section", "\"setup\""},
    {"plans 3 filter belongs to setup", ONE("filter", ""), "plan.steps.0.section", "\"setup\""},
    {"plans 3 fill_field belongs to setup", ONE("fill_field", ",\"params\":{\"value\":\"a\"}"), "plan.steps.0.section", "\"setup\""},
    {"plans 3 submit belongs to setup", ONE("submit", ""), "plan.steps.0.section", "\"setup\""},
    {"plans 3 select_option belongs to setup", ONE("select_option", ",\"gate\":true"), "plan.steps.0.section", "\"setup\""},
    {"plans 3 request_user_input belongs to setup", ONE("request_user_input", ",\"gate\":true"), "plan.steps.0.section", "\"setup\""},
    {"plans 3 paginate belongs to pagination", ONE("paginate", ""), "plan.steps.0.section", "\"pagination\""},
    {"plans 3 click belongs to extraction", ONE("click", ""), "plan.steps.0.section", "\"extraction\""},
    {"plans 3 scroll belongs to extraction", ONE("scroll", ""), "plan.steps.0.section", "\"extraction\""},
    {"plans 3 extract_url belongs to extraction", ONE("extract_url", ""), "plan.steps.0.section", "\"extraction\""},
    {"plans 3 extract_data belongs to extraction", ONE("extract_data", ""), "plan.steps.0.section", "\"extraction\""},
    {"plans 3 navigate_back belongs to extraction", ONE("navigate_back", ""), "plan.steps.0.section", "\"extraction\""},
    {"plans 3 right_click belongs to extraction", ONE("right_click", ",\"gate\":true"), "plan.steps.0.section", "\"extraction\""},
    {"plans 3 collect_urls belongs to extraction", ONE("collect_urls", ",\"gate\":true"), "plan.steps.0.section", "\"extraction\""},
    {"plans 3 others belong to no section", ONE("wait", ""), "plan.steps.0.section", "\"\""},
    {"plans 3 a section that is said stays", ONE("click", ",\"section\":\"setup\""), "plan.steps.0.section", "\"setup\""},

    /* 3: gates */
    {"plans 3 extract_data that says verify is a gate", "[{\"type\":\"extract_data\",\"intent\":\"VERIFY it\"}]", "plan.steps.0.gate", "true"},
    {"plans 3 extract_data that says confirm is a gate", "[{\"type\":\"extract_data\",\"intent\":\"Confirm it\"}]", "plan.steps.0.gate", "true"},
    {"plans 3 extract_data that says check that is a gate", "[{\"type\":\"extract_data\",\"intent\":\"Check that a\"}]", "plan.steps.0.gate", "true"},
    {"plans 3 extract_data that says make sure is a gate", "[{\"type\":\"extract_data\",\"intent\":\"make sure\"}]", "plan.steps.0.gate", "true"},
    {"plans 3 extract_data that says wait for is a gate", "[{\"type\":\"extract_data\",\"intent\":\"wait for it\"}]", "plan.steps.0.gate", "true"},
    {"plans 3 extract_data that says read the url is a gate", "[{\"type\":\"extract_data\",\"intent\":\"Read the URL\"}]", "plan.steps.0.gate", "true"},
    {"plans 3 extract_data that says ensure is a gate", "[{\"type\":\"extract_data\",\"intent\":\"Ensure it\"}]", "plan.steps.0.gate", "true"},
    {"plans 3 extract_data that only reads is no gate", "[{\"type\":\"extract_data\",\"intent\":\"Read it\"}]", "plan.steps.0.gate", "false"},
    {"plans 3 a gate key that is there is not second-guessed", "[{\"type\":\"extract_data\",\"intent\":\"verify\",\"gate\":false}]", "plan.steps.0.gate", "false"},
    {"plans 3 other types are no gates by their words", "[{\"type\":\"click\",\"intent\":\"verify\"}]", "plan.steps.0.gate", "false"},

    /* 3: what authors write at the top */
    {"plans 3 url means params.url", ONE("navigate", ",\"url\":\"https://b.test/\""), "plan.steps.0.params.url", "\"https://b.test/\""},
    {"plans 3 seconds means params.seconds", ONE("wait", ",\"seconds\":2"), "plan.steps.0.params.seconds", "2"},
    {"plans 3 max_steps means budget", ONE("click", ",\"max_steps\":9"), "plan.steps.0.budget", "9"},
    {"plans 12 max_steps of a task is 1 to 100", "{\"task_suite\":{\"tasks\":[{\"task_id\":\"t\",\"intent\":\"x\",\"max_steps\":0}]}}", "error", "\"~'max_steps' must be 1..100, not 0\""},
    {"plans 12 a task without max_steps has 15", "{\"task_suite\":{\"tasks\":[{\"task_id\":\"t\",\"intent\":\"x\",\"max_steps\":null}]}}", "plan.steps.0.budget", "15"},
    {"plans 3 budget wins over max_steps", ONE("click", ",\"max_steps\":9,\"budget\":2"), "plan.steps.0.budget", "2"},
    {"plans 3 hint is appended to the intent", ONE("click", ",\"hint\":\"the blue one\""), "plan.steps.0.intent", "\"x (the blue one)\""},
    {"plans 3 wait_for_load is kept", "[{\"type\":\"navigate\",\"intent\":\"Open https://a.test/\",\"wait_for_load\":true}]", "plan.steps.0.params.wait_for_load", "true"},
    {"plans 3 nested steps stand in front of their loop", "[" NAV ",{\"type\":\"loop\",\"intent\":\"l\",\"steps\":[" WAIT "]}]", "plan.steps.2.type", "\"loop\""},
    {"plans 3 nested steps set the loop's target", "[" NAV ",{\"type\":\"loop\",\"intent\":\"l\",\"steps\":[" WAIT "]}]", "plan.steps.2.loop_target", "1"},
    {"plans 3 name of a tool_call is kept", ONE("tool_call", ",\"gate\":true,\"name\":\"n\""), "plan.steps.0.params.name", "\"n\""},
    {"plans 3 args of a tool_call are kept", ONE("tool_call", ",\"gate\":true,\"args\":{\"a\":1}"), "plan.steps.0.params.args", "{\"a\":1}"},
    {"plans 3 source_selector of a capture is kept", ONE("capture_link_in_new_tab", ",\"gate\":true,\"source_selector\":\"#a\""), "plan.steps.0.params.source_selector", "\"#a\""},
    {"plans 3 emit of a capture is kept", ONE("capture_link_in_new_tab", ",\"gate\":true,\"emit\":\"current_url_title\""), "plan.steps.0.params.emit", "\"current_url_title\""},
    {"plans 3 on_no_navigation of a capture is kept", ONE("capture_link_in_new_tab", ",\"gate\":true,\"on_no_navigation\":\"skip\""), "plan.steps.0.params.on_no_navigation", "\"skip\""},
    {"plans 3 notes and index say nothing", ONE("wait", ",\"notes\":\"n\",\"index\":4"), "warnings", "[]"},

    /* 4: what is kept for the steps */
    {"plans 4 allow_pagination_urls is kept", ONE("extract_url", ",\"allow_pagination_urls\":true"), "plan.steps.0.params.allow_pagination_urls", "true"},
    {"plans 4 the example of a field is kept", ONE("extract_data", ",\"extract\":{\"fields\":[{\"name\":\"a\",\"example\":\"e\"}]}"), "plan.steps.0.extract.fields.0.example", "\"e\""},
    {"plans 4 required_fields are kept", ONE("extract_data", ",\"extract\":{\"fields\":[\"a\"],\"required_fields\":[\"a\"]}"), "plan.steps.0.extract.required_fields", "[\"a\"]"},
    {"plans 4 unknown params are kept", ONE("click", ",\"params\":{\"own\":1}"), "plan.steps.0.params.own", "1"},
    {"plans 4 unknown hints are kept", ONE("click", ",\"hints\":{\"own\":1}"), "plan.steps.0.hints.own", "1"},
    {"plans 4 a number to be typed becomes text", ONE("fill_field", ",\"params\":{\"value\":19.99}"), "plan.steps.0.params.value", "\"19.99\""},
    {"plans 4 a field without a name is refused", ONE("extract_data", ",\"extract\":{\"fields\":[{\"type\":\"str\"}]}"), "error", "\"~fields[0] has no name\""},

    /* 5: runtime */
    {"plans 5 proxy_disabled is read", RUNTIME("\"proxy_disabled\":true"), "plan.runtime.proxy_disabled", "true"},
    {"plans 5 proxy_provider is known, and has no effect", RUNTIME("\"proxy_provider\":\"oxylabs\""), "warnings.0", "\"~'proxy_provider' has no effect\""},
    {"plans 8.11 a wait of more than 600 s is cut", ONE("wait", ",\"seconds\":900"), "warnings.0", "\"~a wait of 900 seconds is cut to 600\""},
    {"plans 5 proxy_state is known, and has no effect", RUNTIME("\"proxy_state\":\"CA\""), "warnings.0", "\"~'proxy_state' has no effect\""},
    {"plans 5 proxy_country is known, and has no effect", RUNTIME("\"proxy_country\":\"us\""), "warnings.0", "\"~'proxy_country' has no effect\""},
    {"plans 5 proxy_city is known, and has no effect", RUNTIME("\"proxy_city\":\"Oslo\""), "warnings.0", "\"~'proxy_city' has no effect\""},
    {"plans 5 max_cost is read", RUNTIME("\"max_cost\":0.5"), "plan.runtime.max_cost", "0.5"},
    {"plans 5 max_time_minutes is read", RUNTIME("\"max_time_minutes\":7"), "plan.runtime.max_time_minutes", "7"},
    {"plans 5 brain_budgets is read, values below 1 ignored", RUNTIME("\"brain_budgets\":{\"click\":3,\"scroll\":0}"), "plan.runtime.brain_budgets", "{\"click\":3}"},
    {"plans 5 an empty brain_budgets switches the caps off", RUNTIME("\"brain_budgets\":{}"), "plan.runtime.brain_budgets", "{}"},
    {"plans 5 pause_on_captcha is read", RUNTIME("\"pause_on_captcha\":\"no\""), "plan.runtime.pause_on_captcha", "false"},
    {"plans 5 settle_ceiling_seconds is read", RUNTIME("\"settle_ceiling_seconds\":1.5"), "plan.runtime.settle_ceiling_seconds", "1.5"},
    {"plans 5 max_recoveries_per_run is read", RUNTIME("\"max_recoveries_per_run\":3"), "plan.runtime.max_recoveries_per_run", "3"},
    {"plans 5 max_recoveries_per_step is read", RUNTIME("\"max_recoveries_per_step\":1"), "plan.runtime.max_recoveries_per_step", "1"},
    {"plans 5 compute_backend is read", RUNTIME("\"compute_backend\":\"browser_use_plane\""), "plan.runtime.compute_backend", "\"browser_use_plane\""},
    {"plans 5 another compute_backend is refused", RUNTIME("\"compute_backend\":\"moon\""), "error", "\"~'moon'\""},
    {"plans 5 state_repeat_threshold is kept", RUNTIME("\"state_repeat_threshold\":4"), "plan.runtime.state_repeat_threshold", "4"},
    {"plans 5 pinned_source_url_pattern is kept", RUNTIME("\"pinned_source_url_pattern\":\"https://a.test/*\""), "plan.runtime.pinned_source_url_pattern", "\"https://a.test/*\""},
    {"plans 5 off_source_step_budget is kept", RUNTIME("\"off_source_step_budget\":2"), "plan.runtime.off_source_step_budget", "2"},
    {"plans 5 the guard keys of a suite are kept too", "{\"task_suite\":{\"_micro_plan\":[" WAIT "],\"_state_repeat_threshold\":6}}", "plan.runtime.state_repeat_threshold", "6"},
    {"plans 5 unknown runtime keys are dropped with a warning", RUNTIME("\"max_costs\":9"), "warnings.0", "\"~unknown key 'runtime.max_costs' is ignored\""},
    {"plans 5 a runtime that is no object is refused", "{\"task_suite\":{\"steps\":[" WAIT "],\"runtime\":[]}}", "error", "\"~'runtime' must be an object\""},
    {"plans 5 the caller's max_cost beats the plan's", "{\"task_suite\":{\"steps\":[" WAIT "],\"runtime\":{\"max_cost\":4}},\"max_cost\":2}", "plan.runtime.max_cost", "2.0"},
    {"plans 5 the caller's max_time_minutes beats the plan's", "{\"task_suite\":{\"steps\":[" WAIT "],\"runtime\":{\"max_time_minutes\":4}},\"max_time_minutes\":2}", "plan.runtime.max_time_minutes", "2"},
    {"plans 5 the caller's compute_backend beats the plan's", "{\"task_suite\":{\"steps\":[" WAIT "],\"runtime\":{\"compute_backend\":\"computer_plane\"}},\"compute_backend\":\"browser_use_plane\"}", "plan.runtime.compute_backend", "\"browser_use_plane\""},
    {"plans 5 a null of the caller means the plan's", "{\"task_suite\":{\"steps\":[" WAIT "],\"runtime\":{\"max_cost\":4}},\"max_cost\":null}", "plan.runtime.max_cost", "4.0"},
    {"plans 5 the server's cap beats both", "{\"task_suite\":{\"steps\":[" WAIT "],\"runtime\":{\"max_cost\":4}},\"max_cost\":99}", "plan.runtime.max_cost", "25.0"},

    /* 6: what is refused, and what is lowered */
    {"plans 6 steps that are no array are refused", "{\"task_suite\":{\"steps\":{}}}", "error", "\"~'steps' must be an array\""},
    {"plans 6 a wrapped object without steps is refused", "{\"task_suite\":{\"runtime\":{}}}", "error", "\"~none of 'steps'\""},
    {"plans 6 a step that is no object is refused", "[3]", "error", "\"~step 0 is not an object\""},
    {"plans 6 a missing intent is refused", "[" WAIT ",{\"type\":\"wait\"}]", "error", "\"~step 1: 'intent' is missing or empty\""},
    {"plans 6 an empty intent is refused", "[{\"type\":\"wait\",\"intent\":\" \"}]", "error", "\"~step 0: 'intent' is missing or empty\""},
    {"plans 6 a missing type is refused", "[{\"intent\":\"x\"}]", "error", "\"~step 0: 'type' is missing or empty\""},
    {"plans 6 loop_count over the cap is lowered", "[" WAIT ",{\"type\":\"loop\",\"intent\":\"x\",\"loop_target\":0,\"loop_count\":51}]", "plan.steps.1.loop_count", "50"},
    {"plans 6 loop_count of what is no loop stays", ONE("wait", ",\"loop_count\":51"), "plan.steps.0.loop_count", "51"},
    {"plans 6 max_cost over the cap is lowered", ASK("\"max_cost\":26"), "plan.runtime.max_cost", "25.0"},
    {"plans 6 max_time_minutes over the cap is lowered", ASK("\"max_time_minutes\":61"), "plan.runtime.max_time_minutes", "60"},
    {"plans 6 max_cost of 0 is refused", ASK("\"max_cost\":0"), "error", "\"~'max_cost' must be more than 0\""},
    {"plans 6 max_cost below 0 is refused", RUNTIME("\"max_cost\":-1"), "error", "\"~'max_cost' must be more than 0\""},
    {"plans 6 max_time_minutes below 0 is refused", ASK("\"max_time_minutes\":-1"), "error", "\"~'max_time_minutes' must be more than 0\""},
    {"plans 6 max_time_minutes of 0 is refused", ASK("\"max_time_minutes\":0"), "error", "\"~'max_time_minutes' must be more than 0\""},
    {"plans 6 a plan of more steps than the cap is refused by name", "many", "error", "\"~MANTIS_MAX_STEPS_PER_PLAN\""},

    /* 6: which hosts are looked at; only a.test is allowed */
    {"plans 6 a host in an intent is looked at", "[{\"type\":\"wait\",\"intent\":\"see http://Evil.test/\"}]", "denied", "\"~evil.test\""},
    {"plans 6 a host in a step's url is looked at", ONE("navigate", ",\"url\":\"http://evil.test/\""), "denied", "\"~evil.test\""},
    {"plans 6 a host in params.url is looked at", ONE("navigate", ",\"params\":{\"url\":\"http://evil.test/\"}"), "denied", "\"~evil.test\""},
    {"plans 6 a host in hints.fallback_url is looked at", ONE("click", ",\"hints\":{\"fallback_url\":\"http://evil.test/\"}"), "denied", "\"~evil.test\""},
    {"plans 6 a suite's base_url is looked at", "{\"task_suite\":{\"_micro_plan\":[" WAIT "],\"base_url\":\"http://evil.test/\"}}", "denied", "\"~evil.test\""},
    {"plans 6 a host in _micro_plan is looked at", "{\"task_suite\":{\"_micro_plan\":[{\"type\":\"wait\",\"intent\":\"http://evil.test/\"}]}}", "denied", "\"~evil.test\""},
    {"plans 6 a task's start_url is looked at", "{\"task_suite\":{\"_micro_plan\":[" WAIT "],\"tasks\":[{\"intent\":\"x\",\"start_url\":\"http://evil.test/\"}]}}", "denied", "\"~evil.test\""},
    {"plans 6 a task's intent is looked at", "{\"task_suite\":{\"_micro_plan\":[" WAIT "],\"tasks\":[{\"intent\":\"http://evil.test/\"}]}}", "denied", "\"~evil.test\""},
    {"plans 6 a file is looked at", "{\"micro\":\"evil.json\"}", "denied", "\"~evil.test\""},
    {"plans 6 what words became is looked at, a bare name too", "{\"plan_text\":\"Open evil.test\"}", "denied", "\"~evil.test\""},
    {"plans 6 ports do not matter", "[{\"type\":\"navigate\",\"intent\":\"Open http://a.test:8080/\"}]", "denied", ""},

    /* 7 */
    {"plans 7 the builder's signature of one navigate step", "[" NAV "]", "plan.signature", "\"5e631e25bc9decc477edfc4c50009c41ce0cf469f588a876d0e1bc4671ba92a7\""},
    {"plans 7 the shape does not change the signature", "{\"task_suite\":{\"_micro_plan\":[" NAV "],\"tasks\":[]}}", "plan.signature", "\"5e631e25bc9decc477edfc4c50009c41ce0cf469f588a876d0e1bc4671ba92a7\""},
    {"plans 7 the runtime does not change the signature", "{\"task_suite\":{\"steps\":[" NAV "],\"runtime\":{\"max_cost\":1}}}", "plan.signature", "\"5e631e25bc9decc477edfc4c50009c41ce0cf469f588a876d0e1bc4671ba92a7\""},

    /* 11: the passes over what words became */
    {"plans 11 a read-only text makes no step that does more", "{\"plan_text\":\"Open https://a.test/. This is a read-only task. Click \\\"Buy\\\".\"}", "error", "\"~read-only contract violated\""},
    {"plans 11 a read-only text may open, read and scroll", "{\"plan_text\":\"Open https://a.test/. Do not click anything. Scroll down. Extract title.\"}", "plan.steps.2.type", "\"extract_data\""},
    {"plans 11 loop bodies are classified", "{\"plan_text\":\"Open https://a.test/. Open the first 2 results, extract the page URL. Repeat for up to 3 pages.\"}", "plan.loop_groups", "[{\"body_range\":[1,4],\"loop_step_idx\":4,\"shape\":\"parallelizable_url_collect\"},{\"body_range\":[1,6],\"loop_step_idx\":6,\"shape\":\"parallelizable_pagination\"}]"},
    {"plans 11 a loop that only reads is sequential", "{\"plan_text\":\"Open https://a.test/. Open the first 2 results, extract title.\"}", "plan.loop_groups.0.shape", "\"sequential\""},
    {"plans 11 a site's profile fills in the first wait", "{\"plan_text\":\"Open https://www.slow.test/.\"}", "plan.steps.0.params.wait_after_load_seconds", "8"},
    {"plans 11 a site's profile fills in how it scrolls", "{\"plan_text\":\"Open https://slow.test/. Scroll down.\"}", "plan.steps.1.params.backend", "\"cdp\""},
    {"plans 11 a site's profile fills in the page template", "{\"plan_text\":\"Open https://slow.test/.\"}", "plan.pagination_url_template", "\"{base}/page-{n}/\""},
    {"plans 11 a site's profile fills in its patterns", "{\"plan_text\":\"Open https://slow.test/.\"}", "plan.site_config.detail_page_pattern", "\"/boat/\""},
    {"plans 11 a name that only ends alike has no profile", "{\"plan_text\":\"Open https://notslow.test/.\"}", "plan.steps.0.params.wait_after_load_seconds", ""},
    {"plans 11 a plan that came as steps has no profile filled in", "[{\"type\":\"navigate\",\"intent\":\"Open https://slow.test/\"}]", "plan.steps.0.params.wait_after_load_seconds", ""},
};

/* 11: what a decomposer made of words, and what the passes make of that. text 0 is a plain one. */
#define FULL ",\"params\":{\"label\":\"l\",\"value\":\"v\",\"option_label\":\"o\"}"
#define SLOW       "{\"type\":\"navigate\",\"intent\":\"Open https://slow.test/\"}"
#define GO(more)   "{\"type\":\"navigate\",\"intent\":\"Open it\"" more "}"
#define OF(type)   "{\"type\":\"" type "\",\"intent\":\"x\"}"
#define CARD       "{\"type\":\"click\",\"intent\":\"Open a card\",\"section\":\"extraction\"}"
#define TO(at)     "{\"type\":\"loop\",\"intent\":\"again\",\"loop_target\":" at ",\"loop_count\":3}"
#define GATE(more) "{\"type\":\"extract_data\",\"intent\":\"Is it there?\",\"gate\":true" more "}"
#define DEEP       GO(",\"params\":{\"url\":\"https://a.test/shop/red-boats/2024/x?id=7\"}")
#define READ_ONLY(row, words) {row, words, "[" OF("click") "]", "error", "\"~read-only contract violated\""}
#define FORBIDDEN(row, type) {row, "Just read.", "[" SLOW ",{\"type\":\"" type "\",\"intent\":\"x\"" FULL "}]", "error", "\"~step 1 is '" type "'\""}
#define READS(row, type)     {row, "Just read https://slow.test/.", "[" OF(type) "]", "plan.steps.0.type", "\"" type "\""}

static const struct pass_row {
    const char *row, *text, *steps, *at, *want;
} pass_rows[] = {
    READ_ONLY("plans 11 a text is read-only that says: do not click", "Please do NOT click anything."),
    READ_ONLY("plans 11 a text is read-only that says: do not navigate", "do not navigate away"),
    READ_ONLY("plans 11 a text is read-only that says: do not follow", "Do not follow links."),
    READ_ONLY("plans 11 a text is read-only that says: do not paginate", "do not paginate"),
    READ_ONLY("plans 11 a text is read-only that says: read-only", "This is Read-Only."),
    READ_ONLY("plans 11 a text is read-only that says: stay on this page", "Stay on this page."),
    READ_ONLY("plans 11 a text is read-only that says: just read", "just read the prices"),
    READ_ONLY("plans 11 a text is read-only that says: without clicking", "List them without clicking."),
    READ_ONLY("plans 11 a text is read-only that says: visible on the page", "List what is visible on the page."),
    {"plans 11 another text is no read-only one", "Read on, click and navigate.", "[" OF("click") "]", "plan.steps.0.type", "\"click\""},
    FORBIDDEN("plans 11 a read-only text makes no click", "click"), FORBIDDEN("plans 11 a read-only text makes no paginate", "paginate"), FORBIDDEN("plans 11 a read-only text makes no loop", "loop"), FORBIDDEN("plans 11 a read-only text makes no submit", "submit"),
    FORBIDDEN("plans 11 a read-only text makes no fill_field", "fill_field"), FORBIDDEN("plans 11 a read-only text makes no select_option", "select_option"), FORBIDDEN("plans 11 a read-only text makes no right_click", "right_click"),
    READS("plans 11 a read-only text may use navigate", "navigate"), READS("plans 11 a read-only text may use extract_data", "extract_data"), READS("plans 11 a read-only text may use extract_url", "extract_url"), READS("plans 11 a read-only text may use detect_visible", "detect_visible"), READS("plans 11 a read-only text may use scroll", "scroll"),

    {"plans 11 a loop without a target goes to the first extraction click", "", "[" OF("wait") "," CARD "," OF("extract_data") "," OF("wait") "," TO("-1") "]", "plan.steps.4.loop_target", "1"},
    {"plans 11 a loop that misses the first click by one goes to it", "", "[" OF("wait") "," CARD "," OF("extract_data") "," TO("0") "]", "plan.steps.3.loop_target", "1"},
    {"plans 11 a loop that misses the first click by two goes to it", "", "[" CARD "," OF("extract_data") "," OF("wait") "," TO("2") "]", "plan.steps.3.loop_target", "0"},
    {"plans 11 a loop that is three off is meant so", "", "[" CARD "," OF("extract_data") "," OF("wait") "," OF("wait") "," TO("3") "]", "plan.steps.4.loop_target", "3"},
    {"plans 11 a click of another section is no extraction click", "", "[" OF("wait") ",{\"type\":\"click\",\"intent\":\"x\",\"section\":\"setup\"}," TO("0") "]", "plan.steps.2.loop_target", "0"},

    {"plans 11 a body with paginate is parallelizable_pagination", "", "[" CARD "," OF("extract_url") "," OF("paginate") "," TO("0") "]", "plan.loop_groups.0", "{\"body_range\":[0,3],\"loop_step_idx\":3,\"shape\":\"parallelizable_pagination\"}"},
    {"plans 11 a body that opens cards and reads addresses is parallelizable_url_collect", "", "[" CARD "," OF("extract_url") "," TO("0") "]", "plan.loop_groups.0.shape", "\"parallelizable_url_collect\""},
    {"plans 11 a body that reads addresses and does not start with a card is sequential", "", "[" OF("wait") "," OF("extract_url") "," TO("0") "]", "plan.loop_groups.0.shape", "\"sequential\""},
    {"plans 11 a body that opens cards and reads no address is sequential", "", "[" CARD "," OF("extract_data") "," TO("0") "]", "plan.loop_groups.0.shape", "\"sequential\""},
    {"plans 11 a plan without loops has no loop_groups", "", "[" OF("wait") "]", "plan.loop_groups", ""},

    {"plans 11 a navigate without an address takes the text's", "Look at https://b.test/one now", "[" GO("") "]", "plan.steps.0.params.url", "\"https://b.test/one\""},
    {"plans 11 the next navigate takes the next address", "https://b.test/one then https://b.test/two", "[" GO("") "," GO("") "]", "plan.steps.1.params.url", "\"https://b.test/two\""},
    {"plans 11 an address that a step has is not taken again", "https://b.test/one then https://b.test/two", "[" GO(",\"params\":{\"url\":\"https://b.test/one\"}") "," GO("") "]", "plan.steps.1.params.url", "\"https://b.test/two\""},
    {"plans 11 an address ends at a quote or bracket", "at <https://b.test/one> or", "[" GO("") "]", "plan.steps.0.params.url", "\"https://b.test/one\""},
    {"plans 11 a navigate that has an address keeps it", "https://b.test/one", "[" DEEP "]", "plan.steps.0.params.url", "\"https://a.test/shop/red-boats/2024/x?id=7\""},
    {"plans 11 no address is made up when the text has too few", "https://b.test/one", "[" GO("") "," GO("") "]", "error", "\"~step 1\""},
    {"plans 11 other params stay when an address is filled in", "https://b.test/one", "[" GO(",\"params\":{\"wait_after_load_seconds\":3}") "]", "plan.steps.0.params.wait_after_load_seconds", "3"},

    {"plans 11 a gate gets the path's segments with a digit or hyphen", "", "[" DEEP "," GATE("") "]", "plan.steps.1.hints.expect_url_contains", "[\"red-boats\",\"2024\"]"},
    {"plans 11 a gate gets the segments of the last navigate", "", "[" DEEP "," GO(",\"params\":{\"url\":\"https://a.test/used-cars\"}") "," GATE("") "]", "plan.steps.2.hints.expect_url_contains", "[\"used-cars\"]"},
    {"plans 11 a gate gets the segments of an address that was filled in", "https://b.test/item-9", "[" GO("") "," GATE("") "]", "plan.steps.1.hints.expect_url_contains", "[\"item-9\"]"},
    {"plans 11 a gate with hints keeps them alone", "", "[" DEEP "," GATE(",\"hints\":{\"near\":\"x\"}") "]", "plan.steps.1.hints", "{\"near\":\"x\"}"},
    {"plans 11 a gate that goes to the brain gets none", "", "[" DEEP "," GATE(",\"claude_only\":false") "]", "plan.steps.1.hints", "{}"},
    {"plans 11 what is no gate gets none", "", "[" DEEP "," GATE(",\"gate\":false") "]", "plan.steps.1.hints", "{}"},
    {"plans 11 a path of plain words gives no hint", "", "[" GO(",\"params\":{\"url\":\"https://a.test/shop/cart\"}") "," GATE("") "]", "plan.steps.1.hints", "{}"},

    {"plans 11 a page template with base and n is kept", "", "{\"steps\":[" OF("wait") "],\"pagination_url_template\":\"{base}?p={n}\"}", "plan.pagination_url_template", "\"{base}?p={n}\""},
    {"plans 11 a page template without base falls back", "", "{\"steps\":[" OF("wait") "],\"pagination_url_template\":\"/p/{n}\"}", "plan.pagination_url_template", "\"{base}/page-{n}/\""},
    {"plans 11 a page template without n falls back", "", "{\"steps\":[" OF("wait") "],\"pagination_url_template\":\"{base}/p\"}", "plan.pagination_url_template", "\"{base}/page-{n}/\""},

    {"plans 11 a profile fills in how often a scroll goes", "", "[" SLOW "," OF("scroll") "]", "plan.steps.1.params.count", "2"},
    {"plans 11 a scroll that says its backend has no profile filled in", "", "[" SLOW ",{\"type\":\"scroll\",\"intent\":\"x\",\"params\":{\"backend\":\"wheel\"}}]", "plan.steps.1.params", "{\"backend\":\"wheel\"}"},
    {"plans 11 a wait that is set is not replaced by a profile's", "", "[{\"type\":\"navigate\",\"intent\":\"Open https://slow.test/\",\"params\":{\"wait_after_load_seconds\":1}}]", "plan.steps.0.params.wait_after_load_seconds", "1"},
    {"plans 11 a profile's wait is the first navigate's alone", "", "[" SLOW "," GO(",\"params\":{\"url\":\"https://slow.test/b\"}") "]", "plan.steps.1.params.wait_after_load_seconds", ""},
    {"plans 11 a profile's gate hint where the address gives none", "", "[" SLOW "," GATE("") "]", "plan.steps.1.hints.expect_url_contains", "[\"/boat/\"]"},
    {"plans 11 a profile's gate hint does not replace the address's", "", "[{\"type\":\"navigate\",\"intent\":\"Open https://slow.test/a-1\"}," GATE("") "]", "plan.steps.1.hints.expect_url_contains", "[\"a-1\"]"},
    {"plans 11 a page template that is set is not replaced by a profile's", "", "{\"steps\":[" SLOW "],\"pagination_url_template\":\"{base}?p={n}\"}", "plan.pagination_url_template", "\"{base}?p={n}\""},
    {"plans 11 a profile is found by an address that was filled in", "See https://slow.test/ first", "[" GO("") "]", "plan.steps.0.params.wait_after_load_seconds", "8"},
};
/* clang-format on */

static struct pool *pool;
static char root[64];

static void put_file(const char *name, const char *text)
{
    struct err err = {0};
    char *path = pool_printf(pool, "%s/%s", root, name);
    *strrchr(path, '/') = 0;
    assert_int_equal(file_mkdirs(path, 0755, &err), 0);
    path = pool_printf(pool, "%s/%s", root, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, &err), 0);
}

static int setup_root(void **state)
{
    pool = pool_create(NULL);
    memcpy(root, "/tmp/mantis-rows-XXXXXX", sizeof("/tmp/mantis-rows-XXXXXX"));
    assert_non_null(mkdtemp(root));
    put_file(
        "in.json",
        "{\"steps\":[{\"type\":\"wait\",\"intent\":\"file\"}],\"runtime\":{\"max_cost\":1.5}}");
    put_file("evil.json", "[{\"type\":\"wait\",\"intent\":\"see http://evil.test/\"}]");
    put_file("words.txt", "Wait 3 seconds.");
    put_file("profiles/sites.json", "{\"slow.test\":{\"first_navigate_wait_seconds\":8,\"scroll\":{"
                                    "\"backend\":\"cdp\",\"count\":2},"
                                    "\"pagination_url_template\":\"{base}/page-{n}/"
                                    "\",\"gate_hint\":[\"/boat/\"],\"site_config\":{\"detail_page_pattern\":\"/boat/\"}}}");
    return 0;
}

static int teardown_root(void **state)
{
    struct err err = {0};
    int r = file_remove_tree(root, &err);
    pool_destroy(pool);
    return r;
}

static json_t *request_of(const char *input)
{
    if (strcmp(input, "many") == 0) {
        json_t *steps = json_array();
        for (int i = 0; i < 201; i++)
            json_push(steps, json_pack("{s:s,s:s}", "type", "wait", "intent", "x"));
        return json_keep(pool, json_pack("{s:o}", "task_suite", steps));
    }
    json_t *v = json_loads(input, JSON_DECODE_ANY, NULL);
    if (!v)
        fail_msg("no JSON: %s", input);
    return json_keep(pool, json_is_array(v) ? json_pack("{s:o}", "task_suite", v) : v);
}

static struct intake_config config_here(void)
{
    return (struct intake_config){.repo_root = root,
                                  .env_url = "",
                                  .default_micro = "in.json",
                                  .share_dir = root,
                                  .max_steps = 200,
                                  .max_loop_iterations = 50,
                                  .max_time_minutes = 60,
                                  .max_cost = 25};
}

/* Everything that can be seen of a request. */
static json_t *seen(json_t *request)
{
    static const char *const domains[] = {"a.test", "www.slow.test", NULL};
    const struct intake_config config = config_here();
    struct intake_source source = {0};
    struct plan *plan = NULL;
    struct err err = {0}, denied = {0};
    json_t *o = json_keep(pool, json_object());
    int r = intake_read(pool, &config, request, &source, &err);
    struct allow *allow = allow_begin(pool, domains);
    allow_see_text(allow, source.prose ? source.prose : "");
    allow_see_document(allow, source.document);
    if (allow_end(allow, &denied))
        json_put(o, "denied", json_string_safe(denied.msg));
    if (!r)
        r = intake_build(pool, &config, request, &source, &plan, &err);
    if (r) {
        json_put(o, "error", json_string_safe(err.msg));
        return o;
    }
    json_put(o, "plan", plan_to_json(plan));
    json_put(o, "suite", plan_suite_json(plan));
    json_put(o, "warnings", json_deep_copy(plan->warnings));
    return o;
}

static json_t *at_path(json_t *value, const char *path)
{
    while (value && *path) {
        char *key = pool_strndup(pool, path, strcspn(path, "."));
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(key))
                                     : json_object_get(value, key);
        path += strlen(key);
        path += *path == '.';
    }
    return value;
}

static void hold(json_t *all, const char *at, const char *wanted)
{
    json_t *got = at_path(all, at);
    json_t *want = *wanted ? json_keep(pool, json_loads(wanted, JSON_DECODE_ANY, NULL)) : NULL;
    if (json_is_string(want) && json_string_value(want)[0] == '~') {
        if (!json_is_string(got) || !strstr(json_string_value(got), json_string_value(want) + 1))
            fail_msg("%s is %s, without '%s'", at,
                     got ? json_text(pool, got) : json_text(pool, all),
                     json_string_value(want) + 1);
        return;
    }
    const char *have = got ? json_canonical(pool, got) : "nothing";
    if (strcmp(have, want ? json_canonical(pool, want) : "nothing") != 0)
        fail_msg("%s is %s, not %s (%s)", at, have, wanted, json_str(all, "error", "taken"));
}

static void one_row(void **state)
{
    const struct row *row = *state;
    hold(seen(request_of(row->input)), row->at, row->want);
}

/* The document is what a decomposer made of the text. */
static void one_pass(void **state)
{
    const struct pass_row *row = *state;
    const struct intake_config config = config_here();
    json_t *document = json_loads(row->steps, 0, NULL), *all = json_keep(pool, json_object());
    const struct intake_source source = {
        .document = json_keep(pool, document), .prose = row->text, .name = "", .field = "plan_text"};
    struct plan *plan = NULL;
    struct err err = {0};
    assert_non_null(document);
    if (intake_build(pool, &config, json_keep(pool, json_object()), &source, &plan, &err))
        json_put(all, "error", json_string_safe(err.msg));
    else
        json_put(all, "plan", plan_to_json(plan));
    hold(all, row->at, row->want);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(pass_rows)], *next = tests;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        *next++ = (struct CMUnitTest){rows[i].row, one_row, NULL, NULL, (void *)&rows[i]};
    for (size_t i = 0; i < ARRAY_SIZE(pass_rows); i++)
        *next++ = (struct CMUnitTest){pass_rows[i].row, one_pass, NULL, NULL, (void *)&pass_rows[i]};
    return cmocka_run_group_tests(tests, setup_root, teardown_root);
}
