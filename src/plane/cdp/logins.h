/*
 * logins.h - what makes a browser known to its sites: cookies, and the local storage of the page in
 * front, taken out and put back. A service of the browser, nothing is typed or run in the page.
 * Source: DevTools protocol, Storage.getCookies and setCookies, DOMStorage.
 */
#ifndef MANTIS_PLANE_CDP_LOGINS_H
#define MANTIS_PLANE_CDP_LOGINS_H

#include "plane/cdp/tabs.h"

/* {"version":1,"cookies":[...],"storage":[{"origin","items":[[key,value]]}]}; new reference. */
int logins_save(struct tabs *t, int64_t deadline_mono_ms, json_t **out, struct err *err) MUST_CHECK;

/* Cookies are set at once; storage only of the page in front, which must be of its origin:
 * *ret_storage says that there was some, and the page should be opened again to see it. */
int logins_load(struct tabs *t, const json_t *saved, int64_t deadline_mono_ms, bool *ret_storage,
                struct err *err) MUST_CHECK;

#endif
