#include "run/more.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/look.h"

#define FAR_PX          20000
#define PRESS_TRIES     4 /* a fetch may fail again */
#define GROW_STEP_MS    150
#define GROW_WAIT_MS    450  /* a list that is asked for when its end comes into view */
#define LOADING_WAIT_MS 6000 /* and says so */
#define LOADING_BYTES   40

/* How much there is. Another text of the same size is no growth: a clock, "Loading". */
struct extent {
    int nodes, height;
};

static struct extent extent_of(const struct observation *obs)
{
    return (struct extent){obs->page->n_nodes, obs->page->content_h};
}

/* The page says that something is on its way. */
static bool is_loading(const struct page *page)
{
    for (int i = 0; i < page->n_nodes; i++) {
        const struct node *n = &page->nodes[i];
        const char *busy = node_attr(n, "aria-busy");
        if (!(n->flags & NODE_VISIBLE))
            continue;
        if (!strcmp(n->role, "progressbar") || (busy && !strcmp(busy, "true")) ||
            (strlen(n->text) <= LOADING_BYTES && str_starts(n->text, "Loading")))
            return true;
    }
    return false;
}

static int look_again(struct run *run, const struct extent *before, bool *ret_grew,
                      bool *ret_loading, struct err *err)
{
    struct observation obs;
    struct pool *pool = pool_create(run->step_pool);
    int r = run_look_in(run, pool, &obs, err);
    if (!r && obs.page) {
        *ret_grew = obs.page->n_nodes > before->nodes || obs.page->content_h > before->height;
        *ret_loading = is_loading(obs.page);
    }
    pool_destroy(pool);
    return r;
}

static int wait_for_growth(struct run *run, const struct extent *before, bool *ret_grew,
                           struct err *err)
{
    int64_t start = clock_mono_ms(), wait = 0;
    int r = 0;
    while (!r && !*ret_grew && clock_mono_ms() <= start + wait) {
        bool loading = false;
        if (wait)
            r = loop_wait(run->loop, NULL, NULL, clock_mono_ms() + GROW_STEP_MS);
        if (r)
            return err_set(err, r, "interrupted while a list loads");
        r = look_again(run, before, ret_grew, &loading, err);
        wait = loading ? LOADING_WAIT_MS : GROW_WAIT_MS;
    }
    return r;
}

static int find_more(struct run *run, void *arg, const struct observation *obs, struct target *out,
                     struct err *err)
{
    return reader_find_more(run->reader, run->step_pool, obs, out, err);
}

/* E_NOT_FOUND: nothing to press. */
static int press_more(struct run *run, struct extent *before, struct err *err)
{
    struct observation obs;
    struct target t;
    struct settled s;
    int r = run_bring(run, find_more, NULL, &obs, &t, err);
    if (r)
        return r;
    *before = extent_of(&obs);
    return run_click(run, t.at, BUTTON_LEFT, &s, err);
}

int run_load_more(struct run *run, const struct observation *obs, bool press, bool *ret_grew,
                  struct err *err)
{
    int moved;
    *ret_grew = false;
    if (!obs->page)
        return 0;
    struct extent before = extent_of(obs);
    int r = run_scroll_px(run, FAR_PX, &moved, err);
    if (!r)
        r = wait_for_growth(run, &before, ret_grew, err);
    for (int i = 0; !r && !*ret_grew && press && i < PRESS_TRIES; i++) {
        struct err none = {0};
        r = press_more(run, &before, &none);
        if (r == E_NOT_FOUND)
            return 0;
        r = r ? err_set(err, r, "%s", none.msg) : wait_for_growth(run, &before, ret_grew, err);
    }
    return r;
}
