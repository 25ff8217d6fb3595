/*
 * downloads.h - what the browser downloaded, as files of the run that its caller can fetch.
 */
#ifndef MANTIS_RUN_DOWNLOADS_H
#define MANTIS_RUN_DOWNLOADS_H

#include "run/run.h"

/* Note one that is whole: {name, file_name, mime_type, bytes, sha256, source_url, page_url, step_index, at} in
 * progress.downloads. name can stand in an address and is no other artifact's. A file that cannot be read
 * is warned of. Blocks for as long as the file takes to be read once. */
void downloads_keep(struct run *run, const struct download *d);

/* By its last dot; "application/octet-stream" when that says nothing. Static. */
const char *downloads_mime(const char *file_name);

#endif
