// SPDX-License-Identifier: MIT
// Built with the bug that HWI_CANARY plants (actors/peer/on_op_done.c: Done is said of an operation
// when one behind it on its tag is whole): within 1,000 seeds it must be found.
#include <stdio.h>

#include "tools/swarm/swarm.h"

enum { SEEDS_MAX = 1000 };

int main(void)
{
    for (uint64_t seed = 1; seed <= SEEDS_MAX; seed++) {
        struct swarm_config config = {.seed = seed, .peers_least = 3, .peers_most = 16};
        struct swarm_outcome outcome;
        swarm_run(&config, &outcome);
        if (outcome.verdict != SWARM_OK) {
            printf("seed %u: %s: %s\n", (unsigned)seed,
                   swarm_verdict_name((enum swarm_verdict)outcome.verdict), outcome.sentence);
            return 0;
        }
    }
    puts("the planted bug was not found");
    return 1;
}
