/*
 * process.c - the figures every Prometheus client gives of its process, under the names that
 * dashboards look for. Source: proc(5), stat fields 14, 15 and 22.
 */
#include "sched/meters_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Content of a small file of /proc. False when there is none. */
static bool read_text(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static int count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n - 3; /* ".", ".." and the descriptor of the directory itself */
}

/* Seconds since boot at which we started. */
static bool start_after_boot(double *out)
{
    char text[1024];
    unsigned long long ticks;
    if (!read_text("/proc/self/stat", text, sizeof(text)))
        return false;
    const char *p = strrchr(text, ')'); /* the name may hold anything */
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    if (!p || sscanf(p, "%llu", &ticks) != 1)
        return false;
    *out = (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return true;
}

static void set_start(struct meters *m)
{
    struct timespec now, up;
    double start;
    if (!start_after_boot(&start))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &up);
    double boot = (double)(now.tv_sec - up.tv_sec) + (double)(now.tv_nsec - up.tv_nsec) / 1e9;
    metric_set(m->of[METER_PROCESS_START], (double)(long long)((boot + start) * 100) / 100, NULL);
}

void meters_read_process(struct meters *m)
{
    char text[128];
    unsigned long pages;
    struct rusage use;
    if (read_text("/proc/self/statm", text, sizeof(text)) && sscanf(text, "%*u %lu", &pages) == 1)
        metric_set(m->of[METER_PROCESS_RESIDENT], (double)pages * (double)sysconf(_SC_PAGESIZE),
                   NULL);
    metric_set(m->of[METER_PROCESS_OPEN_FDS], count_fds(), NULL);
    set_start(m);
    if (!getrusage(RUSAGE_SELF, &use))
        metric_set(m->of[METER_PROCESS_CPU],
                   (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6,
                   NULL);
}
