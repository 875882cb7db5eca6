// SPDX-License-Identifier: MIT
// The payload is the elements.
#include <stddef.h>

#include "transport/data/codec/codec.h"

static uint32_t bound(uint32_t element_bytes)
{
    return element_bytes;
}

const struct hwi_codec_ops hwi_codec_raw = {
    .name = "raw", .number = HWI_PAYLOAD_RAW, .bound = bound};
