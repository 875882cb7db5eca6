// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "actors/base/base.h"

static void *resize(void *user, void *pointer, size_t bytes)
{
    (void)user;
    if (bytes) {
        return realloc(pointer, bytes);
    }
    free(pointer);
    return NULL;
}

const struct hwi_alloc hwi_alloc_libc = {.resize = resize};
