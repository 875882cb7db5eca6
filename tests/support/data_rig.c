// SPDX-License-Identifier: MIT
#include "tests/support/data_rig.h"

#include <stdlib.h>
#include <string.h>

#include "actors/wire/codec.h"
#include "actors/base/bytes.h"

static void deliver(void *user, struct hwi_addr from, struct hwi_addr to, const struct hwi_msg *msg)
{
    struct rig_node *node = user;
    HWI_CHECK(node->event_count < RIG_EVENTS_MAX);
    struct rig_event *event = &node->events[node->event_count++];

    event->from = from;
    event->to = to;
    node->blocks = realloc(node->blocks, sizeof(void *) * (node->block_count + 1));
    HWI_CHECK(hwi_msg_clone(msg, &event->msg, &node->blocks[node->block_count++]));
}

static void kick(void *user, uint64_t peer, enum hwi_lane lane)
{
    struct rig_node *node = user;

    (void)peer;
    (void)lane;
    node->kicks++;
}

static void broken(void *user, uint64_t peer, const char *why)
{
    struct rig_node *node = user;

    (void)peer;
    node->broken++;
    node->why = why;
}

static const struct hwi_data_ops ops = {deliver, kick, broken};

void rig_open(struct rig *rig, uint32_t count)
{
    memset(rig, 0, sizeof *rig);
    rig->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct rig_node *node = &rig->nodes[i];
        node->peer = i + 1;
        node->events = calloc(RIG_EVENTS_MAX, sizeof *node->events);
        node->data = hwi_data_create(&hwi_alloc_libc, &ops, node);
        for (uint32_t other = 0; other < count; other++) {
            if (other != i) {
                hwi_data_edge_add(node->data, other + 1);
            }
        }
        RIG_DO(node, data_view, .view = 1);
    }
}

void rig_close(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->count; i++) {
        struct rig_node *node = &rig->nodes[i];
        for (uint32_t other = 0; other < rig->count; other++) {
            hwi_data_edge_remove(node->data, other + 1);
        }
        hwi_data_destroy(node->data);
        for (uint32_t b = 0; b < node->block_count; b++) {
            free(node->blocks[b]);
        }
        free(node->blocks);
        free(node->events);
    }
}

void rig_command(struct rig_node *node, const struct hwi_msg *msg)
{
    struct hwi_envelope envelope = {.to = hwi_addr_of(HWI_ROLE_DATA, 0), .msg = *msg};

    hwi_data_command(node->data, &envelope);
}

bool rig_command_fails(struct rig_node *node, const struct hwi_msg *msg)
{
    struct hwi_trap trap;

    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) != 0) {
        return true;
    }
    rig_command(node, msg);
    hwi_trap_leave(&trap);
    return false;
}

void rig_say(struct rig_node *node, enum hwi_role role, uint64_t to, const struct hwi_msg *msg)
{
    struct hwi_envelope envelope = {.to = hwi_addr_of(role, to), .msg = *msg};

    hwi_data_command(node->data, &envelope);
}

bool rig_take(struct rig_node *node, uint16_t type, struct rig_event *event)
{
    for (uint32_t i = 0; i < node->event_count; i++) {
        if (node->events[i].msg.type != type) {
            continue;
        }
        *event = node->events[i];
        node->event_count--;
        memmove(&node->events[i], &node->events[i + 1], sizeof *event * (node->event_count - i));
        return true;
    }
    return false;
}

uint32_t rig_count(const struct rig_node *node, uint16_t type)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < node->event_count; i++) {
        count += node->events[i].msg.type == type;
    }
    return count;
}

bool rig_begin(struct rig *rig, struct rig_transfer *transfer, uint32_t from, uint32_t to,
               enum hwi_lane lane)
{
    memset(transfer, 0, sizeof *transfer);
    transfer->from = &rig->nodes[from];
    transfer->to = &rig->nodes[to];
    if (!hwi_data_next(transfer->from->data, transfer->to->peer, lane, &transfer->out)) {
        return false;
    }
    transfer->out.written = HWI_FRAME_HEADER_BYTES;
    transfer->verdict = hwi_data_arriving(transfer->to->data, transfer->from->peer, lane,
                                          transfer->out.header, &transfer->in, &transfer->why);
    return true;
}

void rig_move(struct rig_transfer *transfer, uint32_t bytes)
{
    struct hwi_frame_out *out = &transfer->out;
    uint32_t left = out->frame.payload_bytes - transfer->moved;

    bytes = HWI_MIN(bytes, left);
    if (transfer->verdict == HWI_VERDICT_OK && transfer->in.target != NULL) {
        if (out->payload != NULL) {
            memcpy(transfer->in.target + transfer->moved, out->payload + transfer->moved, bytes);
        } else {
            memset(transfer->in.target + transfer->moved, 0, bytes);
        }
    }
    transfer->moved += bytes;
    out->written += bytes;
}

enum hwi_verdict rig_end(struct rig_transfer *transfer)
{
    rig_move(transfer, UINT32_MAX);
    if (transfer->verdict == HWI_VERDICT_OK) {
        transfer->verdict = hwi_data_received(transfer->to->data, &transfer->in,
                                              transfer->out.trailer, &transfer->why);
    }
    hwi_data_sent(transfer->from->data, &transfer->out, true);
    return transfer->verdict;
}

void rig_break(struct rig_transfer *transfer)
{
    if (transfer->verdict == HWI_VERDICT_OK) {
        hwi_data_received(transfer->to->data, &transfer->in, NULL, &transfer->why);
    }
    hwi_data_sent(transfer->from->data, &transfer->out, false);
}

static bool pump_lane(struct rig *rig, uint32_t from, uint32_t to, enum hwi_lane lane)
{
    struct rig_transfer transfer;
    bool moved = false;

    while (rig_begin(rig, &transfer, from, to, lane)) {
        moved = true;
        if (rig_end(&transfer) != HWI_VERDICT_OK) {
            rig->nodes[to].broken++;
            rig->nodes[to].why = transfer.why;
        }
    }
    return moved;
}

void rig_pump(struct rig *rig)
{
    bool moved = true;

    while (moved) {
        moved = false;
        for (uint32_t from = 0; from < rig->count; from++) {
            for (uint32_t to = 0; to < rig->count; to++) {
                for (int lane = 0; from != to && lane < HWI_LANES; lane++) {
                    moved |= pump_lane(rig, from, to, (enum hwi_lane)lane);
                }
            }
        }
    }
}

enum hwi_verdict rig_forge(struct rig_node *to, uint64_t peer, enum hwi_lane lane,
                           const struct hwi_frame *frame, const void *payload, uint64_t trailer,
                           const char **why)
{
    unsigned char header[HWI_FRAME_HEADER_BYTES], sum[HWI_FRAME_TRAILER_BYTES];
    struct hwi_frame_in in;

    hwi_frame_write(frame, header);
    enum hwi_verdict verdict = hwi_data_arriving(to->data, peer, lane, header, &in, why);
    if (verdict != HWI_VERDICT_OK) {
        return verdict;
    }
    if (in.target != NULL) {
        memcpy(in.target, payload, frame->payload_bytes);
    }
    hwi_put_u64(sum, trailer ? trailer : hwi_frame_checksum(payload, frame->payload_bytes));
    return hwi_data_received(to->data, &in, sum, why);
}

struct hwi_op rig_op(uint64_t view, uint8_t kind, uint64_t tag, uint32_t seq)
{
    return (struct hwi_op){.view = view, .kind = kind, .tag = tag, .seq = seq};
}

uint64_t rig_random(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

void rig_fill(void *memory, size_t bytes)
{
    unsigned char *at = memory;

    for (size_t i = 0; i < bytes; i++) {
        at[i] = (unsigned char)(rig_random() >> 32);
    }
}
