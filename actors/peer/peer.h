// SPDX-License-Identifier: MIT
// The peer's state. It acts for the trainer: session with the master, stripes to the members,
// calls in flight, deadlines, the fence. The header of each part says how it uses them.
#ifndef HAWSER_ACTORS_PEER_PEER_H
#define HAWSER_ACTORS_PEER_PEER_H

#include "actors/loop/step.h"

enum hwi_peer_phase {
    HWI_PEER_PHASE_NONE = 0,
    HWI_PEER_PHASE_JOINING, // not in a view yet
    HWI_PEER_PHASE_MEMBER,
    HWI_PEER_PHASE_FINISHED, // this incarnation is over; every call says why
};

enum hwi_peer_call_stage {
    HWI_CALL_FREE = 0,
    HWI_CALL_QUEUED,  // waits for its turn on the channel, or (retry) for the next view
    HWI_CALL_RUNNING, // entered, not Done here
    HWI_CALL_DONE,    // full result here, or vote said; waits for the decision
    HWI_CALL_ENDING,  // decided; waits for its lane to let go of the memory
};

// One call of the trainer, from request to reply.
struct hwi_peer_call {
    enum hwi_peer_call_stage stage;
    uint64_t arrival; // order of arrival: calls of a channel run in it
    struct hwi_msg_request request;
    uint64_t deadline_ns;
    struct hwi_op op; // while entered
    uint32_t attempts;
    uint64_t done_ns;                          // while DONE
    uint64_t members_us, commit_us, credit_us; // as in reply, so far
    bool last;                                 // while DONE: called after all others
    bool withdrawn;                            // the master was asked to decide
    bool cancelled;                            // by the trainer: it is not run again
    bool committed;                            // while ENDING
    int status;                                // while ENDING and not committed
    struct hwi_fault fault;
    uint32_t pending;
    uint64_t value;
    struct { // sync
        bool offered, planned, receiver;
        bool unhashed;     // as offered
        uint64_t revision; // elected once planned
        struct hwi_hash root, layout;
    } sync;
};

struct hwi_peer_channel {
    uint8_t kind; // a channel kind
    uint64_t tag;
    uint32_t entered, done, heard;
};

enum hwi_peer_edge_state { HWI_PEER_EDGE_OPENING, HWI_PEER_EDGE_UP, HWI_PEER_EDGE_DOWN };

// All stripes to one member. There is one for each other member of the view and of the proposal.
struct hwi_peer_edge {
    uint64_t peer;
    enum hwi_peer_edge_state state;
};

// The cost of a view of M members for each member: this struct, M times, and an edge for each
// member of its group.
struct hwi_peer_members {
    uint64_t number;    // the view's; 0 = none
    struct hwi_id *ids; // ascending; owned
    uint8_t *ours;      // of each: 1 = of our group; NULL = all are; owned
    uint32_t count, rank;
    uint32_t own_count, own_rank; // in our group
    uint32_t groups, largest;     // as announced
};

// How to reach a member of the proposal, until ready is sent.
struct hwi_peer_target {
    uint64_t incarnation;
    uint32_t address; // where its text begins in `addresses`
    uint32_t tries;
};

struct hwi_peer {
    const struct hwi_alloc *alloc;
    uint64_t now_ns;
    enum hwi_peer_phase phase;
    struct hwi_msg_open config;
    uint64_t open_until_ns; // while JOINING
    int finish_status;      // while FINISHED
    char finish_reason[HWI_TEXT_BYTES_MAX];
    struct hwi_counters counters;        // of this process: these four are for heartbeats only
    uint64_t revision;                   // of the last sync
    uint64_t bytes_sent, bytes_received; // by operations that ended
    uint32_t min_members;                // the run's
    char trouble[HWI_TEXT_BYTES_MAX];    // what the master last said keeps the view from changing

    uint64_t run, master, id; // as told by the master
    uint64_t heartbeat_ns;
    bool heard_master;       // ever, on this incarnation
    bool welcomed;           // since the last registration
    uint64_t sent, received; // control messages since the last registration
    uint64_t pong_ns;        // when the last pong came
    uint64_t registered_ns;  // last time
    uint64_t speak_at_ns;    // next heartbeat, or registration while not welcomed
    uint64_t leave_until_ns; // HWI_NEVER = not leaving
    uint64_t leave_request;

    struct hwi_peer_members view;   // in force
    struct hwi_peer_members before; // the one before it: calls still ENDING belong to it
    struct hwi_id *lost;            // members of `before` that `view` has not; owned
    uint32_t lost_count;
    uint32_t pending;   // newcomers, as told with the announcement
    struct {            // fence.h
        uint64_t acked; // the view the trainer acknowledged
        // Of asynchronous calls replied; while some are not collected no call is taken
        uint64_t failures;
        // A call failed that others may have in flight: only hws_view lifts the fence for new calls
        bool held;
    } fence;

    struct hwi_peer_members proposal; // number 0 = none
    struct hwi_peer_target *targets;  // of the proposal, by rank; NULL = ready is sent; owned
    char *addresses;                  // of those that we dial, each with its NUL; owned
    uint32_t addresses_bytes;
    uint32_t opening; // edges to members of the proposal that are being opened
    bool ready_said;
    uint64_t ready_until_ns;
    struct hwi_peer_edge *edges; // ordered by peer id; owned
    uint32_t edge_count;

    struct hwi_peer_channel *channels; // of the view in force, ordered by (kind, tag); owned
    uint32_t channel_count, channel_capacity;
    struct hwi_peer_call *calls; // at most HWI_OPS_MAX; owned
    uint32_t call_count;         // not FREE
    uint32_t call_end;           // behind the last one that is not FREE
    uint32_t call_capacity;
    uint64_t arrivals;
    // Bit per enum hwi_role: a check failed in that actor, it answers no more
    uint32_t lanes_failed;
    struct {           // sync.h: the shared state
        bool attached; // hws_sync was called: there is one
        bool synced;   // a sync committed
        bool dirty;    // a sync into it was begun and not committed
    } shared;
    // After own sleep: what came meanwhile is read before deadlines are judged
    uint64_t excused_until_ns;
};

#endif
