// SPDX-License-Identifier: MIT
// 200 seeds of the simulator with a second implementation behind a door: nothing else is changed.
#include <inttypes.h>
#include <stdio.h>

#include "tests/doors/used.h"
#include "tools/swarm/swarm.h"

enum { SEEDS = 200, REPLAYED_EVERY = 10 };

static int run(uint64_t seed)
{
    struct swarm_config config = {.seed = seed, .peers_least = 3, .peers_most = 16};
    struct swarm_outcome outcome;
    config.replayed = seed % REPLAYED_EVERY == 1;
    swarm_run(&config, &outcome);
    if (outcome.verdict != SWARM_OK) {
        printf("seed %" PRIu64 ": %s: %s\n", seed,
               swarm_verdict_name((enum swarm_verdict)outcome.verdict), outcome.sentence);
    }
    return outcome.verdict != SWARM_OK;
}

int main(void)
{
    int failed = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        failed += run(seed);
    }
    printf("%d of %d seeds failed; the door was used %" PRIu64 " times\n", failed, SEEDS,
           door_used);
    return failed > 0 || door_used == 0;
}
