/*
 * driver.h - what one kind of reader implements. reader.c checks arguments once and calls these.
 * All callbacks but regard are mandatory.
 */
#ifndef MANTIS_READER_DRIVER_H
#define MANTIS_READER_DRIVER_H

#include "reader/reader.h"

struct reader_driver {
    const char *kind;
    bool is_model; /* is created with a model_link; its `first` is set */
    int (*create)(const char *argument, const struct reader_needs *needs, struct reader **out,
                  struct err *err); /* argument: after "kind:" */
    void (*destroy)(struct reader *reader);
    int (*find)(struct reader *, struct pool *, const struct observation *, const struct target_query *,
                struct target *, struct err *);
    int (*find_next_page)(struct reader *, struct pool *, const struct observation *, int current_page,
                          struct target *, struct err *);
    int (*find_more)(struct reader *, struct pool *, const struct observation *, struct target *,
                     struct err *);
    int (*find_reveal)(struct reader *, struct pool *, const struct observation *, const struct schema *,
                       const char *const *done, int n_done, struct target *, struct err *);
    int (*find_dismiss)(struct reader *, struct pool *, const struct observation *, struct target *,
                        struct err *);
    int (*list)(struct reader *, struct pool *, const struct observation *, const struct schema *,
                int max_cards, struct card **, int *, enum list_status *, struct err *);
    int (*extract)(struct reader *, struct pool *, const struct observation *, int n_obs,
                   const struct schema *, struct extraction *, struct err *);
    int (*rows)(struct reader *, struct pool *, const struct observation *, const struct schema *,
                int max_rows, struct extraction **, int *, struct err *);
    int (*visible)(struct reader *, struct pool *, const struct observation *, const char *question,
                   struct verdict *, struct err *);
    int (*navigated)(struct reader *, struct pool *, const struct observation *before,
                     const struct observation *after, const char *wanted, struct passage *, struct err *);
    int (*shown_value)(struct reader *, struct pool *, const struct observation *, const char *dropdown,
                       const char **, struct err *);
    int (*regard)(struct reader *, struct pool *, const struct observation *, struct point at, const char *wanted,
                  bool fresh, struct regard *, struct err *); /* NULL: it has no better point */
    void (*forget)(struct reader *);                         /* NULL: it remembers nothing */
};

struct reader {
    const struct reader_driver *driver;
    struct reader *first; /* asked before it, for nothing; NULL: it is no model */
};

extern const struct reader_driver reader_page, reader_script, reader_claude, reader_vlm;

#endif
