// SPDX-License-Identifier: MIT
// A stripe's first bytes, from the dialler, and their answer. Little-endian.
//   hello  0 magic u32   4 protocol u32   8 run   16 from   24 from's incarnation
//          32 to   40 to's incarnation   48 attempt   56 lane u8, 57 index u8, 58 count u8
//          59 zero, 5 bytes   64 XXH3-64 of bytes 0..63
//   ack    0 magic u32   4 protocol u32   8 attempt   16 XXH3-64 of bytes 0..15
#ifndef HAWSER_TRANSPORT_HOST_EDGE_TCP_HELLO_H
#define HAWSER_TRANSPORT_HOST_EDGE_TCP_HELLO_H

#include <stdbool.h>
#include <stdint.h>

enum { HWI_HELLO_BYTES = 72, HWI_ACK_BYTES = 24 };

struct hwi_hello {
    uint64_t run;
    uint64_t from, from_incarnation; // the dialler
    uint64_t to, to_incarnation;     // whom it wants
    // Rises with each dial of this pair: a later one says that the earlier is over
    uint64_t attempt;
    uint8_t lane;  // enum hwi_lane
    uint8_t index; // below count
    uint8_t count; // stripes of each lane, 1 to HWI_STRIPES_MAX
};

void hwi_hello_write(const struct hwi_hello *hello, unsigned char bytes[HWI_HELLO_BYTES]);
// False if the bytes are not a valid hello: magic, protocol, checksum, lane, index, count, zero
// bytes.
bool hwi_hello_read(const unsigned char bytes[HWI_HELLO_BYTES], struct hwi_hello *hello);

void hwi_ack_write(uint64_t attempt, unsigned char bytes[HWI_ACK_BYTES]);
bool hwi_ack_valid(const unsigned char bytes[HWI_ACK_BYTES], uint64_t attempt);

#endif
