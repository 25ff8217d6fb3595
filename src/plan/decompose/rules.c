/*
 * rules.c - everything a clause can say, as forms (match.h). The first form that fits wins, so the
 * narrow ones stand before the wide ones. A new way of saying something is one more row.
 */
#include "plan/decompose/rules.h"

#include <string.h>

#define SITE   "website|site|webpage|page|url|address|link|homepage|shop|store|app|portal"
#define FIELD  "field|box|input|bar|area|textbox|textarea|editor"
#define DROP   "dropdown|drop-down|list|menu|select|selector|picker|field|box|combobox|filter"
#define THINGS "results|listings|list|items|products|page|table"
#define PRESS  "click|press|tap|hit|push"
#define READ                                                                                       \
    "extract|read|collect|note|get|grab|record|copy|capture|scrape|gather|list|fetch|retrieve|"    \
    "report"
#define WRITE "type|enter|write|put|input|fill"
#define CHECK "verify|check|confirm|ensure|assert|validate"
#define WHO   "user|me|operator|person|human|customer"
#define BANNER                                                                                     \
    "banner|popup|pop-up|dialog|notice|message|prompt|overlay|window|cookies|cookie|consent"

/* clang-format off */
static const struct rule rules[] = {
    /* addresses */
    {"go|navigate|browse|head|surf to {u:url}", build_open_url, ""},
    {"go|navigate|browse|head to ~ " SITE " [at|of|:] {u:url}", build_open_url, ""},
    {"go|navigate|browse|head to ~ {w:noun} " SITE " [at|of|:] {u:url}", build_open_url, ""},
    {"go|navigate|browse|head to ~ {w:noun} [:|at] {u:url}", build_open_url, ""},
    {"go|navigate|browse to ~ {w:noun} ( {u:url} )", build_open_url, ""},
    {"open|visit|load|launch|access|goto {u:url}", build_open_url, ""},
    {"open [up] ~ [web] [browser] [and|at|on|to] {u:url}", build_open_url, ""},
    {"open|visit|load|access ~ [web] " SITE " [at|of|:] {u:url}", build_open_url, ""},
    {"open|visit|load|access ~ {w:noun} [at|:] {u:url}", build_open_url, ""},
    {"open|visit|load|access ~ {w:noun} ( {u:url} )", build_open_url, ""},
    {"go|open|visit [to] {u:url} ( {t:list} )", build_open_url, ""},
    {"open|visit {u:url} in ~ [new] [browser|tab|window]", build_open_url, ""},
    {"start|begin [at|on|from|with] {u:url}", build_open_url, ""},
    {"open [up] ~ [web|new] browser [window]", build_nothing, ""},

    /* sign in */
    {"log|sign in|into [to] ~ [site|crm|website|account|app|shop] with|using ~ username|user|email|login|account [name|address] {u:text} and|,|with ~ [password] {p:text}", build_login, ""},
    {"log|sign in|into [to] [on] ~ [site|crm|website|account|app|shop|store|portal] as|with|using [user] {u:text} with|using|and|, ~ password {p:text}", build_login, ""},
    {"log|sign in as {u:text} ( password {p:text} )", build_login, ""},
    {"login as|with {u:text} with|using|and|, ~ password {p:text}", build_login, ""},

    /* search */
    {"search|look {u:url} for {q:text}", build_search, ""},
    {"search|look for {q:text} on|in|at {u:url}", build_search, ""},
    {"search|look for {q:text} in|on|using|with ~ {l:q} [" FIELD "]", build_search, ""},
    {"search|look for {q:text} in|on|using|with ~ [search] [" FIELD "]", build_search, ""},
    {"search|look for {q:text} on|in ~ [" SITE "|catalog|catalogue|inventory]", build_search, ""},
    {"search ~ [" SITE "|catalog|catalogue|inventory|list|results] for {q:text}", build_search, ""},
    {"use ~ search [" FIELD "|form|function] to search|look|find [for] {q:text}", build_search, ""},
    {"in|using ~ search [" FIELD "] [,] search|look [for] {q:text}", build_search, ""},
    {"find|search [for] {q:text} using|with|in|through ~ search [" FIELD "|form|function]", build_search, ""},
    {"search|look for|up {q:text}", build_search, ""},
    {"search {q:q}", build_search, ""},

    /* consent */
    {"accept|allow|agree [to] [all] ~ [cookie|cookies|consent] [cookie|cookies|consent|privacy] [" BANNER "] [if|when] [it|one|there] [is|appears|shows] [up] [shown|there|any|present]", build_banner, "accept"},
    {"dismiss|decline|reject|close|refuse [all] ~ [cookie|cookies|consent|newsletter] [cookie|cookies|consent|privacy] [" BANNER "] [if|when] [it|one|there] [is|appears|shows] [up] [shown|there|any|present]", build_banner, "dismiss"},
    {"accept|allow|dismiss|decline|reject|close it", build_banner, "accept"},

    /* conditions */
    {"if|when ~ {c:text} is|are [shown|visible|displayed|present|there|available]", build_if, ""},
    {"if|when ~ {c:text} appears|shows|pops [up]", build_if, ""},
    {"if there is|are ~ {c:text}", build_if, ""},

    /* ticks; before the conditions that "check" begins */
    {"check|tick|untick|uncheck|toggle ~ {l:label} box|checkbox|option|radio|switch [button]", build_check, ""},
    {"check|tick|untick|uncheck ~ box|checkbox [labelled|labeled|named|for|next] [to] ~ {l:label}", build_check, ""},
    {"tick|untick|uncheck ~ {l:label}", build_check, ""},
    {"check {l:q}", build_check, ""},

    /* checks */
    {"wait|pause [for] [about] {n:n} seconds|second|sec|secs|s", build_wait, ""},
    {"wait|pause [for] [about] {n:n} minutes|minute|min", build_wait, "minutes"},
    {CHECK " that|if|whether {c:list}", build_verify, ""},
    {"make|be sure that {c:list}", build_verify, ""},
    {"make sure {c:list} is|are|shows|appears", build_verify, ""},
    {CHECK " {c:list}", build_verify, ""},
    {"make sure {c:list}", build_verify, ""},
    {"wait until|for {c:list}", build_verify, ""},

    /* the user */
    {"ask ~ " WHO " [for|to] [enter|provide|give|type] ~ {w:text}", build_ask, ""},
    {"ask for ~ {w:text}", build_ask, ""},
    {"prompt ~ " WHO " for|to [enter|provide|type] ~ {w:text}", build_ask, ""},
    {"request ~ {w:text} from ~ " WHO, build_ask, ""},
    {"get ~ {w:text} from ~ " WHO, build_ask, ""},

    /* results, one after another */
    {"open|visit|click|view [on] ~ first|top|next {n:n} {w:noun} [in|on|from|of] ~ [one] [by] [one] [" THINGS "]", build_results, ""},
    {"open|visit|click|view|choose|select [on] ~ first|top {w:noun} [in|on|from|of] ~ [" THINGS "]", build_results, "first"},
    {"open|visit|click|view [on] each|every [one] [of] ~ [first|top] {n:n} {w:noun} [in|on] ~ [" THINGS "]", build_results, ""},
    {"open|visit|click|view [on] each|every|all [one] [of] ~ {w:noun} [in|on|from|of] ~ [" THINGS "] [in] [turn]", build_results, ""},
    {"go through each|every|all [one] [of] ~ [first|top] [" THINGS "]", build_results, ""},
    {"go through ~ first|top {n:n} {w:noun}", build_results, ""},
    {"for each|every [one] [of] ~ first|top|next {n:n} {w:noun} [in|on] ~ [" THINGS "]", build_each, ""},
    {"for ~ first|top|next {n:n} {w:noun} [in|on] ~ [" THINGS "]", build_each, ""},
    {"for each|every|all [one] [of] ~ {w:noun} [in|on] ~ [" THINGS "]", build_each, ""},
    {"for each|every [one] [of] [them]", build_each, ""},
    {"open|visit|click [on] it|them [up]", build_open_it, ""},
    {"open|visit|go [to] its|their|the [own|detail|details|product] page|details|detail|link", build_open_it, ""},
    {"repeat|do [this|it|that|these|the] [same] [steps|thing] [with|on] for ~ [first|top|next|other] [of] {n:n} {w:noun}", build_repeat, ""},
    {"repeat|do [this|it|that|these|the] [same] [steps|thing] for all|each|every|the [of] [other|remaining|the] results|listings|items|products|others|rest", build_repeat, ""},

    /* pages */
    {"repeat|do|continue [this|it|that|the] [same] [steps|thing] [for|on|over] [up] [to] ~ [first|next] {n:n} [more] pages", build_pages, ""},
    {"[for|over|through|across] up to {n:n} pages", build_pages, ""},
    {"for|over|through|across ~ [first|next] {n:n} pages", build_pages, ""},
    {"go|continue|page [through|on|over|for] [up] [to] ~ [first|next] {n:n} pages", build_pages, ""},
    {"repeat|do|continue [this|it|that|the] [same] [steps|thing] on|for|with|until ~ [all|each|every] [the] next|other|following|remaining|last page|pages", build_pages, ""},
    {"repeat|do|continue [this|it|that|the] [same] [steps|thing] for|on all|each|every [the] page|pages", build_pages, ""},
    {"repeat|continue|do [this|it|that|the] [same] until there are|is no more|next|further page|pages", build_pages, ""},
    {"repeat|continue|do the|this|it same|there|again", build_pages, ""},
    {"go|move|continue|proceed|navigate|advance [on] to ~ next page [of] [the] [" THINGS "]", build_next_page, ""},
    {"open ~ next page [of] [the] [" THINGS "]", build_next_page, ""},
    {"paginate", build_next_page, ""},

    /* back, scroll, wait, end */
    {"go|navigate back", build_back, ""},
    {"go|navigate|come back to ~ {w:noun} [" THINGS "]", build_back, ""},
    {"return to ~ {w:noun} [" THINGS "]", build_back, ""},
    {"scroll [down] to ~ bottom|end [of] ~ [page|list]", build_scroll, "end"},
    {"scroll [back] [up] to ~ top [of] ~ [page]", build_scroll, "end up"},
    {"scroll down [by] {n:n} times|screens|screen|pages|page|time", build_scroll, ""},
    {"scroll up [by] {n:n} times|screens|screen|pages|page|time", build_scroll, "up"},
    {"scroll down [by] [twice] {n:n}", build_scroll, ""},
    {"scroll down [the] [page] [a] [bit|little|screen|page]", build_scroll, ""},
    {"scroll up [the] [page] [a] [bit|little|screen|page]", build_scroll, "up"},
    {"scroll ~ page", build_scroll, ""},
    {"stop|finish|end|done [here] [there]", build_stop, ""},
    {"you are done", build_stop, ""},
    {"that is all", build_stop, ""},

    /* what only the reader may do */
    {"do not|never click|navigate|follow|paginate|leave {t:list}", build_nothing, ""},
    {"don't click|navigate|follow|paginate|leave {t:list}", build_nothing, ""},
    {"stay on this|the page", build_nothing, ""},
    {"this is ~ read-only task", build_nothing, ""},

    /* keys and the pointer */
    {"press|hit ~ {k:key} [key] [button]", build_key, ""},
    {"press|hit ~ {k:key} [key] {n:n} [times]", build_key, ""},
    {"right-click [on] ~ {l:label}", build_pointer, "right_click"},
    {"right click [on] ~ {l:label}", build_pointer, "right_click"},
    {"double-click [on] ~ {l:label}", build_pointer, "double_click"},
    {"double click [on] ~ {l:label}", build_pointer, "double_click"},
    {"drag ~ {a:label} to|onto|into|on ~ {b:label}", build_drag, ""},

    /* text */
    {"fill [in|out] ~ {l:label} [" FIELD "] with|: {v:text}", build_type, ""},
    {WRITE " [in] ~ [text|value|word|words] {v:text} in|into it|there", build_type, "it"},
    {WRITE " [in] ~ [text|value|word|words] {v:text} in|into|to|on ~ " FIELD " [named|called|labelled|labeled] {l:label}", build_type, ""},
    {WRITE " [in] ~ [text|value|word|words] {v:text} in|into|to|on ~ {l:label} [" FIELD "]", build_type, ""},
    {"type|enter|use|give|provide {v:text} as|for ~ {l:label} [" FIELD "]", build_type, ""},
    {"type|enter|write {v:q}", build_type, ""},
    {"type|enter [in] ~ {v:text}", build_type, "answer"},
    {"clear|empty ~ {l:label} [" FIELD "]", build_clear, ""},

    /* choices */
    {"choose|select|pick ~ {v:label} in|from|for|under|as ~ " DROP " [named|called|labelled|labeled] {l:label}", build_choose, ""},
    {"choose|select|pick ~ [option] {v:label} [option] in|from|for|under|as ~ {l:label} [" DROP "]", build_choose, ""},
    {"sort [" THINGS "] [the] [results|list] by {v:q}", build_sort, ""},
    {"filter ~ [" THINGS "] by|for|on|to ~ {l:label} [filter] =|:|is|of|to {v:text}", build_filter, ""},
    {"filter ~ [" THINGS "] by|for|on|to ~ {l:label}", build_filter, ""},
    {"set ~ {l:label} filter to {v:text}", build_filter, ""},
    {"apply ~ {l:label} filter", build_filter, ""},

    /* presses */
    {PRESS " [on] ~ {l:label} [button|link] if|when it is|appears [is] [shown|visible|there|present|displayed]", build_click_if, ""},
    {PRESS " [on] ~ {l:label} button", build_click, "button"},
    {PRESS " [on] ~ {l:label} link", build_click, "nav_link"},
    {PRESS " [on] ~ {l:label} tab", build_click, "tab"},
    {PRESS " [on] ~ {l:label} menu|context [item|entry|option]", build_click, "menu_item"},
    {PRESS " [on] ~ {l:label} row", build_click, "row_link"},
    {PRESS " [on] ~ {l:label} icon|image|picture|card|tile|option|checkbox|box|radio|toggle|switch|heading|title|arrow|field", build_click, ""},
    {PRESS " [on] ~ button [labelled|labeled|named|called|saying|that|marked] [says|reads] {l:label}", build_click, "button"},
    {PRESS " [on] ~ link [labelled|labeled|named|called|saying|that] [says|reads] {l:label}", build_click, "nav_link"},
    {PRESS " [on] ~ tab [labelled|labeled|named|called] {l:label}", build_click, "tab"},
    {"add|put it|this|item|product [item|product] to|in|into ~ cart|basket|bag [cart]", build_cart, ""},
    {"add|put ~ item|product to|in|into ~ [shopping] cart|basket|bag [cart]", build_cart, ""},
    {"submit ~ form", build_submit_form, ""},
    {"download ~ {l:label} [file|document]", build_download, ""},
    {PRESS " [on] ~ {l:label}", build_click, ""},
    {"choose|select|pick {l:q}", build_check, ""},
    {"go|switch to ~ {l:label} tab", build_open_label, "tab"},
    {"open ~ {l:label} tab", build_open_label, "tab"},
    {"go|navigate|switch to ~ {l:label} page|section|screen|view|area", build_open_label, ""},
    {"open|visit ~ {l:label} page|section|screen|view|menu|dialog|form|folder|message|record|row|link|details", build_open_label, ""},
    {"open|visit ~ {l:name}", build_open_label, ""},
    {"go to ~ {l:name}", build_open_label, ""},

    /* reading; last, for "get" and "list" begin much */
    {READ " [down|out] {f:list}", build_extract, ""},
    {"write down {f:list}", build_extract, ""},
    {"tell|give|show [me] {f:list}", build_extract, ""},
};

/* Words that say nothing by themselves at the head of a clause, and at its end. */
static const char *const overtures[] = {
    "please", "now", "then", "next", "finally", "lastly", "afterwards", "also", "just", "simply", "and", ",", ";", ":",
    "first", "firstly", "second ,", "secondly", "third ,", "thirdly", "last ,", "after that", "once there", "there",
    "ok", "okay", "so", "i want you to", "i want to", "i would like you to", "i'd like you to", "i need you to",
    "we want to", "you should", "you must", "you need to", "can you", "could you", "your task is to", "the task is to",
    "go ahead and", "be sure to", "make sure to", "make sure you", "try to", "start by", "begin by", "steps", "task",
    "help me", "let us", "let's", "from there ,", "from there",
    "on|in ~ {w:noun} page|screen|form|dialog|list|site|website|menu|tab|section|header|sidebar ,",
    "once|when|after ~ page|results|it|site|form|dialog [has|is|have|are] loads|loaded|opens|opened|appears|open|load|appear ,",
    "once|after you are|have logged|signed in ,", "once|after logged|signed|logging|signing in ,",
};
static const char *const codas[] = {"please", "now", "too", "again", "for me", "as well", "one by one", "there", "on the page", "on that page",
    "without clicking anything", "without clicking", "in turn", ", please", "if needed"};

/* Forms people try that this engine will not guess at. */
static const struct {
    const char *form, *advice;
} advices[] = {
    {"take|make|save ~ {t:list}", "a screenshot is kept of every step without being asked; leave it out"},
    {"set ~ {l:list} to {v:list}", "say \"choose V in L\" for a list, or \"type V into L\" for a field"},
    {"sort {t:list}", "say \"choose \"Price: low to high\" in \"Sort by\"\", with the words that stand on the page"},
    {"find {t:list}", "say \"search for ...\" to use the site's search, or \"extract title and price of all results\""},
    {"log|sign in|into {t:list}", "say \"log in as NAME with password WORD\""},
    {"open|click|visit ~ second|third|fourth|fifth|last {t:list}", "quote its name as it stands on the page"},
    {"open|click|choose|pick|select|buy|visit {t:list}", "quote the name that stands on the page; which one is best is not judged"},
    {"search|look for {q:list}", "quote what to search for"},
    {"type|enter|write {t:list}", "say \"type \"WORDS\" into \"FIELD\"\""},
    {"extract|read|collect|note|get|list|record {t:list}", "name the fields: \"extract title, price and phone\""},
    {"go|navigate|open|visit {t:list}", "say the whole address, as in \"open https://shop.example/\", or quote the link's name"},
};
/* clang-format on */

const char rules_help[] =
    "open URL; search for X; click X; type X into Y; choose X in Y; log in as U with password P; "
    "filter by X; open the first N results; extract A, B and C; for each result, ...; go to the "
    "next "
    "page; ask the user for X; verify that ...; if X is shown, ...; scroll down; wait N seconds; "
    "go back";

int rule_skip(const struct word *words, int n, int i)
{
    for (bool more = true; more && i < n;) {
        more = false;
        for (size_t k = 0; k < sizeof(overtures) / sizeof(overtures[0]) && !more; k++)
            for (int len = 1; len <= 10 && i + len <= n && !more; len++) {
                struct match m;
                if (!match_form(overtures[k], words + i, len, &m))
                    continue;
                i += len;
                more = true;
            }
    }
    return i;
}

static const struct rule *find(const struct word *words, int n, struct match *out)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (match_form(rules[i].form, words, n, out))
            return &rules[i];
    return NULL;
}

const struct rule *rule_find(const struct word *words, int n, struct match *out)
{
    const struct rule *rule = find(words, n, out);
    for (size_t k = 0; !rule && k < sizeof(codas) / sizeof(codas[0]); k++)
        for (int len = 1; len <= 4 && len < n && !rule; len++) {
            struct match m;
            if (match_form(codas[k], words + n - len, len, &m))
                rule = rule_find(words, n - len, out);
        }
    return rule;
}

const char *rule_advice(const struct word *words, int n)
{
    struct match m;
    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
        if (match_form(advices[i].form, words, n, &m))
            return advices[i].advice;
    return NULL;
}
