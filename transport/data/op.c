// SPDX-License-Identifier: MIT
// Operations on a request's memory, and the chunks saved of those in place.
#include "actors/base/dtype.h"
#include "transport/data/bits.h"
#include "transport/data/blocks.h"
#include "transport/data/op.h"
#include "transport/data/port.h"
#include "transport/data/row.h"

#include <hawser/types.h>

static uint64_t hash_of(struct hwi_op name)
{
    return hwi_mix(hwi_mix(hwi_mix(hwi_channel_kind(name.kind), name.view), name.tag), name.seq);
}

struct hwi_data_op *hwi_data_op_find(const struct hwi_data *data, struct hwi_op name)
{
    struct hwi_link *link = hwi_index_find(&data->data_ops, hash_of(name));

    while (link != NULL && !hwi_op_equal(((struct hwi_data_op *)link)->name, name)) {
        link = hwi_index_same(link);
    }
    return (struct hwi_data_op *)link;
}

// Takes the grid.
static struct hwi_data_op *add(struct hwi_data *data, struct hwi_op name, struct hwi_grid grid,
                               uint64_t bits)
{
    struct hwi_data_op *op = hwi_try_new(data->alloc, sizeof *op + hwi_bits_bytes((uint32_t)bits));

    if (op == NULL) {
        hwi_grid_fini(&grid, data->alloc);
    }
    HWI_CHECK_MEMORY(op != NULL);
    op->name = name;
    op->grid = grid;
    op->codec = hwi_codec_for(name.kind);
    hwi_index_add(&data->data_ops, &op->link, hash_of(name));
    return op;
}

struct hwi_data_op *hwi_data_op_sync(struct hwi_data *data, struct hwi_op name)
{
    struct hwi_data_op *op = hwi_data_op_find(data, name);

    HWI_CHECK(name.kind == HWI_KIND_SYNC);
    return op != NULL ? op : add(data, name, (struct hwi_grid){0}, 0);
}

static bool holds(uint64_t from, uint64_t bytes, uint64_t offset, uint64_t size)
{
    return offset >= from && offset - from <= bytes && size <= bytes - (offset - from);
}

static void init_backup(struct hwi_data *data, struct hwi_data_op *op,
                        const struct hwi_msg_op_memory *msg)
{
    if (msg->save_bytes == 0) {
        return;
    }
    op->save_from = msg->save_from;
    op->save_end = msg->save_from + msg->save_bytes;
    op->backup = hwi_pool_take(&data->pool, msg->save_bytes);
    HWI_CHECK_MEMORY(op->backup != NULL);
}

// An input that lies in the output but not at its own place in the whole would be overwritten
// before it has left: all is saved at once, and the copy is the input.
static void move_input(struct hwi_data_op *op)
{
    const struct hwi_port_request *request = op->request;
    struct hwi_location own = hwi_location_add(request->output, op->input_from - op->output_from);
    struct hwi_location saved = hwi_location_add(request->output, op->save_from - op->output_from);
    uint64_t save_bytes = op->save_end - op->save_from, at;

    if (op->backup == NULL || !hwi_location_within(request->input, saved, save_bytes, &at) ||
        hwi_location_equal(request->input, own)) {
        return;
    }
    HWI_CHECK(request->input_bytes <= save_bytes - at);
    for (uint32_t chunk = 0; chunk < op->grid.chunks; chunk++) {
        hwi_data_op_save(op, chunk);
    }
    op->input = hwi_location_host(op->backup + at);
}

void hwi_data_op_begin(struct hwi_data *data, const struct hwi_msg_op_memory *msg)
{
    struct hwi_port_request *request = hwi_port_request_find(data, msg->request);
    const struct hwi_kernel *kernel = hwi_kernel_find(msg->dtype, msg->redop);
    uint32_t unit = hwi_dtype_unit(msg->dtype);

    HWI_CHECK(request != NULL && (kernel != NULL || msg->redop == 0) &&
              hwi_data_op_find(data, msg->op) == NULL);
    HWI_CHECK(unit > 0 && msg->chunk_bytes % unit == 0);
    HWI_CHECK(msg->bytes > 0 && msg->bytes % unit == 0);
    HWI_CHECK(msg->in_place || msg->save_bytes == 0);
    HWI_CHECK(msg->save_bytes == 0 ||
              holds(msg->output_from, request->output_bytes, msg->save_from, msg->save_bytes));
    struct hwi_grid grid = {.bytes = msg->bytes, .chunk_bytes = msg->chunk_bytes};
    hwi_grid_init(&grid, data->alloc, msg->regions, msg->regions_count);
    struct hwi_data_op *op =
        add(data, msg->op, grid, msg->save_bytes ? 2 * (uint64_t)grid.chunks : 0);
    op->request = request;
    op->kernel = kernel;
    op->dtype = msg->dtype;
    op->input = request->input;
    op->input_from = msg->input_from;
    op->output_from = msg->output_from;
    request->users++;
    init_backup(data, op, msg);
    move_input(op);
}

void hwi_data_op_free(struct hwi_data *data, struct hwi_data_op *op)
{
    while (op->rows != NULL) {
        struct hwi_row *next = op->rows->next;
        hwi_row_free(data, op->rows);
        op->rows = next;
    }
    while (op->blocks != NULL) {
        hwi_block_row_free(data, op->blocks);
    }
    if (op->request != NULL) {
        op->request->users--;
    }
    hwi_pool_give(&data->pool, op->backup);
    hwi_grid_fini(&op->grid, data->alloc);
    hwi_index_remove(&data->data_ops, &op->link);
    hwi_free(data->alloc, op);
}

struct hwi_location hwi_data_op_input(const struct hwi_data_op *op, uint32_t chunk)
{
    uint64_t offset = hwi_grid_offset(&op->grid, chunk);

    HWI_CHECK(
        holds(op->input_from, op->request->input_bytes, offset, hwi_grid_size(&op->grid, chunk)));
    return hwi_location_add(op->input, offset - op->input_from);
}

struct hwi_location hwi_data_op_output(const struct hwi_data_op *op, uint32_t chunk)
{
    uint64_t offset = hwi_grid_offset(&op->grid, chunk);

    HWI_CHECK(
        holds(op->output_from, op->request->output_bytes, offset, hwi_grid_size(&op->grid, chunk)));
    return hwi_location_add(op->request->output, offset - op->output_from);
}

static unsigned char *backup_of(const struct hwi_data_op *op, uint32_t chunk)
{
    return op->backup + (hwi_grid_offset(&op->grid, chunk) - op->save_from);
}

void hwi_data_op_save(struct hwi_data_op *op, uint32_t chunk)
{
    uint64_t offset = hwi_grid_offset(&op->grid, chunk);
    uint32_t size = hwi_grid_size(&op->grid, chunk);

    if (op->backup == NULL || hwi_bit_get(op->saved, chunk) ||
        !holds(op->save_from, op->save_end - op->save_from, offset, size)) {
        return;
    }
    hwi_location_copy_out(hwi_data_op_output(op, chunk), backup_of(op, chunk), size);
    hwi_bit_set(op->saved, chunk);
}

// Its results come over its inputs.
static bool overwrites_inputs(const struct hwi_data_op *op)
{
    return op->backup != NULL && op->name.kind == HWI_KIND_ALL_REDUCE;
}

struct hwi_location hwi_data_op_leaving(struct hwi_data_op *op, uint32_t chunk, bool kept)
{
    if (!overwrites_inputs(op)) {
        return hwi_data_op_input(op, chunk);
    }
    hwi_data_op_save(op, chunk);
    return kept ? hwi_location_host(backup_of(op, chunk)) : hwi_data_op_input(op, chunk);
}

void hwi_data_op_left(struct hwi_data_op *op, uint32_t chunk)
{
    if (op->backup != NULL) {
        hwi_bit_set(op->saved, op->grid.chunks + chunk);
    }
}

bool hwi_data_op_unsent(const struct hwi_data_op *op, uint32_t chunk)
{
    return overwrites_inputs(op) && !hwi_bit_get(op->saved, op->grid.chunks + chunk);
}

void hwi_data_op_restore(struct hwi_data_op *op)
{
    for (uint32_t chunk = 0; op->backup != NULL && chunk < op->grid.chunks; chunk++) {
        if (hwi_bit_get(op->saved, chunk)) {
            hwi_location_copy_in(hwi_data_op_output(op, chunk), backup_of(op, chunk),
                                 hwi_grid_size(&op->grid, chunk));
        }
    }
}
