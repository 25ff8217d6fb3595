/*
 * demote.h - success that the page does not bear out becomes failure (plans.md section 10).
 *
 * Beyond the section: expect_text_present must come true wherever it is given; a click or submit that leads
 * to an error page of the server failed (http_4xx, http_5xx); and a submit that left says whether it may be
 * sent again (OUTCOME_REFUSED) or not (OUTCOME_UNMET).
 */
#ifndef MANTIS_RUN_DEMOTE_H
#define MANTIS_RUN_DEMOTE_H

#include "run/step.h"

int demote_check(struct run *run, struct step_result *result, struct err *err) MUST_CHECK;

#endif
