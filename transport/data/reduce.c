// SPDX-License-Identifier: MIT
#include "actors/base/dtype.h"
#include "transport/data/op.h"
#include "transport/data/port.h"
#include "transport/data/reduce.h"
#include "transport/data/row.h"
#include "transport/data/span.h"

#include <string.h>

#include <hawser/types.h>

_Static_assert((int)HWI_MEMBERS_MAX <= (int)HWI_KERNEL_OPERANDS_MAX,
               "a kernel takes all members' operands");

// The operands of one reduction, as plain bytes.
struct work {
    uint32_t bytes;
    struct hwi_location input, result;
    struct hwi_span in; // the own input; nothing if it is no operand
    struct hwi_span out;
};

// In place, too, the own input is read from where it is: the result is written over it afterwards.
static const void *own_input(struct hwi_data *data, struct work *work)
{
    bool open =
        work->in.bytes != NULL || hwi_span_read(&data->pool, work->input, work->bytes, &work->in);
    HWI_CHECK(open);
    return work->in.bytes;
}

static const void *operand(struct hwi_data *data, const struct hwi_data_op *op,
                           const struct hwi_msg_reduce *msg, uint32_t index, struct work *work)
{
    uint64_t who = msg->operands[index].value;
    uint64_t phase = msg->phases_count > 0 ? msg->phases[index].value : 1;

    HWI_CHECK(phase <= HWI_PHASES_MAX);
    return who == HWI_OPERAND_SELF ? own_input(data, work)
                                   : hwi_row_scratch(data, op, msg->chunk, (uint8_t)phase, who);
}

// In memory that is kept for the next one.
static const void **operands_of(struct hwi_data *data, const struct hwi_data_op *op,
                                const struct hwi_msg_reduce *msg, struct work *work)
{
    if (msg->operands_count > data->operand_room) {
        size_t bytes = msg->operands_count * sizeof *data->operands;
        data->operands = hwi_resize(data->alloc, data->operands, bytes);
        data->operand_room = msg->operands_count;
    }
    for (uint32_t i = 0; i < msg->operands_count; i++) {
        data->operands[i] = operand(data, op, msg, i, work);
    }
    return data->operands;
}

static void combine(const struct hwi_data_op *op, const struct hwi_msg_reduce *msg,
                    unsigned char *out, const void **operands, uint32_t bytes)
{
    if (msg->operands_count == 1) {
        memcpy(out, operands[0], bytes);
        return;
    }
    HWI_CHECK(op->kernel != NULL && (op->kernel->redop == HWS_AVG) == (msg->divisor > 0));
    op->kernel->reduce(op->kernel, out, operands, msg->operands_count,
                       hwi_dtype_count(op->dtype, bytes), msg->divisor);
}

static bool has_own(const struct hwi_msg_reduce *msg)
{
    for (uint32_t i = 0; i < msg->operands_count; i++) {
        if (msg->operands[i].value == HWI_OPERAND_SELF) {
            return true;
        }
    }
    return false;
}

static void work_on(struct hwi_data *data, const struct hwi_data_op *op,
                    const struct hwi_msg_reduce *msg, struct work *work)
{
    const void **operands = operands_of(data, op, msg, work);
    bool open = hwi_span_write(&data->pool, work->result, work->bytes, &work->out);
    HWI_CHECK(open);
    combine(op, msg, work->out.bytes, operands, work->bytes);
    hwi_span_commit(&data->pool, work->result, work->bytes, &work->out);
    hwi_span_close(&data->pool, &work->in);
}

void hwi_port_reduce(struct hwi_data *data, const struct hwi_msg_reduce *msg)
{
    struct hwi_data_op *op = hwi_data_op_find(data, msg->op);

    HWI_CHECK(op != NULL && op->request != NULL && msg->chunk < op->grid.chunks);
    HWI_CHECK(msg->phases_count == 0 || msg->phases_count == msg->operands_count);
    HWI_CHECK(msg->operands_count > 0 && msg->operands_count <= HWI_MEMBERS_MAX);
    bool partial = msg->into_phase > 0, own = has_own(msg);
    struct work work = {.bytes = hwi_grid_size(&op->grid, msg->chunk)};
    if (own) {
        work.input = hwi_data_op_input(op, msg->chunk);
    }
    data->stats.reduce_bytes += work.bytes;
    if (partial) { // what of the own input is in it need not be sent
        work.result = hwi_location_host(
            hwi_row_scratch(data, op, msg->chunk, msg->into_phase, msg->into_from));
    } else {
        work.result = hwi_data_op_output(op, msg->chunk);
    }
    // Alone and in place the result is there already, and nothing need be saved.
    if (own && msg->operands_count == 1 && hwi_location_equal(work.input, work.result)) {
        return;
    }
    if (partial && own) {
        hwi_data_op_left(op, msg->chunk);
    } else if (!partial) {
        hwi_data_op_save(op, msg->chunk); // for the abort
    }
    work_on(data, op, msg, &work);
}
