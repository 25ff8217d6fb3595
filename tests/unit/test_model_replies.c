/*
 * What models answer, and the action it is: every strategy, worked example and vector of brains.md.
 * The screen has 1280x720 pixels. "unread" marks a wait that stands for a reply nobody could read.
 */
#include "unit/test.h"

#include <string.h>

#include "base/str.h"
#include "unit/model_rig.h"

static struct pool *pool;

struct row {
    const char *row;
    const char *profile;
    const char *text;        /* of the reply, NULL none */
    const char *tool, *args; /* its tool call, NULL none */
    const char *want;        /* as rig_words() says it */
    const char *thinking;    /* "" not looked at */
    const char *predicted;   /* as JSON, "" not looked at */
};

#define SAYS(row, profile, text, want)                                                             \
    {                                                                                              \
        row, profile, text, NULL, NULL, want, "", ""                                               \
    }
#define THINKS(row, profile, text, want, thinking)                                                 \
    {                                                                                              \
        row, profile, text, NULL, NULL, want, thinking, ""                                         \
    }
#define CALLS(row, profile, tool, args, want)                                                      \
    {                                                                                              \
        row, profile, "", tool, args, want, "", ""                                                 \
    }

/* clang-format off */
static const struct row rows[] = {
    /* --- holo3 --- */
    CALLS("brains 2 a tool call is read first", "holo3", "click", "{\"x\":644,\"y\":364}", "click 640,360"),
    THINKS("brains 2 a native call, and what stands before it is thought", "holo3", "I will open it.\nclick(x=644, y=364)", "click 640,360", "I will open it."),
    SAYS("brains 2 a native call behind Action:, with a Python dict", "holo3", "Action: done({'success': True, 'summary': 'Total: 12'})", "done true: Total: 12"),
    THINKS("brains 2 Action: itself is not thought", "holo3", "Fine.\nAction: click(x=644, y=364)", "click 640,360", "Fine."),
    THINKS("brains 2 Action: before a code fence", "holo3", "Fine.\nAction:\n```\nclick(x=644, y=364)\n```", "click 640,360", "Fine."),
    SAYS("brains 2 a key called by its name", "holo3", "Tab()", "key tab"),
    SAYS("brains 2 Escape()", "holo3", "Escape()", "key escape"),
    SAYS("brains 2 Backspace()", "holo3", "Backspace()", "key backspace"),
    SAYS("brains 2 Delete()", "holo3", "Delete()", "key delete"),
    SAYS("brains 2 Page_Down()", "holo3", "Page_Down()", "key pagedown"),
    SAYS("brains 2 Page_Up()", "holo3", "Page_Up()", "key pageup"),
    SAYS("brains 2 Home()", "holo3", "Home()", "key home"),
    SAYS("brains 2 End()", "holo3", "End()", "key end"),
    SAYS("brains 2 Return()", "holo3", "Return()", "key Return"),
    SAYS("brains 2 native arguments as JSON", "holo3", "click({\"x\": 644, \"y\": 364})", "click 640,360"),
    SAYS("brains 2 an object with action", "holo3", "{\"action\":\"type\",\"text\":\"lisbon\"}", "type lisbon"),
    SAYS("brains 2 an object in a code fence", "holo3", "```json\n{\"action\": \"scroll\", \"direction\": \"up\", \"amount\": 4}\n```", "scroll up 4"),
    SAYS("brains 2 an object with command", "holo3", "{\"command\":\"key\",\"key\":\"Enter\"}", "key Enter"),
    SAYS("brains 2 an object with code", "holo3", "{\"code\":\"scroll(direction='down', amount=8)\"}", "scroll down 8"),
    SAYS("brains 2 an object with a coordinate", "holo3", "{\"action\":\"left_click\",\"coordinate\":[644,364]}", "click 640,360"),
    SAYS("brains 2 an object with status and message", "holo3", "{\"action\":\"done\",\"status\":\"failure\",\"message\":\"no rows\"}", "done false: no rows"),
    SAYS("brains 2 an object with seconds", "holo3", "{'action': 'wait', 'seconds': 2.5,}", "wait 2.5"),
    SAYS("brains 2 a positional pyautogui click", "holo3", "pyautogui.click(644, 364)", "click 640,360"),
    SAYS("brains 2 write", "holo3", "write('abc')", "type abc"),
    SAYS("brains 2 pyautogui hotkey", "holo3", "pyautogui.hotkey('ctrl','l')", "key ctrl+l"),
    SAYS("brains 2 a negative wheel goes down", "holo3", "pyautogui.scroll(-6)", "scroll down 6"),
    SAYS("brains 2 a native wheel goes down too", "holo3", "scroll(-6)", "scroll down 6"),
    SAYS("brains 2 a positive wheel goes up", "holo3", "scroll(6)", "scroll up 6"),
    SAYS("brains 2 terminate failure, positional", "holo3", "terminate('failure')", "done false: "),
    SAYS("brains 2 terminate failure, by name", "holo3", "terminate(status='failure')", "done false: "),
    SAYS("brains 2 terminate success", "holo3", "terminate(\"success\")", "done true: "),
    SAYS("brains 2 a line DONE", "holo3", "All rows are read.\nDONE", "done true: All rows are read."),
    SAYS("brains 2 a line FAIL", "holo3", "**FAIL**", "done false: "),
    SAYS("brains 2 a keyword inside a word is none", "holo3", "I abandoned the idea. It FAILED-ish, not DONE yet.", "wait 1 unread"),
    SAYS("brains 2 nothing that can be read", "holo3", "The page shows a list of boats.", "wait 1 unread"),
    SAYS("brains 2 a click without coordinates is none", "holo3", "click()", "wait 1 unread"),
    SAYS("brains 2 a click with one coordinate is none", "holo3", "click(x=644)", "wait 1 unread"),
    SAYS("brains 2 a negative coordinate is none", "holo3", "click(x=-4, y=364)", "wait 1 unread"),
    SAYS("brains 2 what is no action leaves it to the next call", "holo3", "click(x=0, y=0) or key_press(keys=\"Escape\")", "key Escape"),
    SAYS("brains 2 doubleclick", "holo3", "doubleclick(x=644, y=364)", "double_click 640,360"),
    SAYS("brains 2 press and hotkey keep positional arguments", "holo3", "hotkey('ctrl','l')", "key ctrl+l"),
    SAYS("brains 2 press keeps its key", "holo3", "press('enter')", "key enter"),
    SAYS("brains 2 typewrite keeps its text", "holo3", "typewrite('abc')", "type abc"),
    SAYS("brains 2 type is type_text", "holo3", "type(text=\"abc\")", "type abc"),
    SAYS("brains 2 a list of keys is joined", "holo3", "key_press(keys=[\"ctrl\", \"shift\", \"t\"])", "key ctrl+shift+t"),
    SAYS("brains 2 a number is the leading integer of its text", "holo3", "click(x=\"644px\", y=\"364 px\")", "click 640,360"),
    SAYS("brains 2 a point by names that need no quotes", "holo3", "click(x: 644, y: 364)", "click 640,360"),
    SAYS("brains 2 done succeeds unless it says otherwise", "holo3", "done(summary=\"ok\")", "done true: ok"),
    SAYS("brains 2 done with yes", "holo3", "done(success=\"yes\", summary=\"ok\")", "done true: ok"),
    SAYS("brains 2 done with true as text", "holo3", "done(success=\"true\", summary=\"ok\")", "done true: ok"),
    SAYS("brains 2 done with 1", "holo3", "done(success=1, summary=\"ok\")", "done true: ok"),
    SAYS("brains 2 done with success as text", "holo3", "done(success=\"success\", summary=\"ok\")", "done true: ok"),
    SAYS("brains 2 done with no", "holo3", "done(success=\"no\", summary=\"gone\")", "done false: gone"),
    SAYS("brains 2 done with false as text", "holo3", "done(success=\"false\", summary=\"gone\")", "done false: gone"),
    SAYS("brains 2 done with its positional summary", "holo3", "done(True, 'Total: 12')", "done true: Total: 12"),
    SAYS("brains 2 done with only a summary", "holo3", "done('Total: 12')", "done true: Total: 12"),
    SAYS("brains 2 a comma does not end a text", "holo3", "type_text(text=\"a, b\")", "type a, b"),
    SAYS("brains 2 a bracket does not end a text", "holo3", "type_text(text='a) b')", "type a) b"),
    SAYS("brains 2 a quote inside a text", "holo3", "type_text(text='it\\'s')", "type it's"),
    SAYS("brains 2 a quote inside a text that nobody escaped", "holo3", "type_text(text='it's here')", "type it's here"),
    SAYS("brains 2 escapes in a text", "holo3", "type_text(text=\"caf\\u00e9 \\ud83d\\ude00\\tx\")", "type café 😀\tx"),
    SAYS("brains 2 prose that looks like a call shadows nothing", "holo3", "As I see(1), the list is open.\nclick(x=644, y=364)", "click 640,360"),
    SAYS("brains 2 of several calls the last counts", "holo3", "I did click(x=100, y=100). Now key_press(keys=\"Return\")", "key Return"),
    SAYS("brains 2 a plural is nothing to type", "holo3", "Choose the item type(s) first.", "wait 1 unread"),
    SAYS("brains 2 a scroll keeps its point", "holo3", "scroll(direction=\"down\", amount=5, x=644, y=364)", "scroll down 5 at 640,360"),
    SAYS("brains 2 drag", "holo3", "drag(start_x=644, start_y=364, end_x=1000, end_y=500)", "drag 640,360 to 993,494"),
    SAYS("brains 2 navigate", "holo3", "navigate(url=\"https://a.test/x\")", "type https://a.test/x"),
    CALLS("brains 2 a coordinate in a tool call", "holo3", "click", "{\"coordinate\":[644,364]}", "click 640,360"),
    CALLS("brains 2 fractions in a tool call", "holo3", "click", "{\"x\":0.324,\"y\":0.338}", "click 415,243"),
    CALLS("brains 2 zero and one are pixels unless written with a point", "holo3", "click", "{\"x\":1,\"y\":1}", "click 0,0"),
    SAYS("brains 2 a wait whose seconds are no number is one second", "holo3", "wait(seconds=x)", "wait 1"),
    SAYS("brains 2 wait", "holo3", "wait(seconds=2)", "wait 2"),
    CALLS("brains 2 a click whose arguments are no JSON is none", "holo3", "click", "x=1", "wait 1 unread"),
    CALLS("brains 2 an unknown tool waits a second", "holo3", "levitate", "{}", "wait 1 unread"),
    CALLS("brains 2 a key nobody knows is none", "holo3", "key_press", "{\"keys\":\"ctrl+frobnicate\"}", "wait 1 unread"),
    THINKS("brains 2 a thought whose beginning stood in the prompt", "holo3", "The menu is open.</think>\nclick(x=644, y=364)", "click 640,360", "The menu is open."),
    SAYS("brains 2 a thought that was not finished is no action", "holo3", "<think>should I click(x=644, y=364) or", "wait 1 unread"),
    {"brains 2 a prediction is kept and is no action", "holo3", "click(x=644, y=364)\nPredicted: url_changed, wait(5)", NULL, NULL, "click 640,360", "", "\"url_changed, wait(5)\""},
    SAYS("brains 2 text that says Predicted: is typed whole", "holo3", "type_text(text=\"Score Predicted: 3\")", "type Score Predicted: 3"),

    /* --- fara --- */
    SAYS("brains 3 a click in the text, scaled", "fara", "computer_use({\"action\":\"left_click\",\"coordinate\":[714,448]})", "click 640,360"),
    SAYS("brains 3 a scroll with single quotes", "fara", "{'action':'scroll','coordinate':[300,200],'scroll_direction':'up'}", "scroll up 3 at 269,161"),
    CALLS("brains 3 left_click", "fara", "computer_use", "{\"action\":\"left_click\",\"coordinate\":[1011,77]}", "click 906,62"),
    CALLS("brains 3 type", "fara", "computer_use", "{\"action\":\"type\",\"text\":\"lisbon\",\"press_enter\":true}", "type lisbon (enter)"),
    CALLS("brains 3 type_text that clears first", "fara", "computer_use", "{\"action\":\"type_text\",\"text\":\"x\",\"delete_existing_text\":true}", "type x (clear)"),
    CALLS("brains 3 clear_first", "fara", "computer_use", "{\"action\":\"type\",\"text\":\"x\",\"clear_first\":\"true\"}", "type x (clear)"),
    CALLS("brains 3 press_key", "fara", "computer_use", "{\"action\":\"press_key\",\"key\":\"Escape\"}", "key Escape"),
    CALLS("brains 3 a list of keys", "fara", "computer_use", "{\"action\":\"key\",\"keys\":[\"ctrl\",\"a\"]}", "key ctrl+a"),
    CALLS("brains 3 submit presses Return", "fara", "computer_use", "{\"action\":\"submit\"}", "key Return"),
    CALLS("brains 3 enter presses what it says", "fara", "computer_use", "{\"action\":\"enter\",\"text\":\"Tab\"}", "key Tab"),
    CALLS("brains 3 scroll without a point goes down three", "fara", "computer_use", "{\"action\":\"scroll\"}", "scroll down 3"),
    CALLS("brains 3 wait is one second", "fara", "computer_use", "{\"action\":\"wait\"}", "wait 1"),
    CALLS("brains 3 wait by duration", "fara", "computer_use", "{\"action\":\"wait\",\"duration\":2.5}", "wait 2.5"),
    CALLS("brains 3 wait by seconds", "fara", "computer_use", "{\"action\":\"wait\",\"seconds\":4}", "wait 4"),
    CALLS("brains 3 visit_url", "fara", "computer_use", "{\"action\":\"visit_url\",\"url\":\"https://a.test/\"}", "type https://a.test/"),
    CALLS("brains 3 visit_url without https", "fara", "computer_use", "{\"action\":\"visit_url\",\"url\":\"a.test:8000/x\"}", "type https://a.test:8000/x"),
    CALLS("brains 3 visit_url of something that is no page", "fara", "computer_use", "{\"action\":\"visit_url\",\"url\":\"javascript:alert(1)\"}", "wait 0.5 unread"),
    CALLS("brains 3 history_back", "fara", "computer_use", "{\"action\":\"history_back\"}", "key alt+Left"),
    CALLS("brains 3 web_search is form-encoded", "fara", "computer_use", "{\"action\":\"web_search\",\"query\":\"red & blue\"}", "type https://www.google.com/search?q=red+%26+blue"),
    CALLS("brains 3 mouse_move hovers", "fara", "computer_use", "{\"action\":\"mouse_move\",\"coordinate\":[714,448]}", "move 640,360"),
    CALLS("brains 3 a fact is kept", "fara", "computer_use", "{\"action\":\"pause_and_memorize_fact\",\"text\":\"Total 12\"}", "wait 0.2 fact Total 12"),
    CALLS("brains 3 terminate", "fara", "computer_use", "{\"action\":\"terminate\",\"status\":\"failure\",\"summary\":\"stuck\"}", "done false: stuck"),
    CALLS("brains 3 terminate succeeds unless it says otherwise", "fara", "computer_use", "{\"action\":\"terminate\"}", "done true: "),
    CALLS("brains 3 double_click", "fara", "computer_use", "{\"action\":\"double_click\",\"coordinate\":[714,448]}", "double_click 640,360"),
    CALLS("brains 3 a click without a coordinate is none", "fara", "computer_use", "{\"action\":\"left_click\"}", "wait 0.5 unread"),
    CALLS("brains 3 an empty query is none", "fara", "computer_use", "{\"action\":\"web_search\",\"query\":\" \"}", "wait 0.5 unread"),
    CALLS("brains 3 an empty address is none", "fara", "computer_use", "{\"action\":\"visit_url\",\"url\":\"\"}", "wait 0.5 unread"),
    CALLS("brains 3 something else waits half a second", "fara", "computer_use", "{\"action\":\"juggle\"}", "wait 0.5 unread"),
    CALLS("brains 3 coord is a coordinate", "fara", "computer_use", "{\"action\":\"left_click\",\"coord\":[714,448]}", "click 640,360"),
    CALLS("brains 3 x and y are a coordinate", "fara", "computer_use", "{\"action\":\"left_click\",\"x\":\"714\",\"y\":448.9}", "click 640,360"),
    CALLS("brains 3 right_click", "fara", "computer_use", "{\"action\":\"right_click\",\"coordinate\":[714,448]}", "right_click 640,360"),
    CALLS("brains 3 left_click_drag", "fara", "computer_use", "{\"action\":\"left_click_drag\",\"start_coordinate\":[0,0],\"coordinate\":[714,448]}", "drag 0,0 to 640,360"),
    SAYS("brains 3 a tool call written as text", "fara", "<tool_call>\n{\"name\": \"computer_use\", \"arguments\": {\"action\": \"left_click\", \"coordinate\": [714, 448]}}\n</tool_call>", "click 640,360"),
    SAYS("brains 3 terminate in the text", "fara", "terminate(status=\"success\")", "done true: "),
    SAYS("brains 3 True, False and None", "fara", "{'action': 'type', 'text': 'x', 'press_enter': True, 'coordinate': None}", "type x (enter)"),
    SAYS("brains 3 DONE", "fara", "DONE", "done true: "),
    SAYS("brains 3 FAIL", "fara", "FAIL", "done false: "),
    SAYS("brains 3 nothing", "fara", "Hello.", "wait 1 unread"),

    /* --- claude --- */
    {"brains 4 type, and thinking is its reason", "claude", NULL, "computer", "{\"action\":\"type\",\"text\":\"lisbon\"}", "type lisbon", "", ""},
    CALLS("brains 4 left_click", "claude", "computer", "{\"action\":\"left_click\",\"coordinate\":[640,600]}", "click 640,600"),
    CALLS("brains 4 click", "claude", "computer", "{\"action\":\"click\",\"coordinate\":[640,600]}", "click 640,600"),
    CALLS("brains 4 right_click", "claude", "computer", "{\"action\":\"right_click\",\"coordinate\":[640,600]}", "right_click 640,600"),
    CALLS("brains 4 middle_click", "claude", "computer", "{\"action\":\"middle_click\",\"coordinate\":[640,600]}", "middle_click 640,600"),
    CALLS("brains 4 double_click", "claude", "computer", "{\"action\":\"double_click\",\"coordinate\":[640,600]}", "double_click 640,600"),
    CALLS("brains 4 triple_click is three clicks", "claude", "computer", "{\"action\":\"triple_click\",\"coordinate\":[640,600]}", "click 640,600 3 times"),
    CALLS("brains 4 a modifier is held during a click", "claude", "computer", "{\"action\":\"left_click\",\"coordinate\":[640,600],\"text\":\"shift\"}", "click 640,600 with shift"),
    CALLS("brains 4 words beside a click are no modifier", "holo3", "click", "{\"x\":644,\"y\":364,\"text\":\"Log in\"}", "click 640,360"),
    CALLS("brains 4 a letter is no modifier", "claude", "computer", "{\"action\":\"left_click\",\"coordinate\":[640,600],\"text\":\"a\"}", "click 640,600"),
    CALLS("brains 4 two modifiers", "claude", "computer", "{\"action\":\"left_click\",\"coordinate\":[640,600],\"text\":\"ctrl+shift\"}", "click 640,600 with ctrl+shift"),
    CALLS("brains 4 Return is enter", "claude", "computer", "{\"action\":\"key\",\"text\":\"Return\"}", "key enter"),
    CALLS("brains 4 BackSpace is backspace", "claude", "computer", "{\"action\":\"key\",\"key\":\"BackSpace\"}", "key backspace"),
    CALLS("brains 4 Page_Down is pagedown", "claude", "computer", "{\"action\":\"key\",\"keys\":\"Page_Down\"}", "key pagedown"),
    CALLS("brains 4 a chord is mapped part by part", "claude", "computer", "{\"action\":\"key\",\"text\":\"Control+Shift+F5\"}", "key ctrl+shift+f5"),
    CALLS("brains 4 Enter is enter", "claude", "computer", "{\"action\":\"key\",\"text\":\"Enter\"}", "key enter"),
    CALLS("brains 4 Escape", "claude", "computer", "{\"action\":\"key\",\"text\":\"Escape\"}", "key escape"),
    CALLS("brains 4 Tab", "claude", "computer", "{\"action\":\"key\",\"text\":\"Tab\"}", "key tab"),
    CALLS("brains 4 Delete", "claude", "computer", "{\"action\":\"key\",\"text\":\"Delete\"}", "key delete"),
    CALLS("brains 4 Home", "claude", "computer", "{\"action\":\"key\",\"text\":\"Home\"}", "key home"),
    CALLS("brains 4 End", "claude", "computer", "{\"action\":\"key\",\"text\":\"End\"}", "key end"),
    CALLS("brains 4 Left", "claude", "computer", "{\"action\":\"key\",\"text\":\"Left\"}", "key left"),
    CALLS("brains 4 F12", "claude", "computer", "{\"action\":\"key\",\"text\":\"F12\"}", "key f12"),
    CALLS("brains 4 Page_Up is pageup", "claude", "computer", "{\"action\":\"key\",\"text\":\"Page_Up\"}", "key pageup"),
    CALLS("brains 4 ctrl+Return", "claude", "computer", "{\"action\":\"key\",\"text\":\"ctrl+Return\"}", "key ctrl+enter"),
    CALLS("brains 4 scroll without anything", "claude", "computer", "{\"action\":\"scroll\",\"coordinate\":[0,0]}", "scroll down 3"),
    CALLS("brains 4 left_click_drag", "claude", "computer", "{\"action\":\"left_click_drag\",\"start_coordinate\":[1,2],\"coordinate\":[30,40]}", "drag 1,2 to 30,40"),
    CALLS("brains 4 screenshot", "claude", "computer", "{\"action\":\"screenshot\"}", "wait 0.5"),
    CALLS("brains 4 wait by duration", "claude", "computer", "{\"action\":\"wait\",\"duration\":3}", "wait 3"),
    CALLS("brains 4 the wait tool", "claude", "wait", "{}", "wait 1"),
    CALLS("brains 4 the wait tool with its seconds", "claude", "wait", "{\"seconds\":3}", "wait 3"),
    CALLS("brains 4 the done tool", "claude", "done", "{\"success\":true,\"summary\":\"ok\"}", "done true: ok"),
    CALLS("brains 4 mouse_move", "claude", "computer", "{\"action\":\"mouse_move\",\"coordinate\":[5,6]}", "move 5,6"),
    CALLS("brains 4 hold_key", "claude", "computer", "{\"action\":\"hold_key\",\"text\":\"shift+Tab\",\"duration\":1}", "key shift+tab"),
    CALLS("brains 4 left_mouse_down is said to be missing", "claude", "computer", "{\"action\":\"left_mouse_down\"}", "wait 1 unread"),
    CALLS("brains 4 something else waits a second", "claude", "computer", "{\"action\":\"levitate\"}", "wait 1 unread"),
    CALLS("brains 4 a missing coordinate is said", "claude", "computer", "{\"action\":\"left_click\"}", "wait 1 unread"),
    {"brains 4 an empty key is taken from the words", "claude", "I will press the Tab key now.", "computer", "{\"action\":\"key\"}", "key tab", "", ""},
    {"brains 4 an empty key, Return in the words", "claude", "Now I press the Return key.", "computer", "{\"action\":\"key\"}", "key enter", "", ""},
    {"brains 4 an empty key, Escape in the words", "claude", "Press the Escape key to close it.", "computer", "{\"action\":\"key\"}", "key escape", "", ""},
    {"brains 4 an empty key, BackSpace in the words", "claude", "I press the BackSpace key.", "computer", "{\"action\":\"key\"}", "key backspace", "", ""},
    {"brains 4 an empty key without words waits", "claude", "On we go.", "computer", "{\"action\":\"key\",\"text\":\"\"}", "wait 1 unread", "", ""},
    SAYS("brains 4 words alone can be done", "claude", "The task is complete.", "done true: The task is complete."),
    SAYS("brains 4 words alone can fail", "claude", "I am finished: I cannot log in.", "done false: I am finished: I cannot log in."),
    SAYS("brains 4 the word done", "claude", "I am done.", "done true: I am done."),
    SAYS("brains 4 done, and it fails", "claude", "Done: the login fails.", "done false: Done: the login fails."),
    SAYS("brains 4 words that are not done yet", "claude", "It is not done yet.", "wait 1 unread"),
    SAYS("brains 4 other words wait", "claude", "Let me think.", "wait 1 unread"),
    {"brains 4 expected of the tool's input", "claude", NULL, "computer", "{\"action\":\"key\",\"text\":\"Tab\",\"expected\":[\"frame_changed\"]}", "key tab", "", "[\"frame_changed\"]"},
    {"brains 4 a Predicted line", "claude", "Next field.\nPredicted: field_focused:mail", "computer", "{\"action\":\"key\",\"text\":\"Tab\"}", "key tab", "", "\"field_focused:mail\""},

    /* --- opencua, evocua --- */
    THINKS("brains 5 a pyautogui click with what stands before it", "opencua", "Open the menu.\npyautogui.click(x=1000, y=500)", "click 993,494", "Open the menu."),
    THINKS("brains 5 in a code fence", "evocua", "Open the menu.\n```python\npyautogui.click(1000, 500)\n```", "click 993,494", "Open the menu."),
    SAYS("brains 5 doubleClick", "opencua", "pyautogui.doubleClick(644, 364)", "double_click 640,360"),
    SAYS("brains 5 typewrite", "opencua", "pyautogui.typewrite('abc', interval=0.1)", "type abc"),
    SAYS("brains 5 write by name", "opencua", "pyautogui.write(message='abc')", "type abc"),
    SAYS("brains 5 hotkey with names that differ", "opencua", "pyautogui.hotkey('cmd', 'Return')", "key ctrl+enter"),
    SAYS("brains 5 hotkey as a list", "opencua", "pyautogui.hotkey(['command', 'a'])", "key ctrl+a"),
    SAYS("brains 5 press", "opencua", "pyautogui.press('enter')", "key enter"),
    SAYS("brains 5 scroll up", "opencua", "pyautogui.scroll(5)", "scroll up 5"),
    SAYS("brains 5 scroll down", "opencua", "pyautogui.scroll(-5)", "scroll down 5"),
    SAYS("brains 5 the first call counts", "opencua", "pyautogui.click(644, 364)\npyautogui.typewrite('x')", "click 640,360"),
    SAYS("brains 5 JSON click", "opencua", "{\"action\":\"click\",\"x\":644,\"y\":364}", "click 640,360"),
    SAYS("brains 5 JSON double_click", "opencua", "{\"action\":\"double_click\",\"x\":644,\"y\":364}", "double_click 640,360"),
    SAYS("brains 5 JSON type", "opencua", "{\"action\":\"type\",\"text\":\"abc\"}", "type abc"),
    SAYS("brains 5 JSON scroll", "opencua", "{\"action\":\"scroll\",\"direction\":\"up\",\"amount\":4}", "scroll up 4"),
    SAYS("brains 5 JSON done", "opencua", "{\"action\":\"done\",\"success\":false,\"summary\":\"gone\"}", "done false: gone"),
    SAYS("brains 5 a wait leaves it to an object", "opencua", "pyautogui.sleep(1)\n{\"action\":\"click\",\"x\":644,\"y\":364}", "click 640,360"),
    SAYS("brains 5 a wait without an object is a wait", "opencua", "pyautogui.sleep(2)", "wait 2"),
    SAYS("brains 5 JSON key", "opencua", "{\"action\":\"press\",\"key\":\"return\"}", "key enter"),
    SAYS("brains 5 JSON terminate", "opencua", "{\"action\":\"terminate\",\"status\":\"success\"}", "done true: "),
    SAYS("brains 5 terminate success", "opencua", "Name: Ann | none\nterminate('success')", "done true: "),
    SAYS("brains 5 DONE", "opencua", "DONE", "done true: "),
    SAYS("brains 5 FAIL", "opencua", "FAIL", "done false: "),
    SAYS("brains 5 keywords do not count beside a call", "opencua", "pyautogui.levitate()\nDONE", "wait 1 unread"),
    SAYS("brains 5 nothing", "opencua", "Hm.", "wait 1 unread"),
    {"brains 5 a line of expected", "opencua", "pyautogui.press('tab')\n{\"expected\": [\"field_focused\", \"frame_changed\"]}", NULL, NULL, "key tab", "", "[\"field_focused\",\"frame_changed\"]"},

    /* --- llamacpp, gemma4, agent-s --- */
    CALLS("brains 6 a tool call in screen pixels", "llamacpp", "click", "{\"x\":644,\"y\":364}", "click 644,364"),
    CALLS("brains 6 gemma4 is the same", "gemma4", "click", "{\"x\":644,\"y\":364,\"button\":\"right\"}", "right_click 644,364"),
    SAYS("brains 6 name({json})", "llamacpp", "click({\"x\": 10, \"y\": 20})", "click 10,20"),
    SAYS("brains 6 nested parameters", "llamacpp", "{\"action\":\"key\",\"params\":{\"keys\":\"Tab\"}}", "key Tab"),
    SAYS("brains 6 nested arguments", "llamacpp", "{\"action\":\"type\",\"arguments\":{\"text\":\"x\"}}", "type x"),
    SAYS("brains 6 JSON without nesting", "llamacpp", "{\"action\":\"left_click\",\"x\":10,\"y\":20}", "click 10,20"),
    SAYS("brains 6 terminate", "llamacpp", "{\"action\":\"terminate\",\"parameters\":{\"status\":\"success\"}}", "done true: "),
    SAYS("brains 6 click(x,y)", "llamacpp", "click(10, 20)", "click 10,20"),
    SAYS("brains 6 type_text", "llamacpp", "type_text('abc')", "type abc"),
    SAYS("brains 6 type_text by name", "llamacpp", "type_text(text='a')", "type a"),
    SAYS("brains 6 write", "llamacpp", "write('abc')", "type abc"),
    SAYS("brains 6 typewrite", "llamacpp", "typewrite('abc')", "type abc"),
    SAYS("brains 6 press", "llamacpp", "press('Tab')", "key Tab"),
    SAYS("brains 6 key_press", "llamacpp", "key_press('Enter')", "key Enter"),
    SAYS("brains 6 hotkey", "llamacpp", "hotkey('ctrl','l')", "key ctrl+l"),
    SAYS("brains 6 scroll by a word", "llamacpp", "scroll('down')", "scroll down 3"),
    SAYS("brains 6 scroll with its amount", "llamacpp", "scroll(direction='down', amount=7)", "scroll down 7"),
    SAYS("brains 6 done success", "llamacpp", "terminate success", "done true: "),
    SAYS("brains 6 fail", "llamacpp", "FAIL", "done false: "),
    SAYS("brains 6 a failure inside a sentence is none", "llamacpp", "The login did not fail.", "wait 1 unread"),
    SAYS("brains 6 agent-s in screen pixels", "agent-s", "pyautogui.click(644, 364)", "click 644,364"),
    SAYS("brains 6 any model: one object", "openai", "{\"action\": \"click\", \"x\": 10, \"y\": 20, \"reasoning\": \"why\"}", "click 10,20"),

    /* --- section 13 --- */
    CALLS("brains 13 content empty and a done call", "holo3", "done", "{\"success\":false,\"summary\":\"no rows\"}", "done false: no rows"),
    SAYS("brains 13 click(x=0, y=0) is no click", "holo3", "click(x=0, y=0)", "wait 1 unread"),
    SAYS("brains 13 pyautogui.click(0, 0) is no click", "holo3", "pyautogui.click(0, 0)", "wait 1 unread"),
    SAYS("brains 13 the whole text is typed", "holo3", "type_text(text=\"12:30, room b\")", "type 12:30, room b"),
    {"brains 13 think, scroll and a prediction", "holo3", "<think>go</think>scroll(direction=\"up\", amount=3)\nPredicted: frame_changed", NULL, NULL, "scroll up 3", "go", "\"frame_changed\""},
    SAYS("brains 13 key_press with a list", "holo3", "key_press({\"keys\":[\"ctrl\",\"a\"]})", "key ctrl+a"),
    SAYS("brains 13 terminate failure, holo3", "holo3", "terminate('failure')", "done false: "),
    SAYS("brains 13 terminate failure, opencua", "opencua", "terminate('failure')", "done false: "),
    SAYS("brains 13 terminate failure, llamacpp", "llamacpp", "terminate('failure')", "done false: "),
    SAYS("brains 13 hotkey, holo3", "holo3", "pyautogui.hotkey('ctrl','l')", "key ctrl+l"),
    SAYS("brains 13 hotkey, llamacpp", "llamacpp", "pyautogui.hotkey('ctrl','l')", "key ctrl+l"),
    SAYS("brains 13 typed text with a bracket", "opencua", "pyautogui.typewrite('a (b)')", "type a (b)"),
    SAYS("brains 13 fractions in text", "holo3", "click(x=0.324, y=0.338)", "click 415,243"),
    SAYS("brains 13 a list of keys for fara", "fara", "computer_use({\"action\":\"key\",\"text\":[\"ctrl\",\"l\"]})", "key ctrl+l"),
    CALLS("brains 13 a scroll of Anthropic's tool", "claude", "computer", "{\"action\":\"scroll\",\"coordinate\":[640,600],\"scroll_direction\":\"down\",\"scroll_amount\":5}", "scroll down 5 at 640,600"),
    SAYS("brains 13 hotkey as fenced JSON", "opencua", "```json\n{\"action\":\"hotkey\",\"keys\":[\"alt\",\"left\"]}\n```", "key alt+left"),
    SAYS("brains 13 nested parameters", "llamacpp", "{\"action\":\"left_click\",\"parameters\":{\"x\":10,\"y\":20}}", "click 10,20"),

    /* --- agent-loop.md section 2: the names of tool calls --- */
    CALLS("agent-loop 2 coordinate", "llamacpp", "click", "{\"coordinate\":[10,20]}", "click 10,20"),
    CALLS("agent-loop 2 coordinates", "llamacpp", "click", "{\"coordinates\":[10,20]}", "click 10,20"),
    CALLS("agent-loop 2 position", "llamacpp", "click", "{\"position\":[10,20]}", "click 10,20"),
    CALLS("agent-loop 2 point", "llamacpp", "click", "{\"point\":[10,20]}", "click 10,20"),
    CALLS("agent-loop 2 start_coordinate and end_coordinate", "llamacpp", "drag", "{\"start_coordinate\":[1,2],\"end_coordinate\":[3,4]}", "drag 1,2 to 3,4"),
    CALLS("agent-loop 2 content is text", "llamacpp", "type_text", "{\"content\":\"x\"}", "type x"),
    CALLS("agent-loop 2 key is keys", "llamacpp", "key_press", "{\"key\":\"Tab\"}", "key Tab"),
    CALLS("agent-loop 2 hotkey is keys", "llamacpp", "key_press", "{\"hotkey\":\"ctrl+c\"}", "key ctrl+c"),
    CALLS("agent-loop 2 keys as a list", "llamacpp", "key_press", "{\"keys\":[\"ctrl\",\"c\"]}", "key ctrl+c"),
    CALLS("agent-loop 2 finish", "llamacpp", "finish", "{\"success\":true,\"summary\":\"s\"}", "done true: s"),
    CALLS("agent-loop 2 complete", "llamacpp", "complete", "{\"status\":\"success\"}", "done true: "),
    CALLS("agent-loop 2 terminate", "llamacpp", "terminate", "{\"status\":\"failed\"}", "done false: "),
    CALLS("agent-loop 2 done reads status", "llamacpp", "done", "{\"status\":\"failure\",\"summary\":\"s\"}", "done false: s"),
    CALLS("agent-loop 2 done reads success as text", "llamacpp", "done", "{\"success\":\"false\",\"summary\":\"s\"}", "done false: s"),
    CALLS("agent-loop 2 done without success", "llamacpp", "done", "{\"summary\":\"s\"}", "done true: s"),
    CALLS("agent-loop 2 write", "llamacpp", "write", "{\"text\":\"x\"}", "type x"),
    CALLS("agent-loop 2 enter_text", "llamacpp", "enter_text", "{\"text\":\"x\"}", "type x"),
    CALLS("agent-loop 2 press", "llamacpp", "press", "{\"keys\":\"Tab\"}", "key Tab"),
    CALLS("agent-loop 2 right_click", "llamacpp", "right_click", "{\"x\":10,\"y\":20}", "right_click 10,20"),
    CALLS("agent-loop 2 middle_click", "llamacpp", "middle_click", "{\"x\":10,\"y\":20}", "middle_click 10,20"),
    CALLS("agent-loop 2 click with the middle button", "llamacpp", "click", "{\"x\":10,\"y\":20,\"button\":\"middle\"}", "middle_click 10,20"),
    CALLS("agent-loop 2 navigate", "llamacpp", "navigate", "{\"url\":\"https://a.test/\"}", "type https://a.test/"),
    CALLS("agent-loop 2 goto", "llamacpp", "goto", "{\"url\":\"https://a.test/\"}", "type https://a.test/"),
    CALLS("agent-loop 2 an unknown name waits a second", "llamacpp", "levitate", "{\"x\":1}", "wait 1 unread"),
    CALLS("agent-loop 2 a click without coordinates is none", "llamacpp", "click", "{}", "wait 1 unread"),
    CALLS("agent-loop 2 scroll sideways", "llamacpp", "scroll", "{\"direction\":\"left\",\"amount\":4}", "scroll left 4"),
    CALLS("agent-loop 2 scroll to the right", "llamacpp", "scroll", "{\"direction\":\"right\",\"amount\":4}", "scroll right 4"),
    CALLS("agent-loop 2 forty notches at most", "llamacpp", "scroll", "{\"direction\":\"down\",\"amount\":400}", "scroll down 40"),
    CALLS("agent-loop 2 ten seconds at most", "llamacpp", "wait", "{\"seconds\":600}", "wait 10"),
    CALLS("agent-loop 3 out of the screen is its edge", "llamacpp", "click", "{\"x\":5000,\"y\":-3}", "click 1279,0"),
    CALLS("agent-loop 3 what is no number is no coordinate", "llamacpp", "click", "{\"x\":\"left\",\"y\":20}", "wait 1 unread"),
    {"agent-loop 8.1 expected stands before a Predicted line", "openai", "{\"action\":\"key\",\"keys\":\"Tab\",\"expected\":[\"url_changed\"]}\nPredicted: frame_stable", NULL, NULL, "key Tab", "", "[\"url_changed\"]"},
    {"agent-loop 8.1 a Predicted line", "holo3", "key_press(keys=\"Tab\")\nPredicted: url_changed; frame_changed", NULL, NULL, "key Tab", "", "\"url_changed; frame_changed\""},
};
/* clang-format on */

static const struct reply_facts facts = {.view = {.screen_w = 1280, .screen_h = 720},
                                         .pointer = {-1, -1}};

static struct model_reply read_row(const struct row *row)
{
    const struct profile *profile = rig_profile(pool, row->profile);
    json_t *body = rig_answer(pool, profile, row->text, NULL, row->tool, row->args);
    struct said said;
    struct err err = {0};
    struct model_reply reply;
    assert_int_equal(said_read(pool, profile->api, body, &said, &err), 0);
    reply_read(pool, profile, &said, &facts, &reply);
    return reply;
}

static void one_row(void **state)
{
    const struct row *row = *state;
    struct model_reply reply = read_row(row);
    const char *words = rig_words(pool, &reply.action);
    if (strcmp(words, row->want))
        fail_msg("%s: '%s', not '%s' (%s)", row->profile, words, row->want,
                 reply.action.reasoning ? reply.action.reasoning : "no reason");
    assert_int_equal(!*reply.strategy, reply.action.unparsed);
    if (*row->thinking)
        assert_string_equal(reply.thinking, row->thinking);
    if (*row->predicted) {
        assert_non_null(reply.predicted);
        assert_string_equal(json_text(pool, reply.predicted), row->predicted);
    }
}

/* --- what one row cannot say ----------------------------------------------------------------- */

static struct model_reply read_with(const char *profile_name, const json_t *body,
                                    const struct reply_facts *f)
{
    const struct profile *profile = rig_profile(pool, profile_name);
    struct said said;
    struct model_reply reply;
    assert_int_equal(said_read(pool, profile->api, body, &said, NULL), 0);
    reply_read(pool, profile, &said, f, &reply);
    return reply;
}

static struct model_reply says(const char *profile, const char *text)
{
    return read_with(profile, rig_answer(pool, rig_profile(pool, profile), text, NULL, NULL, NULL),
                     &facts);
}

static const char *words_of(const char *profile, const json_t *body)
{
    struct model_reply reply = read_with(profile, body, &facts);
    return rig_words(pool, &reply.action);
}

static void unreadable_replies_are_quoted(void **state)
{
    struct model_reply reply = says("holo3", pool_printf(pool, "%0150d", 7));
    assert_non_null(strstr(reply.action.reasoning, "could not parse"));
    assert_int_equal(strlen(strstr(reply.action.reasoning, "000")), 100);
}

static void texts_are_cut_by_characters(void **state)
{
    const char *long_text = "";
    for (int i = 0; i < 300; i++)
        long_text = pool_printf(pool, "%sé", long_text);
    struct model_reply done = says("holo3", pool_printf(pool, "done(summary=\"%s\")", long_text));
    assert_int_equal(str_length(done.action.summary), 200);
    struct model_reply line =
        says("holo3", pool_printf(pool, "key_press(keys=\"Tab\")\nPredicted: %s", long_text));
    assert_int_equal(str_length(json_string_value(line.predicted)), 240);
}

static void reasons_and_facts_are_cut(void **state)
{
    const struct profile *claude = rig_profile(pool, "claude"), *fara = rig_profile(pool, "fara");
    const char *long_text = pool_printf(pool, "%0600d", 7);
    json_t *tab = rig_answer(pool, claude, NULL, long_text, "computer",
                             "{\"action\":\"key\",\"text\":\"Tab\"}");
    assert_int_equal(strlen(read_with("claude", tab, &facts).action.reasoning), 500);
    const char *args = pool_printf(
        pool, "{\"action\":\"pause_and_memorize_fact\",\"text\":\"%s\"}", long_text);
    json_t *fact = rig_answer(pool, fara, NULL, NULL, "computer_use", args);
    assert_int_equal(strlen(read_with("fara", fact, &facts).action.fact), 200);
}

static void reasoning_content_is_thinking(void **state)
{
    const struct profile *holo3 = rig_profile(pool, "holo3");
    json_t *body = rig_answer(pool, holo3, "Now.\nTab()", "The field is filled.", NULL, NULL);
    assert_string_equal(read_with("holo3", body, &facts).thinking, "The field is filled.");
}

static void reasoning_is_read_when_there_is_no_content(void **state)
{
    const struct profile *llama = rig_profile(pool, "llamacpp");
    json_t *body =
        rig_answer(pool, llama, NULL, "The field is empty: click(x=10, y=20)", NULL, NULL);
    assert_string_equal(words_of("llamacpp", body), "click 10,20");
    json_object_set_new(json_array_get(json_object_get(body, "choices"), 0), "finish_reason",
                        json_string("length"));
    assert_true(read_with("llamacpp", body, &facts).action.unparsed);
}

static void thinking_blocks_are_the_reason(void **state)
{
    const struct profile *claude = rig_profile(pool, "claude");
    json_t *body = rig_answer(pool, claude, NULL, "The field is empty", "computer",
                              "{\"action\":\"type\",\"text\":\"lisbon\"}");
    struct model_reply reply = read_with("claude", body, &facts);
    assert_string_equal(rig_words(pool, &reply.action), "type lisbon");
    assert_string_equal(reply.action.reasoning, "The field is empty");
    assert_string_equal(reply.thinking, "The field is empty");
}

static void of_several_tool_blocks_the_first_counts(void **state)
{
    json_t *body =
        json_keep(pool, json_loads("{\"content\":["
                                   "{\"type\":\"tool_use\",\"name\":\"computer\",\"input\":{"
                                   "\"action\":\"key\",\"text\":\"Tab\"}},"
                                   "{\"type\":\"tool_use\",\"name\":\"wait\",\"input\":{}}]}",
                                   0, NULL));
    assert_string_equal(words_of("claude", body), "key tab");
}

static void what_is_missing_is_said_to_the_model(void **state)
{
    const struct profile *claude = rig_profile(pool, "claude");
    json_t *body =
        rig_answer(pool, claude, "Click it.", NULL, "computer", "{\"action\":\"left_click\"}");
    struct model_reply reply = read_with("claude", body, &facts);
    assert_non_null(strstr(reply.action.reasoning, "needs a point"));
    body = rig_answer(pool, claude, "", NULL, "computer", "{\"action\":\"left_mouse_down\"}");
    assert_non_null(strstr(read_with("claude", body, &facts).action.reasoning, "left_click_drag"));
}

static void a_zoom_is_a_part_of_the_screen(void **state)
{
    const struct profile *claude = rig_profile(pool, "claude");
    json_t *body = rig_answer(pool, claude, "", NULL, "computer",
                              "{\"action\":\"zoom\",\"region\":[100,50,300,150]}");
    struct model_reply reply = read_with("claude", body, &facts);
    assert_true(reply.zoom && reply.zoom_area.x == 100 && reply.zoom_area.y == 50);
    assert_true(reply.zoom_area.w == 200 && reply.zoom_area.h == 100);
    assert_true(reply.action.type == ACTION_WAIT && !reply.action.unparsed);
}

static void the_pointer_is_told(void **state)
{
    struct reply_facts known = facts;
    known.pointer = (struct point){30, 40};
    const struct profile *claude = rig_profile(pool, "claude");
    json_t *body =
        rig_answer(pool, claude, "", NULL, "computer", "{\"action\":\"cursor_position\"}");
    assert_string_equal(read_with("claude", body, &known).action.reasoning,
                        "the pointer is at (30,40)");
}

static void host_tools_are_reachable(void **state)
{
    struct reply_facts with = facts;
    with.host_tools = json_keep(pool, json_loads("[{\"name\":\"request_user_input\"}]", 0, NULL));
    const struct profile *holo3 = rig_profile(pool, "holo3");
    json_t *body =
        rig_answer(pool, holo3, "", NULL, "request_user_input", "{\"prompt\":\"code?\"}");
    struct model_reply reply = read_with("holo3", body, &with);
    assert_string_equal(reply.tool, "request_user_input");
    assert_string_equal(json_str(reply.tool_args, "prompt", ""), "code?");
    assert_null(read_with("holo3", body, &facts).tool);
}

static void tokens_are_told_apart(void **state)
{
    struct said said;
    const struct profile *holo3 = rig_profile(pool, "holo3"), *claude = rig_profile(pool, "claude");
    assert_int_equal(
        said_read(pool, holo3->api, rig_answer(pool, holo3, "x", NULL, NULL, NULL), &said, NULL),
        0);
    assert_true(said.input_tokens == 100 && said.output_tokens == 20 && said.cached_tokens == 0);
    assert_int_equal(
        said_read(pool, claude->api, rig_answer(pool, claude, "x", NULL, NULL, NULL), &said, NULL),
        0);
    assert_true(said.input_tokens == 150 && said.output_tokens == 20 && said.cached_tokens == 50);
}

/* clang-format off */
static const struct {
    enum profile_api api;
    const char *body;
    bool told;
    int64_t input, output, cached, written;
} usages[] = {
    {API_OPENAI_CHAT, "{}", false, 0, 0, 0, 0},
    {API_OPENAI_CHAT, "{\"usage\":{\"total_tokens\":30}}", true, 30, 0, 0, 0},
    {API_OPENAI_CHAT, "{\"usage\":{\"prompt_tokens\":900,\"completion_tokens\":20},\"timings\":{\"cache_n\":700,\"prompt_n\":200}}", true, 900, 20, 700, 0},
    {API_OPENAI_CHAT, "{\"usage\":{\"prompt_tokens\":900,\"prompt_tokens_details\":{\"cached_tokens\":5}},\"timings\":{\"cache_n\":700}}", true, 900, 0, 5, 0},
    {API_OPENAI_CHAT, "{\"timings\":{\"cache_n\":700,\"prompt_n\":200,\"predicted_n\":20}}", false, 900, 20, 700, 0},
    {API_OPENAI_CHAT, "{\"usage\":{\"prompt_tokens\":10,\"prompt_tokens_details\":{\"cached_tokens\":50}}}", true, 10, 0, 10, 0},
    {API_OPENAI_CHAT, "{\"usage\":{\"prompt_tokens\":-10,\"completion_tokens\":-5}}", true, 0, 0, 0, 0},
    {API_ANTHROPIC_MESSAGES, "{\"usage\":{\"input_tokens\":10,\"output_tokens\":2,\"cache_read_input_tokens\":5,\"cache_creation_input_tokens\":7}}", true, 22, 2, 5, 7},
    {API_ANTHROPIC_MESSAGES, "{\"usage\":{\"input_tokens\":-9,\"output_tokens\":-9,\"cache_read_input_tokens\":-9}}", true, 0, 0, 0, 0},
};
/* clang-format on */

static void tokens_are_never_below_nothing(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(usages); i++) {
        struct said said = {0};
        json_t *body = json_keep(pool, json_loads(usages[i].body, 0, NULL));
        assert_non_null(body);
        bool told = said_tokens(usages[i].api, body, &said);
        if (told != usages[i].told || said.input_tokens != usages[i].input ||
            said.output_tokens != usages[i].output || said.cached_tokens != usages[i].cached ||
            said.cache_write_tokens != usages[i].written)
            fail_msg("%s", usages[i].body);
    }
}

static void an_answer_without_choices_is_a_transport_failure(void **state)
{
    static const char *const bodies[] = {
        "{}", "[]", "null", "{\"choices\":[]}", "{\"choices\":[{}]}", "{\"error\":\"x\"}"};
    struct said said;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct err err = {0};
        json_t *body = json_keep(pool, json_loads(bodies[i], JSON_DECODE_ANY, NULL));
        assert_int_equal(said_read(pool, API_OPENAI_CHAT, body, &said, &err), E_UPSTREAM);
        assert_non_null(strstr(err.msg, "choices"));
        assert_int_equal(said_read(pool, API_ANTHROPIC_MESSAGES, body, &said, &err), E_UPSTREAM);
    }
}

static int begin(void **state)
{
    pool = pool_create(NULL);
    return 0;
}

static int end(void **state)
{
    pool_destroy(pool);
    return 0;
}

static const struct CMUnitTest others[] = {
    row_test("brains 2 what nobody can read is quoted, 100 characters of it",
             unreadable_replies_are_quoted),
    row_test("brains 2 a summary has 200 characters, a prediction 240",
             texts_are_cut_by_characters),
    row_test("brains 4 a reason has 500 characters, a fact 200", reasons_and_facts_are_cut),
    row_test("brains 2 reasoning_content is the thinking",
             reasoning_is_read_when_there_is_no_content),
    row_test("brains 2 reasoning_content stands before what is said",
             reasoning_content_is_thinking),
    row_test("brains 4 the example: thinking and a tool", thinking_blocks_are_the_reason),
    row_test("brains 4 of several tool blocks the first counts",
             of_several_tool_blocks_the_first_counts),
    row_test("brains 4 a missing coordinate is told to the model",
             what_is_missing_is_said_to_the_model),
    row_test("brains 4 zoom", a_zoom_is_a_part_of_the_screen),
    row_test("brains 4 cursor_position", the_pointer_is_told),
    row_test("brains 1.1 a host tool can be called", host_tools_are_reachable),
    row_test("brains 1 tokens in, out and cached", tokens_are_told_apart),
    cmocka_unit_test(tokens_are_never_below_nothing),
    row_test("brains 1.1 an answer without choices is a transport failure",
             an_answer_without_choices_is_a_transport_failure),
};

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(others)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].row, one_row, NULL, NULL, (void *)&rows[i]};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests(tests, begin, end);
}
