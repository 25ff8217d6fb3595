/*
 * eval.h - the commands of `mantis eval`.
 */
#ifndef MANTIS_CMD_EVAL_H
#define MANTIS_CMD_EVAL_H

#include "cmd/cmd.h"

command_fn eval_run, eval_compare;

#endif
