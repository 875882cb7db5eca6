// SPDX-License-Identifier: MIT
// Contents of tensors and votes: functions of who calls and which call it is, so that a result over
// other members or other calls has other bytes.
#include "tools/swarm/crew.h"

#include <string.h>

// Values whose sums depend on the order of addition: 24 random bits and a scale of 1 to 128.
static double value_of(uint64_t random)
{
    int64_t integer = (int64_t)(random >> 40) - (1 << 23);
    return (double)integer / (double)(UINT64_C(1) << (random & 7));
}

void swarm_fill(const struct hwi_sim_call *asked, uint64_t incarnation, uint64_t key, void *to)
{
    struct swarm_draw draw = swarm_stream(incarnation, SWARM_STREAM_INPUT, key);
    unsigned char *at = to;
    for (uint64_t i = 0; i < asked->count; i++) {
        double wide = value_of(swarm_next(&draw));
        float narrow = (float)wide;
        if (asked->dtype == HWS_F64) {
            memcpy(at, &wide, sizeof(wide));
            at += sizeof(wide);
        } else {
            memcpy(at, &narrow, sizeof(narrow));
            at += sizeof(narrow);
        }
    }
}

uint64_t swarm_vote(uint64_t incarnation, uint64_t key)
{
    return swarm_mix(swarm_mix(incarnation, SWARM_STREAM_VOTE), key);
}
