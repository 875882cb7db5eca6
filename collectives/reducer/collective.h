// SPDX-License-Identifier: MIT
// One collective on this member: its state, its place in the reducer's table, its end.
#ifndef HAWSER_COLLECTIVES_REDUCER_COLLECTIVE_H
#define HAWSER_COLLECTIVES_REDUCER_COLLECTIVE_H

#include "collectives/plans/plan.h"
#include "collectives/reducer/ledger.h"

struct hwi_effects;
struct hwi_reducer;

enum hwi_collective_state {
    HWI_COLLECTIVE_STARTING, // its start has not gone out: the data port does not know it
    HWI_COLLECTIVE_RUNNING,  // also after Done: others may still need what we send
    HWI_COLLECTIVE_FAULTED,  // says nothing more until it is ended
    HWI_COLLECTIVE_ENDING,   // quiesce is under way
};

// The sender's side towards one member ...
struct hwi_collective_edge {
    bool called;  // its call came and agrees with ours
    bool stalled; // it called, and there is more of the input to send than it lets come
};

// ... in one phase, in chunks of the run that goes there.
struct hwi_collective_hop {
    uint32_t granted; // that it lets come; counts once it has called
    uint32_t open;    // all before it are queued, or will be as they are complete
};

// The input of phases that lead to one stage.
struct hwi_stage {
    uint32_t first; // its run begins there
    uint32_t rows;  // scratch slots of each chunk
    struct hwi_ledger ledger;
};

// The waits of the operation here, for the trainer's counters.
struct hwi_waits {
    uint64_t started_ns, called_ns; // called_ns: all members had; 0 = not yet
    uint64_t stalled_from_ns;       // while an edge is stalled
    uint64_t stalled_ns;            // before that
    uint32_t stalled;               // edges
};

struct hwi_collective {
    struct hwi_op op;
    struct hwi_signature signature;
    // Until it is laid out, begin[rank + 1] is the size of the rank's region; begin and first are
    // owned.
    struct hwi_plan_shape shape;
    uint64_t request;    // whose memory
    uint64_t room;       // elements that the output has room for
    uint32_t self;       // own rank
    uint32_t phases_max; // for which there are hops
    uint32_t calls_due;  // members whose call has not come
    uint32_t chunks_due; // that come straight into the output, lead to no stage, and have not come
    uint32_t copies_due; // chunks of the own input to be copied into the output
    enum hwi_collective_state state;
    bool in_place;
    bool laid; // the sizes are known, and the data port knows it, unless it is of no bytes
    bool done; // op_done was sent
    struct hwi_collective_edge *edges; // [world] by rank; owned
    struct hwi_collective_hop *hops;   // [phases_max][world]; owned
    struct hwi_stage *stages;          // [stage_count], by phase; owned
    uint32_t stage_count;              // the phases, once it is laid out
    struct hwi_waits waits;
};

// NULL if it is not open here.
struct hwi_collective *hwi_collective_find(const struct hwi_reducer *reducer, struct hwi_op op);
// The operation in the table, state STARTING, not laid out. `start` is borrowed until return.
struct hwi_collective *hwi_collective_open(struct hwi_reducer *reducer,
                                           const struct hwi_msg_op_start *start);
// Frees it.
void hwi_collective_drop(struct hwi_reducer *reducer, struct hwi_collective *collective);
// Its end as the peer hears it, once the memory is let go of.
struct hwi_msg_op_ended *hwi_collective_ended(const struct hwi_reducer *reducer,
                                              const struct hwi_collective *collective,
                                              struct hwi_effects *effects);
// Says op_done, once, if everything is here and every member called the same.
void hwi_collective_finish(struct hwi_collective *collective, struct hwi_effects *effects);

// Each rank has its own region: an output or an input may hold only that.
static inline bool hwi_collective_has_regions(const struct hwi_collective *collective)
{
    return collective->signature.kind == HWI_KIND_REDUCE_SCATTER ||
           collective->signature.kind == HWI_KIND_ALL_GATHER;
}

// The data port knows it.
static inline bool hwi_collective_is_known(const struct hwi_collective *collective)
{
    return collective->laid && collective->shape.bytes > 0;
}

static inline struct hwi_collective_hop *hwi_collective_hop(const struct hwi_collective *collective,
                                                            uint32_t phase, uint32_t rank)
{
    return &collective->hops[(size_t)(phase - 1) * collective->shape.world + rank];
}

// ---- what the plan says of this member ----------------------------------------------------------

static inline struct hwi_plan_phase hwi_collective_phase(const struct hwi_collective *collective,
                                                         uint32_t phase)
{
    return collective->shape.ops->phase(&collective->shape, phase, collective->self);
}

static inline struct hwi_run hwi_collective_run_to(const struct hwi_collective *collective,
                                                   uint32_t phase, uint32_t rank)
{
    return collective->shape.ops->run(&collective->shape, phase, collective->self, rank);
}

static inline struct hwi_run hwi_collective_run_from(const struct hwi_collective *collective,
                                                     uint32_t phase, uint32_t rank)
{
    return collective->shape.ops->run(&collective->shape, phase, rank, collective->self);
}

#endif
