/*
 * gate.h - the commands of `mantis gate`.
 */
#ifndef MANTIS_CMD_GATE_H
#define MANTIS_CMD_GATE_H

#include "cmd/cmd.h"

command_fn gate_run, gate_scorecard;

#endif
