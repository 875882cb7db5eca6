// SPDX-License-Identifier: MIT
// Frames coming in: where each header's payload goes, and what comes of it when it is whole.
#include "transport/data/bits.h"
#include "transport/data/blocks.h"
#include "transport/data/edge.h"
#include "transport/data/incoming.h"
#include "transport/data/message.h"
#include "transport/data/payload.h"
#include "transport/data/port.h"
#include "transport/data/row.h"

#include <string.h>

#include "actors/base/bytes.h"

static enum hwi_verdict broken(const char **why, const char *text)
{
    *why = text;
    return HWI_VERDICT_BROKEN;
}

static void hold(struct hwi_data *data, struct hwi_frame_in *in)
{
    in->previous = NULL;
    in->next = data->in;
    if (data->in != NULL) {
        data->in->previous = in;
    }
    data->in = in;
}

static void let_go(struct hwi_data *data, struct hwi_frame_in *in)
{
    if (in->next != NULL) {
        in->next->previous = in->previous;
    }
    if (in->previous != NULL) {
        in->previous->next = in->next;
    } else {
        data->in = in->next;
    }
}

// Undoes what begin_* claimed for the frame; its bytes have nowhere to go from now on.
static void discard(struct hwi_frame_in *in)
{
    if (in->target == NULL) {
        return;
    }
    in->target = NULL;
    if (in->frame.kind == HWI_FRAME_BLOCK) {
        ((struct hwi_block_row *)in->row)->claimed = false;
    } else if (in->frame.kind == HWI_FRAME_CHUNK && in->row != NULL) {
        struct hwi_row *row = in->row;
        hwi_bit_clear(row->claimed, hwi_grid_at(&row->op->grid, in->frame.offset) - row->first);
    }
    in->row = NULL;
}

// Memory of the frame's own, as its target. BROKEN if there is none.
static enum hwi_verdict own(struct hwi_data *data, struct hwi_frame_in *in, const char **why)
{
    in->owned = hwi_pool_take(&data->pool, in->frame.payload_bytes);
    if (in->owned == NULL) {
        return broken(why, hwi_payload_no_memory);
    }
    in->target = in->owned;
    return HWI_VERDICT_OK;
}

static enum hwi_verdict begin_eager(struct hwi_data *data, struct hwi_port_edge *edge,
                                    struct hwi_frame_in *in, const char **why)
{
    enum hwi_fit fit = hwi_stash_admit(data, edge, &in->frame, why);

    if (fit == HWI_FIT_BROKEN) {
        return HWI_VERDICT_BROKEN;
    }
    if (fit == HWI_FIT_DROP) {
        return HWI_VERDICT_OK;
    }
    return own(data, in, why);
}

// Its payload goes straight to where its elements belong, if it can; else the frame has its own
// memory for it.
static enum hwi_verdict aim(struct hwi_data *data, struct hwi_frame_in *in, struct hwi_location at,
                            const char **why)
{
    if (hwi_payload_is_plain(&in->frame)) {
        in->target = hwi_location_direct(at, in->frame.payload_bytes);
    }
    return in->target != NULL ? HWI_VERDICT_OK : own(data, in, why);
}

static enum hwi_verdict take_chunk(struct hwi_data *data, struct hwi_frame_in *in,
                                   struct hwi_row *row, uint32_t chunk, const char **why)
{
    if (aim(data, in, hwi_row_at(row, chunk), why) != HWI_VERDICT_OK) {
        return HWI_VERDICT_BROKEN;
    }
    in->row = row;
    hwi_row_claim(row, chunk);
    return HWI_VERDICT_OK;
}

static enum hwi_verdict begin_chunk(struct hwi_data *data, struct hwi_port_edge *edge,
                                    struct hwi_frame_in *in, const char **why)
{
    struct hwi_row *row;
    uint32_t chunk;

    switch (hwi_row_fit(data, edge->peer, &in->frame, &row, &chunk, why)) {
    case HWI_FIT_TAKE:
        return take_chunk(data, in, row, chunk, why);
    case HWI_FIT_STASH:
        return begin_eager(data, edge, in, why);
    case HWI_FIT_DROP:
        return HWI_VERDICT_OK;
    default:
        return HWI_VERDICT_BROKEN;
    }
}

static enum hwi_verdict begin_block(struct hwi_data *data, struct hwi_port_edge *edge,
                                    struct hwi_frame_in *in, const char **why)
{
    struct hwi_block_row *row;
    enum hwi_fit fit = hwi_block_fit(data, edge->peer, &in->frame, &row, why);

    if (fit != HWI_FIT_TAKE) {
        return fit == HWI_FIT_DROP ? HWI_VERDICT_OK : HWI_VERDICT_BROKEN;
    }
    if (aim(data, in, row->memory, why) != HWI_VERDICT_OK) {
        return HWI_VERDICT_BROKEN;
    }
    row->claimed = true;
    in->row = row;
    return HWI_VERDICT_OK;
}

static enum hwi_verdict begin(struct hwi_data *data, struct hwi_port_edge *edge,
                              struct hwi_frame_in *in, const char **why)
{
    switch (in->frame.kind) {
    case HWI_FRAME_CHUNK:
        return begin_chunk(data, edge, in, why);
    case HWI_FRAME_BLOCK:
        return begin_block(data, edge, in, why);
    default:
        return own(data, in, why);
    }
}

enum hwi_verdict hwi_data_arriving(struct hwi_data *data, uint64_t peer, enum hwi_lane lane,
                                   const unsigned char header[HWI_FRAME_HEADER_BYTES],
                                   struct hwi_frame_in *in, const char **why)
{
    struct hwi_port_edge *edge = hwi_port_edge_find(data, peer);

    memset(in, 0, sizeof *in);
    in->peer = peer;
    if (edge == NULL) {
        return broken(why, "the edge is not open");
    }
    if (!hwi_frame_read(header, &in->frame)) {
        return broken(why, "a frame's header is not valid");
    }
    if (in->frame.lane != lane) {
        return broken(why, "a frame names another lane");
    }
    if (begin(data, edge, in, why) != HWI_VERDICT_OK) {
        return HWI_VERDICT_BROKEN;
    }
    hold(data, in);
    return HWI_VERDICT_OK;
}

static enum hwi_verdict finish_chunk(struct hwi_data *data, struct hwi_frame_in *in, uint64_t sum,
                                     const char **why)
{
    struct hwi_row *row = in->row;

    if (row != NULL) {
        uint32_t chunk = hwi_grid_at(&row->op->grid, in->frame.offset);
        const char *wrong = in->owned != NULL ? hwi_payload_place(data, row->op, &in->frame,
                                                                  in->owned, hwi_row_at(row, chunk))
                                              : NULL;
        if (wrong != NULL) {
            hwi_bit_clear(row->claimed, chunk - row->first);
            return broken(why, wrong);
        }
        hwi_row_arrived(data, row, chunk, &in->frame, sum);
        return HWI_VERDICT_OK;
    }
    struct hwi_port_edge *edge = hwi_port_edge_find(data, in->peer);
    const char *reason = hwi_stash_arrived(data, edge, &in->frame, sum, &in->owned);
    return reason != NULL ? broken(why, reason) : HWI_VERDICT_OK;
}

static enum hwi_verdict finish(struct hwi_data *data, struct hwi_frame_in *in, uint64_t trailer,
                               const char **why)
{
    if (trailer == HWI_TRAILER_ABANDONED && in->frame.kind != HWI_FRAME_MESSAGE) {
        discard(in);
        data->stats.frames_dropped++;
        return HWI_VERDICT_OK;
    }
    if (trailer != hwi_frame_checksum(in->target, in->frame.payload_bytes)) {
        discard(in);
        return broken(why, "a frame's checksum is wrong");
    }
    switch (in->frame.kind) {
    case HWI_FRAME_CHUNK:
        return finish_chunk(data, in, trailer, why);
    case HWI_FRAME_BLOCK:
        return hwi_block_received(data, in, why);
    default:
        return hwi_message_received(data, in, why);
    }
}

enum hwi_verdict hwi_data_received(struct hwi_data *data, struct hwi_frame_in *in,
                                   const unsigned char trailer[HWI_FRAME_TRAILER_BYTES],
                                   const char **why)
{
    enum hwi_verdict verdict = HWI_VERDICT_OK;

    let_go(data, in);
    if (!trailer) {
        discard(in);
    } else if (in->target != NULL) {
        verdict = finish(data, in, hwi_get_u64(trailer), why);
    } else {
        data->stats.frames_dropped++;
    }
    hwi_pool_give(&data->pool, in->owned);
    in->owned = NULL;
    in->target = NULL;
    in->row = NULL;
    return verdict;
}

void hwi_frames_in_discard(struct hwi_data *data, struct hwi_op op)
{
    for (struct hwi_frame_in *in = data->in; in != NULL; in = in->next) {
        if (in->frame.kind != HWI_FRAME_MESSAGE && hwi_op_equal(in->frame.op, op)) {
            discard(in);
        }
    }
}

void hwi_frames_in_discard_edge(struct hwi_data *data, uint64_t peer)
{
    for (struct hwi_frame_in *in = data->in; in != NULL; in = in->next) {
        if (in->peer == peer) {
            discard(in);
        }
    }
}

void hwi_frames_in_discard_before(struct hwi_data *data, uint64_t view)
{
    for (struct hwi_frame_in *in = data->in; in != NULL; in = in->next) {
        if (in->frame.kind != HWI_FRAME_MESSAGE && in->frame.op.view < view) {
            discard(in);
        }
    }
}

void hwi_frames_in_discard_stash(struct hwi_data *data, uint64_t peer, uint64_t view)
{
    for (struct hwi_frame_in *in = data->in; in != NULL; in = in->next) {
        if (in->peer == peer && in->frame.kind == HWI_FRAME_CHUNK && in->row == NULL &&
            in->frame.op.view < view) {
            discard(in);
        }
    }
}
