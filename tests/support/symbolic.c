// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "actors/wire/codec.h"
#include "tests/support/reborn.h"
#include "tests/support/symbolic_port.h"

struct symbolic *symbolic_create(uint32_t members, uint64_t seed)
{
    struct symbolic *symbolic = calloc(1, sizeof *symbolic);
    assert_true(members <= SYMBOLIC_MEMBERS_MAX);
    symbolic->random = seed;
    symbolic->traced = -1;
    symbolic->member_count = members;
    hwi_effects_init(&symbolic->effects, &hwi_alloc_libc);
    for (uint32_t who = 0; who < members; who++) {
        symbolic->members[who].state = hwi_reducer_ops.create(&hwi_alloc_libc);
    }
    return symbolic;
}

static void free_op(struct symbolic_op *op)
{
    for (uint32_t phase = 0; phase <= SYMBOLIC_PHASES_MAX; phase++) {
        for (uint32_t who = 0; who < SYMBOLIC_MEMBERS_MAX; who++) {
            free(op->rows[phase][who].came);
            free(op->rows[phase][who].slot_chunk);
            free(op->rows[phase][who].slot);
        }
    }
    free(op->output);
    free(op->left);
    free(op->region);
    free(op->region_first);
    free(op);
}

void symbolic_destroy(struct symbolic *symbolic)
{
    for (uint32_t who = 0; who < symbolic->member_count; who++) {
        struct member *member = &symbolic->members[who];
        hwi_reducer_ops.destroy(member->state);
        for (uint32_t i = 0; i < member->op_count; i++) {
            free_op(member->ops[i]);
        }
        free(member->ops);
        free(member->stash);
        free(member->mail);
    }
    hwi_effects_fini(&symbolic->effects);
    free(symbolic->network);
    free(symbolic);
}

uint64_t symbolic_peer(uint32_t who)
{
    return 10 * (who + 1);
}

uint32_t symbolic_who(const struct symbolic *symbolic, uint64_t peer)
{
    assert_true(peer % 10 == 0 && peer > 0 && peer <= symbolic_peer(symbolic->member_count - 1));
    return (uint32_t)(peer / 10 - 1);
}

uint64_t symbolic_random(struct symbolic *symbolic, uint64_t below)
{
    uint64_t x = symbolic->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (x ^ (x >> 31)) % below;
}

struct symbolic_op *symbolic_op_of(struct symbolic *symbolic, uint32_t who, struct hwi_op op,
                                   bool make)
{
    struct member *member = &symbolic->members[who];
    for (uint32_t i = 0; i < member->op_count; i++) {
        if (hwi_op_equal(member->ops[i]->op, op)) {
            return member->ops[i];
        }
    }
    if (!make) {
        return NULL;
    }
    struct symbolic_op *made = calloc(1, sizeof *made);
    made->op = op;
    member->ops = realloc(member->ops, (member->op_count + 1) * sizeof *member->ops);
    member->ops[member->op_count++] = made;
    return made;
}

const struct symbolic_op *symbolic_find(struct symbolic *symbolic, uint32_t who, struct hwi_op op)
{
    return symbolic_op_of(symbolic, who, op, false);
}

void symbolic_mail(struct symbolic *symbolic, uint32_t who, struct hwi_addr from,
                   const struct hwi_msg *msg)
{
    struct member *member = &symbolic->members[who];
    if (member->mail_first + member->mail_count == member->mail_capacity) {
        if (member->mail_first) {
            memmove(member->mail, member->mail + member->mail_first,
                    member->mail_count * sizeof *member->mail);
        }
        member->mail_first = 0;
        member->mail_capacity = member->mail_count * 2 + 16;
        member->mail = realloc(member->mail, member->mail_capacity * sizeof *member->mail);
    }
    struct letter *letter = &member->mail[member->mail_first + member->mail_count++];
    letter->from = from;
    letter->msg = *msg;
    if (msg->type == HWI_MSG_lane_view) {
        memcpy(letter->ids, msg->u.lane_view.members,
               msg->u.lane_view.members_count * sizeof(struct hwi_id));
    }
}

void symbolic_put(struct symbolic *symbolic, const struct packet *packet)
{
    if (symbolic->packet_count == symbolic->packet_capacity) {
        symbolic->packet_capacity = symbolic->packet_capacity * 2 + 64;
        symbolic->network = realloc(symbolic->network, symbolic->packet_capacity * sizeof *packet);
    }
    symbolic->network[symbolic->packet_count++] = *packet;
}

void symbolic_view(struct symbolic *symbolic, uint32_t who, uint64_t view, uint32_t mask)
{
    struct hwi_id ids[SYMBOLIC_MEMBERS_MAX];
    struct hwi_msg msg = {.type = HWI_MSG_lane_view};
    msg.u.lane_view.view = view;
    msg.u.lane_view.self = symbolic_peer(who);
    msg.u.lane_view.members = ids;
    for (uint32_t i = 0; i < symbolic->member_count; i++) {
        if (mask >> i & 1) {
            ids[msg.u.lane_view.members_count++].value = symbolic_peer(i);
        }
    }
    symbolic_mail(symbolic, who, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
}

void symbolic_start(struct symbolic *symbolic, uint32_t who, const struct hwi_msg_op_start *start)
{
    struct hwi_msg msg = {.type = HWI_MSG_op_start};
    msg.u.op_start = *start;
    symbolic_mail(symbolic, who, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
}

void symbolic_end(struct symbolic *symbolic, uint32_t who, struct hwi_op op, bool committed)
{
    struct hwi_msg msg = {.type = HWI_MSG_op_end};
    msg.u.op_end.op = op;
    msg.u.op_end.committed = committed;
    symbolic_mail(symbolic, who, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
}

void symbolic_inject(struct symbolic *symbolic, uint64_t from_peer, uint32_t who,
                     const struct hwi_msg *msg)
{
    symbolic_mail(symbolic, who, hwi_addr_of(HWI_ROLE_REDUCER, from_peer), msg);
}

static void trace(struct symbolic *symbolic, uint32_t who, const char *arrow, struct hwi_addr addr,
                  const struct hwi_msg *msg)
{
    char name[64], line[512];
    if (symbolic->traced != (int)who) {
        return;
    }
    hwi_addr_print(addr, name, sizeof name);
    hwi_msg_print(msg, line, sizeof line);
    size_t room = sizeof symbolic->trace - symbolic->trace_length;
    int length =
        snprintf(symbolic->trace + symbolic->trace_length, room, "%s%s: %s\n", arrow, name, line);
    assert_true(length > 0 && (size_t)length < room);
    symbolic->trace_length += (size_t)length;
}

const char *symbolic_trace(struct symbolic *symbolic, uint32_t who)
{
    symbolic->traced = (int)who;
    symbolic->trace_length = 0;
    symbolic->trace[0] = '\0';
    return symbolic->trace;
}

uint32_t symbolic_region(const struct symbolic_op *op, uint32_t chunk)
{
    uint32_t region = 0;
    while (op->region_first[region + 1] <= chunk) {
        region++;
    }
    return region;
}

// Of how many inputs a chunk is made that this member is to have; 0 = it is not.
static uint32_t inputs_of(const struct member *member, const struct symbolic_op *op, uint32_t chunk)
{
    if (op->op.kind == HWI_KIND_REDUCE_SCATTER) {
        return symbolic_region(op, chunk) == member->rank ? member->world : 0;
    }
    return op->op.kind == HWI_KIND_ALL_REDUCE ? member->world : 1;
}

static void tell_peer(struct symbolic *symbolic, uint32_t who, const struct hwi_msg *msg)
{
    struct symbolic_op *op;
    switch (msg->type) {
    case HWI_MSG_op_done:
        op = symbolic_op_of(symbolic, who, msg->u.op_done.op, true); // known to no port if empty
        op->done++;
        for (uint32_t chunk = 0; !op->alone_in_place && chunk < op->chunks; chunk++) {
            assert_int_equal(op->output[chunk].count,
                             inputs_of(&symbolic->members[who], op, chunk));
        }
        assert_int_equal(op->faults, 0);
        break;
    case HWI_MSG_op_fault:
        op = symbolic_op_of(symbolic, who, msg->u.op_fault.op, true);
        op->faults++;
        op->fault = msg->u.op_fault.fault;
        break;
    case HWI_MSG_op_ended:
        op = symbolic_op_of(symbolic, who, msg->u.op_ended.op, true);
        op->ended++;
        op->end = msg->u.op_ended;
        break;
    default:
        fail_msg("the peer was told %u", msg->type);
    }
}

static void tell_reducer(struct symbolic *symbolic, uint32_t who, uint64_t peer,
                         const struct hwi_msg *msg)
{
    uint32_t to = symbolic_who(symbolic, peer);
    assert_true(to != who);
    if (msg->type == HWI_MSG_call) {
        symbolic_op_of(symbolic, who, msg->u.call.op, true)->called[to] = true;
    } else {
        assert_int_equal(msg->type, HWI_MSG_grant);
        struct symbolic_op *op = symbolic_op_of(symbolic, who, msg->u.grant.op, false);
        bool all = msg->u.grant.granted == UINT32_MAX; // rows for all of it are placed
        assert_true(op->called[to] && (all || msg->u.grant.granted <= op->scatter_granted));
        op->grants++;
    }
    symbolic_put(symbolic, &(struct packet){.from = who, .to = to, .msg = *msg});
}

// The operation a faulted reducer must say nothing more about.
static const struct hwi_op *talked_of(const struct hwi_msg *msg)
{
    switch (msg->type) {
    case HWI_MSG_send:
        return &msg->u.send.op;
    case HWI_MSG_reduce:
        return &msg->u.reduce.op;
    case HWI_MSG_place:
        return &msg->u.place.op;
    case HWI_MSG_place_more:
        return &msg->u.place_more.op;
    case HWI_MSG_call:
        return &msg->u.call.op;
    case HWI_MSG_grant:
        return &msg->u.grant.op;
    case HWI_MSG_op_done:
        return &msg->u.op_done.op;
    case HWI_MSG_op_fault:
        return &msg->u.op_fault.op;
    default:
        return NULL;
    }
}

static void carry_out(struct symbolic *symbolic, uint32_t who)
{
    for (uint32_t i = 0; i < symbolic->effects.count; i++) {
        const struct hwi_envelope *envelope = &symbolic->effects.items[i];
        const struct hwi_op *op = talked_of(&envelope->msg);
        const struct symbolic_op *known =
            op != NULL ? symbolic_op_of(symbolic, who, *op, false) : NULL;
        assert_true(known == NULL || known->faults == 0);
        trace(symbolic, who, "", envelope->to, &envelope->msg);
        if (envelope->to.role == HWI_ROLE_DATA) {
            symbolic_command(symbolic, who, &envelope->msg);
        } else if (envelope->to.role == HWI_ROLE_PEER) {
            tell_peer(symbolic, who, &envelope->msg);
        } else if (envelope->to.role == HWI_ROLE_REDUCER) {
            tell_reducer(symbolic, who, envelope->to.id, &envelope->msg);
        } else {
            symbolic->members[who].wants_wake = true;
        }
    }
    hwi_effects_reset(&symbolic->effects);
}

static void deliver(struct symbolic *symbolic, uint32_t who, struct hwi_addr from,
                    const struct hwi_msg *msg)
{
    struct member *member = &symbolic->members[who];
    struct hwi_event event = {.now_ns = ++symbolic->now_ns, .from = from, .msg = msg};
    if (member->failed) {
        return;
    }
    trace(symbolic, who, "> ", from, msg);
    for (uint32_t i = 0; msg->type == HWI_MSG_lane_view && i < msg->u.lane_view.members_count;
         i++) {
        member->rank = msg->u.lane_view.members[i].value == symbolic_peer(who) ? i : member->rank;
    }
    if (msg->type == HWI_MSG_lane_view) {
        member->world = msg->u.lane_view.members_count;
    }
    member->state = reborn(&hwi_reducer_ops, member->state);
    hwi_reducer_ops.step(member->state, &event, &symbolic->effects);
    carry_out(symbolic, who);
}

static void deliver_letter(struct symbolic *symbolic, uint32_t who)
{
    struct member *member = &symbolic->members[who];
    struct letter letter = member->mail[member->mail_first++];
    member->mail_count--;
    if (letter.msg.type == HWI_MSG_lane_view) {
        letter.msg.u.lane_view.members = letter.ids;
    }
    deliver(symbolic, who, letter.from, &letter.msg);
}

static void deliver_packet(struct symbolic *symbolic, uint32_t at)
{
    struct packet packet = symbolic->network[at];
    symbolic->network[at] = symbolic->network[--symbolic->packet_count];
    if (packet.is_chunk) {
        symbolic_arrive(symbolic, &packet);
    } else {
        symbolic_inject(symbolic, symbolic_peer(packet.from), packet.to, &packet.msg);
    }
}

static bool deliver_wake(struct symbolic *symbolic, uint32_t who)
{
    static const struct hwi_msg woken = {.type = HWI_MSG_woken};
    struct member *member = &symbolic->members[who];
    if (!member->wants_wake) {
        return false;
    }
    member->wants_wake = false;
    deliver(symbolic, who, hwi_addr_of(HWI_ROLE_CLOCK, 0), &woken);
    return true;
}

bool symbolic_step(struct symbolic *symbolic)
{
    uint32_t waiting[SYMBOLIC_MEMBERS_MAX], count = 0;
    for (uint32_t who = 0; who < symbolic->member_count; who++) {
        if (symbolic->members[who].mail_count > 0) {
            waiting[count++] = who;
        }
    }
    uint32_t packets = HWI_MIN(symbolic->packet_count, symbolic->member_count);
    if (count + packets == 0) {
        for (uint32_t who = 0; who < symbolic->member_count; who++) {
            if (deliver_wake(symbolic, who)) {
                return true;
            }
        }
        return false;
    }
    if (symbolic_random(symbolic, count + packets) < count) {
        deliver_letter(symbolic, waiting[symbolic_random(symbolic, count)]);
    } else {
        deliver_packet(symbolic, (uint32_t)symbolic_random(symbolic, symbolic->packet_count));
    }
    return true;
}

void symbolic_run(struct symbolic *symbolic)
{
    while (symbolic_step(symbolic))
        ;
}

void symbolic_drain(struct symbolic *symbolic, uint32_t who)
{
    while (symbolic->members[who].mail_count > 0) {
        deliver_letter(symbolic, who);
    }
}

void symbolic_fail(struct symbolic *symbolic, uint32_t who)
{
    hwi_reducer_ops.failed(symbolic->members[who].state, ++symbolic->now_ns, &symbolic->effects);
    symbolic->members[who].failed = true;
    carry_out(symbolic, who);
}

static void check_value(const struct symbolic_value *value, uint32_t mask, uint32_t divisor)
{
    uint32_t count = 0;
    for (uint32_t who = 0; who < SYMBOLIC_MEMBERS_MAX; who++) {
        if (mask >> who & 1) {
            assert_true(count < value->count);
            assert_int_equal(value->who[count++], who);
        }
    }
    assert_int_equal(value->count, count);
    assert_int_equal(value->divisor, divisor);
}

// The member of a rank in `mask`.
static uint32_t ranked(uint32_t mask, uint32_t rank)
{
    uint32_t who = 0;
    for (; !(mask >> who & 1) || rank > 0; who++) {
        rank -= mask >> who & 1;
    }
    return who;
}

// Whose inputs chunk `chunk` of a member is made of; 0 = it was not written.
static uint32_t sources(const struct symbolic_op *op, uint32_t who, uint32_t chunk, uint32_t mask,
                        uint32_t root)
{
    switch (op->op.kind) {
    case HWI_KIND_REDUCE_SCATTER:
        return ranked(mask, symbolic_region(op, chunk)) == who ? mask : 0;
    case HWI_KIND_ALL_GATHER:
        return 1u << ranked(mask, symbolic_region(op, chunk));
    case HWI_KIND_BROADCAST:
        return 1u << root;
    default:
        return mask;
    }
}

static void expect_all(struct symbolic *symbolic, struct hwi_op op, uint32_t mask, uint32_t divisor,
                       uint32_t root)
{
    for (uint32_t who = 0; who < symbolic->member_count; who++) {
        if (!(mask >> who & 1)) {
            continue;
        }
        const struct symbolic_op *known = symbolic_find(symbolic, who, op);
        assert_non_null(known);
        assert_int_equal(known->done, 1);
        assert_int_equal(known->faults, 0);
        for (uint32_t chunk = 0; chunk < known->chunks && !known->alone_in_place; chunk++) {
            uint32_t from = sources(known, who, chunk, mask, root);
            check_value(&known->output[chunk], from, from ? divisor : 0);
        }
    }
}

void symbolic_expect(struct symbolic *symbolic, struct hwi_op op, uint32_t mask, uint32_t divisor)
{
    expect_all(symbolic, op, mask, divisor, 0);
}

void symbolic_expect_from(struct symbolic *symbolic, struct hwi_op op, uint32_t mask, uint32_t root)
{
    expect_all(symbolic, op, mask, 0, root);
}
