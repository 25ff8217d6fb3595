/*
 * model_reader_rig.h - a reader that is a model, over a transport that is a list: what it is shown, how it is
 * asked, and what came of it as words.
 */
#ifndef MANTIS_TESTS_MODEL_READER_RIG_H
#define MANTIS_TESTS_MODEL_READER_RIG_H

#include "unit/test.h"

#include "brain/model/ask.h"
#include "reader/reader.h"
#include "tools/fake_transport.h"

extern struct pool *pool;
extern struct fake_transport server; /* and the link to it */
extern struct model_link to_server;
extern struct reader_needs needs;
extern json_t *counted; /* ["gate claude_extract m 110+20"] */
extern double counted_s; /* of a server */

int reader_rig_begin(void **state); /* of a group */
int reader_rig_fresh(void **state); /* of a test */
int reader_rig_end(void **state);

extern const struct observation pixels; /* 1280x720, no page */
struct observation with_page(void);     /* the same with one */

void answers(const struct fake_answer *list, int n); /* of the server, from now on */
struct model_link link_to(struct fake_transport *t);
struct reader *reader_of(const char *spec);
const char *models_asked(void); /* blank-separated */

/* What comes of a question: "640,360 'Search' tag/role node 5", "yes: why", "not_found: why". */
typedef const char *ask_fn(struct reader *reader, const struct observation *obs, const char *with);
ask_fn ask_find_label, ask_find_field, ask_find_for, ask_find_filter, ask_find_right_of, ask_find_elsewhere, ask_next_page, ask_dismiss, ask_more, ask_reveal, ask_list, ask_extract, ask_extract_two, ask_evidence, ask_rows, ask_visible, ask_navigated, ask_shown, ask_regard;

/* --- answers --------------------------------------------------------------------------------- */

#define USAGE "\"usage\":{\"input_tokens\":110,\"output_tokens\":20}"
#define TOOL(name, input)                                                                          \
    "{\"model\":\"m\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"" name          \
    "\",\"input\":" input "}]," USAGE "}"
#define SAYS(text)                                                                                 \
    "{\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}]," USAGE "}"
#define CHAT(text) "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"" text "\"}}]}"
#define OK(body)                                                                                   \
    {                                                                                              \
        200, 0, body, 0                                                                            \
    }
#define TARGET(input)  OK(TOOL("report_form_target", input))
#define AFFORDS(input) OK(TOOL("report_target_by_affordance", input))
#define GATE(input)    OK(TOOL("report_gate_verification", input))
#define LISTING(input) OK(TOOL("report_extracted_listing", input))

#define DESK                                                                                       \
    "{\"fields\":[{\"name\":\"title\",\"required\":true},{\"name\":\"price\",\"type\":\"int\"}]}"
#define SPAMMY                                                                                     \
    "{\"fields\":[\"title\"],\"spam_indicators\":[\"dealer\"],\"spam_label\":\"a dealer's\"}"
#define PHONE "{\"fields\":[\"title\",\"phone\"]}"
#define REVEAL                                                                                     \
    "{\"fields\":[\"phone\"],\"allowed_controls\":[\"show phone\",\"show "                         \
    "email\"],\"forbidden_controls\":[\"report\"]}"
#define CONTROL(input) OK(TOOL("report_content_control", input))
#define LISTS(input)   OK(TOOL("report_listings", input))
#define ROWS(input)    OK(TOOL("report_extracted_rows", input))
#define PAGES(input)   OK(TOOL("report_pagination", input))

#endif
