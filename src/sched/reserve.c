/*
 * reserve.c - a file that holds space on the data volume for the worst day.
 *
 * When the disk is full the store cannot even say so: a run could neither go on nor end. Giving
 * this file up makes room for the last words of the runs under way. While it cannot be made again
 * no new run is accepted (ready.c).
 */
#include "sched/private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define RESERVE_BYTES (512 << 10) /* a few results, each some tens of KB, twice: log and table */

static char *reserve_path(struct sched *s, struct pool *pool)
{
    return pool_printf(pool, "%s/reserve", s->settings->data_dir);
}

const char *reserve_hold(struct sched *s, struct pool *pool)
{
    if (s->reserved)
        return NULL;
    char *path = reserve_path(s, pool);
    int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int e = fd < 0 ? errno : posix_fallocate(fd, 0, RESERVE_BYTES);
    if (fd >= 0)
        close(fd);
    s->reserved = e == 0;
    if (!e)
        return NULL;
    unlink(path);
    if (e == ENOSPC || e == EDQUOT)
        return DISK_FULL;
    return pool_printf(pool, "the data directory cannot be written: %s", strerror(e));
}

void reserve_spend(struct sched *s)
{
    struct pool *pool = pool_create(NULL);
    unlink(reserve_path(s, pool));
    s->reserved = false;
    s->checked_ms = 0; /* readiness is asked anew */
    pool_destroy(pool);
}
