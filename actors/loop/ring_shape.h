// SPDX-License-Identifier: MIT
// Where in a message the fields are that a ring's record keeps: computed once per type from the
// table of messages, so that writing a record needs next to no decisions.
#ifndef HAWSER_ACTORS_LOOP_RING_SHAPE_H
#define HAWSER_ACTORS_LOOP_RING_SHAPE_H

#include <string.h>

#include "actors/wire/codec.h"

// A field of a struct hwi_msg: eight bytes at `offset`, of which all but the upper `shift` bits
// count. One that the type does not have is the upper byte of the message's type, which is 0.
struct hwi_ring_place {
    uint16_t offset;
    uint16_t shift;
};

struct hwi_ring_shape {
    struct hwi_ring_place view, tag, key, high, seq, kind;
    uint16_t signature; // offset of the signature that is the key; 0 = the key is `key` and `high`
};

// Relies on little-endian memory, and on no short field being at the very end of struct hwi_msg.
static inline uint64_t hwi_ring_load(const unsigned char *msg, struct hwi_ring_place place)
{
    uint64_t value;
    memcpy(&value, msg + place.offset, sizeof value);
    return value << place.shift >> place.shift;
}

// For a type that does not exist no field is there.
void hwi_ring_shape(uint16_t type, struct hwi_ring_shape *shape);

#endif
