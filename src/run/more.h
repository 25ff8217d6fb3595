/*
 * more.h - the rest of a list that loads as one goes on.
 */
#ifndef MANTIS_RUN_MORE_H
#define MANTIS_RUN_MORE_H

#include "run/run.h"

/*
 * Go to the end of what is there and wait for what that brings; when it brings nothing and press is
 * set, press the control that loads more, or tries again. obs: what was seen last, with a page.
 * *ret_grew: there is something that was not there before. Blocks a few seconds at most when nothing
 * comes.
 */
int run_load_more(struct run *run, const struct observation *obs, bool press, bool *ret_grew,
                  struct err *err) MUST_CHECK;

#endif
