// SPDX-License-Identifier: MIT
// The reducer actor's state, shared by its handlers only. One per communicator.
//
// A reduction is one operation on this member: an all-reduce, or one of the others that are its
// parts. SCATTER brings inputs to who owns the chunks, GATHER brings results to everybody:
//   all-reduce      inputs to the owners, which reduce, and results to all
//   reduce-scatter  inputs to the owners, which reduce
//   all-gather      each member's input to all
//   broadcast       the root's input to the owners (all others), which pass it on to all
// In a one-shot plan an input goes to everyone, and no results: each reduces all by itself.
// Inputs that are reduced go into scratch, all else straight into the output.
// The owner's side is the ledger: how much of which chunks of the own share is here, and what may
// come next. The sender's side is one edge per other member.
#ifndef HAWSER_COLLECTIVES_REDUCER_REDUCER_H
#define HAWSER_COLLECTIVES_REDUCER_REDUCER_H

#include "actors/loop/step.h"
#include "collectives/plan.h"

// A frame's part in its operation. SCATTER carries inputs to who reduces, GATHER carries results.
enum hwi_phase { HWI_PHASE_SCATTER = 1, HWI_PHASE_GATHER = 2 };

enum {
    HWI_REDUCER_COPY_MAX = 32,    // chunks of the own input copied in one step
    HWI_PASSED_CHUNKS_MAX = 1024, // a broadcast's chunks that may come ahead of those that came
};

// ---- ledger.c: the chunks of the own share that are being reduced -------------------------------

// Only the window [low, low + window) can be in work, so that is all that is remembered: chunk i
// uses entry i mod window. Chunks are counted from the beginning of the share here.
struct hwi_ledger {
    uint32_t count;    // chunks of the share
    uint32_t window;   // scratch slots per sender
    uint32_t due;      // operands of others that a chunk needs, at least 1
    uint32_t low;      // all before it are reduced
    uint32_t granted;  // all before it may come; at most low + window
    uint32_t *missing; // [window] operands of others that have not come; 0 = reduced; owned by who
                       // made it
};

// Bytes that init needs.
size_t hwi_ledger_bytes(uint32_t window);
// `memory` (kept; owned by the caller, 4-byte aligned) has hwi_ledger_bytes. Grants the first
// window.
void hwi_ledger_init(struct hwi_ledger *ledger, void *memory, uint32_t count, uint32_t window,
                     uint32_t due);
// Another operand of `chunk` is here, of a chunk that was granted; true if it was the last, so that
// the chunk is reduced now. That nobody's comes twice is the data port's care.
bool hwi_ledger_arrive(struct hwi_ledger *ledger, uint32_t chunk);
// All of the chunk came.
bool hwi_ledger_final(const struct hwi_ledger *ledger, uint32_t chunk);
// Passes what is reduced and grants what that frees; true if `granted` rose enough to be worth
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
    uint32_t granted; // chunks of our input that it lets come; counts once it has called
    uint32_t sent;    // chunks of it queued
    bool called;      // its call came and agrees with ours
    bool stalled;     // it called, and there is more to send than it lets come
};

// What the operation waited for here, for the trainer's counters.
struct hwi_waits {
    uint64_t started_ns, called_ns; // called_ns: all members had; 0 = not yet
    uint64_t stalled_from_ns;       // while an edge is stalled
    uint64_t stalled_ns;            // before that
    uint32_t stalled;               // edges
};

struct hwi_reduction {
    struct hwi_op op;
    struct hwi_signature signature;
    struct hwi_plan_shape shape; // until it is laid out: world, and the plan asked for
    uint64_t request;            // whose memory
    uint64_t room;               // elements that the output has room for
    uint64_t bytes;              // of the whole
    uint32_t self;               // own rank
    uint32_t root;               // broadcast: its rank
    uint32_t calls_due;          // members whose call has not come
    uint32_t chunks_due;         // chunks that come straight into the output and have not
    uint32_t copies_due;         // chunks of the own input to be copied into the output
    enum hwi_reduction_state state;
    bool in_place;
    bool laid; // the sizes are known, and the data port knows it, unless it is of no bytes
    bool done; // op_done was said
    struct hwi_ledger ledger;
    struct hwi_reduction_edge *edges; // [world] by rank; owned
    struct hwi_waits waits;
    // Reduce-scatter and all-gather, else NULL: [world + 1] where each rank's region begins, and
    // its first chunk. Until it is laid out begin[rank + 1] is the size of the rank's region.
    uint64_t *begin; // bytes; owned
    uint32_t *first; // owned
};

struct hwi_reducer {
    const struct hwi_alloc *alloc;
    uint64_t now_ns;
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
// The operation in the table, state STARTING, not laid out. `start` is borrowed until return.
struct hwi_reduction *hwi_reducer_open(struct hwi_reducer *reducer,
                                       const struct hwi_msg_op_start *start);
// Frees it.
void hwi_reducer_drop(struct hwi_reducer *reducer, struct hwi_reduction *reduction);
// The rank of another member, in *rank; false for strangers and for ourselves.
bool hwi_reducer_rank(const struct hwi_reducer *reducer, uint64_t peer, uint32_t *rank);
// The i-th other member, counted from the own rank up and round, so that members do not all begin
// with the same one.
uint32_t hwi_reducer_other(const struct hwi_reducer *reducer, uint32_t i);

// Its end as the peer hears it, once the memory is let go of.
struct hwi_msg_op_ended *hwi_reduction_ended(const struct hwi_reducer *reducer,
                                             const struct hwi_reduction *reduction,
                                             struct hwi_effects *effects);
// Says op_done, once, if everything is here and every member called the same.
void hwi_reduction_finish(struct hwi_reduction *reduction, struct hwi_effects *effects);
// Copies the next chunks of the own input and asks to be woken for the rest.
void hwi_reduction_copy(struct hwi_reduction *reduction, uint64_t now_ns,
                        struct hwi_effects *effects);

// ---- parts.c: which chunks go from whom to whom -------------------------------------------------

struct hwi_part {
    uint32_t first, chunks;
    uint64_t bytes;
};

// Inputs are combined; otherwise they only travel.
bool hwi_reduction_adds(const struct hwi_reduction *reduction);
// Each rank has a region of its own: an output or an input may hold only that.
bool hwi_reduction_has_regions(const struct hwi_reduction *reduction);
// Inputs come to owners, which do something with each chunk: reduce it, or pass it on.
bool hwi_reduction_has_owners(const struct hwi_reduction *reduction);
// What a rank owns: all of it in a one-shot plan.
struct hwi_part hwi_reduction_owned(const struct hwi_reduction *reduction, uint32_t rank);
// The input of `from` that goes to `to`, and the results. Not of a member to itself.
struct hwi_part hwi_reduction_input(const struct hwi_reduction *reduction, uint32_t from,
                                    uint32_t to);
struct hwi_part hwi_reduction_result(const struct hwi_reduction *reduction, uint32_t from,
                                     uint32_t to);
// The own input that is also in the own result as it is.
struct hwi_part hwi_reduction_copied(const struct hwi_reduction *reduction);
// Of the first `chunks` of a part.
uint64_t hwi_part_bytes(const struct hwi_reduction *reduction, struct hwi_part part,
                        uint32_t chunks);
// How many chunks of a share of so many an owner grants at first, at most: what
// HWI_SCRATCH_BYTES_MAX allows, but one at least, for nothing moves without. All members compute
// the same.
uint32_t hwi_reduction_window(const struct hwi_reduction *reduction, uint32_t chunks);

// ---- layout.c: the sizes, once they are known ---------------------------------------------------

// The counts of all members are known, and the output has room: lays it out and tells the data
// port. Else nothing happens; with `final`, when nothing will be known later, it becomes an
// op_fault and FAULTED.
void hwi_reduction_lay(const struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                       bool final, struct hwi_effects *effects);
// What its call grants; nothing before it is laid out.
uint32_t hwi_reduction_first_grant(const struct hwi_reduction *reduction);
// The data port knows it, so that it has to let go of the memory.
bool hwi_reduction_is_known(const struct hwi_reduction *reduction);

// ---- scatter.c: own inputs to others ------------------------------------------------------------

// A call of the member of `rank` for this reduction: compares the signatures, then counts its
// grant. A mismatch becomes an op_fault, and the reduction FAULTED.
void hwi_reduction_called(struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                          uint32_t rank, const struct hwi_msg_call *call,
                          struct hwi_effects *effects);
// Raises the member's grant, which never shrinks.
void hwi_reduction_grant(struct hwi_reduction *reduction, uint32_t rank, uint32_t granted);
// Sends what the member's grant allows, or what may go ahead of its call.
void hwi_reduction_feed(struct hwi_reducer *reducer, struct hwi_reduction *reduction, uint32_t rank,
                        struct hwi_effects *effects);
// Its chunks go to the member of `rank`.
void hwi_reduction_send(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                        enum hwi_phase phase, uint32_t rank, struct hwi_part chunks,
                        struct hwi_effects *effects);
// Tells each member that has inputs for the own chunks how many of them may come.
void hwi_reduction_tell_grant(const struct hwi_reducer *reducer,
                              const struct hwi_reduction *reduction, uint32_t granted,
                              struct hwi_effects *effects);
// A broadcast: what came before the member's call goes to it now.
void hwi_reduction_pass_on(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                           uint32_t rank, struct hwi_effects *effects);
// Every member has called and agrees: what had to wait for all counts begins.
void hwi_reduction_all_called(struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                              uint64_t now_ns, struct hwi_effects *effects);

// ---- handlers, one file each --------------------------------------------------------------------

void hwi_reducer_on_lane_view(struct hwi_reducer *reducer, const struct hwi_msg_lane_view *message,
                              struct hwi_effects *effects);
void hwi_reducer_on_op_start(struct hwi_reducer *reducer, const struct hwi_msg_op_start *message,
                             uint64_t now_ns, struct hwi_effects *effects);
void hwi_reducer_on_call(struct hwi_reducer *reducer, uint64_t from,
                         const struct hwi_msg_call *message, uint64_t now_ns,
                         struct hwi_effects *effects);
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

// ---- addressees ---------------------------------------------------------------------------------

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
