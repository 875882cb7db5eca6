// SPDX-License-Identifier: MIT
#include <string.h>

#include "actors/base/base.h"

void *hwi_try_new(const struct hwi_alloc *alloc, size_t bytes)
{
    size_t taken = HWI_MAX(bytes, (size_t)1);
    void *memory = alloc->resize(alloc->user, NULL, taken);
    return memory != NULL ? memset(memory, 0, taken) : NULL;
}

void *hwi_new(const struct hwi_alloc *alloc, size_t bytes)
{
    void *memory = hwi_try_new(alloc, bytes);
    HWI_CHECK_MEMORY(memory != NULL);
    return memory;
}

void *hwi_resize(const struct hwi_alloc *alloc, void *pointer, size_t bytes)
{
    void *memory = alloc->resize(alloc->user, pointer, bytes);
    HWI_CHECK_MEMORY(memory != NULL || bytes == 0);
    return memory;
}

void hwi_free(const struct hwi_alloc *alloc, void *pointer)
{
    if (pointer != NULL) {
        alloc->resize(alloc->user, pointer, 0);
    }
}
