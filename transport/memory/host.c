// SPDX-License-Identifier: MIT
// The CPU's memory: all of it is where it says.
#include <string.h>

#include "collectives/kernels/kernels.h"
#include "transport/memory/memory.h"

static unsigned char *direct(struct hwi_location at, size_t bytes)
{
    (void)bytes;
    return (unsigned char *)at.hidden;
}

static void copy_out(struct hwi_location from, void *to, size_t bytes)
{
    hwi_stream_copy(to, (const void *)from.hidden, bytes);
}

static void copy_in(struct hwi_location to, const void *from, size_t bytes)
{
    memcpy((void *)to.hidden, from, bytes);
}

const struct hwi_memory_ops hwi_memory_host = {
    .name = "host",
    .direct = direct,
    .copy_out = copy_out,
    .copy_in = copy_in,
};

struct hwi_location hwi_location_host(const void *bytes)
{
    struct hwi_location none = {0};
    return bytes == NULL ? none : (struct hwi_location){&hwi_memory_host, (uintptr_t)bytes};
}
