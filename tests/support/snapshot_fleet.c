// SPDX-License-Identifier: MIT
#include "tests/support/snapshot_fleet.h"
#include "tests/support/reborn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/wire/codec.h"

enum { CONTENT = 1000, SPOILT = 1u << 30, WRONG = 1u << 31 };

static struct hwi_hash hash_of(uint64_t content)
{
    return (struct hwi_hash){.lo = content * UINT64_C(0x9e3779b97f4a7c15), .hi = ~content};
}

static uint32_t node_of(const struct fleet *fleet, uint64_t peer)
{
    for (uint32_t i = 0; i < fleet->node_count; i++) {
        if (fleet->nodes[i].peer == peer) {
            return i;
        }
    }
    fail_msg("a message to peer %llu, which is nobody", (unsigned long long)peer);
    return 0;
}

// ---- links ------------------------------------------------------------------------------------

static void post(struct fleet *fleet, uint64_t due, struct hwi_addr from, uint32_t to,
                 const struct hwi_msg *msg)
{
    if (fleet->post_count == fleet->post_capacity) {
        fleet->post_capacity = fleet->post_capacity ? 2 * fleet->post_capacity : 64;
        fleet->posts = realloc(fleet->posts, fleet->post_capacity * sizeof *fleet->posts);
        assert_non_null(fleet->posts);
    }
    struct fleet_post *p = &fleet->posts[fleet->post_count++];
    *p = (struct fleet_post){.due = due, .order = fleet->order++, .to = to, .from = from};
    assert_true(hwi_msg_clone(msg, &p->msg, &p->block));
}

static uint32_t earliest(const struct fleet *fleet)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < fleet->post_count; i++) {
        const struct fleet_post *a = &fleet->posts[i], *b = &fleet->posts[best];
        if (a->due < b->due || (a->due == b->due && a->order < b->order)) {
            best = i;
        }
    }
    return best;
}

// ---- the data port ------------------------------------------------------------------------------

static void data_hash(struct fleet *fleet, uint32_t n, const struct hwi_msg_block_hash *m)
{
    struct fleet_node *node = &fleet->nodes[n];
    node->hashes_open++;
    node->hashes_open_most = HWI_MAX(node->hashes_open_most, node->hashes_open);
    struct hwi_msg answer = {.type = HWI_MSG_block_hashed};
    answer.u.block_hashed.block = m->block;
    answer.u.block_hashed.hash = hash_of(node->blocks[m->block]);
    post(fleet, fleet->now + 1, hwi_addr_of(HWI_ROLE_DATA, 0), n, &answer);
}

static uint32_t find_row(const struct fleet_node *node, uint64_t from, uint32_t block)
{
    for (uint32_t i = 0; i < node->row_count; i++) {
        if (node->rows[i].from == from && node->rows[i].block == block) {
            return i;
        }
    }
    return UINT32_MAX;
}

static void data_place(struct fleet *fleet, uint32_t n, const struct hwi_msg_block_place *m)
{
    struct fleet_node *node = &fleet->nodes[n];
    uint32_t from_same = 1;
    for (uint32_t i = 0; i < node->row_count; i++) {
        assert_int_not_equal(node->rows[i].block, m->block); // two writers into one memory
        from_same += node->rows[i].from == m->from;
    }
    node->in_flight_most = HWI_MAX(node->in_flight_most, from_same);
    node->rows = realloc(node->rows, (node->row_count + 1) * sizeof *node->rows);
    assert_non_null(node->rows);
    node->rows[node->row_count++] = (struct fleet_row){.from = m->from, .block = m->block};
}

// The content travels in the hash of a block_placed, which the receiver's port has yet to make.
static void data_send(struct fleet *fleet, uint32_t n, const struct hwi_msg_block_send *m)
{
    struct fleet_node *node = &fleet->nodes[n];
    uint64_t content = node->blocks[m->block];
    if (node->corrupt > 0) {
        node->corrupt--;
        content |= WRONG;
    }
    node->blocks_sent++;
    if (node->frozen) {
        return;
    }
    node->busy_until = HWI_MAX(node->busy_until, fleet->now) + node->block_ticks;
    struct hwi_msg arrival = {.type = HWI_MSG_block_placed};
    struct hwi_msg_block_placed *p = &arrival.u.block_placed;
    *p = (struct hwi_msg_block_placed){.op = m->op, .from = node->peer, .block = m->block};
    p->hash.lo = (uint32_t)content;
    post(fleet, node->busy_until, hwi_addr_of(HWI_ROLE_DATA, 0), node_of(fleet, m->to), &arrival);
}

static bool arrive(struct fleet *fleet, uint32_t n, struct hwi_msg_block_placed *m)
{
    struct fleet_node *node = &fleet->nodes[n];
    uint32_t row = find_row(node, m->from, m->block);
    if (row == UINT32_MAX) {
        return false; // of an operation that was quiesced
    }
    node->rows[row] = node->rows[--node->row_count];
    node->blocks[m->block] = m->hash.lo;
    node->blocks_received++;
    m->hash = hash_of(m->hash.lo);
    return true;
}

static void data_quiesce(struct fleet *fleet, uint32_t n, const struct hwi_msg_quiesce *m)
{
    struct fleet_node *node = &fleet->nodes[n];
    assert_int_equal(node->hashes_open, 0);
    assert_int_equal(m->restore, 0);
    node->row_count = 0;
    node->quiesces++;
    struct hwi_msg answer = {.type = HWI_MSG_quiesced};
    answer.u.quiesced.op = m->op;
    answer.u.quiesced.bytes_sent = node->blocks_sent;
    answer.u.quiesced.bytes_received = node->blocks_received;
    post(fleet, fleet->now + 1, hwi_addr_of(HWI_ROLE_DATA, 0), n, &answer);
}

static void to_data(struct fleet *fleet, uint32_t n, const struct hwi_msg *msg)
{
    switch (msg->type) {
    case HWI_MSG_block_hash:
        data_hash(fleet, n, &msg->u.block_hash);
        break;
    case HWI_MSG_block_place:
        data_place(fleet, n, &msg->u.block_place);
        break;
    case HWI_MSG_block_send:
        data_send(fleet, n, &msg->u.block_send);
        break;
    case HWI_MSG_quiesce:
        data_quiesce(fleet, n, &msg->u.quiesce);
        break;
    default:
        fail_msg("message %u to the data port", msg->type);
    }
}

// ---- the peer and the other snapshots -----------------------------------------------------------

static void to_peer(struct fleet_node *node, const struct hwi_msg *msg)
{
    switch (msg->type) {
    case HWI_MSG_state_hashed:
        node->told_hashed++;
        node->hashed_last = msg->u.state_hashed;
        break;
    case HWI_MSG_op_done:
        node->told_done++;
        break;
    case HWI_MSG_op_fault:
        node->told_fault++;
        node->fault_last = msg->u.op_fault;
        break;
    case HWI_MSG_op_ended:
        node->told_ended++;
        node->ended_last = msg->u.op_ended;
        break;
    default:
        fail_msg("message %u to the peer", msg->type);
    }
}

static void bend(enum fleet_lie lie, struct hwi_msg_manifest *m, struct hwi_digest *digests)
{
    memcpy(digests, m->hashes, m->hashes_count * sizeof *digests);
    m->hashes = digests;
    if (lie == FLEET_WRONG_HASH) {
        digests[0].hash.lo++;
    }
    if (lie == FLEET_WRONG_TOTAL) {
        m->total++;
    }
    if (lie == FLEET_SHORT_PAGE) {
        m->hashes_count--;
    }
    if (lie == FLEET_LONG_PAGE) {
        m->hashes_count++;
    }
    if (lie == FLEET_ODD_FIRST) {
        m->first++;
    }
    if (lie == FLEET_FAR_FIRST) {
        m->first = UINT32_MAX;
    }
    if (lie == FLEET_OTHER_OP) {
        m->op.seq++;
    }
}

static void to_snapshot(struct fleet *fleet, uint32_t n, const struct hwi_envelope *e)
{
    struct fleet_node *node = &fleet->nodes[n];
    struct hwi_addr from = hwi_addr_of(HWI_ROLE_SNAPSHOT, node->peer);
    uint32_t to = node_of(fleet, e->to.id);
    struct hwi_msg msg = e->msg;
    struct hwi_digest digests[HWI_MANIFEST_PAGE_MAX + 1] = {0};
    if (msg.type == HWI_MSG_manifest) {
        node->pages_sent++;
        bend(node->lie, &msg.u.manifest, digests);
        if (node->lie == FLEET_TWICE) {
            post(fleet, fleet->now + 1, from, to, &msg);
        }
    }
    if (msg.type == HWI_MSG_blocks_want) {
        node->wants_sent++;
        for (uint32_t i = 0; i < msg.u.blocks_want.blocks_count; i++) { // placed before asked
            assert_int_not_equal(find_row(node, e->to.id, msg.u.blocks_want.blocks[i].index),
                                 UINT32_MAX);
        }
    }
    post(fleet, fleet->now + 1, from, to, &msg);
}

static void carry(struct fleet *fleet, uint32_t n, const struct hwi_envelope *e)
{
    if (e->to.role == HWI_ROLE_DATA) {
        to_data(fleet, n, &e->msg);
    } else if (e->to.role == HWI_ROLE_PEER) {
        to_peer(&fleet->nodes[n], &e->msg);
    } else if (e->to.role == HWI_ROLE_SNAPSHOT) {
        to_snapshot(fleet, n, e);
    } else {
        fail_msg("an effect for role %u", e->to.role);
    }
}

static void deliver(struct fleet *fleet, struct fleet_post *p)
{
    struct fleet_node *node = &fleet->nodes[p->to];
    struct hwi_event event = {.now_ns = fleet->now, .from = p->from, .msg = &p->msg};
    if (p->msg.type == HWI_MSG_block_hashed) {
        node->hashes_open--;
        node->hashed++;
    }
    if (p->msg.type == HWI_MSG_block_placed && !arrive(fleet, p->to, &p->msg.u.block_placed)) {
        return;
    }
    node->state = reborn(&hwi_snapshot_ops, node->state);
    hwi_snapshot_ops.step(node->state, &event, &fleet->effects);
    for (uint32_t i = 0; i < fleet->effects.count; i++) {
        carry(fleet, p->to, &fleet->effects.items[i]);
    }
    hwi_effects_reset(&fleet->effects);
}

void fleet_run_for(struct fleet *fleet, uint64_t ticks)
{
    uint64_t until = fleet->now > UINT64_MAX - ticks ? UINT64_MAX : fleet->now + ticks;
    while (fleet->post_count > 0) {
        uint32_t index = earliest(fleet);
        if (fleet->posts[index].due > until) {
            break;
        }
        struct fleet_post p = fleet->posts[index];
        fleet->posts[index] = fleet->posts[--fleet->post_count];
        fleet->now = HWI_MAX(fleet->now, p.due);
        deliver(fleet, &p);
        free(p.block);
    }
    if (until != UINT64_MAX) {
        fleet->now = until;
    }
}

void fleet_run(struct fleet *fleet)
{
    fleet_run_for(fleet, UINT64_MAX);
}

void fleet_tell(struct fleet *fleet, uint32_t node, struct hwi_addr from, const struct hwi_msg *msg)
{
    post(fleet, fleet->now, from, node, msg);
}

// ---- life ---------------------------------------------------------------------------------------

static void tell_layout(struct fleet *fleet, uint32_t n, const uint64_t *bytes, uint32_t tensors)
{
    struct hwi_tensor *list = calloc(tensors, sizeof *list);
    assert_non_null(list);
    fleet->block_count = 0;
    for (uint32_t i = 0; i < tensors; i++) {
        memcpy(list[i].name, "tensor", 6);
        list[i].name[6] = (char)('0' + i);
        list[i].dtype = 1;
        list[i].bytes = bytes[i];
        fleet->block_count += (uint32_t)((bytes[i] + HWI_BLOCK_BYTES - 1) / HWI_BLOCK_BYTES);
    }
    struct hwi_msg msg = {.type = HWI_MSG_state_layout};
    msg.u.state_layout.tensors = list;
    msg.u.state_layout.tensors_count = tensors;
    fleet_tell(fleet, n, hwi_addr_of(HWI_ROLE_TRAINER, 0), &msg);
    free(list);
}

void fleet_init(struct fleet *fleet, uint32_t nodes, const uint64_t *bytes, uint32_t tensors)
{
    assert_true(nodes <= FLEET_NODES_MAX);
    *fleet = (struct fleet){.node_count = nodes, .revision = 7};
    fleet->op = (struct hwi_op){.view = 1, .kind = HWI_KIND_SYNC};
    hwi_effects_init(&fleet->effects, &hwi_alloc_libc);
    for (uint32_t n = 0; n < nodes; n++) {
        struct fleet_node *node = &fleet->nodes[n];
        node->state = hwi_snapshot_ops.create(&hwi_alloc_libc);
        node->peer = 10 + n;
        node->block_ticks = 10;
        tell_layout(fleet, n, bytes, tensors);
        node->blocks = calloc(fleet->block_count, sizeof *node->blocks);
        assert_non_null(node->blocks);
        for (uint32_t b = 0; b < fleet->block_count; b++) {
            node->blocks[b] = CONTENT + b;
        }
    }
    fleet_view(fleet, 1);
    fleet_run(fleet);
}

void fleet_fini(struct fleet *fleet)
{
    for (uint32_t n = 0; n < fleet->node_count; n++) {
        hwi_snapshot_ops.destroy(fleet->nodes[n].state);
        free(fleet->nodes[n].blocks);
        free(fleet->nodes[n].rows);
    }
    for (uint32_t i = 0; i < fleet->post_count; i++) {
        free(fleet->posts[i].block);
    }
    free(fleet->posts);
    hwi_effects_fini(&fleet->effects);
}

void fleet_spoil(struct fleet *fleet, uint32_t node, uint32_t block)
{
    fleet->nodes[node].blocks[block] = SPOILT + block;
}

void fleet_spoil_all(struct fleet *fleet, uint32_t node)
{
    for (uint32_t b = 0; b < fleet->block_count; b++) {
        fleet_spoil(fleet, node, b);
    }
}

// ---- the peers' part ----------------------------------------------------------------------------

void fleet_view(struct fleet *fleet, uint64_t view)
{
    struct hwi_id ids[FLEET_NODES_MAX];
    for (uint32_t n = 0; n < fleet->node_count; n++) {
        ids[n].value = fleet->nodes[n].peer;
    }
    for (uint32_t n = 0; n < fleet->node_count; n++) {
        struct hwi_msg msg = {.type = HWI_MSG_lane_view};
        msg.u.lane_view.view = view;
        msg.u.lane_view.self = fleet->nodes[n].peer;
        msg.u.lane_view.members = ids;
        msg.u.lane_view.members_count = fleet->node_count;
        fleet_tell(fleet, n, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
    }
}

void fleet_start(struct fleet *fleet)
{
    struct hwi_msg msg = {.type = HWI_MSG_sync_start};
    msg.u.sync_start.op = fleet->op;
    msg.u.sync_start.revision = fleet->revision;
    msg.u.sync_start.verify = fleet->verify;
    for (uint32_t n = 0; n < fleet->node_count; n++) {
        fleet_tell(fleet, n, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
    }
    fleet_run(fleet);
}

void fleet_go(struct fleet *fleet, uint32_t node, uint32_t elected)
{
    struct hwi_id sources[FLEET_NODES_MAX];
    uint32_t count = 0;
    struct hwi_msg msg = {.type = HWI_MSG_sync_go};
    msg.u.sync_go.op = fleet->op;
    msg.u.sync_go.root = fleet->nodes[elected].hashed_last.root;
    msg.u.sync_go.revision = fleet->revision;
    for (uint32_t n = 0; n < fleet->node_count; n++) {
        if (hwi_hash_equal(fleet->nodes[n].hashed_last.root, msg.u.sync_go.root)) {
            sources[count++].value = fleet->nodes[n].peer;
        }
    }
    msg.u.sync_go.sources = sources;
    msg.u.sync_go.sources_count = count;
    fleet_tell(fleet, node, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
}

void fleet_go_all(struct fleet *fleet, uint32_t elected)
{
    for (uint32_t n = 0; n < fleet->node_count; n++) {
        fleet_go(fleet, n, elected);
    }
    fleet_run(fleet);
}

void fleet_end(struct fleet *fleet, uint32_t node, bool committed)
{
    struct hwi_msg msg = {.type = HWI_MSG_op_end};
    msg.u.op_end.op = fleet->op;
    msg.u.op_end.committed = committed;
    fleet_tell(fleet, node, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
}

void fleet_end_all(struct fleet *fleet, bool committed)
{
    for (uint32_t n = 0; n < fleet->node_count; n++) {
        fleet_end(fleet, n, committed);
    }
    fleet_run(fleet);
    fleet->op.seq++;
}

void fleet_check_equal(const struct fleet *fleet)
{
    for (uint32_t n = 0; n < fleet->node_count; n++) {
        assert_int_equal(fleet->nodes[n].told_done, 1);
        assert_int_equal(fleet->nodes[n].told_fault, 0);
        assert_memory_equal(fleet->nodes[n].blocks, fleet->nodes[0].blocks,
                            fleet->block_count * sizeof *fleet->nodes[0].blocks);
    }
}
