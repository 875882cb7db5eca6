// SPDX-License-Identifier: MIT
// All codecs, and the operations that use each.
#include <stddef.h>

#include "actors/wire/msg.h"
#include "transport/data/codec/codec.h"

static const struct hwi_codec_ops *const codecs[] = {
    &hwi_codec_raw,
    &hwi_codec_lz4,
};

const struct hwi_codec_ops *hwi_codec_find(uint8_t number)
{
    for (size_t i = 0; i < HWI_COUNT(codecs); i++) {
        if (codecs[i]->number == number) {
            return codecs[i];
        }
    }
    return NULL;
}

// Gradients do not get smaller by LZ4; states often do.
const struct hwi_codec_ops *hwi_codec_for(uint8_t kind)
{
    return kind == HWI_KIND_SYNC ? &hwi_codec_lz4 : &hwi_codec_raw;
}
