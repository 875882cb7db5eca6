// SPDX-License-Identifier: MIT
// The format of a frame on a stripe: a 64-byte header, the payload, an 8-byte trailer.
// Little-endian.
//   0 magic u32   4 kind u8   5 phase u8   6 lane u8   7 codec u8   8 view u64   16 tag u64
//   24 seq u32   28 op kind u8, 3 zero bytes
//   32 offset u64: of a CHUNK in the whole, in bytes; of a BLOCK its number
//   40 payload bytes u32   44 element bytes u32, as decoded (CHUNK: 0 = equal to payload bytes)
//   48 zero u64   56 XXH3-64 of bytes 0..55
// Trailer: XXH3-64 of the payload; HWI_TRAILER_ABANDONED if the sender gave the frame up half-way
// (the payload is then padding): the receiver drops it and counts.
#ifndef HAWSER_TRANSPORT_DATA_FRAME_H
#define HAWSER_TRANSPORT_DATA_FRAME_H

#include "actors/wire/msg.h"

enum { HWI_FRAME_HEADER_BYTES = 64, HWI_FRAME_TRAILER_BYTES = 8 };
enum hwi_frame_kind { HWI_FRAME_MESSAGE = 1, HWI_FRAME_CHUNK = 2, HWI_FRAME_BLOCK = 3 };
enum { HWI_FRAME_BLOCK_PHASE = 3 }; // of every BLOCK; a CHUNK's says its plan, a MESSAGE has 0
enum hwi_lane { HWI_LANE_REDUCER = 0, HWI_LANE_SNAPSHOT = 1, HWI_LANES = 2 };

#define HWI_TRAILER_ABANDONED UINT64_C(0x6162616e646f6e21)

struct hwi_frame {
    uint8_t kind;  // enum hwi_frame_kind
    uint8_t phase; // HWI_PHASES_MAX at most
    uint8_t lane;  // enum hwi_lane
    uint8_t codec; // enum hwi_payload
    struct hwi_op op;
    uint64_t offset;
    uint32_t payload_bytes; // at most HWI_FRAME_PAYLOAD_MAX
    uint32_t element_bytes; // of a chunk or block: what is made of the payload
};

void hwi_frame_write(const struct hwi_frame *frame, unsigned char bytes[HWI_FRAME_HEADER_BYTES]);
// False if the bytes are not a valid header: magic, checksum, kinds, lane, codec and its bound,
// zero bytes, limits, and what the kind has no use for is zero. *frame is set only if it is valid.
bool hwi_frame_read(const unsigned char bytes[HWI_FRAME_HEADER_BYTES], struct hwi_frame *frame);
// XXH3-64, moved off HWI_TRAILER_ABANDONED.
uint64_t hwi_frame_checksum(const void *payload, size_t bytes);

#endif
