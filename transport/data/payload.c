// SPDX-License-Identifier: MIT
#include "transport/data/payload.h"

#include <string.h>

#include "transport/data/outgoing.h"
#include "transport/data/port.h"

const char hwi_payload_wrong[] = "a payload does not give its elements";

static struct hwi_elements elements_of(const struct hwi_data_op *op, const struct hwi_frame *frame)
{
    return (struct hwi_elements){.dtype = op->dtype, .bytes = frame->element_bytes};
}

// 0 if the codec declines, or memory is short.
static uint32_t encode(struct hwi_data *data, const struct hwi_data_op *op,
                       const unsigned char *from, const struct hwi_frame *frame,
                       struct hwi_frame_out *out)
{
    const struct hwi_codec_ops *codec = op->codec;
    struct hwi_elements elements = elements_of(op, frame);
    uint32_t most = codec->bound(elements.bytes);
    out->owned = hwi_pool_take(&data->pool, most);
    uint32_t made = out->owned != NULL ? codec->encode(&elements, from, out->owned) : 0;
    HWI_CHECK(made <= most);
    if (made == 0) {
        hwi_pool_give(&data->pool, out->owned);
        out->owned = NULL;
    }
    return made;
}

void hwi_payload_cut(struct hwi_data *data, const struct hwi_data_op *op, const unsigned char *from,
                     const struct hwi_frame *frame, struct hwi_frame_out *out)
{
    struct hwi_frame cut = *frame;
    uint32_t made = op->codec->encode != NULL ? encode(data, op, from, frame, out) : 0;
    cut.codec = made > 0 ? op->codec->number : HWI_PAYLOAD_RAW;
    cut.payload_bytes = made > 0 ? made : frame->element_bytes;
    out->payload = made > 0 ? out->owned : from;
    hwi_frame_out_seal(out, &cut);
}

bool hwi_payload_is_plain(const struct hwi_frame *frame)
{
    return frame->codec == HWI_PAYLOAD_RAW;
}

bool hwi_payload_place(const struct hwi_data_op *op, const struct hwi_frame *frame,
                       const void *payload, unsigned char *to)
{
    struct hwi_elements elements = elements_of(op, frame);
    if (hwi_payload_is_plain(frame)) {
        memcpy(to, payload, frame->payload_bytes);
        return true;
    }
    return hwi_codec_find(frame->codec)->decode(&elements, payload, frame->payload_bytes, to);
}
