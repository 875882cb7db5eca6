// SPDX-License-Identifier: MIT
// The message of a test that fails. The first failure of a scenario prints its whole transcript.
#ifndef HAWSER_TESTS_SUPPORT_EXPECT_H
#define HAWSER_TESTS_SUPPORT_EXPECT_H

#include <stdbool.h>

// Fails the running cmocka test with a sentence unless `condition` holds.
void expect(bool condition, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Printed before the sentence of a failure; NULL = nothing. Borrowed.
void expect_context(const char *(*context)(void *user), void *user);

#endif
