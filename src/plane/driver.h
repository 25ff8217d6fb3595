/*
 * driver.h - what one kind of plane implements. plane.c checks arguments once and calls these; it
 * makes pictures of frames, so that observe is never asked for OBSERVE_PNG.
 * All callbacks are mandatory but `glance`, `ask_picture` with `take_picture`, `hand`, `scroll_y`, `close_tab`, `save_logins` and `load_logins` (NULL:
 * E_UNSUPPORTED), `watch`, `keep_login`, `answer` and `downloads` (NULL: nothing is asked, nothing comes).
 */
#ifndef MANTIS_PLANE_DRIVER_H
#define MANTIS_PLANE_DRIVER_H

#include "plane/plane.h"

struct plane_driver {
    const char *kind;
    unsigned caps; /* enum plane_caps */
    int (*create)(struct loop *loop, const struct plane_config *config, int timeout_ms,
                  struct plane **out, struct err *err);
    void (*destroy)(struct plane *plane, enum plane_end how);
    int (*observe)(struct plane *plane, struct pool *pool, unsigned what, int timeout_ms,
                   struct observation *out, struct err *err);
    int (*glance)(struct plane *plane, struct frame *out, uint8_t **ret_pixels, struct err *err);
    void (*ask_picture)(struct plane *plane);
    int (*take_picture)(struct plane *plane, struct frame *out, uint8_t **ret_pixels, struct err *err);
    void (*watch)(struct plane *plane, plane_damage_fn *fn, void *arg);
    int (*act)(struct plane *plane, struct pool *pool, const struct action *action, int cap_ms,
               struct settled *out, struct err *err);
    int (*hand)(struct plane *plane, struct pool *pool, const struct hand *hand, const char **ret_text,
                struct err *err);
    int (*navigate)(struct plane *plane, struct pool *pool, const char *url, int cap_ms,
                    struct settled *out, struct err *err);
    int (*back)(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out, struct err *err);
    int (*close_tab)(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
                     struct err *err);
    int (*tab_count)(const struct plane *plane);
    int (*scroll_y)(struct plane *plane, int *ret_y, struct err *err);
    void (*keep_login)(struct plane *plane);
    int (*settle)(struct plane *plane, int cap_ms, struct err *err);
    void (*answer)(struct plane *plane, const struct plane_answers *answers);
    int (*downloads)(struct plane *plane, struct pool *pool, int wait_ms, struct download **ret,
                     int *ret_n, struct err *err);
    int (*save_logins)(struct plane *plane, int timeout_ms, json_t **out, struct err *err);
    int (*load_logins)(struct plane *plane, const json_t *saved, int timeout_ms, bool *ret_storage,
                       struct err *err);
    void (*pids)(const struct plane *plane, int *ret_display, int *ret_browser);
};

/* First member of every kind's own struct; downcast with an assert on driver. */
struct plane {
    const struct plane_driver *driver;
    int width, height;
    double settle_ceiling_s;
};

extern const struct plane_driver plane_browser, plane_computer, plane_fake;

#endif
