// SPDX-License-Identifier: MIT
// Operations on a request's memory, and the chunks saved of those in place.
#include "transport/data/port.h"

#include <string.h>

static uint64_t hash_of(struct hwi_op name)
{
    return hwi_mix(hwi_mix(hwi_mix(name.kind, name.view), name.tag), name.seq);
}

struct hwi_data_op *hwi_data_op_find(const struct hwi_data *data, struct hwi_op name)
{
    struct hwi_link *link = hwi_index_find(&data->data_ops, hash_of(name));

    while (link && !hwi_op_equal(((struct hwi_data_op *)link)->name, name))
        link = hwi_index_same(link);
    return (struct hwi_data_op *)link;
}

static struct hwi_data_op *add(struct hwi_data *data, struct hwi_op name, uint64_t bits)
{
    struct hwi_data_op *op = hwi_new(data->alloc, sizeof(*op) + hwi_bits_bytes((uint32_t)bits));

    op->name = name;
    hwi_index_add(&data->data_ops, &op->link, hash_of(name));
    return op;
}

struct hwi_data_op *hwi_data_op_sync(struct hwi_data *data, struct hwi_op name)
{
    struct hwi_data_op *op = hwi_data_op_find(data, name);

    HWI_CHECK(name.kind == HWI_KIND_SYNC);
    return op ? op : add(data, name, 0);
}

void hwi_data_op_begin(struct hwi_data *data, const struct hwi_msg_op_memory *msg)
{
    struct hwi_memory *memory = hwi_memory_find(data, msg->request);
    const struct hwi_kernel *kernel = hwi_kernel_find(msg->dtype, msg->redop);
    uint32_t grid = msg->chunk_bytes;

    HWI_CHECK(memory && kernel && !hwi_data_op_find(data, msg->op));
    HWI_CHECK(msg->bytes > 0 && msg->bytes <= memory->bytes);
    HWI_CHECK(msg->in_place == (memory->input == memory->output));
    HWI_CHECK(grid > 0 && grid % kernel->element_bytes == 0);
    uint64_t chunks = (msg->bytes - 1) / grid + 1;
    HWI_CHECK(msg->bytes % kernel->element_bytes == 0 && chunks <= UINT32_MAX / 2);

    unsigned char *backup = msg->in_place ? hwi_pool_take(&data->pool, msg->bytes) : NULL;
    HWI_CHECK(backup || !msg->in_place);
    struct hwi_data_op *op = add(data, msg->op, msg->in_place ? 2 * chunks : 0);
    op->memory = memory;
    op->kernel = kernel;
    op->bytes = msg->bytes;
    op->chunk_bytes = grid;
    op->chunks = (uint32_t)chunks;
    op->backup = backup;
    memory->users++;
}

void hwi_data_op_free(struct hwi_data *data, struct hwi_data_op *op)
{
    while (op->rows) {
        struct hwi_row *next = op->rows->next;
        hwi_row_free(data, op->rows);
        op->rows = next;
    }
    while (op->blocks)
        hwi_block_row_free(data, op->blocks);
    if (op->memory)
        op->memory->users--;
    hwi_pool_give(&data->pool, op->backup);
    hwi_index_remove(&data->data_ops, &op->link);
    hwi_free(data->alloc, op);
}

uint64_t hwi_data_op_offset(const struct hwi_data_op *op, uint32_t chunk)
{
    return (uint64_t)chunk * op->chunk_bytes;
}

uint32_t hwi_data_op_size(const struct hwi_data_op *op, uint32_t chunk)
{
    return (uint32_t)HWI_MIN(op->chunk_bytes, op->bytes - hwi_data_op_offset(op, chunk));
}

void hwi_data_op_save(struct hwi_data_op *op, uint32_t chunk)
{
    uint64_t offset = hwi_data_op_offset(op, chunk);

    if (!op->backup || hwi_bit_get(op->saved, chunk))
        return;
    hwi_stream_copy(op->backup + offset, op->memory->input + offset, hwi_data_op_size(op, chunk));
    hwi_bit_set(op->saved, chunk);
}

const unsigned char *hwi_data_op_input(struct hwi_data_op *op, uint32_t chunk)
{
    const unsigned char *kept = op->backup ? op->backup : op->memory->input;

    hwi_data_op_save(op, chunk);
    return kept + hwi_data_op_offset(op, chunk);
}

const unsigned char *hwi_data_op_scatter(struct hwi_data_op *op, uint32_t chunk)
{
    const unsigned char *kept = hwi_data_op_input(op, chunk);

    return op->chunks == 1 ? kept : op->memory->input + hwi_data_op_offset(op, chunk);
}

void hwi_data_op_restore(struct hwi_data_op *op)
{
    for (uint32_t chunk = 0; op->backup && chunk < op->chunks; chunk++)
        if (hwi_bit_get(op->saved, chunk)) {
            uint64_t offset = hwi_data_op_offset(op, chunk);
            memcpy(op->memory->output + offset, op->backup + offset, hwi_data_op_size(op, chunk));
        }
}
