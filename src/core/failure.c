/*
 * failure.c - why a step or a run failed, in one word, and what a person can do about it.
 *
 * Source of rules and order: agent-loop.md section 10, with its improvements: status numbers count
 * only as whole tokens ("$502" is a price), and the names with underscores have their own markers.
 */
#include "core/run.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/pool.h"
#include "base/str.h"

static const char *const wall_marks[] = {
    "just a moment",         "performing security verification",
    "checking your browser", "verifying you are human",
    "verify you are human",  "attention required",
};

/*
 * Marker forms: plain text is found anywhere; "#404" is the number as a whole token; "error #4" is
 * "error " followed by a three-digit number that starts with 4.
 */
struct rule {
    const char *class;
    const char *markers[16];
};

/* clang-format off */
static const struct rule rules[] = {
    {"no_state_change", {"no_state_change"}},
    {"brain_loop_exhausted", {"brain_loop_exhausted", "max_steps", "loop_terminated"}},
    {"wrong_target", {"wrong_target"}},
    {"bad_url", {"bad_url:", "bad_url="}},
    {"page_blocked", {"page_blocked"}},
    {"cf_challenge", {"error #403", "#403 forbidden", "cloudflare", "verify you are human"}},
    {"http_4xx", {"#404", "error #4"}},
    {"http_5xx", {"error #5", "#502", "#503", "#504", "internal server error"}},
    {"nav_timeout", {"timeout", "timed out"}},
    {"selector_miss", {"fill_error", "submit_error", "click_error", "select_error", "form_target_not_",
                       "option_not_found", "not found", "no element", "element not visible",
                       "filters_not_applied", "som-click", "ok=false", "grounding=no",
                       "director: substituting"}},
    {"extractor_error", {"scan_error", "extract_error", "extractor", "scrape"}},
    {"budget_exceeded", {"budget_exceeded", "max_cost", "max_time"}},
};

/* A class that names a cause explains a run better than one that names what it looked like. */
static const char *const causes[] = {
    "cf_challenge",    "proxy_failed",    "http_4xx",     "http_5xx",
    "nav_timeout",     "extractor_error", "budget_exceeded", "wrong_target",
    "cf_challenge_human_takeover",
};
/* clang-format on */

/* A number is a token of its own when nothing beside it makes it part of a price, word or path. */
static bool glued(char c, char beyond)
{
    unsigned char u = (unsigned char)c;
    if (isalnum(u) || u >= 0x80 || strchr("$#%_/-", c) != NULL)
        return c != 0;
    return (c == '.' || c == ',') && isdigit((unsigned char)beyond);
}

static bool whole_token(const char *text, const char *at, size_t len)
{
    char before = at > text ? at[-1] : ' ', before2 = at > text + 1 ? at[-2] : ' ';
    return !glued(before, before2) && (at[len] == 0 || !glued(at[len], at[len + 1]));
}

/* marker is "404" (all digits given) or "4" (the first of three). */
static bool is_status(const char *text, const char *at, const char *digits, size_t n)
{
    if (strncmp(at, digits, n) != 0)
        return false;
    for (size_t i = n; i < 3; i++)
        if (!isdigit((unsigned char)at[i]))
            return false;
    return whole_token(text, at, 3);
}

static bool has_status(const char *text, const char *marker)
{
    const char *hash = strchr(marker, '#');
    size_t before = (size_t)(hash - marker), digits = strspn(hash + 1, "0123456789");
    const char *rest = hash + 1 + digits;
    for (const char *at = text; *at; at++) {
        if (strncmp(at, marker, before) != 0)
            continue;
        const char *number = at + before;
        if (is_status(text, number, hash + 1, digits) &&
            strncmp(number + 3, rest, strlen(rest)) == 0)
            return true;
    }
    return false;
}

static bool rule_matches(const struct rule *rule, const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(rule->markers) && rule->markers[i]; i++) {
        const char *m = rule->markers[i];
        if (strchr(m, '#') ? has_status(text, m) : strstr(text, m) != NULL)
            return true;
    }
    return false;
}

const char *failure_wall_mark(const char *text)
{
    for (size_t i = 0; text && i < ARRAY_SIZE(wall_marks); i++)
        if (str_contains_fold(text, wall_marks[i]))
            return wall_marks[i];
    return NULL;
}

const char *failure_classify(const char *data, const char *page_title)
{
    if (failure_wall_mark(page_title))
        return "cf_challenge";
    if (str_empty(data))
        return "unknown";
    const char *class = "unknown";
    struct pool *pool = pool_create(NULL);
    const char *text = str_lower(pool, data);
    /* listing_budget_exceeded is a budget too, and its URL must not be read for markers */
    if (strstr(text, "listing_budget_exceeded"))
        class = "budget_exceeded";
    for (size_t i = 0; strcmp(class, "unknown") == 0 && i < ARRAY_SIZE(rules); i++)
        if (rule_matches(&rules[i], text))
            class = rules[i].class;
    pool_destroy(pool);
    return class;
}

const char *failure_of_run(const json_t *classes)
{
    size_t i;
    json_t *value;
    const char *first = "";
    for (size_t c = 0; c < ARRAY_SIZE(causes); c++)
        json_array_foreach ((json_t *)classes, i, value)
            if (json_is_string(value) && strcmp(json_string_value(value), causes[c]) == 0)
                return causes[c];
    json_array_foreach ((json_t *)classes, i, value) {
        if (json_is_string(value) && json_string_length(value)) {
            first = json_string_value(value);
            break;
        }
    }
    return first;
}

struct help {
    const char *class;
    const char *summary;
    const char *causes[5];
    const char *steps[5];
};

/* clang-format off */
static const struct help helps[] = {
    {"anthropic_unreachable", "The helper model could not be reached, even after retries.",
     {"the service is overloaded or limits this key", "the key is wrong, revoked or out of credit",
      "the deployed image is old and calls a retired model"},
     {"wait a few minutes and submit again", "check the key that this deployment uses",
      "compare the deploy age in /v1/version with the last release"}},
    {"cf_challenge", "The site asked for proof of a human and the check was not passed.",
     {"the browser or its behaviour looked automated", "the address it came from has a bad reputation",
      "the page was read before the check had finished"},
     {"open the viewer and pass the check by hand, then resume", "leave through another address",
      "run the fingerprint check and look at what it reports"}},
    {"page_blocked", "A block page or wall stood where the content should have been.",
     {"a bot challenge", "the site does not serve this country", "a consent or sign-in overlay covers the page"},
     {"look at the last screenshot or the viewer", "if it is a challenge, see the help for cf_challenge",
      "give the profile a consent cookie or sign in before the run"}},
    {"navigation_drift", "A step ran on a page other than the one it was meant for.",
     {"the site redirected", "an earlier click hit something else", "the page had not finished loading"},
     {"follow the events up to this step", "raise params.wait_after_load_seconds of the navigate step",
      "set params.expect_url_contains to what the address must contain"}},
    {"navigate_failed", "A page that the plan needs did not load.",
     {"the host name does not resolve or the server does not answer", "the server answered with an error",
      "the address in the plan is wrong"},
     {"read error and context: they name the step, its address and what came instead",
      "open the address in a browser of your own, from the same network", "correct the address in the plan"}},
    {"bad_url", "An address did not lead to the page it should be.",
     {"its name does not resolve or nothing answers there", "the page is gone", "a captive or sign-in page answered instead", "the content moved to another address"},
     {"correct the address in the plan", "read page_title of the failed step: it says what loaded"}},
    {"extract_data_failed", "The page was read, but nothing usable came out of it.",
     {"the wanted fields are not on the page or need a click first", "the step has no extraction schema",
      "the page was read before its content was there"},
     {"give the step an extract block that names the fields", "let a reveal control be clicked (allowed_controls)",
      "raise params.wait_after_load_seconds"}},
    {"no_schema_configured", "A step was told to extract without being told what.",
     {"the step has no extract block", "no recipe matches the site"},
     {"add an extract block with fields to the step", "register a recipe and name it, or send extraction_schema"}},
    {"budget_cap", "The run reached its cost limit and stopped; rows found so far are kept.",
     {"the plan is long or its loop is large", "steps were retried many times", "a model call is expensive"},
     {"raise max_cost", "look in step_details for the steps that cost most",
      "go on from here with resume_state and the same workflow_id"}},
    {"brain_unreachable", "The model that drives the run did not answer, even after retries.",
     {"its server is down or is being started again", "the key is missing, wrong or out of credit", "it limits the rate of calls"},
     {"read data of the failed step: it says what the server answered", "ask the operator to look at /health and the server's log",
      "go on from here with resume_state and the same workflow_id"}},
    {"could_not_start", "A part that the run needs could not be made, so nothing was done.",
     {"a file that a brain, reader or model profile names is missing or wrong", "the browser, its profile or the display cannot be used here"},
     {"read error: it names the part and what is wrong with it", "ask the operator to mend MANTIS_BRAIN or what it names"}},
    {"time_cap", "The run reached its time limit and stopped; rows found so far are kept.",
     {"the plan is long or its loop is large", "the site answers slowly", "steps were retried many times"},
     {"raise max_time_minutes", "look in wall_time_breakdown and step_details for the slow steps",
      "go on from here with resume_state and the same workflow_id"}},
    {"halt_timeout", "The run did not stop at its time limit by itself and was ended from outside.",
     {"a step hung", "something the run depends on did not answer"},
     {"read the last events: they name the step", "raise max_time_minutes if the work is simply long"}},
    {"cancelled", "The run was cancelled on request; rows found so far are kept.",
     {"a caller cancelled it"},
     {"submit it again, with resume_state to go on from its last checkpoint"}},
    {"required_failed", "A step that the plan marks as required failed, and no recovery was left.",
     {"the page differs from what the step describes", "the target is hidden, renamed or behind another step",
      "an earlier step left the page in another state"},
     {"read failure_class and data of that step in step_details", "look at the last screenshot",
      "describe the target by the text a person sees, or mark the step as not required"}},
    {"task_failed", "A task of the suite failed, and the tasks behind it were not begun.",
     {"the brain could not do it in max_steps", "its proof (verify) did not hold", "the page differs from what the task describes"},
     {"read termination_reason, verify and summary of the task in task_details", "look at the last screenshot",
      "make its intent more exact or raise max_steps", "let the suite go on with continue_on_failure"}},
    {"loop_stuck", "A loop kept turning without the page changing.",
     {"its last step does not lead back to its first", "the same item is opened again and again",
      "pagination does not advance", "an if_else leads back and its variable never changes"},
     {"check loop_target and the steps between", "add a stop condition or lower loop_count",
      "follow the events of the last turns"}},
    {"off_source_drift", "The run spent too many steps away from the site it was pinned to.",
     {"a link or redirect led to another site", "runtime.pinned_source_url_pattern is too narrow"},
     {"follow the addresses in step_details", "widen the pattern or raise off_source_step_budget"}},
    {"worker_lost", "The process that carried the run out died again and again at the same point.",
     {"the browser or the display crashed", "the machine ran out of memory", "the process was killed from outside"},
     {"read the events: each attempt says how it ended", "check memory and the kernel log of the machine",
      "submit it again with resume_state; rows found so far are kept"}},
    {"disk_full", "The data volume was full and stayed full, so the run could not go on.",
     {"recordings, profiles or other programs filled the volume"},
     {"free space on the data volume", "submit it again with resume_state; rows found so far are kept"}},
    {"plane_gone", "The browser or display of the run kept dying.",
     {"the page crashes the browser", "the machine ran out of memory", "the browser was killed from outside"},
     {"check memory and the kernel log of the machine", "open the same page in the same browser by hand"}},
    {"off_allowlist", "The browser was led to a host that this tenant may not use; nothing was done there.",
     {"a link, redirect or form of an allowed site points elsewhere", "the host is missing in allowed_domains"},
     {"read final_url of the failed step", "ask the operator to add the host to the tenant's allowed_domains",
      "change the plan so that it stays on the allowed hosts"}},
    {"selector_miss", "What a step should act on was not found on the page.",
     {"the page differs from what the step describes", "the target is hidden, renamed or behind another step",
      "the page was looked at before it was complete"},
     {"look at the last screenshot", "describe the target by the text a person sees",
      "raise params.wait_after_load_seconds of the step before"}},
    {"wrong_target", "A step acted on something else than what was meant.",
     {"several things on the page have the same text", "something moved while the step was acting"},
     {"look at the screenshots of the step", "name the target more exactly, or its place on the page"}},
    {"no_state_change", "A step acted, and the page stayed as it was.",
     {"the control is disabled or needs another field first", "an overlay took the click",
      "the site refused without a message"},
     {"look at the last screenshot for a message or an overlay", "fill in what the control needs before it"}},
    {"nav_timeout", "A page did not finish in the time a step has.",
     {"the site is slow or down", "the connection is slow"},
     {"open the address in a browser of your own", "raise nav_wait_seconds", "submit it again later"}},
    {"http_4xx", "The site answered that a page does not exist or may not be seen.",
     {"the address is wrong or gone", "the page needs a sign-in", "the site refuses this visitor"},
     {"open the address in a browser of your own", "sign in with the profile before the run"}},
    {"http_5xx", "The site answered with an error of its own.",
     {"the site is broken or overloaded"},
     {"submit it again later, with resume_state to go on from its last checkpoint"}},
    {"", "The run ended early for a reason that has no entry of its own here.",
     {"see halt_reason and error for the exact words"},
     {"follow the events to the step that failed", "look at the last screenshot", "read the logs"}},
};
/* clang-format on */

static bool help_is_for(const struct help *help, const char *halt_class)
{
    size_t n = strcspn(halt_class, ":");
    return strlen(help->class) == n && strncmp(help->class, halt_class, n) == 0;
}

static const struct help *help_for(const char *halt_class)
{
    size_t last = ARRAY_SIZE(helps) - 1;
    for (size_t i = 0; i < last; i++)
        if (help_is_for(&helps[i], halt_class))
            return &helps[i];
    return &helps[last];
}

static json_t *string_list(const char *const *list, size_t max)
{
    json_t *array = json_array();
    for (size_t i = 0; i < max && list[i]; i++)
        json_push(array, json_string(list[i]));
    return array;
}

/* The failed step's class says more than the fact that a step failed. */
static const struct help *best_help(const char *halt_class, const char *failure_class)
{
    const struct help *of_step = help_for(failure_class ? failure_class : "");
    bool step_failed = halt_class && str_starts(halt_class, "required_failed");
    return step_failed && *of_step->class ? of_step : help_for(halt_class ? halt_class : "");
}

static void put_words(json_t *out, const struct help *help)
{
    json_put_str(out, "summary", help->summary);
    json_put(out, "likely_causes", string_list(help->causes, ARRAY_SIZE(help->causes)));
    json_put(out, "next_steps", string_list(help->steps, ARRAY_SIZE(help->steps)));
}

json_t *failure_help(const char *halt_class, const char *failure_class, const char *run_id)
{
    /* the keys are the contract's; one without an address is null, logs are asked for by a call */
    static const struct {
        const char *name, *before, *behind;
    } surfaces[] = {{"phase", "/v1/runs/", ""},
                    {"status", "/v1/runs/", "/status"},
                    {"events", "/v1/runs/", "/events"},
                    {"result", "/v1/runs/", "/result"},
                    {"augur", NULL, NULL},
                    {"logs", "/v1/predict {\"action\":\"logs\",\"run_id\":\"", "\"}"}};
    const struct help *help = best_help(halt_class, failure_class);
    struct pool *pool = pool_create(NULL);
    json_t *out = json_object(), *links = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(surfaces); i++)
        json_put_str(links, surfaces[i].name,
                     surfaces[i].before ? pool_printf(pool, "%s%s%s", surfaces[i].before, run_id,
                                                      surfaces[i].behind)
                                        : NULL);
    json_put_str(out, "halt_class", halt_class && *halt_class ? halt_class : "unknown");
    put_words(out, help);
    json_put(out, "debug_surfaces", links);
    pool_destroy(pool);
    return out;
}

json_t *failure_step_help(const char *failure_class)
{
    const struct help *help = help_for(failure_class);
    json_t *out = *help->class ? json_object() : NULL;
    if (out)
        put_words(out, help);
    return out;
}

const char *failure_outcome(struct pool *pool, const char *failure_class)
{
    static const struct {
        const char *class, *words;
    } table[] = {{"no_state_change", "registered but the page did not react"},
                 {"wrong_target", "changed something, not the goal"},
                 {"brain_loop_exhausted", "ran out of moves"},
                 {"selector_miss", "not interactive"}};
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (!strcmp(failure_class, table[i].class))
            return table[i].words;
    return pool_printf(pool, "failed (%s)", *failure_class ? failure_class : "unknown");
}
