// SPDX-License-Identifier: MIT
// The data that waits to be sent, and the frames that the driver is sending.
#include "transport/data/blocks.h"
#include "transport/data/edge.h"
#include "transport/data/op.h"
#include "transport/data/outgoing.h"
#include "transport/data/payload.h"
#include "transport/data/port.h"
#include "transport/data/row.h"

#include <string.h>

#include "actors/base/bytes.h"

static void give_back(struct hwi_data *data, struct hwi_waiting *waiting)
{
    hwi_pool_give(&data->pool, waiting->message);
    hwi_free(data->alloc, waiting);
}

static void count(struct hwi_queue *queue, const struct hwi_waiting *waiting)
{
    queue->count++;
    queue->bytes += waiting->message != NULL ? waiting->bytes : 0;
}

// Puts a line behind the others.
static void append(struct hwi_queue *queue, struct hwi_waiting *line)
{
    line->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = line;
    } else {
        queue->first = line;
    }
    queue->last = line;
}

static struct hwi_waiting *take_line(struct hwi_queue *queue)
{
    struct hwi_waiting *line = queue->first;

    queue->first = line->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    return line;
}

// The first entry of the first line; what is behind it in the line moves up.
static struct hwi_waiting *take_first(struct hwi_queue *queue)
{
    struct hwi_waiting *waiting = queue->first, *more = waiting->more;

    if (more != NULL) {
        more->next = waiting->next;
        more->tail = waiting->tail;
        queue->first = more;
        queue->last = queue->last == waiting ? more : queue->last;
    } else {
        take_line(queue);
    }
    queue->count--;
    queue->bytes -= waiting->message != NULL ? waiting->bytes : 0;
    return waiting;
}

// The operation's line, or NULL. Messages make no lines.
static struct hwi_waiting *line_of(const struct hwi_queue *queue, const struct hwi_data_op *op)
{
    struct hwi_waiting *line =
        queue->last != NULL && queue->last->op == op ? queue->last : queue->first;

    while (op != NULL && line != NULL && line->op != op) {
        line = line->next;
    }
    return op != NULL ? line : NULL;
}

static void push(struct hwi_queue *queue, struct hwi_waiting *waiting)
{
    struct hwi_waiting *line = line_of(queue, waiting->op);

    waiting->more = NULL;
    waiting->tail = waiting;
    count(queue, waiting);
    if (line == NULL) {
        append(queue, waiting);
        return;
    }
    line->tail->more = waiting;
    line->tail = waiting;
}

static bool lane_empty(const struct hwi_port_edge *edge, enum hwi_lane lane)
{
    for (int urgency = 0; urgency < HWI_URGENCIES; urgency++) {
        if (edge->queues[lane][urgency].first != NULL) {
            return false;
        }
    }
    return true;
}

void hwi_queue_push(struct hwi_data *data, struct hwi_port_edge *edge, enum hwi_lane lane,
                    enum hwi_urgency urgency, struct hwi_waiting *waiting)
{
    struct hwi_queue *queue = &edge->queues[lane][urgency];

    if (queue->count >= HWI_WAITING_MAX ||
        (waiting->message != NULL && queue->bytes + waiting->bytes > HWI_WAITING_BYTES_MAX)) {
        give_back(data, waiting);
        data->ops->broken(data->user, edge->peer, "too much waits to be sent");
        return;
    }
    bool first = lane_empty(edge, lane);
    push(queue, waiting);
    if (first) {
        data->ops->kick(data->user, edge->peer, lane);
    }
}

// True if the run continues the operation's last one.
static bool extend(struct hwi_queue *queue, const struct hwi_data_op *op,
                   const struct hwi_msg_send *msg)
{
    const struct hwi_waiting *line = line_of(queue, op);
    struct hwi_waiting *last = line != NULL ? line->tail : NULL;

    if (last == NULL || last->phase != msg->phase || last->place != msg->place ||
        last->slot_phase != msg->slot_phase || last->slot_from != msg->slot_from ||
        last->first + last->chunks != msg->first) {
        return false;
    }
    last->chunks += msg->chunks;
    return true;
}

void hwi_queue_send(struct hwi_data *data, const struct hwi_msg_send *msg)
{
    struct hwi_data_op *op = hwi_data_op_find(data, msg->op);
    struct hwi_port_edge *edge = hwi_port_edge_find(data, msg->to);

    HWI_CHECK(op != NULL && op->request != NULL);
    HWI_CHECK(msg->phase > 0);
    HWI_CHECK(msg->first <= op->grid.chunks && msg->chunks <= op->grid.chunks - msg->first);
    if (edge == NULL || msg->chunks == 0) {
        return;
    }
    enum hwi_urgency urgency =
        op->grid.bytes <= HWI_ONE_SHOT_BYTES_MAX ? HWI_URGENCY_SMALL : HWI_URGENCY_LARGE;
    if (extend(&edge->queues[HWI_LANE_REDUCER][urgency], op, msg)) {
        return;
    }
    struct hwi_waiting *run = hwi_new(data->alloc, sizeof *run);
    run->op = op;
    run->phase = msg->phase;
    run->place = msg->place;
    run->slot_phase = msg->slot_phase;
    run->slot_from = msg->slot_from;
    run->first = msg->first;
    run->chunks = msg->chunks;
    hwi_queue_push(data, edge, HWI_LANE_REDUCER, urgency, run);
}

static void drop_from(struct hwi_data *data, struct hwi_queue *queue, const struct hwi_data_op *op)
{
    struct hwi_queue old = *queue;

    *queue = (struct hwi_queue){.count = old.count, .bytes = old.bytes};
    while (old.first != NULL) {
        struct hwi_waiting *line = take_line(&old);
        if (line->op != op) {
            append(queue, line);
            continue;
        }
        for (struct hwi_waiting *more; line != NULL; line = more) {
            more = line->more;
            queue->count--;
            give_back(data, line);
        }
    }
}

void hwi_queue_drop(struct hwi_data *data, struct hwi_port_edge *edge, const struct hwi_data_op *op)
{
    for (int lane = 0; lane < HWI_LANES; lane++) {
        for (int urgency = HWI_URGENCY_SMALL; urgency < HWI_URGENCIES; urgency++) {
            drop_from(data, &edge->queues[lane][urgency], op);
        }
    }
}

void hwi_queue_drop_all(struct hwi_data *data, struct hwi_port_edge *edge)
{
    for (int lane = 0; lane < HWI_LANES; lane++) {
        for (int urgency = 0; urgency < HWI_URGENCIES; urgency++) {
            while (edge->queues[lane][urgency].first != NULL) {
                give_back(data, take_first(&edge->queues[lane][urgency]));
            }
        }
    }
}

void hwi_frame_out_seal(struct hwi_frame_out *out, const struct hwi_frame *frame)
{
    out->frame = *frame;
    hwi_frame_write(frame, out->header);
    hwi_put_u64(out->trailer, hwi_frame_checksum(out->payload, frame->payload_bytes));
}

static void cut_message(struct hwi_waiting *waiting, enum hwi_lane lane, struct hwi_frame_out *out)
{
    struct hwi_frame frame = {
        .kind = HWI_FRAME_MESSAGE, .lane = (uint8_t)lane, .payload_bytes = waiting->bytes};

    out->payload = out->owned = waiting->message;
    waiting->message = NULL;
    hwi_frame_out_seal(out, &frame);
}

static struct hwi_location source_of(const struct hwi_data *data, const struct hwi_waiting *run)
{
    switch ((enum hwi_place)run->place) {
    case HWI_PLACE_OUTPUT:
        return hwi_data_op_output(run->op, run->first);
    case HWI_PLACE_SCRATCH:
        return hwi_location_host(
            hwi_row_scratch(data, run->op, run->first, run->slot_phase, run->slot_from));
    default:
        return hwi_data_op_leaving(run->op, run->first, run->place == HWI_PLACE_KEPT);
    }
}

static void cut_chunk(struct hwi_data *data, struct hwi_waiting *run, struct hwi_frame_out *out)
{
    struct hwi_data_op *op = run->op;
    struct hwi_frame frame = {
        .kind = HWI_FRAME_CHUNK,
        .phase = run->phase,
        .lane = HWI_LANE_REDUCER,
        .op = op->name,
        .offset = hwi_grid_offset(&op->grid, run->first),
        .element_bytes = hwi_grid_size(&op->grid, run->first),
    };

    struct hwi_location from = source_of(data, run);
    out->place = run->place;
    run->first++;
    run->chunks--;
    hwi_payload_cut(data, op, from, &frame, out);
}

// Cuts one frame off the queue's first line. Then it is the next one's turn: operations share the
// stripes chunk by chunk.
static void cut(struct hwi_data *data, struct hwi_queue *queue, enum hwi_lane lane,
                struct hwi_frame_out *out)
{
    struct hwi_waiting *waiting = queue->first;
    const struct hwi_data_op *op = waiting->op;

    if (waiting->message != NULL) {
        waiting = take_first(queue);
        cut_message(waiting, lane, out);
        give_back(data, waiting);
        return;
    }
    if (hwi_location_exists(waiting->memory)) {
        hwi_block_cut(data, waiting, out);
    } else {
        cut_chunk(data, waiting, out);
    }
    if (hwi_location_exists(waiting->memory) || waiting->chunks == 0) {
        give_back(data, take_first(queue));
    }
    if (queue->first != NULL && queue->first->op == op && queue->first != queue->last) {
        append(queue, take_line(queue));
    }
}

bool hwi_data_next(struct hwi_data *data, uint64_t peer, enum hwi_lane lane,
                   struct hwi_frame_out *out)
{
    struct hwi_port_edge *edge = hwi_port_edge_find(data, peer);
    int urgency = 0;

    while (edge != NULL && urgency < HWI_URGENCIES && edge->queues[lane][urgency].first == NULL) {
        urgency++;
    }
    if (edge == NULL || urgency == HWI_URGENCIES) {
        return false;
    }
    memset(out, 0, sizeof *out);
    out->peer = peer;
    cut(data, &edge->queues[lane][urgency], lane, out);
    out->next = data->out;
    if (data->out != NULL) {
        data->out->previous = out;
    }
    data->out = out;
    return true;
}

static void chunk_sent(struct hwi_data *data, struct hwi_data_op *op,
                       const struct hwi_frame_out *out)
{
    uint32_t chunk = hwi_grid_at(&op->grid, out->frame.offset);
    if (out->place == HWI_PLACE_INPUT || out->place == HWI_PLACE_KEPT) {
        hwi_data_op_left(op, chunk);
    }
    if (out->place != HWI_PLACE_SCRATCH) {
        return;
    }
    struct hwi_msg msg = {.type = HWI_MSG_chunk_left};
    msg.u.chunk_left.op = op->name;
    msg.u.chunk_left.phase = out->frame.phase;
    msg.u.chunk_left.to = out->peer;
    msg.u.chunk_left.chunk = chunk;
    hwi_port_tell(data, HWI_ROLE_REDUCER, &msg);
}

static void count_sent(struct hwi_data *data, const struct hwi_frame_out *out)
{
    const struct hwi_frame *frame = &out->frame;
    if (frame->kind == HWI_FRAME_MESSAGE) {
        data->stats.messages_sent++;
        return;
    }
    struct hwi_data_op *op = hwi_data_op_find(data, frame->op);
    if (op != NULL) {
        op->bytes_sent += frame->payload_bytes;
    }
    if (op != NULL && frame->kind == HWI_FRAME_CHUNK) {
        chunk_sent(data, op, out);
    }
    data->stats.bytes_sent += frame->payload_bytes;
    if (frame->kind == HWI_FRAME_BLOCK) {
        bool plain = hwi_payload_is_plain(frame);
        data->stats.blocks_raw += plain;
        data->stats.blocks_encoded += !plain;
    }
}

void hwi_data_sent(struct hwi_data *data, struct hwi_frame_out *out, bool whole)
{
    if (out->next != NULL) {
        out->next->previous = out->previous;
    }
    if (out->previous != NULL) {
        out->previous->next = out->next;
    } else {
        data->out = out->next;
    }
    if (whole && hwi_get_u64(out->trailer) != HWI_TRAILER_ABANDONED) {
        count_sent(data, out);
    }
    hwi_pool_give(&data->pool, out->owned);
    out->payload = NULL;
    out->owned = NULL;
}

static void abandon(struct hwi_frame_out *out)
{
    out->payload = NULL;
    // Once the payload has left, a part of the trailer may have too: it stands.
    if (out->written < HWI_FRAME_HEADER_BYTES + out->frame.payload_bytes) {
        hwi_put_u64(out->trailer, HWI_TRAILER_ABANDONED);
    }
}

void hwi_frames_out_abandon(struct hwi_data *data, struct hwi_op op)
{
    for (struct hwi_frame_out *out = data->out; out != NULL; out = out->next) {
        if (out->payload != NULL && out->owned == NULL && hwi_op_equal(out->frame.op, op)) {
            abandon(out);
        }
    }
}

void hwi_frames_out_abandon_edge(struct hwi_data *data, uint64_t peer)
{
    for (struct hwi_frame_out *out = data->out; out != NULL; out = out->next) {
        if (out->payload != NULL && out->peer == peer) {
            abandon(out);
        }
    }
}
