/*
 * asks.h - what a run answers when a page or the browser asks something, and the files that come.
 *
 * Notices and "leave page?" are accepted. A confirm box is accepted when the step says so
 * (params.dialog, its intent) or when it asks about the very thing that the step presses; otherwise it
 * is declined and the step's data says so. A prompt gets params.dialog_text. A server's question for a
 * name and password is answered from the navigate step's params.username and params.password or from
 * its URL, for that server only.
 */
#ifndef MANTIS_RUN_ASKS_H
#define MANTIS_RUN_ASKS_H

#include "run/run.h"

/* The answers of run->step, before it acts. */
void asks_begin(struct run *run);

/* A file for the chooser that the next input opens, or NULL for none again. */
void asks_file(struct run *run, const char *path);

/* Answers for opening url; returns it without name and password. */
const char *asks_sign_in(struct run *run, const char *url);

/* What was declined during the step, "" nothing that matters. */
const char *asks_declined(const struct run *run);

/* Look at what an input led to: tells of dialogs and downloads. E_UNPROCESSABLE: too many dialogs. */
int asks_note(struct run *run, const struct settled *s, struct err *err) MUST_CHECK;

/* Behind the last step: waits for the downloads that are under way, and tells of them. */
void asks_end(struct run *run);

/* Is a confirm box with this message accepted during run->step? */
bool asks_confirm(struct run *run, const char *message);

/* Does a box with this message ask about what the step does? */
bool asks_about(const char *does, const char *message);

#endif
