// SPDX-License-Identifier: MIT
#include "tests/support/expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char *(*context_of)(void *user);
static void *context_user;

void expect_context(const char *(*context)(void *user), void *user)
{
    context_of = context;
    context_user = user;
}

void expect(bool condition, const char *format, ...)
{
    char sentence[4096];
    va_list arguments;
    if (condition) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (context_of != NULL) {
        fprintf(stderr, "%s", context_of(context_user));
    }
    fail_msg("%s", sentence);
}
