// SPDX-License-Identifier: MIT
// The door between elements and what of them travels: a chunk or block is encoded when its frame is
// cut and decoded when it is placed. A frame's header names its codec and tells how many bytes its
// elements have; its checksum covers the payload, as it travels. Each codec has a file here and a
// row in codecs.c, which also says which codec cuts an operation's frames. (Messages have another
// form: actors/wire/codec.h.)
//
// The duties of an implementation:
// - `bound` is the most that `encode` gives for that number of bytes of elements, of any type. It
//   never passes HWI_FRAME_PAYLOAD_MAX for a chunk or block of the largest size. It is also what is
//   asked of a stranger's frame before room is made for its payload.
// - `encode` may decline (0): the frame is then raw. It writes nothing beyond its bound, and may
//   leave rubbish behind what it returns.
// - `decode` gets a stranger's bytes. It reads and writes nothing beyond the given sizes, and
// returns false unless they give all elements.
// - The same elements give the same payload and the same payload gives the same elements, on every
//   machine: a chunk is encoded once for each member that it goes to, and all must hold the same
//   bytes afterwards.
// - decode(encode(x)) is x. A codec that rounds is not among these yet. The type and the number of
//   the elements are given to both sides for its sake. It must settle the bytes that the owner of a
//   chunk keeps: the owner replaces its own bytes by decode(encode(x)) before it uses or sends
//   them, and encoding them again must give the same payload, so that it and all receivers hold one
//   value.
// - No state, no lock, no allocation: any thread.
#ifndef HAWSER_TRANSPORT_DATA_CODEC_CODEC_H
#define HAWSER_TRANSPORT_DATA_CODEC_CODEC_H

#include <stdbool.h>
#include <stdint.h>

// In the header of every chunk and block. Each number is its codec's for ever.
enum hwi_payload { HWI_PAYLOAD_RAW = 0, HWI_PAYLOAD_LZ4 = 1 };

// The elements to encode, or the decoded ones.
struct hwi_elements {
    uint8_t dtype;  // hws_dtype; 0 = bytes of any type (blocks of the shared state)
    uint32_t bytes; // of all elements; never 0
};

struct hwi_codec_ops {
    const char *name;
    uint8_t number; // enum hwi_payload
    // Of `element_bytes` bytes of elements: the most payload bytes they become.
    uint32_t (*bound)(uint32_t element_bytes);
    // Writes the payload of the elements at `from` to `to` (which has room for the bound) and
    // returns its size; 0 = declined. NULL: the payload is the elements themselves. Such frames are
    // sent from where the elements are and received where they belong, without a copy. Both are
    // borrowed until return.
    uint32_t (*encode)(const struct hwi_elements *elements, const void *from, void *to);
    // The inverse, from `payload_bytes` bytes (1..bound). NULL likewise.
    bool (*decode)(const struct hwi_elements *elements, const void *from, uint32_t payload_bytes,
                   void *to);
};

extern const struct hwi_codec_ops hwi_codec_raw; // raw.c
extern const struct hwi_codec_ops hwi_codec_lz4; // lz4.c

// codecs.c, which a test may replace. The codec with this number, or NULL. Static.
const struct hwi_codec_ops *hwi_codec_find(uint8_t number);
// The codec of an operation of this kind (enum hwi_kind). Static.
const struct hwi_codec_ops *hwi_codec_for(uint8_t kind);

#endif
