// SPDX-License-Identifier: MIT
// Contents of tensors and votes: functions of the caller and the call, so that a result over
// other members or other calls has other bytes.
#include "actors/base/dtype.h"
#include "tools/swarm/crew.h"

#include <string.h>

enum { SPECIAL_IN = 97 }; // one element of this many is an awkward one

// Values whose sums depend on the order of addition: 24 random bits and a scale of 1 to 128.
static double value_of(uint64_t random)
{
    int64_t integer = (int64_t)(random >> 40) - (1 << 23);
    return (double)integer / (double)(UINT64_C(1) << (random & 7));
}

static uint64_t f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t f64_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// NaNs of two kinds, infinities, zeros, subnormals.
static uint64_t special_of(uint8_t dtype, uint64_t random)
{
    static const struct {
        uint64_t sign, infinity, payload;
    } types[] = {
        [HWS_F16 - HWS_F16] = {0x8000, 0x7c00, 0x2a},
        [HWS_BF16 - HWS_F16] = {0x8000, 0x7f80, 0x15},
        [HWS_F32 - HWS_F16] = {0x80000000, 0x7f800000, 0x1234},
        [HWS_F64 - HWS_F16] = {UINT64_C(1) << 63, UINT64_C(0x7ff0000000000000), 0x123456},
    };
    uint64_t sign = random & 8 ? types[dtype - HWS_F16].sign : 0;
    uint64_t infinity = types[dtype - HWS_F16].infinity;
    uint64_t payload = types[dtype - HWS_F16].payload;
    const uint64_t all[] = {sign, sign, sign | payload, sign | infinity, infinity | payload, sign};
    return all[random % HWI_COUNT(all)];
}

static uint64_t bits_of(uint8_t dtype, uint64_t random)
{
    if (!hwi_dtype_is_fraction(dtype)) {
        return random;
    }
    if (random % SPECIAL_IN == 0) {
        return special_of(dtype, random >> 32);
    }
    switch (dtype) {
    case HWS_F16: // an exponent of a few around 1
        return (random & 0x83ff) | (12 + (random >> 20) % 6) << 10;
    case HWS_BF16:
        return (random & 0x807f) | (124 + (random >> 20) % 6) << 7;
    case HWS_F32:
        return f32_bits((float)value_of(random));
    default:
        return f64_bits(value_of(random));
    }
}

void swarm_fill(uint8_t dtype, uint64_t incarnation, uint64_t key, uint64_t from, uint64_t count,
                void *to)
{
    struct swarm_draw draw = swarm_stream(incarnation, SWARM_STREAM_INPUT, key);
    size_t bytes = hws_dtype_bytes((hws_dtype)dtype);
    unsigned char *at = to;
    swarm_pass(&draw, from);
    for (uint64_t i = 0; i < count; i++, at += bytes) {
        uint64_t bits = bits_of(dtype, swarm_next(&draw));
        memcpy(at, &bits, bytes);
    }
}

uint64_t swarm_vote(uint64_t incarnation, uint64_t key)
{
    return swarm_mix(swarm_mix(incarnation, SWARM_STREAM_VOTE), key);
}

uint64_t swarm_own_count(uint64_t incarnation, uint64_t key, uint64_t count)
{
    uint64_t random = swarm_mix(swarm_mix(incarnation, SWARM_STREAM_COUNT), key);
    return random % 4 == 0 ? 0 : random % (SWARM_OWN_COUNTS * count + 1);
}
