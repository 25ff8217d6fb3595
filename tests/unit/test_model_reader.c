/*
 * What becomes of what a reader that is a model is answered, who is asked and how often, and that
 * what a page says itself is asked of nobody.
 */
#include "unit/model_reader_rig.h"

#include <string.h>

#include "base/str.h"

/* --- rows ------------------------------------------------------------------------------------ */

#define MAX_ANSWERS 4

/* clang-format off */
static const struct row {
    const char *row, *spec;
    ask_fn *ask;
    const char *with;
    struct fake_answer answers[MAX_ANSWERS];
    int calls;
    const char *comes; /* of it; one that ends in "..." only begins so */
    const char *models; /* asked, blank-separated; NULL: whoever */
    bool on_page;
} table[] = {
    /* targets */
    {"brains 10 form target", "claude", ask_find_label, "Search", {TARGET("{\"x\":640,\"y\":360,\"action\":\"click\",\"label\":\"Search\"}")}, 1,
     "640,360 'Search' / node -1", "claude-sonnet-4-6", false},
    {"brains 10 form target: a field is one that is typed into", "claude", ask_find_field, "Name", {TARGET("{\"x\":640,\"y\":360,\"action\":\"type\",\"value\":\"Ann\",\"label\":\"Name\"}")}, 1,
     "640,360 'Name' input/textbox node -1", NULL, false},
    {"brains 10 form target: not_found says what is shown", "claude", ask_find_label, "Search", {TARGET("{\"x\":640,\"y\":360,\"action\":\"not_found\",\"label\":\"a login form\"}")}, 1,
     "not_found: 'Search' is not seen: a login form", NULL, false},
    {"brains 10 form target: (0,0) is nothing", "claude", ask_find_label, "Search", {TARGET("{\"x\":0,\"y\":0,\"action\":\"click\",\"label\":\"Search\"}")}, 1,
     "not_found: 'Search' is not seen: no point...", NULL, false},
    {"brains 10 coordinates outside the image are nothing", "claude", ask_find_label, "Search", {TARGET("{\"x\":1280,\"y\":360,\"action\":\"click\"}")}, 1,
     "not_found: 'Search' is not seen: no point...", NULL, false},
    {"brains 10 negative coordinates are nothing", "claude", ask_find_label, "Search", {TARGET("{\"x\":-4,\"y\":360,\"action\":\"click\"}")}, 1,
     "not_found: 'Search' is not seen: no point...", NULL, false},
    {"brains 10 form target: non-numeric is nothing", "claude", ask_find_label, "Search", {TARGET("{\"x\":\"left\",\"y\":\"top\",\"action\":\"click\"}")}, 1,
     "not_found: 'Search' is not seen: no point...", NULL, false},
    {"brains 10 numbers may be written as texts", "claude", ask_find_label, "Search", {TARGET("{\"x\":\"640\",\"y\":\"360\",\"action\":\"Click\"}")}, 1,
     "640,360 '' / node -1", NULL, false},
    {"brains 10 what was wrong is not believed again", "claude", ask_find_elsewhere, "Search", {TARGET("{\"x\":645,\"y\":355,\"action\":\"click\"}")}, 1,
     "not_found: 'Search' is not seen: it points again at what was wrong", NULL, false},
    {"brains 10 a region holds", "claude", ask_find_right_of, "Search", {TARGET("{\"x\":100,\"y\":355,\"action\":\"click\"}")}, 1,
     "not_found: 'Search' is not seen: what it points at lies elsewhere", NULL, false},
    {"brains 10 affordance target", "claude", ask_find_for, "Enter the name", {AFFORDS("{\"x\":20,\"y\":30,\"action\":\"type\",\"label\":\"Nom\"}")}, 1,
     "20,30 'Nom' input/textbox node -1", "claude-sonnet-4-6", false},
    {"plans 8.4 affordance: only a field serves a fill", "claude", ask_find_for, "Enter the name", {AFFORDS("{\"x\":20,\"y\":30,\"action\":\"click\",\"label\":\"OK\"}")}, 1,
     "not_found: 'Go' is not seen: no field serves the purpose", NULL, false},
    {"brains 10 affordance: x and y may be left out", "claude", ask_find_for, "Enter the name", {AFFORDS("{\"action\":\"not_found\",\"label\":\"a map\"}")}, 1,
     "not_found: 'Go' is not seen: a map", NULL, false},
    {"brains 10 find filter", "claude", ask_find_filter, "Private", {OK(TOOL("report_filter_target", "{\"x\":20,\"y\":30,\"action\":\"select\",\"value\":\"Private\",\"label\":\"Seller\"}"))}, 1,
     "20,30 'Seller' /combobox node -1", NULL, false},
    {"brains 10 find filter: not_found", "claude", ask_find_filter, "Private", {OK(TOOL("report_filter_target", "{\"action\":\"not_found\",\"label\":\"Price, Year\"}"))}, 1,
     "not_found: 'Private' is not seen: Price, Year", NULL, false},
    {"brains 10 find paginate", "claude", ask_next_page, NULL, {PAGES("{\"x\":700,\"y\":690,\"label\":\"3\"}")}, 1, "700,690 '3' / node -1", NULL, false},
    {"brains 10 find paginate: none", "claude", ask_next_page, NULL, {PAGES("{\"x\":0,\"y\":0,\"label\":\"none\"}")}, 1, "not_found: no control for the next page is seen", NULL, false},
    {"brains 10 find paginate: (0,0) is nothing", "claude", ask_next_page, NULL, {PAGES("{\"x\":0,\"y\":0,\"label\":\"Next\"}")}, 1, "not_found: a next page is spoken of...", NULL, false},
    {"brains 10 content control", "claude", ask_reveal, REVEAL, {CONTROL("{\"x\":70,\"y\":80,\"action\":\"Show phone\",\"label\":\"Show phone number\"}")}, 1,
     "70,80 'Show phone number' / node -1", NULL, false},
    {"brains 10 content control: none", "claude", ask_reveal, REVEAL, {CONTROL("{\"action\":\"none\"}")}, 1, "not_found: no control is left...", NULL, false},
    {"brains 10 content control: not one that was clicked", "claude", ask_reveal, REVEAL, {CONTROL("{\"x\":70,\"y\":80,\"action\":\"show email\",\"label\":\"Show email\"}")}, 1,
     "not_found: no control is left...", NULL, false},
    {"agent-loop 14.2 content control: never contact", "claude", ask_reveal, REVEAL, {CONTROL("{\"x\":70,\"y\":80,\"action\":\"show phone\",\"label\":\"Contact seller\"}")}, 1,
     "not_found: 'Contact seller' may not be clicked", NULL, false},
    {"agent-loop 14.2 content control: never a forbidden one", "claude", ask_reveal, REVEAL, {CONTROL("{\"x\":70,\"y\":80,\"action\":\"show phone\",\"label\":\"Report this phone\"}")}, 1,
     "not_found: 'Report this phone' may not be clicked", NULL, false},
    {"agent-loop 14.2 content control: only what is allowed by name", "claude", ask_reveal, "{\"fields\":[\"phone\"]}", {CONTROL("{\"action\":\"none\"}")}, 0,
     "not_found: the schema allows no control by name", NULL, false},
    {"brains 10 a way out of an overlay", "claude", ask_dismiss, NULL, {AFFORDS("{\"x\":20,\"y\":30,\"action\":\"click\",\"label\":\"Reject all\"}")}, 1, "20,30 'Reject all' / node -1", NULL, false},
    {"brains 10 a control that loads more", "claude", ask_more, NULL, {AFFORDS("{\"action\":\"not_found\",\"label\":\"a footer\"}")}, 1, "not_found: no control that loads more is seen", NULL, false},

    /* answers that are none */
    {"brains 10 one bad answer is asked for again", "claude", ask_find_label, "Search", {OK(SAYS("It is at the top.")), TARGET("{\"x\":640,\"y\":360,\"action\":\"click\",\"label\":\"Search\"}")}, 2,
     "640,360 'Search' / node -1", NULL, false},
    {"brains 10 what the schema requires must be there", "claude", ask_find_label, "Search", {TARGET("{\"x\":640,\"y\":360}"), TARGET("{\"x\":640,\"y\":360,\"action\":\"click\"}")}, 2,
     "640,360 '' / node -1", NULL, false},
    {"brains 10 what is no choice of the schema is asked for again", "claude", ask_find_label, "Search", {TARGET("{\"x\":640,\"y\":360,\"action\":\"fly\"}"), TARGET("{\"x\":640,\"y\":360,\"action\":\"click\"}")}, 2,
     "640,360 '' / node -1", NULL, false},
    {"brains 10 two bad answers are none", "claude", ask_find_label, "Search", {OK(SAYS("no")), OK(SAYS("no"))}, 2,
     "upstream: the answer of 'claude-sonnet-4-6' to 'target' cannot be used: there is no report_form_target in it", NULL, false},
    {"brains 10 JSON in words is an answer too", "claude", ask_find_label, "Search", {OK(SAYS("```json\\n{\\\"x\\\":640,\\\"y\\\":360,\\\"action\\\":\\\"click\\\"}\\n```"))}, 1,
     "640,360 '' / node -1", NULL, false},
    {"brains 10 the client is patient: 529, then an answer", "claude", ask_find_label, "Search", {{529, 0, "", 0}, TARGET("{\"x\":640,\"y\":360,\"action\":\"click\"}")}, 2,
     "640,360 '' / node -1", NULL, false},
    {"brains 10 a refusal is said", "claude", ask_find_label, "Search", {{401, 0, "{\"error\":{\"message\":\"bad key\"}}", 0}}, 1,
     "unavailable: the model server http://m.test/v1/messages answered 401 (1 call): the key is missing or not valid, see ANTHROPIC_API_KEY: bad key", NULL, false},
    {"brains 10 nobody answers: four attempts", "claude", ask_find_label, "Search", {{E_UNAVAILABLE, 0, "refused", 0}}, 4, "unavailable: the model server...", NULL, false},
    {"brains 10 a cancel is a cancel", "claude", ask_find_label, "Search", {{E_CANCELLED, 0, "stop", 0}}, 1, "cancelled: ...", NULL, false},
    {"brains 10 listings are asked for once", "claude", ask_list, NULL, {{500, 0, "", 0}}, 1, "unavailable: the model server http://m.test/v1/messages answered 500 (1 call)...", NULL, false},

    /* yes or no */
    {"brains 10 gate", "claude", ask_visible, "Results for boats", {GATE("{\"passed\":true,\"reason\":\"12 boats\"}")}, 1, "yes: 12 boats", "claude-haiku-4-5-20251001", false},
    {"brains 13 gate: V no, X yes: pass, reason from X", "claude", ask_visible, "Results for boats", {GATE("{\"passed\":false,\"reason\":\"no boats\"}"), GATE("{\"passed\":true,\"reason\":\"12 boats\"}")}, 2,
     "yes: 12 boats", "claude-haiku-4-5-20251001 claude-sonnet-4-6", false},
    {"brains 10 gate: V no, X no", "claude", ask_visible, "Results for boats", {GATE("{\"passed\":false,\"reason\":\"no boats\"}"), GATE("{\"passed\":\"no\",\"reason\":\"a map\"}")}, 2, "no: a map", NULL, false},
    {"brains 10 gate: no answer is no answer", "claude", ask_visible, "Results for boats", {OK(SAYS("hm"))}, 2, "upstream: the answer of 'claude-haiku-4-5-20251001' to 'gate' cannot be used: there is no report_gate_verification in it", NULL, false},
    {"brains 10 post-click check", "claude", ask_navigated, "Blue boat", {OK(TOOL("report_post_click_navigation", "{\"navigated\":true,\"kind\":\"modal\",\"reason\":\"a sheet\"}"))}, 1, "yes (modal): a sheet", NULL, false},
    {"brains 10 post-click check: no change", "claude", ask_navigated, "Blue boat", {OK(TOOL("report_post_click_navigation", "{\"navigated\":false,\"kind\":\"no_change\",\"reason\":\"the same\"}"))}, 1,
     "no (no_change): the same", NULL, false},
    {"brains 10 dropdown value", "claude", ask_shown, "Seller", {OK(TOOL("report_dropdown_value", "{\"observed\":\" Private  party\"}"))}, 1, "Private party", NULL, false},
    {"brains 10 dropdown value: unknown", "claude", ask_shown, "Seller", {OK(TOOL("report_dropdown_value", "{\"observed\":\"unknown\"}"))}, 1, "not_found: 'Seller' shows no value", NULL, false},

    /* lists */
    {"brains 10 find listings", "claude", ask_list, NULL, {LISTS("{\"status\":\"ok\",\"listings\":[{\"x\":10,\"y\":20,\"title\":\"Blue  boat\",\"is_organic\":true},{\"x\":10,\"y\":90,\"title\":\"\"}]}")}, 1,
     "ok | Blue boat 10,20  | unknown 10,90 ", NULL, false},
    {"brains 10 find listings: advertisements are none", "claude", ask_list, NULL, {LISTS("{\"status\":\"ok\",\"listings\":[{\"x\":10,\"y\":20,\"title\":\"Ad\",\"is_organic\":false}]}")}, 1, "empty", NULL, false},
    {"brains 10 find listings: non-positive coordinates are none", "claude", ask_list, NULL, {LISTS("{\"status\":\"ok\",\"listings\":[{\"x\":-1,\"y\":20,\"title\":\"A\"},{\"x\":0,\"y\":0,\"title\":\"B\"},{\"x\":10,\"y\":900,\"title\":\"C\"}]}")}, 1, "empty", NULL, false},
    {"brains 10 find listings: exclusions of the schema", "claude", ask_list, "{\"fields\":[\"title\"],\"listing_card_exclusions\":[\"dealer\"]}",
     {LISTS("{\"status\":\"ok\",\"listings\":[{\"x\":10,\"y\":20,\"title\":\"Dealer boat\"},{\"x\":10,\"y\":40,\"title\":\"Boat\"}]}")}, 1, "ok | Boat 10,40 ", NULL, false},
    {"brains 10 find listings: blocked", "claude", ask_list, NULL, {LISTS("{\"status\":\"blocked\",\"listings\":[]}")}, 1, "blocked", NULL, false},
    {"brains 10 find listings: no list is a bad answer", "claude", ask_list, NULL, {LISTS("{\"status\":\"ok\",\"listings\":\"none\"}")}, 2, "upstream: the answer of 'claude-sonnet-4-6' to 'listings' cannot be used: 'listings' must be a list", NULL, false},

    /* values */
    {"brains 10 extract", "claude", ask_extract, DESK, {LISTING("{\"title\":\"Oak desk\",\"price\":120,\"is_spam\":false}")}, 1, "{\"price\":\"120\",\"title\":\"Oak desk\"}", "claude-sonnet-4-6", false},
    {"brains 10 extract: a placeholder is no value", "claude", ask_extract, DESK, {LISTING("{\"title\":\"<UNKNOWN>\",\"is_spam\":false}")}, 1, "{}", NULL, false},
    {"brains 10 extract: what was not asked for is left out", "claude", ask_extract, DESK, {LISTING("{\"title\":\"Oak desk\",\"colour\":\"red\",\"is_spam\":false}")}, 1, "{\"title\":\"Oak desk\"}", NULL, false},
    {"brains 10 extract: spam", "claude", ask_extract, SPAMMY, {LISTING("{\"title\":\"Boat\",\"is_spam\":true}")}, 1, "{\"title\":\"Boat\"} spam: a dealer's", NULL, false},
    {"brains 10 extract: without signs nothing is spam", "claude", ask_extract, DESK, {LISTING("{\"title\":\"Boat\",\"is_spam\":true}")}, 1, "{\"title\":\"Boat\"}", NULL, false},
    {"brains 10 extract: is_spam is required", "claude", ask_extract, DESK, {LISTING("{\"title\":\"Boat\"}"), LISTING("{\"title\":\"Boat\",\"is_spam\":false}")}, 2, "{\"title\":\"Boat\"}", NULL, false},
    {"brains 10 extract multi", "claude", ask_extract_two, DESK, {LISTING("{\"title\":\"Oak desk\",\"price\":\"120 EUR\",\"is_spam\":false}")}, 1, "{\"price\":\"120 EUR\",\"title\":\"Oak desk\"}", NULL, false},
    {"brains 10 extract rows: at most max, all values texts", "claude", ask_rows, DESK, {ROWS("{\"rows\":[{\"title\":\"A\",\"price\":1.0},{\"title\":\"B\",\"price\":null},{\"title\":\"C\"}]}")}, 1,
     "2 | {\"price\":\"1\",\"title\":\"A\"} | {\"title\":\"B\"}", NULL, false},
    {"brains 10 extract rows: booleans", "claude", ask_rows, "{\"fields\":[{\"name\":\"new\",\"type\":\"bool\"}]}", {ROWS("{\"rows\":[{\"new\":true}]}")}, 1, "1 | {\"new\":\"true\"}", NULL, false},
    {"brains 10 extract rows: none", "claude", ask_rows, DESK, {ROWS("{\"rows\":[]}")}, 1, "0", NULL, false},
    {"brains 10 phone: looked for again, with a quote that holds it", "claude", ask_extract, PHONE,
     {LISTING("{\"title\":\"Boat\",\"phone\":\"\",\"is_spam\":false}"), OK(TOOL("report_seller_phone", "{\"phone\":\"555 010-0199\",\"context_quote\":\"call (555) 010 0199 after six\"}"))}, 2,
     "{\"phone\":\"555 010-0199\",\"title\":\"Boat\"}", "claude-sonnet-4-6 claude-sonnet-4-6", false},
    {"brains 10 phone: its digits must occur in the quote", "claude", ask_extract, PHONE,
     {LISTING("{\"title\":\"Boat\",\"is_spam\":false}"), OK(TOOL("report_seller_phone", "{\"phone\":\"555 010-0199\",\"context_quote\":\"call me\"}"))}, 2, "{\"title\":\"Boat\"}", NULL, false},
    {"brains 10 phone: first which screenshots show the description", "claude", ask_extract_two, PHONE,
     {LISTING("{\"title\":\"Boat\",\"is_spam\":false}"), OK(TOOL("report_description_screenshots", "{\"indices\":[2,9]}")), OK(TOOL("report_seller_phone", "{\"phone\":\"5550100199\",\"context_quote\":\"5550100199\"}"))}, 3,
     "{\"phone\":\"5550100199\",\"title\":\"Boat\"}", NULL, false},
    {"brains 10 phone: no answer costs only the number", "claude", ask_extract, PHONE, {LISTING("{\"title\":\"Boat\",\"is_spam\":false}"), {401, 0, "", 0}}, 2, "{\"title\":\"Boat\"}", NULL, false},

    /* a click's point, looked at again */
    {"brains 11 (612,233) for (600,240): confidence .95", "claude", ask_regard, "Open it", {OK(TOOL("report_clickable", "{\"x\":612,\"y\":233}"))}, 1, "612,233 0.95", "claude-sonnet-4-6", false},
    {"agent-loop 15 confidence falls with the distance", "claude", ask_regard, "Open it", {OK(TOOL("report_clickable", "{\"x\":800,\"y\":240}"))}, 1, "800,240 0.60", NULL, false},
    {"brains 11 none keeps the point", "claude", ask_regard, "Open it", {OK(TOOL("report_clickable", "{\"none\":true,\"x\":1,\"y\":1}"))}, 1, "600,240 0.20", NULL, false},
    {"agent-loop 15 failures are .2", "claude", ask_regard, "Open it", {{401, 0, "", 0}}, 1, "600,240 0.20", NULL, false},
    {"brains 11 two tries", "claude", ask_regard, "Open it", {{529, 0, "", 0}}, 2, "600,240 0.20", NULL, false},
    {"agent-loop 15 no description: .3, and nobody is asked", "claude", ask_regard, "", {{401, 0, "", 0}}, 0, "600,240 0.30", NULL, false},
    {"brains 11 outside the image keeps the point", "claude", ask_regard, "Open it", {OK(TOOL("report_clickable", "{\"x\":1300,\"y\":240}"))}, 1, "600,240 0.20", NULL, false},
    {"agent-loop 15 a server of ours: .8", "vlm", ask_regard, "Open it", {OK(CHAT("{\\\"x\\\": 644, \\\"y\\\": 364}"))}, 1, "640,360 0.80", NULL, false},
    {"agent-loop 15 a page says what stands there: .5, and nobody is asked", "claude", ask_regard, "Open it", {{401, 0, "", 0}}, 0, "600,240 0.50", NULL, true},
    {"agent-loop 15 a cancel is a cancel", "claude", ask_regard, "Open it", {{E_CANCELLED, 0, "stop", 0}}, 1, "cancelled: ...", NULL, false},

    /* the model of this pod */
    {"brains 10 MANTIS_FORM_TARGET_PROVIDER: one click call, in its own coordinates", "vlm", ask_find_label, "Search", {OK(CHAT("click(x=644, y=364)"))}, 1, "640,360 'Search' / node -1", "holo3-35b-a3b", false},
    {"brains 10 vlm: a field is one that is typed into", "vlm", ask_find_field, "Name", {OK(CHAT("click(x=644, y=364)"))}, 1, "640,360 'Name' input/textbox node -1", NULL, false},
    {"brains 10 vlm: done(false) is not found", "vlm", ask_find_label, "Search", {OK(CHAT("done(success=false, summary=\\\"a login form\\\")"))}, 1, "not_found: 'Search' is not seen: a login form", NULL, false},
    {"brains 10 vlm: another action is nothing", "vlm", ask_find_label, "Search", {OK(CHAT("scroll(direction=\\\"down\\\", amount=3)"))}, 1, "not_found: 'Search' is not seen", NULL, false},
    {"brains 10 vlm: what is no click is nothing", "vlm", ask_find_label, "Search", {OK(CHAT("I would search."))}, 2, "upstream: the answer of 'holo3-35b-a3b' to 'target' cannot be used: there is no action in it", NULL, false},
    {"brains 10 vlm: a click outside its picture is nothing", "vlm", ask_find_label, "Search", {OK(CHAT("click(x=1400, y=364)"))}, 1, "not_found: 'Search' is not seen", NULL, false},
    {"brains 10 vlm: an answer that is no action is asked for again", "vlm", ask_find_label, "Search", {OK(CHAT("hm")), OK(CHAT("click(x=644, y=364)"))}, 2, "640,360 'Search' / node -1", NULL, false},
    {"brains 10 vlm: verification is one JSON object", "vlm", ask_visible, "Results for boats", {OK(CHAT("Here: {\\\"passed\\\": true, \\\"reason\\\": \\\"12 boats\\\"}"))}, 1, "yes: 12 boats", NULL, false},
    {"brains 10 vlm: its no is a no", "vlm", ask_visible, "Results for boats", {OK(CHAT("{\\\"passed\\\": false, \\\"reason\\\": \\\"a map\\\"}"))}, 1, "no: a map", NULL, false},
    {"brains 10 vlm: one bad answer is asked for again", "vlm", ask_visible, "Results for boats", {OK(CHAT("yes")), OK(CHAT("{\\\"passed\\\": true, \\\"reason\\\": \\\"r\\\"}"))}, 2, "yes: r", NULL, false},
    {"brains 12 vlm: a point in JSON is in its own coordinates", "vlm", ask_next_page, NULL, {OK(CHAT("{\\\"x\\\": 644, \\\"y\\\": 364, \\\"label\\\": \\\"Next\\\"}"))}, 1, "640,360 'Next' / node -1", NULL, false},
    {"brains 10 vlm: outside its picture is nothing", "vlm", ask_next_page, NULL, {OK(CHAT("{\\\"x\\\": 1288, \\\"y\\\": 364, \\\"label\\\": \\\"Next\\\"}"))}, 1, "not_found: a next page is spoken of, but no point in the picture was given", NULL, false},

    /* a page that can be read comes first */
    {"design 4 page first: what it says is asked of nobody", "claude", ask_visible, "The page shows \"Blue boat\"", {GATE("{\"passed\":false,\"reason\":\"r\"}")}, 0, "yes: 'Blue boat' is shown", NULL, true},
    {"design 4 page first: what it leaves open is asked", "claude", ask_visible, "The picture is cheerful", {GATE("{\"passed\":true,\"reason\":\"bright\"}")}, 1, "yes: bright", NULL, true},
    {"design 4 page first: a target that it has", "claude", ask_find_label, "Blue boat for 120 euros", {TARGET("{\"action\":\"not_found\"}")}, 0, "110,115 'Blue boat for 120 euros' a/link node 3", NULL, true},
    {"design 4 page first: a target that it lacks", "claude", ask_find_field, "Find", {TARGET("{\"x\":100,\"y\":215,\"action\":\"type\",\"label\":\"Find\"}")}, 1, "100,215 '' input/textbox node 5", NULL, true},
    {"design 4 page first: neither has it: both say so", "claude", ask_find_label, "Zeppelin", {TARGET("{\"action\":\"not_found\",\"label\":\"boats\"}")}, 1, "not_found: no control like 'zeppelin' on the page; nearest: 'Boats', 'Blue boat for 120 euros'; a model: 'Zeppelin' is not seen: boats", NULL, true},
    {"design 4 a point where nothing stands is not believed", "claude", ask_find_label, "Zeppelin", {TARGET("{\"x\":1100,\"y\":500,\"action\":\"click\",\"label\":\"Zeppelin\"}")}, 1, "not_found: no control like 'zeppelin' on the page; nearest: 'Boats', 'Blue boat for 120 euros'; a model: it pointed at (1100,500), where nothing stands", NULL, true},
    {"design 4 page first: its answer stands when nobody answers", "claude", ask_visible, "The picture is cheerful", {{401, 0, "", 0}}, 1, "unknown: looked for 'the picture is cheerful' in title and headings; the page is headed 'Boats' (no model said more: the model server...", NULL, true},
    {"design 4 page first: it knows what covers it", "claude", ask_dismiss, NULL, {AFFORDS("{\"action\":\"not_found\"}")}, 0, "not_found: no consent box, newsletter or dialog covers the page", NULL, true},
    {"design 4 page first: it knows what loads more", "claude", ask_more, NULL, {AFFORDS("{\"action\":\"not_found\"}")}, 0, "not_found: no control loads more: no 'Load more', 'Try again'", NULL, true},
    {"design 4 page first: it knows its controls", "claude", ask_reveal, REVEAL, {CONTROL("{\"action\":\"none\"}")}, 0, "not_found: no control is left that shows more of the item", NULL, true},
    {"design 4 page first: a required value that it lacks is asked for", "claude", ask_extract, "{\"fields\":[{\"name\":\"hull\",\"required\":true}]}", {LISTING("{\"hull\":\"steel\",\"is_spam\":false}")}, 1,
     "{\"hull\":\"steel\"}", NULL, true},
    {"design 4 a part of a word is not the place", "claude", ask_evidence, "{\"fields\":[{\"name\":\"hull\",\"required\":true}]}", {LISTING("{\"hull\":\"12\",\"is_spam\":false}")}, 1,
     "{\"hull\":{\"box\":null,\"look\":0,\"method\":\"model\",\"text\":\"12\",\"url\":\"http://a.test/\"}}", NULL, true},
    {"design 4 what a model read has the place that shows it", "claude", ask_evidence, "{\"fields\":[{\"name\":\"hull\",\"required\":true}]}", {LISTING("{\"hull\":\"120 euros\",\"is_spam\":false}")}, 1,
     "{\"hull\":{\"box\":[10,100,200,30],\"look\":0,\"method\":\"model\",\"text\":\"Blue boat for 120 euros\",\"url\":\"http://a.test/\"}}", NULL, true},
};
/* clang-format on */

static bool comes_as(const char *got, const char *wanted)
{
    size_t len = strlen(wanted);
    return str_ends(wanted, "...") ? !strncmp(got, wanted, len - 3) : !strcmp(got, wanted);
}

static int answers_given(const struct row *row)
{
    int n = 0;
    while (n < MAX_ANSWERS && row->answers[n].status)
        n++;
    return n;
}

static void one_row(void **state)
{
    const struct row *row = *state;
    const struct observation obs = row->on_page ? with_page() : pixels;
    answers(row->answers, answers_given(row));
    struct reader *reader = reader_of(row->spec);
    const char *got = row->ask(reader, &obs, row->with);
    reader_destroy(reader);
    if (!comes_as(got, row->comes))
        fail_msg("'%s' is not '%s'", got, row->comes);
    assert_int_equal(server.calls, row->calls);
    if (row->models)
        assert_string_equal(models_asked(), row->models);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(table)];
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        tests[i] =
            (struct CMUnitTest){table[i].row, one_row, reader_rig_fresh, NULL, (void *)&table[i]};
    return cmocka_run_group_tests(tests, reader_rig_begin, reader_rig_end);
}
