// SPDX-License-Identifier: MIT
// Placement rows: which chunks may come from whom, and where they go.
#include "transport/data/bits.h"
#include "transport/data/closed.h"
#include "transport/data/edge.h"
#include "transport/data/op.h"
#include "transport/data/port.h"
#include "transport/data/row.h"

static uint64_t hash_of(const struct hwi_data_op *op, uint8_t phase, uint64_t from)
{
    return hwi_mix(hwi_mix(op->link.hash, phase), from);
}

struct hwi_row *hwi_row_find(const struct hwi_data *data, const struct hwi_data_op *op,
                             uint8_t phase, uint64_t from)
{
    struct hwi_link *link = hwi_index_find(&data->rows, hash_of(op, phase, from));

    for (; link != NULL; link = hwi_index_same(link)) {
        struct hwi_row *row = (struct hwi_row *)link;
        if (row->op == op && row->phase == phase && row->from == from) {
            return row;
        }
    }
    return NULL;
}

// No more than the row's chunks have bytes, nor than its slots hold.
static unsigned char *take_scratch(struct hwi_data *data, struct hwi_data_op *op,
                                   const struct hwi_msg_place *msg)
{
    if (msg->slots == 0 || msg->chunks == 0) {
        return NULL;
    }
    uint32_t last = msg->first + msg->chunks - 1;
    uint64_t first = hwi_grid_offset(&op->grid, msg->first);
    uint64_t end = hwi_grid_offset(&op->grid, last) + hwi_grid_size(&op->grid, last);
    uint64_t bytes = HWI_MIN((uint64_t)msg->slots * op->grid.chunk_bytes, end - first);

    op->scratch_bytes += bytes;
    // One slot for each sender is what an operation needs to move at all.
    HWI_CHECK(op->scratch_bytes <= HWI_SCRATCH_BYTES_MAX || msg->slots == 1);
    unsigned char *scratch = hwi_pool_take(&data->pool, bytes);
    HWI_CHECK_MEMORY(scratch != NULL);
    return scratch;
}

static void flush(struct hwi_data *data, const struct hwi_row *row)
{
    struct hwi_port_edge *edge = hwi_port_edge_find(data, row->from);
    const char *why = edge != NULL ? hwi_stash_flush(data, edge, row->op->name, row->phase) : NULL;

    if (why != NULL) {
        data->ops->broken(data->user, row->from, why);
    }
}

void hwi_row_place(struct hwi_data *data, const struct hwi_msg_place *msg)
{
    struct hwi_data_op *op = hwi_data_op_find(data, msg->op);

    HWI_CHECK(op != NULL && op->request != NULL &&
              hwi_row_find(data, op, msg->phase, msg->from) == NULL);
    HWI_CHECK(msg->phase > 0);
    HWI_CHECK(msg->first <= op->grid.chunks && msg->chunks <= op->grid.chunks - msg->first);
    unsigned char *scratch = take_scratch(data, op, msg);
    struct hwi_row *row = hwi_try_new(data->alloc, sizeof *row + hwi_bits_bytes(msg->chunks));
    if (row == NULL) {
        hwi_pool_give(&data->pool, scratch);
    }
    HWI_CHECK_MEMORY(row != NULL);
    row->op = op;
    row->from = msg->from;
    row->phase = msg->phase;
    row->first = msg->first;
    row->chunks = msg->chunks;
    row->slots = msg->slots;
    row->granted = msg->granted;
    row->scratch = scratch;
    row->next = op->rows;
    op->rows = row;
    hwi_index_add(&data->rows, &row->link, hash_of(op, msg->phase, msg->from));
    flush(data, row);
}

void hwi_row_place_more(struct hwi_data *data, const struct hwi_msg_place_more *msg)
{
    struct hwi_data_op *op = hwi_data_op_find(data, msg->op);

    HWI_CHECK(op != NULL);
    for (struct hwi_row *row = op->rows; row != NULL; row = row->next) {
        if (row->phase == msg->phase && msg->granted > row->granted) {
            row->granted = msg->granted;
            flush(data, row);
        }
    }
}

void hwi_row_free(struct hwi_data *data, struct hwi_row *row)
{
    hwi_index_remove(&data->rows, &row->link);
    hwi_pool_give(&data->pool, row->scratch);
    hwi_free(data->alloc, row);
}

static unsigned char *slot(const struct hwi_row *row, uint32_t chunk)
{
    return row->scratch + (uint64_t)((chunk - row->first) % row->slots) * row->op->grid.chunk_bytes;
}

unsigned char *hwi_row_scratch(const struct hwi_data *data, const struct hwi_data_op *op,
                               uint32_t chunk, uint8_t phase, uint64_t from)
{
    const struct hwi_row *row = hwi_row_find(data, op, phase, from);

    HWI_CHECK(row != NULL && row->slots > 0 && chunk >= row->first &&
              chunk - row->first < row->chunks);
    HWI_CHECK(hwi_bit_get(row->claimed, chunk - row->first));
    return slot(row, chunk);
}

struct hwi_location hwi_row_at(const struct hwi_row *row, uint32_t chunk)
{
    return row->slots > 0 ? hwi_location_host(slot(row, chunk))
                          : hwi_data_op_output(row->op, chunk);
}

struct hwi_location hwi_row_claim(struct hwi_row *row, uint32_t chunk)
{
    hwi_bit_set(row->claimed, chunk - row->first);
    if (row->slots == 0) {
        hwi_data_op_save(row->op, chunk);
    }
    return hwi_row_at(row, chunk);
}

static enum hwi_fit broken(const char **why, const char *text)
{
    *why = text;
    return HWI_FIT_BROKEN;
}

// A frame that does not fit comes from a member that made another call: it is dropped, for its
// call, which stripes may bring later, is what names the mismatch.
static enum hwi_fit fit_row(const struct hwi_row *row, const struct hwi_frame *frame,
                            uint32_t *chunk, const char **why)
{
    const struct hwi_data_op *op = row->op;
    uint32_t index;

    if (!hwi_grid_find(&op->grid, frame->offset, frame->element_bytes, &index) ||
        index < row->first || index - row->first >= row->chunks) {
        return HWI_FIT_DROP;
    }
    if (hwi_bit_get(row->claimed, index - row->first)) {
        return broken(why, "a chunk came twice");
    }
    if (index - row->first >= row->granted) {
        return HWI_FIT_STASH;
    }
    if (row->slots == 0 && hwi_data_op_unsent(op, index)) {
        return broken(why, "a result came for a chunk that has not left");
    }
    *chunk = index;
    return HWI_FIT_TAKE;
}

enum hwi_fit hwi_row_fit(const struct hwi_data *data, uint64_t peer, const struct hwi_frame *frame,
                         struct hwi_row **row, uint32_t *chunk, const char **why)
{
    if (frame->op.view < data->view) {
        return HWI_FIT_DROP;
    }
    struct hwi_data_op *op = hwi_data_op_find(data, frame->op);
    if (op == NULL) {
        return hwi_closed_has(data, frame->op) ? HWI_FIT_DROP : HWI_FIT_STASH;
    }
    if (frame->op.kind != op->name.kind) {
        return HWI_FIT_DROP;
    }
    *row = hwi_row_find(data, op, frame->phase, peer);
    return *row != NULL ? fit_row(*row, frame, chunk, why) : HWI_FIT_STASH;
}

void hwi_row_arrived(struct hwi_data *data, struct hwi_row *row, uint32_t chunk,
                     const struct hwi_frame *frame, uint64_t sum)
{
    struct hwi_msg msg = {.type = HWI_MSG_chunk};

    row->op->bytes_received += frame->payload_bytes;
    data->stats.bytes_received += frame->payload_bytes;
    msg.u.chunk.op = row->op->name;
    msg.u.chunk.phase = row->phase;
    msg.u.chunk.from = row->from;
    msg.u.chunk.chunk = chunk;
    msg.u.chunk.sum = sum;
    hwi_port_tell(data, HWI_ROLE_REDUCER, &msg);
}
