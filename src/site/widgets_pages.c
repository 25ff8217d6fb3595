/*
 * The table of the site "widgets". What is wanted is the same for every seed, so that one plan can be
 * run on many: the seed moves things about, it does not rename them.
 */
#include "site/widgets.h"

#include <string.h>

#include "base/err.h"

/* clang-format off */
const char widget_inspection_form[] =
    "room,extinguisher,lamp\r\n"
    "A1,ok,ok\r\n"
    "A2,ok,broken\r\n"
    "B4,missing,ok\r\n";

static const char *const departments[] = {
    "facilities|Facilities", "finance|Finance", "legal|Legal", "people|People and pay", "it|Computers and phones",
    "security|Security", "canteen|Canteen", "post|Post room", "fleet|Cars and bikes", "cleaning|Cleaning", NULL};
static const char *const desks[] = {
    "Window desk|Window desk", "Corner desk|Corner desk", "Desk by the stairs|Desk by the stairs",
    "Quiet room|Quiet room", "Standing desk|Standing desk", "Window seat|Window seat (no desk)", NULL};
static const char *const projects[] = {
    "PX-4410|PX-4410 Lighthouse", "PX-4411|PX-4411 Lighthouse phase two", "PX-2093|PX-2093 Slate roof",
    "PX-8120|PX-8120 Green harbour", "PX-7001|PX-7001 Payroll move", "PX-3310|PX-3310 Night lighting",
    "PX-5255|PX-5255 Old mill", "PX-6117|PX-6117 Reading room", NULL};
static const char *const centres[] = {
    "4100|4100 Office supplies", "4200|4200 Furniture", "4210|4210 Furniture repair", "4300|4300 Travel",
    "4400|4400 Training", "4500|4500 Software", "4600|4600 Hospitality", NULL};
static const char *const agenda[] = {
    "Welcome|Welcome", "Budget|Budget", "Hiring|Hiring", "Any other business|Any other business", NULL};
static const char *const cards[] = {
    "Plants|Plants", "Printers|Printers", "Chairs|Chairs", "Whiteboards|Whiteboards", "Coat racks|Coat racks", NULL};
static const char *const files[] = {
    "minutes-may.txt|minutes-may.txt", "minutes-march.txt|minutes-march.txt", "floor-plan.pdf|floor-plan.pdf",
    "budget-draft.xlsx|budget-draft.xlsx", "party.jpg|party.jpg", NULL};
static const char *const colours[] = {
    "Moss|Moss", "Slate|Slate", "Brick|Brick", "Sand|Sand", "Plum|Plum", "Ink|Ink", NULL};
static const char *const people[] = {
    "Iris Holm|2214", "Tom Adeyemi|2290", "Petra Lindqvist|2107", "Sam Okafor|2333", "Ines Duarte|2051", NULL};
static const char *const tray_actions[] = {
    "archive|Archive", "forward|Forward", "return|Return to sender", "hold|Hold for pick-up", "flag|Flag", NULL};

const struct widget widgets[] = {
    {"date_native", "Visitor pass", "A date field of the browser.", {{"visitor", "Iris Holm"}, {"arrival", "2026-09-18"}}, NULL, NULL, 0, 0},
    {"date_custom", "Holiday request", "A calendar that is made of boxes; the field itself takes no typing.", {{"first_day", "2026-09-18"}}, NULL, NULL, 0, 0},
    {"autocomplete", "Travel booking", "Suggestions come late, and what is not picked from them is thrown away.", {{"city_id", "alder"}}, NULL, NULL, 0, 0},
    {"select_native", "New ticket", "A select field.", {{"department", "facilities"}, {"urgency", "low"}}, departments, NULL, 0, 0},
    {"select_multi", "Notices by mail", "A list that takes more than one choice.", {{"topics", "canteen,parking"}}, NULL, NULL, 0, 0},
    {"select_listbox", "Desk for the week", "A list made of boxes that opens under a button.", {{"desk", "Window desk"}}, desks, NULL, 0, 0},
    {"select_typeahead", "Time sheet", "A list that gets shorter while one types.", {{"project", "PX-4410"}}, projects, NULL, 0, 0},
    {"select_portal", "Purchase", "A list that hangs at the end of the page, far from its field, without any roles.", {{"centre", "4200"}}, centres, NULL, 0, 0},
    {"slider_native", "Room temperature", "A range field.", {{"temperature", "21.5"}}, NULL, NULL, 0, 0},
    {"slider_div", "Desk height", "A slider made of boxes: drag it, or use the arrow keys.", {{"height", "104"}}, NULL, NULL, 0, 0},
    {"editor", "Message to the caretaker", "An editor that is no form field.", {{"message", "Please move the desk to room 4."}}, NULL, NULL, 0, 0},
    {"toggles", "Your settings", "Switches, boxes and cards; each is built in another way.", {{"terms", "yes"}, {"alerts", "on"}, {"wifi", "off"}, {"plan", "team"}}, NULL, NULL, 0, 0},
    {"masked", "Your phone number", "A field that rewrites what is typed.", {{"phone", "(207) 555-0142"}}, NULL, NULL, 0, 0},
    {"cell_focus", "Your desk", "Cells that become fields only when they are entered.", {{"room", "412"}, {"extension", "2214"}}, NULL, NULL, 0, 0},
    {"otp_boxes", "Confirm your device", "One box per digit.", {{"code", "408215"}}, NULL, NULL, 0, 0},
    {"infinite", "Parcel room", "A list that loads more at its end.", {{"parcel", "60487"}}, NULL, NULL, 0, 0},
    {"virtual", "Invoices", "Two thousand rows, of which the page only has those that are seen.", {{"invoice", "20417"}}, NULL, NULL, 0, 0},
    {"nested", "House rules", "A pane that scrolls inside a pane that scrolls.", {{"agreed", "yes"}}, NULL, NULL, 0, 0},
    {"frame_same", "Canteen card", "A form in a frame.", {{"card_name", "Iris Holm"}}, NULL, " inner ", 0, 0},
    {"frame_other", "Parking permit", "A form in a frame of another origin.", {{"plate", "LK 2048"}}, NULL, " inner ", 0, 0},
    {"shadow_open", "Badge", "A form in an open shadow root.", {{"badge", "Iris Holm"}}, NULL, NULL, 0, 0},
    {"shadow_closed", "Locker", "A form in a closed shadow root.", {{"locker", "B-17"}}, NULL, NULL, 0, 0},
    {"upload", "Inspection report", "A file is wanted; the field for it is hidden behind a box.", {{"room", "A2"}}, NULL, NULL, 1, 0},
    {"download", "Blank forms", "A file to download.", {{NULL, NULL}}, NULL, NULL, 0, 1},
    {"download_blob", "Attendance export", "A file that the page makes itself.", {{NULL, NULL}}, NULL, NULL, 0, 1},
    {"new_tab", "Staff survey", "The form opens in another tab.", {{"answer", "often"}}, NULL, " form ", 0, 0},
    {"popup", "Chair cover", "The choice is made in a window of its own.", {{"colour", "Moss"}}, colours, " picker ", 0, 0},
    {"alert", "Call the front desk", "An alert stands between the button and the request.", {{"reason", "Delivery"}}, NULL, NULL, 0, 0},
    {"confirm", "Give up a locker", "The page asks whether it is meant.", {{"released", "B-17"}}, NULL, NULL, 0, 0},
    {"prompt", "Rename a printer", "The page asks for text in a dialog of the browser.", {{"printer", "Heron"}}, NULL, NULL, 0, 0},
    {"basic_auth", "Archive room", "The browser asks for a name and a password: archive and lantern-42.", {{"box", "1998-03"}}, NULL, NULL, 0, 0},
    {"drag_list", "Agenda", "A list that is put in order by dragging.", {{"order", "Welcome,Budget,Hiring,Any other business"}}, agenda, NULL, 0, 0},
    {"drag_board", "Moving day", "Cards that are dragged from column to column with the pointer.", {{"done", "Plants"}}, cards, NULL, 0, 0},
    {"dblclick", "Phone list", "A cell that is edited after a double click.", {{"name", "Sam Okafor"}, {"extension", "2345"}}, people, NULL, 0, 0},
    {"context_menu", "Shared files", "The menu of a row opens with the right button.", {{"archived", "minutes-may.txt"}}, files, NULL, 0, 0},
    {"hover_menu", "Print shop", "Menus that are only there while the pointer is.", {{"product", "Business cards"}}, NULL, NULL, 0, 0},
    {"shortcut", "Quick notes", "Keys instead of buttons: n for a new note, Ctrl+Enter to keep it.", {{"note", "Water the plants"}}, NULL, NULL, 0, 0},
    {"wizard", "New colleague", "Four pages that are one.", {{"name", "Iris Holm"}, {"site", "north"}, {"laptop", "yes"}, {"start", "2026-09-18"}}, NULL, NULL, 0, 0},
    {"tooltip", "Post tray", "Buttons that only say what they do when the pointer rests on them.", {{"action", "archive"}}, tray_actions, NULL, 0, 0},
    {"booking", "Room booking", "Day and time, a number, names as chips, a box of three states.", {{"start", "2026-09-18T14:30"}, {"people", "7"}, {"guests", "Nora,Tom"}, {"catering", "yes"}}, NULL, NULL, 0, 0},
    {"canvas", "Seat plan", "Seats and a button that are only painted.", {{"seat", "C4"}}, NULL, NULL, 0, 0},
};
/* clang-format on */

const int n_widgets = ARRAY_SIZE(widgets);

const struct widget *widget_find(const char *id, int len)
{
    for (int i = 0; i < n_widgets; i++)
        if (strncmp(widgets[i].id, id, (size_t)len) == 0 && !widgets[i].id[len])
            return &widgets[i];
    return NULL;
}
