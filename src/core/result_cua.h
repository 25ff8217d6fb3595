/*
 * result_cua.h - what the result of /v1/cua says beside what every result does (http-api.md section 6).
 */
#ifndef MANTIS_CORE_RESULT_CUA_H
#define MANTIS_CORE_RESULT_CUA_H

#include "core/result.h"

/* Adds mode "pure_cua", instruction, start_url, success, termination_reason, steps, the summaries of the loop
 * and its counts to the envelope. ctx->cua is set; a run that ended before its loop did has empty ones. */
void result_put_cua(json_t *env, const struct result_context *ctx, const json_t *checkpoint);

#endif
