// SPDX-License-Identifier: MIT
// The wide checksum is the library's, for every length and alignment.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <xxhash.h>

#include "transport/data/checksum.h"

enum { LENGTH = 4096, MISALIGNED = 9 };

static void test_same_as_the_library(void **state)
{
    static unsigned char bytes[LENGTH + MISALIGNED];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 131 + i / 251);
    }
    for (size_t at = 0; at < MISALIGNED; at++) {
        for (size_t length = 0; length <= LENGTH; length++) {
            assert_true(hwi_checksum(bytes + at, length) == XXH3_64bits(bytes + at, length));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_the_library)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
