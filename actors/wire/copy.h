// SPDX-License-Identifier: MIT
// Deep copies of messages into memory that the caller brings.
#ifndef HAWSER_ACTORS_WIRE_COPY_H
#define HAWSER_ACTORS_WIRE_COPY_H

#include "actors/wire/codec.h"

// Every list begins at a multiple of this in the block that holds a message's lists.
enum { HWI_LIST_ALIGN = 8 };

static inline size_t hwi_list_bytes(const struct hwi_layout *record, size_t count)
{
    return (record->bytes * count + HWI_LIST_ALIGN - 1) & ~(size_t)(HWI_LIST_ALIGN - 1);
}

// Bytes that the message's lists take in one block, nested ones included; 0 if it has none.
size_t hwi_msg_lists_bytes(const struct hwi_msg *msg);

// Deep copy: *to's lists point into `memory` (borrowed; hwi_msg_lists_bytes(from) bytes, aligned as
// malloc does; NULL for 0). Empty lists become NULL.
void hwi_msg_copy(const struct hwi_msg *from, struct hwi_msg *to, void *memory);

#endif
