/*
 * main.c - mantis-worker: started by `mantis serve`, never by a person.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "record/mend.h"
#include "run/shot.h"
#include "run/worker.h"

#define SOCKET_FD  3 /* docs/processes.md */
#define PICTURE_FD 4 /* sys/blobs.h */

/* Pictures of 4 MB come and go with every look: given back to the kernel, each would be paged in anew, which costs more
 * than to copy it. */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 32 << 20); /* the most it takes */
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

/* What a worker that was killed left of its recording (record/mend.h). */
static int mend_main(const char *dir)
{
    struct err err = {0};
    int r = mend_recording(dir, &err);
    if (r)
        log_warning("mantis.worker", NULL, "the recording could not be mended: %s", err.msg);
    return r ? 1 : 0;
}

int main(int argc, char **argv)
{
    keep_memory();
    prctl(PR_SET_NAME, "mantis-worker"); /* it may have been started through a descriptor */
    umask(077); /* for what the run writes, and the browser below it: a page is the tenant's own */
    log_setup();
    if (argc == 3 && !strcmp(argv[1], "--shot"))
        return shot_main(argv[2]);
    if (argc == 3 && !strcmp(argv[1], "--mend"))
        return mend_main(argv[2]);
    if (fcntl(SOCKET_FD, F_GETFD) < 0) {
        fputs("mantis-worker is started by `mantis serve`, with a socket on descriptor 3\n",
              stderr);
        return WORKER_BAD_START;
    }
    return worker_main(SOCKET_FD, PICTURE_FD);
}
