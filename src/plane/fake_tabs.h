/*
 * fake_tabs.h - the browser of the fake plane: tabs with their history, and what a page does by
 * itself when it is clicked, typed into or scrolled. Rules of the script and pixels are fake.c's.
 */
#ifndef MANTIS_PLANE_FAKE_TABS_H
#define MANTIS_PLANE_FAKE_TABS_H

#include "base/caps.h"
#include "plane/fake_script.h"

#define FAKE_HISTORY_MAX 64

/* One tab: where it has been, and the page it shows as it is now. */
struct fake_tab {
    int history[FAKE_HISTORY_MAX];
    int n, pos;
    struct page *page;
    int scroll_y;
    int focus; /* node, -1 none */
    bool all_selected;
};

struct fake_tabs {
    struct pool *pool;
    struct fake_script *script;
    struct fake_tab list[CAP_PLANE_TABS];
    int n; /* the last one is in front */
};

struct fake_tab *fake_front(struct fake_tabs *tabs);
const struct fake_page *fake_shown(const struct fake_tabs *tabs); /* in front, as scripted */

/* page: a page of the script. */
void fake_go(struct fake_tabs *tabs, int page);
void fake_replace(struct fake_tabs *tabs, int page); /* without an entry of its own in the history */
void fake_open_tab(struct fake_tabs *tabs, int page);

/* To a page of the script, or the error page. */
void fake_load(struct fake_tabs *tabs, const char *url);
void fake_step_history(struct fake_tabs *tabs, int by);

int fake_hit(const struct fake_tab *tab, int x, int y); /* deepest visible node there, -1 none */
bool fake_click(struct fake_tabs *tabs, int node);      /* true: a link led somewhere */
void fake_type(struct fake_tabs *tabs, const char *text);
void fake_press(struct fake_tabs *tabs, struct pool *pool, const char *keys);
void fake_scroll_to(struct fake_tab *tab, int y);

/* Both name one chord: "Ctrl+A" and "ctrl+a". */
bool fake_same_keys(struct pool *pool, const char *a, const char *b);

/* The page as it is now. Its strings live as long as the tabs' pool. */
struct page *fake_read_page(const struct fake_tab *tab, struct pool *pool);

#endif
