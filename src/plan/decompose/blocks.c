/*
 * blocks.c - clauses that are done again: for one result after another, and page after page.
 *
 * Opened results are one click on the list, what is done on the result's own page, going back, and
 * a loop to the click. Pages are a paginate step and a loop to the block's first step.
 */
#include "plan/decompose/rules.h"

#include <string.h>

#include "base/str.h"

#define ALL_RESULTS 30 /* plans.md 9.1: the default of section extraction */
#define ALL_PAGES   10

void block_open(struct draft *d, int count, const char *noun, const char *intent)
{
    block_close(d);
    d->block = (struct block){.start = draft_count(d),
                              .count = count > 0 ? count : ALL_RESULTS,
                              .opens = true,
                              .open = count != 1,
                              .pages = -1};
    const char *words = count == 1 ? intent : pool_printf(d->pool, "Open the next of the %s", noun);
    json_t *click = draft_step(d, "click", words);
    json_put_str(click, "section", "extraction");
    json_put_str(draft_hints(click), "layout", "listings");
    if (count == 1 && !json_object_get(click, "required"))
        json_put_bool(click, "required", true);
}

/* The rows just read can be read again on the next page. */
void block_of_rows(struct draft *d)
{
    d->block = (struct block){.start = draft_count(d) - 1, .pages = -1};
}

static bool last_is(const struct draft *d, const char *type)
{
    const json_t *last = json_array_get(d->steps, json_array_size(d->steps) - 1);
    return strcmp(json_str(last, "type", ""), type) == 0;
}

static void go_back(struct draft *d, const char *intent)
{
    json_t *back = draft_step(d, "navigate_back", intent);
    json_put_str(back, "section", "extraction");
}

static void add_loop(struct draft *d, const char *section, int target, int count,
                     const char *intent)
{
    json_t *loop = draft_step(d, "loop", intent);
    json_put_str(loop, "section", section);
    json_put_int(loop, "loop_target", target);
    json_put_int(loop, "loop_count", count);
}

void block_close(struct draft *d)
{
    struct block *b = &d->block;
    if (!b->open)
        return;
    if (!last_is(d, "navigate_back"))
        go_back(d, "Go back to the list");
    add_loop(d, "extraction", b->start, b->count,
             pool_printf(d->pool, "The same for %d of the list", b->count));
    b->open = false;
}

int build_results(struct draft *d, const struct clause *c, struct err *err)
{
    int first = strcmp(c->rule->argument, "first") == 0 ? 1 : 0;
    const char *noun = draft_piece(d, c, 'w');
    block_open(d, match_number(&c->match, 'n', first), *noun ? noun : "result", c->text);
    return 0;
}

/* "for each of the first 5 results": what that means is said by the next clause. */
int build_each(struct draft *d, const struct clause *c, struct err *err)
{
    block_close(d);
    d->each = match_number(&c->match, 'n', -1);
    if (d->at + 1 == d->n_clauses)
        return err_set(err, E_INVALID, "\"%.120s\" says nothing to do for each of them", c->text);
    return 0;
}

int build_open_it(struct draft *d, const struct clause *c, struct err *err)
{
    if (!d->each)
        return err_set(err, E_INVALID,
                       "\"%.120s\" is not understood: nothing before it says what; say \"for each "
                       "result, open it\" or quote a name that stands on the page",
                       c->text);
    int count = d->each;
    d->each = 0;
    block_open(d, count, "result", c->text);
    d->block.open = true; /* one is a loop, too: it was said with "each" */
    return 0;
}

int build_back(struct draft *d, const struct clause *c, struct err *err)
{
    bool in_body = d->block.open;
    json_t *back = draft_step(d, "navigate_back", c->text);
    if (in_body) {
        json_put_str(back, "section", "extraction");
        block_close(d);
    } else if (d->block.start < 0)
        json_put_str(back, "section", "setup");
    return 0;
}

/* "repeat this for the first 5 results" after the first was done. */
int build_repeat(struct draft *d, const struct clause *c, struct err *err)
{
    struct block *b = &d->block;
    int count = match_number(&c->match, 'n', ALL_RESULTS);
    if (b->start < 0 || !b->opens)
        return err_set(err, E_INVALID,
                       "\"%.120s\" has nothing to repeat: say first what to do with one result, as "
                       "in \"Open the first result and extract title and price\"",
                       c->text);
    if (!last_is(d, "loop")) {
        b->count = count;
        b->open = true;
        block_close(d);
        return 0;
    }
    json_put_int(json_array_get(d->steps, json_array_size(d->steps) - 1), "loop_count", count);
    return 0;
}

static void add_paginate(struct draft *d, const char *intent)
{
    json_t *page = draft_step(d, "paginate", intent);
    json_put_str(page, "section", "pagination");
}

static void loop_pages(struct draft *d, int pages)
{
    struct block *b = &d->block;
    b->pages = draft_count(d);
    add_loop(d, "pagination", b->start, pages,
             pool_printf(d->pool, "The same on up to %d pages", pages));
}

/* "for up to 3 pages", "repeat this on the next pages". */
int build_pages(struct draft *d, const struct clause *c, struct err *err)
{
    struct block *b = &d->block;
    int pages = match_number(&c->match, 'n', ALL_PAGES);
    block_close(d);
    if (b->start < 0)
        return err_set(err, E_INVALID,
                       "\"%.120s\" has nothing to repeat: say first what to do on one page, as in "
                       "\"Extract title and price of all results\"",
                       c->text);
    if (b->pages >= 0) {
        json_put_int(json_array_get(d->steps, (size_t)b->pages), "loop_count", pages);
        return 0;
    }
    if (!last_is(d, "paginate"))
        add_paginate(d, "Go to the next page");
    loop_pages(d, pages);
    return 0;
}

/* After something that was done to a whole list "next page" means the same again there, unless it
 * is said what to do there. */
int build_next_page(struct draft *d, const struct clause *c, struct err *err)
{
    const struct clause *next = d->at + 1 < d->n_clauses ? c + 1 : NULL;
    bool was_open = d->block.open;
    block_close(d);
    bool repeats = d->block.start >= 0 &&
                   (was_open || last_is(d, "loop") || draft_count(d) == d->block.start + 1);
    add_paginate(d, c->text);
    if (repeats && (!next || next->rule->build == build_stop || next->rule->build == build_wait))
        loop_pages(d, ALL_PAGES);
    return 0;
}
