// SPDX-License-Identifier: MIT
// A tensor of more than 4 GiB: offsets, sizes and block numbers beyond 32 bits. Its memory is
// sparse, and pages that nobody wrote to cost nothing but the time to hash zeros.
#define _DEFAULT_SOURCE // MAP_ANONYMOUS
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

#define GIB (UINT64_C(1) << 30)
#define LARGE (9 * GIB / 2 + 12345)

enum { MEMBERS = 2 };

// Where the members differ: around what 32 bits can tell, and at both ends.
static const uint64_t places[] = {0, 2 * GIB, 4 * GIB - 1, 4 * GIB, 4 * GIB + 7, LARGE - 1};

static unsigned char *map(void)
{
    void *memory = mmap(NULL, LARGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

static void a_tensor_larger_than_4_gib_is_synced(void **unused)
{
    (void)unused;
    unsigned char *memory[MEMBERS] = {map(), map()};
    uint64_t requests[MEMBERS];
    struct scenario *s = scenario_start(MEMBERS);
    for (size_t i = 0; i < HWI_COUNT(places); i++) {
        memory[0][places[i]] = (unsigned char)(i + 1);
        memory[1][places[i]] = 99;
    }
    memory[1][4 * GIB + 200 * HWI_BLOCK_BYTES] = 99; // a byte in a block that is zero elsewhere
    for (uint32_t node = 0; node < MEMBERS; node++) {
        struct hwi_tensor tensors[] = {{.name = "large", .dtype = HWS_U8, .bytes = LARGE}};
        void *first = memory[node];
        hwi_sim_state(s->sim, node, tensors, &first, 1);
        requests[node] = sync_state(s, node, 1, MEMBERS - node);
    }
    expect_status(s, 0, requests[0], HWS_OK);
    const struct hwi_msg_reply *reply = expect_status(s, 1, requests[1], HWS_OK);
    assert_int_equal(reply->sources, 1);
    assert_in_range(reply->bytes_received, 6, 6 * HWI_BLOCK_BYTES / 10); // zeros travel packed
    for (size_t i = 0; i < HWI_COUNT(places); i++) {
        assert_int_equal(memory[1][places[i]], i + 1);
    }
    assert_int_equal(memory[1][4 * GIB + 200 * HWI_BLOCK_BYTES], 0);
    for (uint32_t node = 0; node < MEMBERS; node++) {
        assert_int_equal(munmap(memory[node], LARGE), 0); // law 2 holds without it
    }
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_tensor_larger_than_4_gib_is_synced)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
