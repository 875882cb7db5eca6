// SPDX-License-Identifier: MIT
// The creation and destruction of the core, the memory that it knows, and the dispatch of commands.
#include "transport/data/blocks.h"
#include "transport/data/closed.h"
#include "transport/data/message.h"
#include "transport/data/op.h"
#include "transport/data/outgoing.h"
#include "transport/data/port.h"
#include "transport/data/quiesce.h"
#include "transport/data/reduce.h"
#include "transport/data/row.h"

struct hwi_data *hwi_data_create(const struct hwi_alloc *alloc, const struct hwi_data_ops *ops,
                                 void *user)
{
    HWI_CHECK(ops->deliver != NULL && ops->kick != NULL && ops->broken != NULL);
    struct hwi_data *data = hwi_new(alloc, sizeof *data);

    data->alloc = alloc;
    data->ops = ops;
    data->user = user;
    hwi_pool_init(&data->pool, alloc);
    hwi_index_init(&data->requests, alloc, HWI_PORT_REQUESTS_MAX);
    hwi_index_init(&data->data_ops, alloc, HWI_DATA_OPS_MAX);
    hwi_index_init(&data->rows, alloc, HWI_PLACEMENTS_MAX);
    hwi_index_init(&data->block_rows, alloc, HWI_BLOCK_ROWS_MAX);
    hwi_index_init(&data->edges, alloc, HWI_MEMBERS_MAX);
    hwi_index_init(&data->closed, alloc, HWI_TAGS_MAX);
    return data;
}

static void free_requests(struct hwi_data *data)
{
    struct hwi_link *link = hwi_index_next(&data->requests, NULL);

    while (link != NULL) {
        struct hwi_link *next = hwi_index_next(&data->requests, link);
        hwi_index_remove(&data->requests, link);
        hwi_free(data->alloc, link);
        link = next;
    }
}

void hwi_data_destroy(struct hwi_data *data)
{
    HWI_CHECK(data->out == NULL && data->in == NULL && data->edges.count == 0);
    struct hwi_link *link = hwi_index_next(&data->data_ops, NULL);
    while (link != NULL) {
        struct hwi_link *next = hwi_index_next(&data->data_ops, link);
        hwi_data_op_free(data, (struct hwi_data_op *)link);
        link = next;
    }
    free_requests(data);
    hwi_closed_clear(data);
    hwi_index_fini(&data->requests);
    hwi_index_fini(&data->data_ops);
    hwi_index_fini(&data->rows);
    hwi_index_fini(&data->block_rows);
    hwi_index_fini(&data->edges);
    hwi_index_fini(&data->closed);
    hwi_pool_fini(&data->pool);
    hwi_free(data->alloc, data->tensors);
    hwi_free(data->alloc, data->operands);
    hwi_free(data->alloc, data);
}

struct hwi_port_request *hwi_port_request_find(const struct hwi_data *data, uint64_t request)
{
    struct hwi_link *link = hwi_index_find(&data->requests, hwi_mix(0, request));

    while (link != NULL && ((struct hwi_port_request *)link)->request != request) {
        link = hwi_index_same(link);
    }
    return (struct hwi_port_request *)link;
}

void hwi_data_memory(struct hwi_data *data, uint64_t request, const struct hwi_buffers *buffers)
{
    HWI_CHECK(hwi_port_request_find(data, request) == NULL);
    struct hwi_port_request *named = hwi_new(data->alloc, sizeof *named);

    named->request = request;
    named->input = buffers->input;
    named->output = buffers->output;
    named->input_bytes = buffers->input_bytes;
    named->output_bytes = buffers->output_bytes;
    hwi_index_add(&data->requests, &named->link, hwi_mix(0, request));
}

void hwi_data_forget(struct hwi_data *data, uint64_t request)
{
    struct hwi_port_request *named = hwi_port_request_find(data, request);

    if (named == NULL) {
        return;
    }
    HWI_CHECK(named->users == 0);
    hwi_index_remove(&data->requests, &named->link);
    hwi_free(data->alloc, named);
}

void hwi_data_tensor(struct hwi_data *data, uint32_t index, struct hwi_location memory,
                     uint64_t bytes)
{
    HWI_CHECK(index < HWI_TENSORS_MAX);
    while (data->tensor_count <= index) {
        data->tensors = hwi_resize(data->alloc, data->tensors,
                                   sizeof *data->tensors * (data->tensor_count + 1));
        data->tensors[data->tensor_count++] = (struct hwi_tensor_memory){0};
    }
    data->tensors[index] = (struct hwi_tensor_memory){.memory = memory, .bytes = bytes};
}

void hwi_data_writes(struct hwi_data *data, struct hwi_writes *writes)
{
    data->writes = writes;
}

void hwi_data_stats(const struct hwi_data *data, struct hwi_data_stats *stats)
{
    *stats = data->stats;
}

void hwi_port_tell(struct hwi_data *data, enum hwi_role role, const struct hwi_msg *msg)
{
    data->ops->deliver(data->user, hwi_addr_of(HWI_ROLE_DATA, 0), hwi_addr_of(role, 0), msg);
}

// False if it is no block command either.
static bool block_command(struct hwi_data *data, const struct hwi_msg *msg)
{
    switch (msg->type) {
    case HWI_MSG_block_hash:
        hwi_block_hash(data, &msg->u.block_hash);
        return true;
    case HWI_MSG_block_send:
        hwi_block_send(data, &msg->u.block_send);
        return true;
    case HWI_MSG_block_place:
        hwi_block_place(data, &msg->u.block_place);
        return true;
    default:
        return false;
    }
}

// False if it is no command.
static bool command(struct hwi_data *data, const struct hwi_msg *msg)
{
    switch (msg->type) {
    case HWI_MSG_data_view:
        hwi_port_view(data, msg->u.data_view.view);
        return true;
    case HWI_MSG_op_memory:
        hwi_data_op_begin(data, &msg->u.op_memory);
        return true;
    case HWI_MSG_place:
        hwi_row_place(data, &msg->u.place);
        return true;
    case HWI_MSG_place_more:
        hwi_row_place_more(data, &msg->u.place_more);
        return true;
    case HWI_MSG_send:
        hwi_queue_send(data, &msg->u.send);
        return true;
    case HWI_MSG_reduce:
        hwi_port_reduce(data, &msg->u.reduce);
        return true;
    case HWI_MSG_quiesce:
        hwi_port_quiesce(data, &msg->u.quiesce);
        return true;
    default:
        return block_command(data, msg);
    }
}

void hwi_data_command(struct hwi_data *data, const struct hwi_envelope *envelope)
{
    if (envelope->to.role == HWI_ROLE_DATA) {
        bool known = command(data, &envelope->msg);
        HWI_CHECK(known);
        return;
    }
    HWI_CHECK(envelope->to.role == HWI_ROLE_REDUCER || envelope->to.role == HWI_ROLE_SNAPSHOT);
    HWI_CHECK(envelope->to.id != 0);
    hwi_message_send(data, envelope);
}
