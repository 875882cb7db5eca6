// SPDX-License-Identifier: MIT
// The reducer actor's state, shared by its handlers only. One per communicator.
//
// A reduction is one all-reduce on this member. Its owner's side is the ledger: which operands of
// which chunks of the own share are here, and what may come next. Its sender's side is one edge per
// other member. A one-shot plan is the same machinery with everyone owning everything and nothing
// to gather.
#ifndef HAWSER_COLLECTIVES_REDUCER_REDUCER_H
#define HAWSER_COLLECTIVES_REDUCER_REDUCER_H

#include "actors/loop/step.h"
#include "collectives/plan.h"

enum {
    HWI_REDUCER_COPY_MAX = 256, // chunks copied in one step in a view of one
};

// ---- ledger.c: the chunks of the own share that are being reduced -------------------------------

#define HWI_LEDGER_SUM UINT32_MAX // in place of a rank: what was reduced so far

// Only the window [low, low + window) can be in work, so that is all that is remembered: chunk i
// uses entry i mod window. Chunks are counted from the beginning of the share here.
struct hwi_ledger {
    uint32_t count;    // chunks of the share
    uint32_t window;   // scratch slots per sender
    uint32_t world;    // at least 2
    uint32_t self;     // own rank: its operand is always here
    uint32_t low;      // all before it are final
    uint32_t granted;  // all before it may come; at most low + window
    uint32_t *next;    // [window] the rank to be added next; world = final
    uint64_t *arrived; // [window][words] a bit for each rank whose operand is here
};

// Words of `arrived` for each chunk.
uint32_t hwi_ledger_words(uint32_t world);
// Bytes that init needs for `window` and `world`.
size_t hwi_ledger_bytes(uint32_t window, uint32_t world);
// `memory` (borrowed for the ledger's life, 8-byte aligned) has hwi_ledger_bytes. Grants the first
// window.
void hwi_ledger_init(struct hwi_ledger *ledger, void *memory, uint32_t count, uint32_t window,
                     uint32_t world, uint32_t self);
// The operand of `rank` for `chunk` is here: once, and only if it was granted.
void hwi_ledger_arrive(struct hwi_ledger *ledger, uint32_t chunk, uint32_t rank);
// The next reduction of `chunk` in strict rank order, *sum = *a (op) *b; *a is a rank or
// HWI_LEDGER_SUM. False if the next operand is not here.
bool hwi_ledger_take(struct hwi_ledger *ledger, uint32_t chunk, uint32_t *a, uint32_t *b);
bool hwi_ledger_final(const struct hwi_ledger *ledger, uint32_t chunk);
// How many operands of a chunk in work are here.
uint32_t hwi_ledger_operands(const struct hwi_ledger *ledger, uint32_t chunk);
// Passes what is final and grants what that frees; true if `granted` rose enough to be worth
// telling.
bool hwi_ledger_advance(struct hwi_ledger *ledger);

// ---- early.c: calls of operations that have not started here -----------------------------------

struct hwi_early_peer {
    uint64_t peer;
    uint64_t view; // of all its calls
    struct hwi_msg_call *calls;
    uint32_t count;
    uint32_t capacity;
};

// Calls by sender, ordered by peer id. At most HWI_MEMBERS_MAX senders and HWI_OPS_MAX calls of
// each; a call beyond is ignored. A member that keeps to its own limit of operations never passes
// it; for one that does, the operation ends at its deadline.
struct hwi_early {
    struct hwi_early_peer *peers;
    uint32_t count;
    uint32_t capacity;
};

// Remembers a call (borrowed until return). A call of a newer view drops the sender's older ones;
// one of an older view, or a second one for an operation, is ignored.
void hwi_early_keep(struct hwi_early *early, const struct hwi_alloc *alloc, uint64_t peer,
                    const struct hwi_msg_call *call);
// Takes the call of `peer` for `op` out, into *call; false if there is none.
bool hwi_early_take(struct hwi_early *early, uint64_t peer, struct hwi_op op,
                    struct hwi_msg_call *call);
// `view` is in force: drops calls of older views, and those for it from others than `members`
// (sorted).
void hwi_early_forget(struct hwi_early *early, const struct hwi_alloc *alloc, uint64_t view,
                      const uint64_t *members, uint32_t count);
void hwi_early_fini(struct hwi_early *early, const struct hwi_alloc *alloc);

// ---- reduction.c: one operation -----------------------------------------------------------------

enum hwi_reduction_state {
    HWI_REDUCTION_STARTING, // its start has not gone out: the data port does not know it
    HWI_REDUCTION_RUNNING,  // also after Done: others may still need what we send
    HWI_REDUCTION_FAULTED,  // says nothing more until it is ended
    HWI_REDUCTION_ENDING,   // quiesce is under way
};

// The sender's side towards one member.
struct hwi_reduction_edge {
    uint32_t granted; // chunks of its share that it lets come; counts once it has called
    uint32_t sent;    // chunks of its share queued
    bool called;      // its call came and agrees with ours
};

// One block of memory, with edges and ledger behind it.
struct hwi_reduction {
    struct hwi_op op;
    struct hwi_signature signature;
    struct hwi_plan_shape shape;
    uint64_t bytes;       // of the tensor
    uint32_t first;       // own share's first chunk
    uint32_t calls_due;   // members whose call has not come
    uint32_t gathers_due; // chunks of others' shares that have not come
    uint32_t copies_due;  // in a view of one: chunks to copy
    enum hwi_reduction_state state;
    bool done; // op_done was said
    struct hwi_ledger ledger;
    struct hwi_reduction_edge *edges; // [world] by rank
};

struct hwi_reducer {
    const struct hwi_alloc *alloc;
    uint64_t view;         // in force; 0 = none
    uint64_t *members;     // [world] peer ids by rank, ascending
    uint32_t *ahead_bytes; // [world] sent to a member before its call, in this view
    uint32_t world;
    uint32_t self; // own rank
    uint32_t reduction_count;
    struct hwi_reduction *reductions[HWI_OPS_MAX]; // owned, in the order they started
    struct hwi_early early;
};

// NULL if it is not open here.
struct hwi_reduction *hwi_reducer_find(struct hwi_reducer *reducer, struct hwi_op op);
// A reduction of this shape as the member of rank `self` begins it, without name and signature;
// owned.
struct hwi_reduction *hwi_reduction_make(const struct hwi_alloc *alloc,
                                         const struct hwi_plan_shape *shape, uint32_t self);
// Bytes of its ledger and edges. They follow from the shape.
size_t hwi_reduction_behind(const struct hwi_plan_shape *shape, uint32_t self);
// The operation with its first grants, in the table; state STARTING. `start` is borrowed until
// return.
struct hwi_reduction *hwi_reducer_open(struct hwi_reducer *reducer,
                                       const struct hwi_msg_op_start *start);
// Frees it.
void hwi_reducer_drop(struct hwi_reducer *reducer, struct hwi_reduction *reduction);
// The rank of another member, in *rank; false for strangers and for ourselves.
bool hwi_reducer_rank(const struct hwi_reducer *reducer, uint64_t peer, uint32_t *rank);
// The i-th other member, counted from the own rank up and round, so that members do not all begin
// with the same one.
uint32_t hwi_reducer_other(const struct hwi_reducer *reducer, uint32_t i);

// A rank's share of a reduction: all of it in a one-shot plan.
uint32_t hwi_reduction_first(const struct hwi_reduction *reduction, uint32_t rank);
uint32_t hwi_reduction_chunks(const struct hwi_reduction *reduction, uint32_t rank);
// Scratch slots per sender that the owner of `chunks` chunks has: what HWI_SCRATCH_BYTES_MAX
// allows, but one at least, for nothing moves without. All members compute the same.
uint32_t hwi_reduction_window(const struct hwi_plan_shape *shape, uint32_t chunks);
// Says op_done, once, if everything is here and every member called the same.
void hwi_reduction_finish(struct hwi_reduction *reduction, struct hwi_effects *effects);
// In a view of one: copies the next chunks and asks to be woken for the rest.
void hwi_reduction_copy(struct hwi_reduction *reduction, uint64_t now_ns,
                        struct hwi_effects *effects);

// ---- scatter.c: inputs to their owners
// -----------------------------------------------------------

// A call of the member of `rank` for this reduction: compares the signatures, then counts its
// grant. A mismatch becomes an op_fault, and the reduction FAULTED.
void hwi_reduction_called(struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                          uint32_t rank, const struct hwi_msg_call *call,
                          struct hwi_effects *effects);
// Raises the member's grant, within its share; a grant never shrinks.
void hwi_reduction_grant(struct hwi_reduction *reduction, uint32_t rank, uint32_t granted);
// Sends what the member's grant allows, or what may go ahead of its call.
void hwi_reduction_feed(struct hwi_reducer *reducer, struct hwi_reduction *reduction, uint32_t rank,
                        struct hwi_effects *effects);

// ---- handlers, one file each
// ---------------------------------------------------------------------

void hwi_reducer_on_lane_view(struct hwi_reducer *reducer, const struct hwi_msg_lane_view *message,
                              struct hwi_effects *effects);
void hwi_reducer_on_op_start(struct hwi_reducer *reducer, const struct hwi_msg_op_start *message,
                             uint64_t now_ns, struct hwi_effects *effects);
void hwi_reducer_on_call(struct hwi_reducer *reducer, uint64_t from,
                         const struct hwi_msg_call *message, struct hwi_effects *effects);
void hwi_reducer_on_grant(struct hwi_reducer *reducer, uint64_t from,
                          const struct hwi_msg_grant *message, struct hwi_effects *effects);
void hwi_reducer_on_chunk(struct hwi_reducer *reducer, const struct hwi_msg_chunk *message,
                          struct hwi_effects *effects);
void hwi_reducer_on_op_end(struct hwi_reducer *reducer, const struct hwi_msg_op_end *message,
                           struct hwi_effects *effects);
void hwi_reducer_on_quiesced(struct hwi_reducer *reducer, const struct hwi_msg_quiesced *message,
                             struct hwi_effects *effects);
void hwi_reducer_on_woken(struct hwi_reducer *reducer, uint64_t now_ns,
                          struct hwi_effects *effects);

// state.c: its fields.
void hwi_reducer_image(struct hwi_image *image, void *state);

// ---- addressees
// ----------------------------------------------------------------------------------

static inline struct hwi_addr hwi_to_peer(void)
{
    return hwi_addr_of(HWI_ROLE_PEER, 0);
}

static inline struct hwi_addr hwi_to_data(void)
{
    return hwi_addr_of(HWI_ROLE_DATA, 0);
}

static inline struct hwi_addr hwi_to_clock(void)
{
    return hwi_addr_of(HWI_ROLE_CLOCK, 0);
}

static inline struct hwi_addr hwi_to_reducer(uint64_t peer)
{
    return hwi_addr_of(HWI_ROLE_REDUCER, peer);
}

#endif
