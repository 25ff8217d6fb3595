/*
 * ladder.c - the "ladder" kind: a cheap brain, and a better one that takes over when the cheap one
 * does not get on (brains.md section 7). "ladder:<primary>,<fallback>" leaves it to the fallback
 * from then on; with ",once" behind it, for one turn.
 *
 * It escalates after two replies in a row that nobody could read or that did not come, and when the
 * loop detector says that the last actions go in circles. A primary that aims by the page is asked
 * first in every sub-goal, and escalates when it gives up. A fallback that cannot be made is a
 * warning: the primary goes on alone.
 */
#include "brain/driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define MAX_UNREAD 2

enum { PRIMARY, FALLBACK };

struct ladder {
    struct brain base;
    struct pool *pool;
    struct brain *rungs[2]; /* [FALLBACK] may be NULL */
    const char *warning;    /* why it is, told once; NULL */
    bool once;
    int at;     /* the rung that is asked */
    int unread; /* replies of the primary in a row that brought no action */
};

/* --- abilities ------------------------------------------------------------------------------- */

/* What is prepared for a turn must do for both, because the turn decides who is asked. One that
 * aims by the page needs no answers of the other. */
static void note_abilities(struct ladder *l)
{
    unsigned mine = brain_abilities(l->rungs[l->at]), other;
    const unsigned either = BRAIN_SEES | BRAIN_TELLS_HISTORY | BRAIN_CALLS_TOOLS |
                            (mine & BRAIN_AIMS_BY_PAGE ? 0u : BRAIN_ANSWERS);
    struct brain *second = l->rungs[!l->at];
    if (!second) {
        l->base.also = mine;
        return;
    }
    other = brain_abilities(second);
    l->base.also = (mine & ~(unsigned)BRAIN_TELLS_ATTEMPTS) | (other & either) |
                   (mine & other & BRAIN_TELLS_ATTEMPTS);
}

/* --- create ---------------------------------------------------------------------------------- */

struct parts {
    const char *specs[2], *mode;
};

static int split(struct pool *pool, const char *argument, struct parts *out, struct err *err)
{
    const char *second = strchr(argument, ','), *third = second ? strchr(second + 1, ',') : NULL;
    *out = (struct parts){.mode = third ? third + 1 : ""};
    if (!second || second == argument || !second[1] || third == second + 1 ||
        (third && strcmp(out->mode, "once")))
        return err_set(err, E_INVALID,
                       "brain 'ladder:%.60s': must be ladder:<primary>,<fallback> or "
                       "ladder:<primary>,<fallback>,once",
                       argument);
    out->specs[PRIMARY] = pool_strndup(pool, argument, (size_t)(second - argument));
    out->specs[FALLBACK] = third ? pool_strndup(pool, second + 1, (size_t)(third - second - 1))
                                 : pool_strdup(pool, second + 1);
    for (int i = PRIMARY; i <= FALLBACK; i++)
        if (str_starts(out->specs[i], "ladder"))
            return err_set(err, E_INVALID, "brain 'ladder:%.60s': a ladder has no ladder in it",
                           argument);
    return 0;
}

int brain_parts(struct pool *pool, const char *spec, const char *out[2])
{
    struct parts parts;
    struct err err = {0};
    if (!str_starts(spec, "ladder:")) {
        out[PRIMARY] = spec;
        return 1;
    }
    if (split(pool, strchr(spec, ':') + 1, &parts, &err))
        return 0;
    memcpy(out, parts.specs, sizeof(parts.specs));
    return 2;
}

static int make_rungs(struct ladder *l, const struct parts *parts, const struct brain_needs *needs,
                      struct err *err)
{
    struct brain_needs second = *needs;
    struct err why = {0};
    int r = brain_create(parts->specs[PRIMARY], needs, &l->rungs[PRIMARY], err);
    if (r)
        return r;
    second.model = needs->fallback ? needs->fallback : needs->model;
    if (brain_create(parts->specs[FALLBACK], &second, &l->rungs[FALLBACK], &why))
        l->warning = pool_printf(l->pool, "the fallback '%s' cannot be used: %s",
                                 parts->specs[FALLBACK], why.msg);
    return 0;
}

static int ladder_create(const char *argument, const struct brain_needs *needs, struct brain **out,
                         struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct ladder *l = pool_alloc(pool, sizeof(*l));
    struct parts parts;
    *l = (struct ladder){.base.driver = &brain_ladder, .pool = pool};
    int r = split(pool, argument, &parts, err);
    r = r ? r : make_rungs(l, &parts, needs, err);
    if (r) {
        pool_destroy(pool);
        return r;
    }
    l->once = *parts.mode;
    note_abilities(l);
    *out = &l->base;
    return 0;
}

static void ladder_destroy(struct brain *brain)
{
    struct ladder *l = (struct ladder *)brain;
    brain_destroy(l->rungs[PRIMARY]);
    brain_destroy(l->rungs[FALLBACK]);
    pool_destroy(l->pool);
}

/* --- a turn ---------------------------------------------------------------------------------- */

/* A primary that reads the page costs nothing and knows when it cannot go on: it is asked first in
 * every sub-goal, and its giving up is no answer as long as there is somebody else to ask. */
static bool is_free(const struct ladder *l)
{
    return brain_abilities(l->rungs[PRIMARY]) & BRAIN_AIMS_BY_PAGE;
}

static bool gave_up(const struct ladder *l, const struct brain_reply *reply)
{
    return l->at == PRIMARY && is_free(l) && l->rungs[FALLBACK] &&
           reply->action.type == ACTION_DONE && !reply->action.success;
}

/* Why the fallback should be asked now, NULL: it should not. */
static const char *trigger(const struct ladder *l, const struct brain_turn *turn)
{
    if (l->at == FALLBACK || !l->rungs[FALLBACK])
        return NULL;
    return l->unread >= MAX_UNREAD ? "unparsed" : turn->loop ? "soft_loop" : NULL;
}

static void count_unread(struct ladder *l, int r, const struct brain_reply *reply)
{
    bool lost = r == E_UPSTREAM || r == E_TIMEOUT || (!r && reply->action.unparsed);
    if (l->at == PRIMARY)
        l->unread = lost ? l->unread + 1 : 0;
}

static int ladder_think(struct brain *brain, struct pool *pool, const struct brain_turn *turn,
                        struct brain_reply *out, struct err *err)
{
    struct ladder *l = (struct ladder *)brain;
    if (turn->n_history == 0 && is_free(l))
        l->at = PRIMARY;
    const char *why = trigger(l, turn);
    if (why)
        l->at = FALLBACK;
    int r = brain_think(l->rungs[l->at], pool, turn, out, err);
    if (!r && gave_up(l, out)) {
        why = "gave_up";
        l->at = FALLBACK;
        r = brain_think(l->rungs[l->at], pool, turn, out, err);
    }
    int at = l->at;
    count_unread(l, r, out);
    out->used = at == FALLBACK ? "fallback" : "primary";
    out->escalated = why;
    out->warning = l->warning;
    l->warning = NULL;
    if (at == FALLBACK && l->once) {
        l->at = PRIMARY;
        l->unread = 0;
    }
    note_abilities(l);
    return r;
}

/* Whoever is asked for actions answers, or else the other one when it can. */
static int ladder_query(struct brain *brain, struct pool *pool, const struct brain_query *query,
                        struct brain_answer *out, struct err *err)
{
    struct ladder *l = (struct ladder *)brain;
    if (query->which == QUESTION_FORM_VALUES && is_free(l)) { /* a new sub-goal begins */
        l->at = PRIMARY;
        note_abilities(l);
        return 0;
    }
    struct brain *rung = l->rungs[l->at], *other = l->rungs[!l->at];
    bool able = brain_abilities(rung) & BRAIN_ANSWERS;
    return brain_query(able || !other ? rung : other, pool, query, out, err);
}

const struct brain_driver brain_ladder = {.kind = "ladder",
                                          .caps = BRAIN_CAN_PLAN,
                                          .create = ladder_create,
                                          .destroy = ladder_destroy,
                                          .think = ladder_think,
                                          .query = ladder_query};
