// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/symbolic_port.h"

static struct symbolic_op *open_op(struct symbolic *symbolic, uint32_t who, struct hwi_op op)
{
    struct symbolic_op *known = symbolic_op_of(symbolic, who, op, false);
    assert_non_null(known);
    assert_true(known->known && !known->quiesced);
    return known;
}

static void post_chunk(struct symbolic *symbolic, const struct packet *packet)
{
    struct hwi_msg msg = {.type = HWI_MSG_chunk};
    msg.u.chunk.op = packet->op;
    msg.u.chunk.phase = packet->phase;
    msg.u.chunk.from = symbolic_peer(packet->from);
    msg.u.chunk.chunk = packet->chunk;
    symbolic_mail(symbolic, packet->to, hwi_addr_of(HWI_ROLE_DATA, 0), &msg);
}

static void place_payload(struct symbolic *symbolic, struct symbolic_op *op,
                          const struct packet *packet)
{
    struct symbolic_row *row = &op->rows[packet->phase][packet->from];
    uint32_t at = packet->chunk - row->first;
    assert_true(packet->chunk >= row->first && at < row->granted);
    assert_false(row->came[at]);
    row->came[at] = true;
    if (row->slots) {
        assert_int_equal(row->slot_chunk[at % row->slots], 0);
        row->slot_chunk[at % row->slots] = packet->chunk + 1;
        row->slot[at % row->slots] = packet->value;
    } else {
        assert_true(op->left[packet->chunk] || op->op.kind != HWI_KIND_ALL_REDUCE);
        assert_int_equal(op->output[packet->chunk].count, 0);
        op->output[packet->chunk] = packet->value;
    }
    post_chunk(symbolic, packet);
}

// Bytes of frames that wait at `who` for the start of their operation, from one sender.
static uint64_t stash_bytes(const struct symbolic *symbolic, uint32_t who, uint32_t from)
{
    const struct member *member = &symbolic->members[who];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < member->stash_count; i++) {
        if (member->stash[i].from == from) {
            bytes += member->stash[i].payload_bytes;
        }
    }
    return bytes;
}

static void stash(struct symbolic *symbolic, const struct packet *packet)
{
    struct member *member = &symbolic->members[packet->to];
    uint32_t kept = 0;
    if (packet->op.view < member->stash_view[packet->from]) {
        return;
    }
    for (uint32_t i = 0; i < member->stash_count; i++) {
        const struct packet *old = &member->stash[i];
        if (old->from != packet->from || old->op.view == packet->op.view) {
            member->stash[kept++] = *old;
        }
    }
    member->stash_count = kept;
    member->stash_view[packet->from] = packet->op.view;
    member->stash = realloc(member->stash, (kept + 1) * sizeof *member->stash);
    member->stash[member->stash_count++] = *packet;
    assert_true(stash_bytes(symbolic, packet->to, packet->from) <= HWI_EAGER_BYTES_MAX);
}

void symbolic_arrive(struct symbolic *symbolic, const struct packet *packet)
{
    struct member *member = &symbolic->members[packet->to];
    struct symbolic_op *op = symbolic_op_of(symbolic, packet->to, packet->op, false);
    bool late = packet->op.view < member->view || (op != NULL && op->quiesced);
    if (late) {
        return;
    }
    if (op == NULL || !op->known) {
        stash(symbolic, packet);
    } else if (op->op.kind != packet->op.kind) {
        return; // dropped
    } else if (op->bytes == packet->tensor_bytes && op->rows[packet->phase][packet->from].placed) {
        place_payload(symbolic, op, packet);
    } else { // other grids come of a mismatch only, which the test's own checks look for
        assert_true(op->bytes != packet->tensor_bytes || op->op.kind == HWI_KIND_BROADCAST);
    }
}

static void on_data_view(struct symbolic *symbolic, uint32_t who,
                         const struct hwi_msg_data_view *message)
{
    struct member *member = &symbolic->members[who];
    uint32_t kept = 0;
    assert_true(message->view > member->view);
    member->view = message->view;
    for (uint32_t i = 0; i < member->stash_count; i++) {
        if (member->stash[i].op.view >= message->view) {
            member->stash[kept++] = member->stash[i];
        }
    }
    member->stash_count = kept;
}

static uint32_t chunks_of(uint64_t bytes, uint32_t chunk_bytes)
{
    return (uint32_t)((bytes + chunk_bytes - 1) / chunk_bytes);
}

static void cut(struct symbolic_op *op, const struct hwi_msg_op_memory *message)
{
    op->regions = message->regions_count;
    op->region = calloc(op->regions + 1, sizeof *op->region);
    op->region_first = calloc(op->regions + 1, sizeof *op->region_first);
    for (uint32_t i = 0; i < op->regions; i++) {
        uint64_t bytes = message->regions[i].value;
        op->region[i + 1] = op->region[i] + bytes;
        op->region_first[i + 1] = op->region_first[i] + chunks_of(bytes, op->chunk_bytes);
    }
    op->chunks =
        op->regions ? op->region_first[op->regions] : chunks_of(op->bytes, op->chunk_bytes);
    assert_true(op->regions == 0 || op->region[op->regions] == op->bytes);
}

static uint32_t size_of(const struct symbolic_op *op, uint32_t chunk)
{
    uint32_t region = op->regions ? symbolic_region(op, chunk) : 0;
    uint64_t begin = (uint64_t)(chunk - op->region_first[region]) * op->chunk_bytes;
    uint64_t end = op->regions ? op->region[region + 1] - op->region[region] : op->bytes;
    return (uint32_t)HWI_MIN(op->chunk_bytes, end - begin);
}

static void on_op_memory(struct symbolic *symbolic, uint32_t who,
                         const struct hwi_msg_op_memory *message)
{
    struct symbolic_op *op = symbolic_op_of(symbolic, who, message->op, true);
    assert_false(op->known);
    assert_true(message->chunk_bytes <= HWI_CHUNK_BYTES_MAX);
    op->known = true;
    op->op = message->op;
    op->alone_in_place = message->in_place && symbolic->members[who].world == 1;
    op->bytes = message->bytes;
    op->chunk_bytes = message->chunk_bytes;
    cut(op, message);
    assert_true(message->save_bytes == 0 || message->in_place);
    op->output = calloc(op->chunks, sizeof *op->output);
    op->left = calloc(op->chunks, sizeof *op->left);
    bool root =
        message->in_place && message->save_bytes == 0 && message->op.kind == HWI_KIND_BROADCAST;
    for (uint32_t chunk = 0; root && chunk < op->chunks; chunk++) {
        op->output[chunk] = (struct symbolic_value){.count = 1, .who = {(uint8_t)who}};
    }
}

static void unstash(struct symbolic *symbolic, uint32_t who, struct symbolic_op *op, uint32_t from)
{
    struct member *member = &symbolic->members[who];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < member->stash_count; i++) {
        struct packet packet = member->stash[i];
        if (packet.from != from || !hwi_op_equal(packet.op, op->op)) {
            member->stash[kept++] = packet;
        } else if (packet.tensor_bytes == op->bytes && packet.op.kind == op->op.kind) {
            place_payload(symbolic, op, &packet);
        }
    }
    member->stash_count = kept;
}

static void on_place(struct symbolic *symbolic, uint32_t who, const struct hwi_msg_place *message)
{
    struct symbolic_op *op = open_op(symbolic, who, message->op);
    uint32_t from = symbolic_who(symbolic, message->from);
    struct symbolic_row *row = &op->rows[message->phase][from];
    assert_true(from != who && !row->placed && message->chunks > 0);
    assert_true(message->first + message->chunks <= op->chunks);
    assert_true(message->granted > 0 && message->granted <= message->chunks);
    assert_true(message->slots == 0 || message->granted <= message->slots);
    bool adds = op->op.kind == HWI_KIND_ALL_REDUCE || op->op.kind == HWI_KIND_REDUCE_SCATTER;
    assert_true((message->slots > 0) == (adds && message->phase == PHASE_INPUTS));
    *row = (struct symbolic_row){true,
                                 message->first,
                                 message->chunks,
                                 message->slots,
                                 message->granted,
                                 calloc(message->chunks, sizeof(bool)),
                                 calloc(message->slots + 1, sizeof(uint32_t)),
                                 calloc(message->slots + 1, sizeof(struct symbolic_value))};
    if (message->phase == PHASE_INPUTS) {
        op->scatter_granted = message->granted;
        unstash(symbolic, who, op, from);
    }
}

static void on_place_more(struct symbolic *symbolic, uint32_t who,
                          const struct hwi_msg_place_more *message)
{
    struct symbolic_op *op = open_op(symbolic, who, message->op);
    assert_int_equal(message->phase, PHASE_INPUTS);
    assert_true(message->granted > op->scatter_granted);
    op->scatter_granted = message->granted;
    for (uint32_t from = 0; from < symbolic->member_count; from++) {
        struct symbolic_row *row = &op->rows[PHASE_INPUTS][from];
        if (row->placed) {
            assert_true(message->granted <= row->chunks);
            row->granted = message->granted;
        }
    }
}

static void on_send(struct symbolic *symbolic, uint32_t who, const struct hwi_msg_send *message)
{
    struct symbolic_op *op = open_op(symbolic, who, message->op);
    uint32_t to = symbolic_who(symbolic, message->to);
    assert_true(to != who && op->called[to] && message->chunks > 0);
    for (uint32_t i = 0; i < message->chunks; i++) {
        uint32_t chunk = message->first + i;
        assert_true(chunk < op->chunks);
        struct packet packet = {.from = who,
                                .to = to,
                                .is_chunk = true,
                                .op = op->op,
                                .phase = message->phase,
                                .chunk = chunk,
                                .tensor_bytes = op->bytes,
                                .payload_bytes = size_of(op, chunk)};
        if (message->phase == PHASE_INPUTS) {
            packet.value = (struct symbolic_value){.count = 1, .who = {(uint8_t)who}};
            op->left[chunk] = true;
        } else {
            packet.value = op->output[chunk];
            assert_true(packet.value.count > (op->op.kind == HWI_KIND_ALL_REDUCE));
        }
        symbolic_put(symbolic, &packet);
    }
}

// The operand's value; scratch is free again when it has been read.
static struct symbolic_value operand(struct symbolic *symbolic, uint32_t who,
                                     struct symbolic_op *op, uint32_t chunk, uint64_t name)
{
    if (name == HWI_OPERAND_SELF) {
        return (struct symbolic_value){.count = 1, .who = {(uint8_t)who}};
    }
    struct symbolic_row *row = &op->rows[PHASE_INPUTS][symbolic_who(symbolic, name)];
    assert_true(row->placed && chunk >= row->first);
    uint32_t slot = (chunk - row->first) % row->slots;
    assert_int_equal(row->slot_chunk[slot], chunk + 1);
    row->slot_chunk[slot] = 0;
    return row->slot[slot];
}

static void on_reduce(struct symbolic *symbolic, uint32_t who, const struct hwi_msg_reduce *message)
{
    struct symbolic_op *op = open_op(symbolic, who, message->op);
    assert_true(message->chunk < op->chunks);
    assert_int_equal(op->output[message->chunk].count, 0); // once
    if (op->op.kind == HWI_KIND_ALL_GATHER) {
        assert_int_equal(symbolic_region(op, message->chunk), symbolic->members[who].rank);
    }
    assert_in_range(message->operands_count, 1, SYMBOLIC_MEMBERS_MAX);
    struct symbolic_value value = {.divisor = message->divisor};
    for (uint32_t i = 0; i < message->operands_count; i++) {
        uint64_t name = message->operands[i].value;
        struct symbolic_value one = operand(symbolic, who, op, message->chunk, name);
        assert_int_equal(one.count, 1);
        value.who[value.count++] = one.who[0];
    }
    op->output[message->chunk] = value;
}

static void on_quiesce(struct symbolic *symbolic, uint32_t who,
                       const struct hwi_msg_quiesce *message)
{
    struct symbolic_op *op = open_op(symbolic, who, message->op);
    op->quiesced = true;
    op->restore = message->restore;
    struct hwi_msg msg = {.type = HWI_MSG_quiesced};
    msg.u.quiesced = (struct hwi_msg_quiesced){
        .op = op->op, .bytes_sent = 1000 + who, .bytes_received = 2000 + who};
    symbolic_mail(symbolic, who, hwi_addr_of(HWI_ROLE_DATA, 0), &msg);
}

void symbolic_command(struct symbolic *symbolic, uint32_t who, const struct hwi_msg *msg)
{
    switch (msg->type) {
    case HWI_MSG_data_view:
        on_data_view(symbolic, who, &msg->u.data_view);
        break;
    case HWI_MSG_op_memory:
        on_op_memory(symbolic, who, &msg->u.op_memory);
        break;
    case HWI_MSG_place:
        on_place(symbolic, who, &msg->u.place);
        break;
    case HWI_MSG_place_more:
        on_place_more(symbolic, who, &msg->u.place_more);
        break;
    case HWI_MSG_send:
        on_send(symbolic, who, &msg->u.send);
        break;
    case HWI_MSG_reduce:
        on_reduce(symbolic, who, &msg->u.reduce);
        break;
    case HWI_MSG_quiesce:
        on_quiesce(symbolic, who, &msg->u.quiesce);
        break;
    default:
        fail_msg("the data port was told %u", msg->type);
    }
}
