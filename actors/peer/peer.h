// SPDX-License-Identifier: MIT
// The peer's state, shared by its handler files only. It speaks for the trainer: session with the
// master, stripes to the members, calls in flight, deadlines, the fence.
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

// An attempt of it is in the view, not decided yet.
static inline bool hwi_peer_entered(const struct hwi_peer_call *c)
{
    return c->stage == HWI_CALL_RUNNING || c->stage == HWI_CALL_DONE;
}

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

// What a view of M members costs each of its members: this, M times, and an edge for each of its
// group.
struct hwi_peer_members {
    uint64_t number;    // the view's; 0 = none
    struct hwi_id *ids; // ascending; owned
    uint8_t *ours;      // of each: 1 = of our group; NULL = all are; owned
    uint32_t count, rank;
    uint32_t own_count, own_rank; // in our group
    uint32_t groups, largest;     // as announced
};

// How to reach a member of the proposal, until ready is said.
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
    uint64_t acked; // the view the trainer acknowledged
    // Of asynchronous calls replied; while some are not collected no call is taken
    uint64_t failures;
    // A call failed that others may have in flight: only hws_view lifts the fence for new calls
    bool fence_held;
    uint32_t pending; // newcomers, as told with the announcement

    struct hwi_peer_members proposal; // number 0 = none
    struct hwi_peer_target *targets;  // of the proposal, by rank; NULL = ready is said; owned
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
    uint32_t call_capacity;
    uint64_t arrivals;
    // Bit per enum hwi_role: a check failed in that actor, it answers no more
    uint32_t lanes_failed;
    bool state_attached; // hws_sync was called: there is a shared state
    bool state_synced;   // a sync committed, and none was cut since
    bool state_dirty;    // a sync into it was begun and not committed
    // After own sleep: what came meanwhile is read before deadlines are judged
    uint64_t excused_until_ns;
};

enum {
    HWI_PEER_EXCUSE_MS = 1000,
    HWI_PEER_REGISTER_MS = 250,
    HWI_PEER_LEAVE_MS = 1000,
    HWI_PEER_EDGE_TRIES_MAX = 8
};

static inline struct hwi_addr hwi_peer_local(enum hwi_role role)
{
    return hwi_addr_of(role, 0);
}

// session.c: the control link to the master.
struct hwi_msg *hwi_peer_tell(struct hwi_peer *peer, struct hwi_effects *effects,
                              uint16_t type); // counts it
#define HWI_PEER_TELL(peer, effects, name)                                                         \
    (&hwi_peer_tell((peer), (effects), HWI_MSG_##name)->u.name)
void hwi_peer_register(struct hwi_peer *peer, struct hwi_effects *effects);
// A message was lost, or came twice. Not sooner than HWI_PEER_REGISTER_MS after the last time:
// where counts never fit, answers to answers would flood the link.
void hwi_peer_register_again(struct hwi_peer *peer, struct hwi_effects *effects);
void hwi_peer_heartbeat(struct hwi_peer *peer, struct hwi_effects *effects);
void hwi_peer_on_welcome(struct hwi_peer *peer, const struct hwi_msg_welcome *w,
                         struct hwi_effects *effects);
void hwi_peer_on_pong(struct hwi_peer *peer, const struct hwi_msg_pong *g,
                      struct hwi_effects *effects);
void hwi_peer_speak(struct hwi_peer *peer,
                    struct hwi_effects *effects); // when speak_at_ns has come

// finish.c: the end of this incarnation.
void hwi_peer_finish(struct hwi_peer *peer, int status, const char *reason,
                     struct hwi_effects *effects);
void hwi_peer_on_evicted(struct hwi_peer *peer, const struct hwi_msg_evicted *e,
                         struct hwi_effects *effects);
void hwi_peer_on_refused(struct hwi_peer *peer, const struct hwi_msg_refused *r,
                         struct hwi_effects *effects);
void hwi_peer_close(struct hwi_peer *peer, uint64_t request, struct hwi_effects *effects);
void hwi_peer_closed(struct hwi_peer *peer, struct hwi_effects *effects); // answers hws_close

// edges.c: stripes to members, and readiness for a proposal.
void hwi_peer_on_propose(struct hwi_peer *peer, const struct hwi_msg_propose *m,
                         struct hwi_effects *effects);
void hwi_peer_on_edge_up(struct hwi_peer *peer, uint64_t id, struct hwi_effects *effects);
void hwi_peer_on_edge_down(struct hwi_peer *peer, uint64_t id, struct hwi_effects *effects);
void hwi_peer_say_ready(struct hwi_peer *peer, bool expired,
                        struct hwi_effects *effects); // if it is time
void hwi_peer_tell_ready(struct hwi_peer *peer, struct hwi_effects *effects);
void hwi_peer_targets_forget(struct hwi_peer *peer);
// Lost ones of the view in force
void hwi_peer_report_edges(struct hwi_peer *peer, struct hwi_effects *effects);
// To who is in no view of ours
void hwi_peer_close_edges(struct hwi_peer *peer, bool all, struct hwi_effects *effects);

// view.c
void hwi_peer_on_announce(struct hwi_peer *peer, const struct hwi_msg_announce *a,
                          struct hwi_effects *effects);
// hws_view
void hwi_peer_acknowledge(struct hwi_peer *peer, const struct hwi_msg_request *r,
                          struct hwi_effects *effects);
// members.c
void hwi_peer_members_set(struct hwi_peer *peer, struct hwi_peer_members *to, uint64_t number,
                          const struct hwi_member *list, uint32_t count);
void hwi_peer_members_forget(struct hwi_peer *peer, struct hwi_peer_members *m);
// Of the run, or of our group only; by rank.
struct hwi_id *hwi_peer_ids(const struct hwi_peer_members *m, bool run_wide,
                            struct hwi_effects *effects);
// Its rank in the run; -1 = not in it.
int64_t hwi_peer_rank(const struct hwi_peer_members *m, uint64_t id);
// It is in it, and of our group: there is an edge to it, unless it is us.
bool hwi_peer_is_ours(const struct hwi_peer_members *m, uint64_t id);
bool hwi_peer_is_ours_at(const struct hwi_peer_members *m, uint32_t rank);
// Ranks follow from the order of peer ids; a master that lists them otherwise is not believed.
bool hwi_peer_members_ordered(const struct hwi_member *list, uint32_t count);

// calls.c: the table of calls and their channels.
// Entered; NULL = none
struct hwi_peer_call *hwi_peer_call_of(struct hwi_peer *peer, struct hwi_op op);
// Of any kind of the channel; NULL = HWI_TAGS_MAX passed
struct hwi_peer_channel *hwi_peer_channel(struct hwi_peer *peer, uint8_t kind, uint64_t tag);
void hwi_peer_forget_before(struct hwi_peer *peer); // the view before, if no call needs it
// The table has room for so many, the new ones FREE. Calls move.
void hwi_peer_calls_reserve(struct hwi_peer *peer, uint32_t capacity);
void hwi_peer_start_queued(struct hwi_peer *peer, struct hwi_effects *effects);
void hwi_peer_call_done(struct hwi_peer *peer, struct hwi_peer_call *c,
                        struct hwi_effects *effects);
void hwi_peer_tell_done(struct hwi_peer *peer, const struct hwi_peer_channel *ch,
                        struct hwi_effects *effects);
void hwi_peer_withdraw(struct hwi_peer *peer, struct hwi_peer_call *c,
                       const struct hwi_fault *fault, struct hwi_effects *effects);
void hwi_peer_tell_withdraw(struct hwi_peer *peer, const struct hwi_peer_call *c,
                            struct hwi_effects *effects);
// Of a QUEUED one: the number that it would get on its channel, after those before it that wait.
uint32_t hwi_peer_number_of(struct hwi_peer *peer, const struct hwi_peer_call *c);
// It is RUNNING under that number, in name only: nothing works on it.
void hwi_peer_take_number(struct hwi_peer *peer, struct hwi_peer_call *c);
// It is not to be Done here, for this reason: withdrawn. One that waits for its turn takes its
// number first, so that no later call takes it and meets others' calls there.
void hwi_peer_give_up(struct hwi_peer *peer, struct hwi_peer_call *c, int status,
                      struct hwi_effects *effects);
// The call is decided: `status` HWS_OK = committed. Its lane lets go, then it is replied or queued
// again.
void hwi_peer_end(struct hwi_peer *peer, struct hwi_peer_call *c, int status,
                  struct hwi_effects *effects);
void hwi_peer_ended(struct hwi_peer *peer, struct hwi_peer_call *c,
                    const struct hwi_msg_op_ended *e, struct hwi_effects *effects);
bool hwi_peer_failing(
    const struct hwi_peer *peer); // a call failed for good and is not answered yet
void hwi_peer_lane_failed(struct hwi_peer *peer, enum hwi_role lane, struct hwi_effects *effects);
void hwi_peer_check_deadlines(struct hwi_peer *peer, struct hwi_effects *effects);
uint64_t hwi_peer_next_deadline(const struct hwi_peer *peer);

// reply.c. To a call of this kind, which tells whether it names the group's members or the run's.
struct hwi_msg_reply *hwi_peer_reply(struct hwi_peer *peer, uint64_t request, uint8_t kind,
                                     int status, const struct hwi_peer_members *view,
                                     struct hwi_effects *effects);

// on_request.c, on_lane.c, on_commit.c
void hwi_peer_on_request(struct hwi_peer *peer, const struct hwi_msg_request *r,
                         struct hwi_effects *effects);
void hwi_peer_on_state_hashed(struct hwi_peer *peer, const struct hwi_msg_state_hashed *s,
                              struct hwi_effects *effects);
void hwi_peer_tell_offer(struct hwi_peer *peer, const struct hwi_peer_call *c,
                         struct hwi_effects *effects);
// Has the snapshot tell what is held; with `verify` it need not hash where nothing changed.
void hwi_peer_start_sync(const struct hwi_peer_call *c, uint8_t verify,
                         struct hwi_effects *effects);
void hwi_peer_on_sync_verify(struct hwi_peer *peer, const struct hwi_msg_sync_verify *v,
                             struct hwi_effects *effects);
void hwi_peer_on_sync_plan(struct hwi_peer *peer, const struct hwi_msg_sync_plan *s,
                           struct hwi_effects *effects);
void hwi_peer_on_op_fault(struct hwi_peer *peer, enum hwi_role lane,
                          const struct hwi_msg_op_fault *f, struct hwi_effects *effects);
void hwi_peer_on_commit(struct hwi_peer *peer, const struct hwi_msg_commit *m,
                        struct hwi_effects *effects);

// on_cancel.c
void hwi_peer_on_cancel(struct hwi_peer *peer, const struct hwi_msg_cancel *m,
                        struct hwi_effects *effects);

// state.c: its fields.
void hwi_peer_image(struct hwi_image *image, void *state);

#endif
