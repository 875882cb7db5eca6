// SPDX-License-Identifier: MIT
#include "transport/data/payload.h"

#include "transport/data/outgoing.h"
#include "transport/data/port.h"
#include "transport/data/span.h"

const char hwi_payload_no_memory[] = "no memory for a frame";

static struct hwi_elements elements_of(const struct hwi_data_op *op, const struct hwi_frame *frame)
{
    return (struct hwi_elements){.dtype = op->dtype, .bytes = frame->element_bytes};
}

// 0 if the codec declines, or memory is short.
static uint32_t encode(struct hwi_data *data, const struct hwi_data_op *op,
                       const unsigned char *from, const struct hwi_frame *frame, void **payload)
{
    const struct hwi_codec_ops *codec = op->codec;
    struct hwi_elements elements = elements_of(op, frame);
    uint32_t most = codec->bound(elements.bytes);
    *payload = hwi_pool_take(&data->pool, most);
    uint32_t made = *payload != NULL ? codec->encode(&elements, from, *payload) : 0;
    HWI_CHECK(made <= most);
    if (made == 0) {
        hwi_pool_give(&data->pool, *payload);
    }
    return made;
}

void hwi_payload_cut(struct hwi_data *data, const struct hwi_data_op *op, struct hwi_location from,
                     const struct hwi_frame *frame, struct hwi_frame_out *out)
{
    struct hwi_frame cut = *frame;
    struct hwi_span span;
    void *payload = NULL;
    bool here = hwi_span_read(&data->pool, from, frame->element_bytes, &span);
    HWI_CHECK(here);
    uint32_t made = op->codec->encode != NULL ? encode(data, op, span.bytes, frame, &payload) : 0;
    if (made > 0) {
        hwi_span_close(&data->pool, &span);
        cut.codec = op->codec->number;
        cut.payload_bytes = made;
        out->payload = out->owned = payload;
    } else {
        cut.codec = HWI_PAYLOAD_RAW;
        cut.payload_bytes = frame->element_bytes;
        out->payload = span.bytes;
        out->owned = span.staged;
    }
    hwi_frame_out_seal(out, &cut);
}

bool hwi_payload_is_plain(const struct hwi_frame *frame)
{
    return frame->codec == HWI_PAYLOAD_RAW;
}

const char *hwi_payload_place(struct hwi_data *data, const struct hwi_data_op *op,
                              const struct hwi_frame *frame, const void *payload,
                              struct hwi_location to)
{
    struct hwi_elements elements = elements_of(op, frame);
    struct hwi_span span;
    if (hwi_payload_is_plain(frame)) {
        hwi_location_copy_in(to, payload, frame->payload_bytes);
        return NULL;
    }
    if (!hwi_span_write(&data->pool, to, elements.bytes, &span)) {
        return hwi_payload_no_memory;
    }
    if (!hwi_codec_find(frame->codec)
             ->decode(&elements, payload, frame->payload_bytes, span.bytes)) {
        hwi_span_close(&data->pool, &span);
        return "a payload does not give its elements";
    }
    hwi_span_commit(&data->pool, to, elements.bytes, &span);
    return NULL;
}
