/*
 * reserve.c - a file that holds space on the data volume for the worst day.
 *
 * When the disk is full the store cannot even say so: a run could neither go on nor end. Giving this
 * file up makes room for the last words of the runs under way. While it cannot be made again no new
 * run is accepted (ready.c).
 */
#include "sched/private.h"

#include <fcntl.h>
#include <unistd.h>

#define RESERVE_BYTES (512 << 10) /* a few results, each some tens of KB, twice: log and table */

static char *reserve_path(struct sched *s, struct pool *pool)
{
    return pool_printf(pool, "%s/reserve", s->settings->data_dir);
}

bool reserve_hold(struct sched *s)
{
    if (s->reserved)
        return true;
    struct pool *pool = pool_create(NULL);
    char *path = reserve_path(s, pool);
    int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    s->reserved = fd >= 0 && posix_fallocate(fd, 0, RESERVE_BYTES) == 0;
    if (fd >= 0)
        close(fd);
    if (!s->reserved)
        unlink(path);
    pool_destroy(pool);
    return s->reserved;
}

void reserve_spend(struct sched *s)
{
    struct pool *pool = pool_create(NULL);
    unlink(reserve_path(s, pool));
    s->reserved = false;
    s->checked_ms = 0; /* readiness is asked anew */
    pool_destroy(pool);
}
