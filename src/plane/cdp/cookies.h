/*
 * cookies.h - logins that a browser would forget when it ends.
 *
 * Chromium drops session cookies (those without an expiry) on exit, and many sites keep a login in one.
 * A run that ends leaves them in the profile, in a file of its own; the next one puts them back. The
 * file is as secret as the profile it stands in.
 * Source: CDP Storage.getCookies, Storage.setCookies; RFC 6265 section 5.3.
 */
#ifndef MANTIS_PLANE_CDP_COOKIES_H
#define MANTIS_PLANE_CDP_COOKIES_H

#include "plane/cdp/pipe.h"

#define COOKIES_FILE "mantis-session-cookies.json"

/* What Storage.setCookies takes of a cookie that Storage.getCookies gave. New reference. */
json_t *cookies_settable(struct pool *pool, const json_t *cookie);

/* Both end at the deadline and at worst do nothing: a page is then signed out, no run fails for it. all: those
 * with an expiry too, which Chromium itself keeps only half a minute after they were set. print, when given:
 * nothing is written while it stays the same. */
void cookies_save(struct cdp *cdp, const char *profile_dir, bool all, uint64_t *print,
                  int64_t deadline_mono_ms);
void cookies_restore(struct cdp *cdp, const char *profile_dir, int64_t deadline_mono_ms);

#endif
