// SPDX-License-Identifier: MIT
// Seeds of `hawser sim` whose stripes are socket pairs: what the kernel carries in pieces of its
// own choice comes to the same runs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/pair_wire.h"
#include "tools/swarm/swarm.h"

enum { SEEDS = 200, COMPARED_EVERY = 5 };

// The bytes of all frames that arrived, with headers and trailers.
static void add_frames(void *user, struct hwi_sim *sim)
{
    uint64_t *bytes = user;
    struct hwi_sim_costs costs;
    hwi_sim_costs(sim, &costs);
    *bytes += costs.frame_bytes + costs.frames * (HWI_FRAME_HEADER_BYTES + HWI_FRAME_TRAILER_BYTES);
}

static void run_seed(uint64_t seed, const struct hwi_sim_wire_ops *wire,
                     struct swarm_outcome *outcome, uint64_t *frame_bytes)
{
    struct swarm_config config = {.seed = seed,
                                  .peers_least = 3,
                                  .peers_most = 16,
                                  .wire = wire,
                                  .look = add_frames,
                                  .user = frame_bytes};
    swarm_run(&config, outcome);
    if (outcome->verdict != SWARM_OK) {
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed,
                 swarm_verdict_name((enum swarm_verdict)outcome->verdict), outcome->sentence);
    }
}

static void seeds_hold_over_socket_pairs(void **unused)
{
    struct swarm_outcome plain, pairs;
    uint64_t unused_bytes = 0, frame_bytes = 0;
    (void)unused;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run_seed(seed, &pair_wire_ops, &pairs, &frame_bytes);
        if (seed % COMPARED_EVERY != 0) {
            continue;
        }
        uint64_t before = pair_wire_counts.bytes;
        run_seed(seed, NULL, &plain, &unused_bytes);
        assert_true(pair_wire_counts.bytes == before);
        if (plain.digest != pairs.digest) {
            fail_msg("seed %llu differs", (unsigned long long)seed);
        }
    }
    assert_true(frame_bytes > 0 && pair_wire_counts.bytes >= frame_bytes);
    print_message("%llu socket pairs carried %llu bytes\n",
                  (unsigned long long)pair_wire_counts.wires,
                  (unsigned long long)pair_wire_counts.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(seeds_hold_over_socket_pairs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
