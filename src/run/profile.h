/*
 * profile.h - the browser profile of a run: what can be fetched again goes, so that logins stay small.
 * Blocks for as long as the disk takes to name and remove the files.
 */
#ifndef MANTIS_RUN_PROFILE_H
#define MANTIS_RUN_PROFILE_H

#include "base/err.h"

/* Remove caches, crash dumps and metrics below a Chromium profile that no browser uses. */
void profile_trim(const char *dir);

/* Before a browser takes it: E_INVALID when it holds more than max_mb even without its caches. 0: any. */
int profile_check(const char *dir, int max_mb, struct err *err) MUST_CHECK;

#endif
