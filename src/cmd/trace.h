/*
 * trace.h - what the files of `mantis trace` share.
 */
#ifndef MANTIS_CMD_TRACE_H
#define MANTIS_CMD_TRACE_H

#include "cmd/cmd.h"

#define TRACE_FAILED 1
#define TRACE_USAGE  2

command_fn cmd_trace_convert;

#endif
