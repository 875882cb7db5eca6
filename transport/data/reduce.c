// SPDX-License-Identifier: MIT
#include "transport/data/bits.h"
#include "transport/data/op.h"
#include "transport/data/port.h"
#include "transport/data/reduce.h"
#include "transport/data/row.h"

#include <string.h>

#include <hawser/types.h>

// A chunk that one member sent, in its scratch slot.
static const unsigned char *scratch_of(struct hwi_data *data, struct hwi_data_op *op,
                                       uint32_t chunk, uint64_t peer)
{
    const struct hwi_row *row = hwi_row_find(data, op, HWI_PHASE_SCATTER, peer);

    HWI_CHECK(row != NULL && row->slots > 0 && chunk >= row->first &&
              chunk - row->first < row->chunks);
    HWI_CHECK(hwi_bit_get(row->claimed, chunk - row->first));
    return hwi_row_slot(row, chunk);
}

// In place, too, the own input is read from where it is: the result is written over it afterwards.
static const void *operand(struct hwi_data *data, struct hwi_data_op *op, uint32_t chunk,
                           uint64_t who)
{
    return who == HWI_OPERAND_SELF ? hwi_data_op_input(op, chunk)
                                   : scratch_of(data, op, chunk, who);
}

_Static_assert((int)HWI_MEMBERS_MAX <= (int)HWI_KERNEL_OPERANDS_MAX,
               "a kernel takes all members' operands");

// In memory that is kept for the next one.
static const void **operands_of(struct hwi_data *data, struct hwi_data_op *op,
                                const struct hwi_msg_reduce *msg)
{
    HWI_CHECK(msg->operands_count > 0 && msg->operands_count <= HWI_MEMBERS_MAX);
    if (msg->operands_count > data->operand_room) {
        size_t bytes = msg->operands_count * sizeof *data->operands;
        data->operands = hwi_resize(data->alloc, data->operands, bytes);
        data->operand_room = msg->operands_count;
    }
    for (uint32_t i = 0; i < msg->operands_count; i++) {
        data->operands[i] = operand(data, op, msg->chunk, msg->operands[i].value);
    }
    return data->operands;
}

static void combine(const struct hwi_data_op *op, const struct hwi_msg_reduce *msg,
                    unsigned char *out, const void **operands, uint32_t bytes)
{
    HWI_CHECK(op->kernel != NULL && (op->kernel->redop == HWS_AVG) == (msg->divisor > 0));
    op->kernel->reduce(op->kernel, out, operands, msg->operands_count,
                       bytes / op->kernel->element_bytes, msg->divisor);
}

void hwi_port_reduce(struct hwi_data *data, const struct hwi_msg_reduce *msg)
{
    struct hwi_data_op *op = hwi_data_op_find(data, msg->op);

    HWI_CHECK(op != NULL && op->request != NULL && msg->chunk < op->grid.chunks);
    const void **operands = operands_of(data, op, msg);
    uint32_t bytes = hwi_grid_size(&op->grid, msg->chunk);
    unsigned char *out = hwi_data_op_output(op, msg->chunk);
    data->stats.reduce_bytes += bytes;
    // Alone and in place the result is there already, and nothing need be saved.
    if (msg->operands_count == 1 && operands[0] == out) {
        return;
    }
    hwi_data_op_save(op, msg->chunk); // for the abort
    if (msg->operands_count == 1) {
        memcpy(out, operands[0], bytes);
    } else {
        combine(op, msg, out, operands, bytes);
    }
}
