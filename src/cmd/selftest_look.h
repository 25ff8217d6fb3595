/*
 * selftest_look.h - what a model is shown in the self-test: a page of buttons, served here and seen by the
 * worker on a display and in a browser of its own, as a run would see it.
 */
#ifndef MANTIS_CMD_SELFTEST_LOOK_H
#define MANTIS_CMD_SELFTEST_LOOK_H

#include "brain/model/selftest.h"
#include "sys/loop.h"
#include "sys/settings.h"

struct selftest_sight {
    int screen_w, screen_h; /* px */
    struct model_frame picture; /* as the profile wants it */
    const struct selftest_target *targets;
    int n;
};

/*
 * Settings: browser and its sandbox, users of workers. Blocks until deadline_mono_ms at most. Everything
 * that was started has ended, and every file is gone, when it returns.
 * Errors: what the worker says (no browser, no sandbox, ...); E_NOT_FOUND no worker; E_TIMEOUT; E_CANCELLED; E_IO.
 */
int selftest_look(struct pool *pool, struct loop *loop, const struct settings *settings,
                  const struct profile *profile, int width, int height, int64_t deadline_mono_ms,
                  struct selftest_sight *out, struct err *err) MUST_CHECK;

#endif
