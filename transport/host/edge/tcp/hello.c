// SPDX-License-Identifier: MIT
#include "transport/host/edge/tcp/hello.h"

#include <string.h>

#include <xxhash.h>

#include "actors/wire/msg.h"
#include "transport/data/frame.h"

#define HELLO_MAGIC UINT32_C(0x6f737748) // "Hwso"
#define ACK_MAGIC UINT32_C(0x6b737748)   // "Hwsk"

static void put(unsigned char *bytes, uint64_t value, int count)
{
    for (int i = 0; i < count; i++) {
        bytes[i] = (unsigned char)(value >> (8 * i));
    }
}

static uint64_t get(const unsigned char *bytes, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

void hwi_hello_write(const struct hwi_hello *hello, unsigned char bytes[HWI_HELLO_BYTES])
{
    memset(bytes, 0, HWI_HELLO_BYTES);
    put(bytes, HELLO_MAGIC, 4);
    put(bytes + 4, HWI_PROTOCOL, 4);
    put(bytes + 8, hello->run, 8);
    put(bytes + 16, hello->from, 8);
    put(bytes + 24, hello->from_incarnation, 8);
    put(bytes + 32, hello->to, 8);
    put(bytes + 40, hello->to_incarnation, 8);
    put(bytes + 48, hello->attempt, 8);
    bytes[56] = hello->lane;
    bytes[57] = hello->index;
    bytes[58] = hello->count;
    put(bytes + 64, XXH3_64bits(bytes, 64), 8);
}

bool hwi_hello_read(const unsigned char bytes[HWI_HELLO_BYTES], struct hwi_hello *hello)
{
    static const unsigned char zero[5];
    if (get(bytes, 4) != HELLO_MAGIC || get(bytes + 4, 4) != HWI_PROTOCOL ||
        get(bytes + 64, 8) != XXH3_64bits(bytes, 64) ||
        memcmp(bytes + 59, zero, sizeof zero) != 0) {
        return false;
    }
    struct hwi_hello read = {
        .run = get(bytes + 8, 8),
        .from = get(bytes + 16, 8),
        .from_incarnation = get(bytes + 24, 8),
        .to = get(bytes + 32, 8),
        .to_incarnation = get(bytes + 40, 8),
        .attempt = get(bytes + 48, 8),
        .lane = bytes[56],
        .index = bytes[57],
        .count = bytes[58],
    };
    if (read.lane >= HWI_LANES || read.count > HWI_STRIPES_MAX || read.index >= read.count) {
        return false;
    }
    *hello = read;
    return true;
}

void hwi_ack_write(uint64_t attempt, unsigned char bytes[HWI_ACK_BYTES])
{
    put(bytes, ACK_MAGIC, 4);
    put(bytes + 4, HWI_PROTOCOL, 4);
    put(bytes + 8, attempt, 8);
    put(bytes + 16, XXH3_64bits(bytes, 16), 8);
}

bool hwi_ack_valid(const unsigned char bytes[HWI_ACK_BYTES], uint64_t attempt)
{
    unsigned char expected[HWI_ACK_BYTES];
    hwi_ack_write(attempt, expected);
    return memcmp(bytes, expected, HWI_ACK_BYTES) == 0;
}
