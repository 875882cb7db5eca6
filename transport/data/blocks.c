// SPDX-License-Identifier: MIT
// Blocks of the shared state: hashed, sent (compressed where it pays), placed.
#include "transport/data/blocks.h"
#include "transport/data/closed.h"
#include "transport/data/edge.h"
#include "transport/data/op.h"
#include "transport/data/port.h"

#include <xxhash.h>

#include "transport/data/payload.h"
#include "transport/data/span.h"
#include "transport/memory/writes.h"

// False if memory is short.
static bool hash_at(struct hwi_data *data, struct hwi_location at, uint32_t bytes,
                    struct hwi_hash *to)
{
    struct hwi_span span;
    if (!hwi_span_read(&data->pool, at, bytes, &span)) {
        return false;
    }
    XXH128_hash_t hash = XXH3_128bits(span.bytes, bytes);
    hwi_span_close(&data->pool, &span);
    *to = (struct hwi_hash){.lo = hash.low64, .hi = hash.high64};
    return true;
}

static struct hwi_location memory_of(const struct hwi_data *data, uint32_t tensor, uint64_t offset,
                                     uint32_t bytes)
{
    HWI_CHECK(tensor < data->tensor_count && bytes > 0 && bytes <= HWI_BLOCK_BYTES);
    const struct hwi_tensor_memory *state = &data->tensors[tensor];
    HWI_CHECK(offset <= state->bytes && bytes <= state->bytes - offset);
    return hwi_location_add(state->memory, offset);
}

void hwi_block_hash(struct hwi_data *data, const struct hwi_msg_block_hash *msg)
{
    struct hwi_location memory = memory_of(data, msg->tensor, msg->offset, msg->bytes);
    struct hwi_msg answer = {.type = HWI_MSG_block_hashed};

    answer.u.block_hashed.block = msg->block;
    bool hashed = hash_at(data, memory, msg->bytes, &answer.u.block_hashed.hash);
    HWI_CHECK(hashed);
    hwi_port_tell(data, HWI_ROLE_SNAPSHOT, &answer);
}

void hwi_block_send(struct hwi_data *data, const struct hwi_msg_block_send *msg)
{
    struct hwi_location memory = memory_of(data, msg->tensor, msg->offset, msg->bytes);
    struct hwi_data_op *op = hwi_data_op_sync(data, msg->op);
    struct hwi_port_edge *edge = hwi_port_edge_find(data, msg->to);

    if (edge == NULL) {
        return;
    }
    struct hwi_waiting *waiting = hwi_new(data->alloc, sizeof *waiting);
    waiting->op = op;
    waiting->memory = memory;
    waiting->bytes = msg->bytes;
    waiting->first = msg->block;
    hwi_queue_push(data, edge, HWI_LANE_SNAPSHOT, HWI_URGENCY_LARGE, waiting);
}

void hwi_block_cut(struct hwi_data *data, const struct hwi_waiting *waiting,
                   struct hwi_frame_out *out)
{
    struct hwi_frame frame = {
        .kind = HWI_FRAME_BLOCK,
        .phase = HWI_FRAME_BLOCK_PHASE,
        .lane = HWI_LANE_SNAPSHOT,
        .op = waiting->op->name,
        .offset = waiting->first,
        .element_bytes = waiting->bytes,
    };

    hwi_payload_cut(data, waiting->op, waiting->memory, &frame, out);
}

static uint64_t hash_of(const struct hwi_data_op *op, uint64_t from, uint32_t block)
{
    return hwi_mix(hwi_mix(op->link.hash, from), block);
}

static struct hwi_block_row *find(const struct hwi_data *data, const struct hwi_data_op *op,
                                  uint64_t from, uint32_t block)
{
    struct hwi_link *link = hwi_index_find(&data->block_rows, hash_of(op, from, block));

    for (; link != NULL; link = hwi_index_same(link)) {
        struct hwi_block_row *row = (struct hwi_block_row *)link;
        if (row->op == op && row->from == from && row->block == block) {
            return row;
        }
    }
    return NULL;
}

void hwi_block_place(struct hwi_data *data, const struct hwi_msg_block_place *msg)
{
    struct hwi_location memory = memory_of(data, msg->tensor, msg->offset, msg->bytes);
    struct hwi_data_op *op = hwi_data_op_sync(data, msg->op);
    struct hwi_block_row *row = find(data, op, msg->from, msg->block);

    if (row != NULL) { // asked again, after the edge was gone for a while
        HWI_CHECK(hwi_location_equal(row->memory, memory) && row->bytes == msg->bytes);
        return;
    }
    if (data->writes != NULL) {
        hwi_writes_receive(data->writes);
    }
    row = hwi_new(data->alloc, sizeof *row);
    row->op = op;
    row->from = msg->from;
    row->block = msg->block;
    row->bytes = msg->bytes;
    row->memory = memory;
    row->next = op->blocks;
    row->at = &op->blocks;
    if (row->next != NULL) {
        row->next->at = &row->next;
    }
    op->blocks = row;
    hwi_index_add(&data->block_rows, &row->link, hash_of(op, msg->from, msg->block));
}

void hwi_block_row_free(struct hwi_data *data, struct hwi_block_row *row)
{
    *row->at = row->next;
    if (row->next != NULL) {
        row->next->at = row->at;
    }
    hwi_index_remove(&data->block_rows, &row->link);
    hwi_free(data->alloc, row);
}

enum hwi_fit hwi_block_fit(const struct hwi_data *data, uint64_t peer,
                           const struct hwi_frame *frame, struct hwi_block_row **row,
                           const char **why)
{
    if (frame->op.view < data->view || hwi_closed_has(data, frame->op)) {
        return HWI_FIT_DROP;
    }
    const struct hwi_data_op *op = hwi_data_op_find(data, frame->op);
    *row = op != NULL ? find(data, op, peer, (uint32_t)frame->offset) : NULL;
    if (*row == NULL) {
        *why = "a block came that was not asked for";
        return HWI_FIT_BROKEN;
    }
    if ((*row)->claimed || frame->element_bytes != (*row)->bytes) {
        *why = "a block came twice, or has the wrong size";
        return HWI_FIT_BROKEN;
    }
    return HWI_FIT_TAKE;
}

enum hwi_verdict hwi_block_received(struct hwi_data *data, const struct hwi_frame_in *in,
                                    const char **why)
{
    struct hwi_block_row *row = in->row;
    struct hwi_msg msg = {.type = HWI_MSG_block_placed};

    const char *wrong = in->owned != NULL
                            ? hwi_payload_place(data, row->op, &in->frame, in->owned, row->memory)
                            : NULL;
    if (wrong == NULL && !hash_at(data, row->memory, row->bytes, &msg.u.block_placed.hash)) {
        wrong = hwi_payload_no_memory;
    }
    if (wrong != NULL) {
        row->claimed = false;
        *why = wrong;
        return HWI_VERDICT_BROKEN;
    }
    row->op->bytes_received += in->frame.payload_bytes;
    data->stats.bytes_received += in->frame.payload_bytes;
    msg.u.block_placed.op = row->op->name;
    msg.u.block_placed.from = row->from;
    msg.u.block_placed.block = row->block;
    hwi_block_row_free(data, row);
    hwi_port_tell(data, HWI_ROLE_SNAPSHOT, &msg);
    return HWI_VERDICT_OK;
}
