/*
 * test.h - cmocka and what it needs included before it.
 */
#ifndef MANTIS_TESTS_TEST_H
#define MANTIS_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A test that shows a row of the contract is named after it: "plans 9.1 loop_count N runs the body N
 * times". tests/list_rows.py lists them. */
#define row_test(row, function) {row, function, NULL, NULL, NULL}

#endif
