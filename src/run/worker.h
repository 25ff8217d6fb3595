/*
 * worker.h - one run in one process: the messages of docs/processes.md on one side, a plane on the
 * other. The parent sends `start` first; the worker answers with events, checkpoints and an `end`.
 */
#ifndef MANTIS_RUN_WORKER_H
#define MANTIS_RUN_WORKER_H

enum worker_exit {
    WORKER_ENDED = 0, /* `end` was sent */
    WORKER_LOST = 3,  /* `lost` was sent, or nobody was there to hear it */
    WORKER_BAD_START = 4,
};

/* Carry out the run that arrives on fd, with pictures for picture_fd (no socket: for nobody); returns a process exit
 * status. Takes both over. */
int worker_main(int fd, int picture_fd);

#endif
