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

#endif
