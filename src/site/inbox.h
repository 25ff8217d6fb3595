/*
 * inbox.h - the mail of the site "inbox": threads that came, letters that are written.
 */
#ifndef MANTIS_SITE_INBOX_H
#define MANTIS_SITE_INBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/caps.h"
#include "base/json.h"
#include "base/pool.h"

#define INBOX_THREADS 134
#define INBOX_MAILS   3 /* of one thread, at most */
#define INBOX_UNDO_MS 8000

enum inbox_folder { INBOX_IN, INBOX_ARCHIVE, INBOX_TRASH, INBOX_FOLDERS };

struct inbox_contact {
    const char *name, *address;
};

struct inbox_thread {
    int id;
    const char *subject;
    const struct inbox_contact *from;
    const char *bodies[INBOX_MAILS];
    int n_bodies;
    time_t at;
    enum inbox_folder folder, first_folder; /* first_*: as the seed made it */
    unsigned labels, first_labels;          /* one bit per inbox_labels[] */
    bool unread, star, attachment;
    bool opened, fetched, marked_unread; /* what visitors did */
};

enum letter_state { LETTER_DRAFT, LETTER_SENT, LETTER_DISCARDED };

struct inbox_letter {
    int id, reply_to; /* 0: no reply */
    enum letter_state state;
    const char *to, *subject, *body; /* to: addresses with ',' between */
    json_t *files;                   /* {name, size, sha256} */
    int64_t sent_ms;                 /* clock_mono_ms() */
    bool undone;                     /* was sent and taken back */
};

struct inbox {
    struct pool *pool;
    bool soup;
    struct inbox_thread threads[INBOX_THREADS]; /* newest first */
    struct inbox_letter *letters[CAP_SITE_RECORDS];
    int n_letters;
    int n_files;
};

extern const struct inbox_contact inbox_contacts[];
extern const int n_inbox_contacts;
extern const char *const inbox_labels[]; /* NULL-terminated */
extern const char *const inbox_folder_names[INBOX_FOLDERS];
extern const char inbox_minutes[]; /* the text that is attached to the minutes */

struct inbox *inbox_create(struct pool *pool, int64_t seed);
struct inbox_thread *inbox_thread(struct inbox *box, int id);   /* NULL: none */
struct inbox_letter *inbox_letter(struct inbox *box, int id);   /* NULL: none */
struct inbox_letter *inbox_write(struct inbox *box, int reply_to); /* NULL: too many */
void inbox_set(struct inbox *box, const char **field, const char *value);

/* inbox_letters.c: what the windows for writing ask. inbox_oracle.c: what was done. */
struct site_request;
struct site;
void inbox_new_letter(struct site_request *req);
void inbox_letter_call(struct site_request *req); /* /api/letters/<id>[/<verb>] */
bool inbox_grade(struct site *site, const char *task_id, json_t *reasons, json_t *diff);

#endif
