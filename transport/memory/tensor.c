// SPDX-License-Identifier: MIT
#include "transport/memory/memory.h"

// All tensors are in the CPU's memory.
struct hwi_location hwi_location_of(const void *pointer)
{
    return hwi_location_host(pointer);
}
