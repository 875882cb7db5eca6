// SPDX-License-Identifier: MIT
// The expected result of one member: a function of the members that it names and of the call.
#include "tools/swarm/crew.h"

#include <xxhash.h>

#include <string.h>

enum { PIECE = 512 }; // elements that are looked at together

// The elements that a member has of a whole.
struct part {
    uint64_t from, to;
};

static void wrong(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                  const struct hwi_msg_reply *reply, const char *what)
{
    const struct trainer_call *asked = &call->asked;
    swarm_fail(
        s, SWARM_SAFETY,
        "C2: process %u, kind %u, tag %llu, %s %s x %llu%s, in view %llu over %u members: %s",
        seat->node, asked->kind, (unsigned long long)asked->tag,
        asked->redop != 0 ? hws_redop_name((hws_redop)asked->redop) : "",
        asked->dtype != 0 ? hws_dtype_name((hws_dtype)asked->dtype) : "",
        (unsigned long long)asked->count, call->in_place ? " in place" : "",
        (unsigned long long)reply->view, reply->members_count, what);
}

static uint64_t incarnation_of(struct swarm *s, uint64_t peer)
{
    const struct swarm_life *life = swarm_life(s, peer);
    return life != NULL ? life->incarnation : 0; // of nobody: no result holds its input
}

// ---- reductions

static void fill_all(struct swarm *s, const struct swarm_call *call,
                     const struct hwi_msg_reply *reply, struct part piece, unsigned char *inputs)
{
    size_t bytes = hws_dtype_bytes((hws_dtype)call->asked.dtype);
    for (uint32_t rank = 0; rank < reply->members_count; rank++) {
        swarm_fill(call->asked.dtype, incarnation_of(s, reply->members[rank].value), call->key,
                   piece.from, piece.to - piece.from, inputs + rank * PIECE * bytes);
    }
}

// One element, of operands by rank.
static uint64_t combine(const struct trainer_call *asked, uint64_t index, const uint64_t *operands,
                        uint32_t members)
{
    uint32_t order[SWARM_PEERS_MAX];
    uint64_t ordered[SWARM_PEERS_MAX];
    uint32_t parted = swarm_order(asked, index, order, members);
    for (uint32_t i = 0; i < members; i++) {
        ordered[i] = operands[order[i]];
    }
    if (parted > 0) {
        ordered[parted - 1] = swarm_reduce(asked->dtype, asked->redop, ordered, parted);
        return swarm_reduce(asked->dtype, asked->redop, ordered + parted - 1, members - parted + 1);
    }
    return swarm_reduce(asked->dtype, asked->redop, ordered, members);
}

static bool holds_piece(const struct swarm_call *call, uint32_t members, struct part piece,
                        const unsigned char *inputs, const unsigned char *at)
{
    size_t bytes = hws_dtype_bytes((hws_dtype)call->asked.dtype);
    uint64_t operands[SWARM_PEERS_MAX] = {0};
    for (uint64_t i = 0; i < piece.to - piece.from; i++) {
        for (uint32_t rank = 0; rank < members; rank++) {
            memcpy(&operands[rank], inputs + (rank * PIECE + i) * bytes, bytes);
        }
        uint64_t bits = combine(&call->asked, piece.from + i, operands, members);
        if (memcmp(at + i * bytes, &bits, bytes) != 0) {
            return false;
        }
    }
    return true;
}

static bool holds_reduction(struct swarm *s, const struct swarm_call *call,
                            const struct hwi_msg_reply *reply, struct part part,
                            const unsigned char *at)
{
    size_t bytes = hws_dtype_bytes((hws_dtype)call->asked.dtype);
    unsigned char *inputs = hwi_new(&hwi_alloc_libc, reply->members_count * PIECE * bytes);
    bool holds = true;
    for (uint64_t from = part.from; holds && from < part.to; from += PIECE) {
        struct part piece = {from, HWI_MIN(part.to, from + PIECE)};
        fill_all(s, call, reply, piece, inputs);
        holds =
            holds_piece(call, reply->members_count, piece, inputs, at + (from - part.from) * bytes);
    }
    hwi_free(&hwi_alloc_libc, inputs);
    return holds;
}

// ---- copies of inputs

static bool holds_input(struct swarm *s, const struct swarm_call *call, uint64_t peer,
                        struct part part, const unsigned char *at)
{
    size_t bytes = hws_dtype_bytes((hws_dtype)call->asked.dtype);
    unsigned char *input = hwi_new(&hwi_alloc_libc, PIECE * bytes);
    bool holds = true;
    for (uint64_t from = part.from; holds && from < part.to; from += PIECE) {
        uint64_t count = HWI_MIN(part.to - from, PIECE);
        swarm_fill(call->asked.dtype, incarnation_of(s, peer), call->key, from, count, input);
        holds = memcmp(input, at, count * bytes) == 0;
        at += count * bytes;
    }
    hwi_free(&hwi_alloc_libc, input);
    return holds;
}

static uint64_t count_of(struct swarm *s, const struct swarm_call *call, uint64_t peer)
{
    return call->asked.unequal
               ? swarm_own_count(incarnation_of(s, peer), call->key, call->unequal_most)
               : call->asked.count;
}

static uint64_t gathered(struct swarm *s, const struct swarm_call *call,
                         const struct hwi_msg_reply *reply, uint32_t ranks)
{
    uint64_t sum = 0;
    for (uint32_t rank = 0; rank < ranks; rank++) {
        sum += count_of(s, call, reply->members[rank].value);
    }
    return sum;
}

// ---- each kind

// An earlier attempt, over others, may have written to what is no result of the last.
static bool rest_holds(const struct swarm_call *call, const struct hwi_msg_reply *reply,
                       uint64_t from)
{
    return reply->attempts > 1 || call->in_place || swarm_memory_old(call, from, call->asked.room);
}

static const char *check_gathered(struct swarm *s, const struct swarm_seat *seat,
                                  const struct swarm_call *call, const struct hwi_msg_reply *reply)
{
    const unsigned char *at = call->asked.output;
    uint64_t in_all = 0;
    for (uint32_t rank = 0; rank < reply->members_count; rank++) {
        uint64_t peer = reply->members[rank].value, count = count_of(s, call, peer);
        if (call->asked.unequal &&
            (rank >= reply->counts_count || reply->counts[rank].value != count)) {
            return "a count is not the member's";
        }
        if (!holds_input(s, call, peer, (struct part){0, count}, at)) {
            return "a member's elements are not its input";
        }
        at += count * hws_dtype_bytes((hws_dtype)call->asked.dtype);
        in_all += count;
    }
    (void)seat;
    return rest_holds(call, reply, in_all) ? NULL
                                           : "something was written behind what was gathered";
}

static const char *check_scattered(struct swarm *s, const struct swarm_seat *seat,
                                   const struct swarm_call *call, const struct hwi_msg_reply *reply,
                                   struct part part)
{
    const unsigned char *output = call->asked.output;
    size_t bytes = hws_dtype_bytes((hws_dtype)call->asked.dtype);
    const unsigned char *at = call->in_place ? output + part.from * bytes : output;
    if (!holds_reduction(s, call, reply, part, at)) {
        return "the part is not the reduction over these members";
    }
    if (!call->in_place) {
        return rest_holds(call, reply, part.to - part.from) ? NULL
                                                            : "something was written behind it";
    }
    struct part before = {0, part.from}, after = {part.to, call->asked.count};
    bool kept = holds_input(s, call, seat->peer, before, output) &&
                holds_input(s, call, seat->peer, after, output + part.to * bytes);
    return kept ? NULL : "what is not its part was written";
}

static bool names(const struct hwi_msg_reply *reply, uint64_t peer)
{
    for (uint32_t rank = 0; rank < reply->members_count; rank++) {
        if (reply->members[rank].value == peer) {
            return true;
        }
    }
    return false;
}

static struct part part_of(struct swarm *s, const struct swarm_call *call,
                           const struct hwi_msg_reply *reply)
{
    uint64_t count = call->asked.count, n = reply->members_count, rank = reply->rank;
    switch (call->asked.kind) {
    case HWI_KIND_REDUCE_SCATTER:
        return (struct part){rank * count / n, (rank + 1) * count / n};
    case HWI_KIND_ALL_GATHER: {
        uint64_t from = gathered(s, call, reply, reply->rank);
        return (struct part){from, from + count};
    }
    default:
        return (struct part){0, count};
    }
}

void swarm_check_part(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                      const struct hwi_msg_reply *reply)
{
    struct part part = part_of(s, call, reply);
    if (reply->offset != part.from || reply->count != part.to - part.from) {
        wrong(s, seat, call, reply, "offset or count are not those of its part");
    } else if (call->asked.kind == HWI_KIND_REDUCE_SCATTER) {
        const char *what = check_scattered(s, seat, call, reply, part);
        if (what != NULL) {
            wrong(s, seat, call, reply, what);
        }
    }
}

void swarm_check_whole(struct swarm *s, const struct swarm_seat *seat,
                       const struct swarm_call *call, const struct hwi_msg_reply *reply)
{
    struct part all = {0, call->asked.count};
    const unsigned char *output = call->asked.output;
    const char *what = NULL;
    if (call->asked.kind == HWI_KIND_ALL_REDUCE) {
        what = holds_reduction(s, call, reply, all, output) ? NULL : "it is not the reduction";
    } else if (call->asked.kind == HWI_KIND_ALL_GATHER) {
        what = check_gathered(s, seat, call, reply);
    } else if (call->asked.kind == HWI_KIND_BROADCAST) {
        what = !names(reply, call->asked.root)                        ? "the root is none of them"
               : !holds_input(s, call, call->asked.root, all, output) ? "it is not the root's input"
                                                                      : NULL;
    }
    if (what != NULL) {
        wrong(s, seat, call, reply, what);
    }
}

uint64_t swarm_result(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                      const struct hwi_msg_reply *reply)
{
    size_t bytes = hws_dtype_bytes((hws_dtype)call->asked.dtype);
    switch (call->asked.kind) {
    case HWI_KIND_SYNC:
        return swarm_state_hash(s, seat);
    case HWI_KIND_ALL_REDUCE:
    case HWI_KIND_BROADCAST:
        return XXH3_64bits(call->asked.output, call->asked.count * bytes);
    case HWI_KIND_ALL_GATHER:
        return XXH3_64bits(call->asked.output,
                           gathered(s, call, reply, reply->members_count) * bytes);
    default:
        return 0;
    }
}

void swarm_check_vote(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                      const struct hwi_msg_reply *reply)
{
    bool least = call->asked.redop == HWI_AGREE_MIN;
    uint64_t value = UINT64_MAX;
    for (uint32_t rank = 0; rank < reply->members_count; rank++) {
        uint64_t vote = swarm_vote(incarnation_of(s, reply->members[rank].value), call->key);
        value = least ? HWI_MIN(value, vote) : value & vote;
    }
    if (value != reply->value) {
        wrong(s, seat, call, reply,
              least ? "it is not the least of their votes" : "it is not the AND of their votes");
    }
}
