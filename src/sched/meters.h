/*
 * meters.h - every figure of http-api.md section 18, and what feeds it.
 *
 * What happens to runs is learnt from the store's notes (one history for everybody); what happens to
 * calls is said by src/api through the functions below. Threads: loop thread.
 */
#ifndef MANTIS_SCHED_METERS_H
#define MANTIS_SCHED_METERS_H

#include "base/buf.h"
#include "sched/tenants.h"
#include "store/store.h"
#include "sys/loop.h"
#include "sys/settings.h"

struct meters;

/* Borrows all; listens to the store, and counts what is live in it already: before
 * anything changes it. tenants may be NULL. */
int meters_create(struct loop *loop, struct store *store, struct tenants *tenants,
                  const struct settings *settings, struct meters **out, struct err *err) MUST_CHECK;
void meters_destroy(struct meters *meters); /* after the store is closed; NULL is fine */

/* NULL meters is fine in all of these. */
void meters_predict(struct meters *meters, const char *tenant, const char *mode, const char *outcome);
void meters_chat(struct meters *meters, const char *tenant, const char *outcome);
void meters_rejected(struct meters *meters, const char *tenant, const char *kind); /* "rate", "concurrent", "cost" */
void meters_model(struct meters *meters, const char *model, const char *tag);
void meters_model_server(struct meters *meters, const char *model, bool up);
void meters_webhook(struct meters *meters, const char *tenant, const char *outcome);
void meters_stream(struct meters *meters, const char *tenant, int by); /* +1 opened, -1 closed */

/* The self-test of the model server, as it stands: its verdict, and how far clicks were off (< 0: not known). */
void meters_selftest(struct meters *meters, const char *verdict, double median_px, double max_px);

void meters_print(struct meters *meters, struct buf *out);

#endif
