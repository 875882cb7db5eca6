// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "actors/wire/copy.h"

bool hwi_msg_clone(const struct hwi_msg *from, struct hwi_msg *to, void **block)
{
    size_t bytes = hwi_msg_lists_bytes(from);
    *block = bytes ? malloc(bytes) : NULL;
    if (bytes && *block == NULL) {
        return false;
    }
    hwi_msg_copy(from, to, *block);
    return true;
}
