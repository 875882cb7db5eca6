// SPDX-License-Identifier: MIT
// The master's state, shared by its handler files only. It admits peers, fixes views and decides.
#ifndef HAWSER_ACTORS_MASTER_MASTER_H
#define HAWSER_ACTORS_MASTER_MASTER_H

#include "actors/loop/step.h"

// One per connection that registered: a member of the view in force, or a newcomer.
struct hwi_master_session {
    uint64_t peer;        // sessions are ordered by it
    uint64_t incarnation; // names the control session
    uint32_t group;
    char unit[HWI_NAME_BYTES_MAX]; // its unit's name; empty = none
    uint32_t unit_size;            // processes of it
    char address[HWI_ADDRESS_BYTES_MAX];
    uint64_t heard_ns;       // when it last said anything
    uint64_t acked;          // the view it last said it holds
    uint64_t sent, received; // control messages since its registration
    bool member;             // of the view in force
    bool proposed;           // of the proposal
    bool ready;              // for the proposal
    bool synced;             // holds the run's shared state
    bool unreachable;        // its control connection was gone when we last sent
    bool suspect;            // a member lost its stripes to it in this view
    bool late;             // a newcomer that came while a vote was acted on: the next one is for it
    bool gone;             // told why, and forgotten by the next sweep
    uint32_t blame;        // broken edges it had a part in, in all proposals
    uint32_t place;        // in the proposal
    uint64_t *broken;      // a bit for each place of the proposal that it could not reach; owned
    uint32_t broken_count; // words of it: 0 = it reached all
    uint32_t edges;        // broken ones to others of the proposal, whoever said so
    uint32_t member_edges; // those of them to members
    struct hwi_tally *tallies; // its operations of this view in flight at the last heartbeat; owned
    uint32_t tally_count;
    struct {
        uint32_t count; // offers made on the sync channel: sequence + 1
        uint64_t revision;
        struct hwi_hash root, layout;
        bool dirty;
        uint8_t strategy; // hws_strategy
        bool unhashed;    // it did not hash: `root` is of the last sync that was hashed
    } offer;
};

// The tensors of a layout that a member told.
struct hwi_master_shape {
    struct hwi_hash layout;
    struct hwi_tensor *tensors; // owned
    uint32_t tensor_count;
};

// Finds a session by its incarnation.
struct hwi_master_session_name {
    uint64_t incarnation, peer;
};

// A unit of which some process is registered.
struct hwi_master_unit {
    char name[HWI_NAME_BYTES_MAX];
    uint32_t size;
    uint32_t here; // its sessions
    uint32_t late; // those of them that are late
};

// A place in the view in force. It stays when its session has gone.
struct hwi_master_seat {
    uint64_t peer;
    uint32_t group;
    uint32_t rank; // in the group
};

// A group that has members in the view in force, and what they know of their shared state. When all
// its members have died it is forgotten, and begins again with newcomers.
struct hwi_master_group {
    uint32_t number;
    uint32_t count;   // seats of the view
    uint32_t members; // sessions that are members
    bool ever_synced;
    uint32_t offers; // members that made an offer for the next sync
    uint32_t verify; // sequence + 1 of the last sync that must be hashed; 0 = none in this view
    struct {
        uint32_t count; // sequence + 1 of the sync that was planned; 0 = none in this view
        uint64_t revision;
        struct hwi_hash root;
        bool unhashed;
    } plan;
};

enum {
    HWI_MASTER_PENDINGS_MAX = 8, // changes of how many newcomers wait that a channel remembers
    HWI_MASTER_SHAPES_MAX = 32,  // layouts of shared states that are remembered with their tensors
};

// One channel of the view in force: per member, how many of its operations are Done.
struct hwi_master_channel {
    uint8_t kind;   // a channel kind
    uint32_t group; // 0 if it spans the run
    uint64_t tag;
    uint32_t committed;
    uint32_t ahead;   // members whose count is above committed
    uint32_t count;   // seats that it spans
    uint32_t *counts; // by rank in the group, or in the view if it spans the run; owned
    uint8_t redop;    // a vote: how to fold, set by the first
    uint64_t folded;  // a vote: of those so far
    uint64_t value;   // a vote: the last result
    // How many newcomers waited, as told with the commits: the row is by operations, and its last
    // entry ends with the last commit. Who missed some is told for each what the others were
    // told; what is older than the row is told as its first.
    struct hwi_master_pending {
        uint32_t until; // operations before it
        uint32_t count;
    } pendings[HWI_MASTER_PENDINGS_MAX];
    uint32_t pending_count;
};

enum hwi_master_stage {
    HWI_STAGE_NONE = 0,
    HWI_STAGE_BURNING, // the number is being made durable
    HWI_STAGE_OPEN,    // members open stripes
    HWI_STAGE_SEALING, // the announcement is being made durable
};

struct hwi_master {
    const struct hwi_alloc *alloc;
    uint64_t now_ns;
    struct hwi_msg_master_start config;
    bool started;
    bool booted; // the first store is durable
    uint64_t run, incarnation, highest, next_peer;

    struct hwi_master_session *sessions; // owned; ordered by peer id
    uint32_t session_count, session_capacity;
    struct hwi_master_session_name *names; // owned; of those not gone, ordered by incarnation
    uint32_t name_count, name_capacity;
    uint32_t member_count;         // sessions that are members of the view in force
    struct hwi_master_unit *units; // owned; ordered by name
    uint32_t unit_count, unit_capacity;
    uint32_t incomplete; // newcomers whose unit is not all here

    struct {
        uint64_t number;               // 0 = none yet
        struct hwi_master_seat *seats; // by rank, which is the order of peer ids; owned
        uint32_t count;
        uint32_t pending; // newcomers waiting as it came into force: the same for all members
        uint32_t largest; // members of its largest group
    } view;
    struct hwi_master_group *groups; // of the view, ordered by number; owned
    uint32_t group_count;
    struct hwi_master_shape shapes[HWI_MASTER_SHAPES_MAX]; // newest last
    uint32_t shape_count;
    struct hwi_master_channel *channels; // of the view, ordered by (kind, group, tag); owned
    uint32_t channel_count, channel_capacity;
    struct hwi_fault faults[HWI_OPS_MAX]; // why operations of this view will abort
    uint32_t fault_count;
    // Outcomes not acknowledged by all members, oldest first; owned, also its lists
    struct hwi_past *past;
    uint32_t past_count;
    uint64_t held_back_by; // no member with a lower peer id keeps the oldest of them

    enum hwi_master_stage stage;
    uint64_t proposal; // its number
    uint64_t proposal_until_ns;
    uint64_t reform_at_ns; // then the view is looked at again: what is open now is out of date;
                           // HWI_NEVER = nothing has changed
    uint32_t proposed_count, ready_due, broken_edges; // of it
    bool crossed;           // it has a broken edge between a member and a newcomer
    bool admitting;         // it acts on the members' vote
    bool any_late;          // some session is late
    bool change;            // the view must change even if its members stay
    bool again;             // something happened while an announcement was sealed
    uint64_t turn_at_ns;    // next look for who is silent; messages do not move it
    uint64_t probe_at_ns;   // next probe of suspects
    uint64_t probe_from_ns; // none before it
    uint64_t store_again_ns;
    uint64_t committed_total, aborted_total;
};

enum {
    HWI_MASTER_PROBE_MS = 50,
    HWI_MASTER_PROBE_US_EACH =
        100, // of the time between two rounds of probes, for each that is sent
    HWI_MASTER_HOLD_SESSIONS =
        64, // sessions for each ms from a change to the proposal it calls for
    HWI_MASTER_STORE_AGAIN_MS = 1000,
    HWI_MASTER_PAST_TALLIES_MAX = 2 * HWI_TAGS_MAX, // of all earlier views: they fit one message
    HWI_MASTER_TRACE_SHARE = 2048, // bytes per second that each ring may send at least
    HWI_MASTER_CLAIMS_MAX = 512, // calls that hold others up, among which a mismatch is looked for
};

// session.c
struct hwi_master_session *hwi_master_session(struct hwi_master *master, uint64_t incarnation);
struct hwi_master_session *hwi_master_session_of_peer(struct hwi_master *master, uint64_t peer);
void hwi_master_index(struct hwi_master *master); // names and member_count, from the sessions
// Index of the first session whose peer id is not lower.
uint32_t hwi_master_session_place(const struct hwi_master *master, uint64_t peer);
struct hwi_master_session *hwi_master_session_add(struct hwi_master *master,
                                                  const struct hwi_msg_registration *r);
void hwi_master_sweep(struct hwi_master *master); // forgets sessions that are gone; others move
uint32_t hwi_master_waiting(const struct hwi_master *master); // newcomers that could be admitted
// Emits to a session and counts it. Good until the next emit.
struct hwi_msg *hwi_master_tell(struct hwi_master_session *s, struct hwi_effects *effects,
                                uint16_t type);
#define HWI_MASTER_TELL(s, effects, name) (&hwi_master_tell((s), (effects), HWI_MSG_##name)->u.name)
// Tells it why it is out: it is gone, with the members of its unit, and the caller sweeps. True if
// it was in the view or the proposal: then the caller reforms, too.
bool hwi_master_dismiss(struct hwi_master *master, struct hwi_master_session *s, int status,
                        const char *reason, struct hwi_effects *effects);
// The same, sweeps and reforms.
void hwi_master_put_out(struct hwi_master *master, struct hwi_master_session *s, int status,
                        const char *reason, struct hwi_effects *effects);

// unit.c
// A newcomer cannot be of the unit that it names: why, as a sentence.
bool hwi_master_unit_refuses(const struct hwi_master *master, const struct hwi_msg_registration *r,
                             char reason[HWI_TEXT_BYTES_MAX]);
void hwi_master_unit_enter(struct hwi_master *master, const struct hwi_master_session *s);
void hwi_master_unit_leave(struct hwi_master *master, const struct hwi_master_session *s);
void hwi_master_late(struct hwi_master *master, struct hwi_master_session *s,
                     bool late); // sets `late`
// It may be proposed: it came in time, and so did all of its unit.
bool hwi_master_admissible(const struct hwi_master *master, const struct hwi_master_session *s);

// group.c
struct hwi_master_group *hwi_master_group(struct hwi_master *master,
                                          uint32_t number); // NULL = not in the view
// Who is proposed is a member from now on, with a seat, and nobody else. A group of whom somebody
// was a member before still knows whether it was ever synced.
void hwi_master_seat(struct hwi_master *master);
// Index of a seat in the view in force; -1 = not in it
int64_t hwi_master_rank(const struct hwi_master *master, uint64_t peer);

// channel.c. `kind` is any kind of the channel; `group` is that of a member which it spans.
// NULL = HWI_TAGS_MAX passed
struct hwi_master_channel *hwi_master_channel(struct hwi_master *master, uint8_t kind,
                                              uint32_t group, uint64_t tag);
// NULL = nobody is Done on it
struct hwi_master_channel *hwi_master_channel_known(struct hwi_master *master, uint8_t kind,
                                                    uint32_t group, uint64_t tag);
void hwi_master_channels_clear(struct hwi_master *master);
bool hwi_master_spans(const struct hwi_master_channel *c, uint32_t group); // members of the group
// How many operations the one at this rank of the view, whom the channel spans, is Done with.
uint32_t *hwi_master_done(const struct hwi_master *master, const struct hwi_master_channel *c,
                          uint32_t rank);
// A member's count, one of *counts, rises; commits what all have Done.
void hwi_master_count(struct hwi_master *master, struct hwi_master_channel *c, uint32_t *counted,
                      uint32_t count, struct hwi_effects *effects);
void hwi_master_commit(struct hwi_master *master, struct hwi_master_channel *c, uint32_t count,
                       struct hwi_effects *effects);
// To a member that the channel spans and that heard of the first `heard` operations.
void hwi_master_tell_commit(const struct hwi_master *master, const struct hwi_master_channel *c,
                            uint32_t heard, struct hwi_master_session *s,
                            struct hwi_effects *effects);
void hwi_master_fault(struct hwi_master *master, const struct hwi_fault *fault);

// mismatch.c
// Members that wait for each other in different calls of one tag: the view changes, and each is
// told of two of them.
void hwi_master_find_mismatch(struct hwi_master *master, struct hwi_effects *effects);

// view.c
// The view may have to change. Proposes the one that should be, if it is not the one in force: at
// once, in a large run a little later, so that many changes make one proposal.
void hwi_master_reform(struct hwi_master *master, struct hwi_effects *effects);
void hwi_master_reform_now(struct hwi_master *master, struct hwi_effects *effects);
void hwi_master_propose_to(struct hwi_master *master, struct hwi_master_session *s,
                           struct hwi_effects *effects);
uint32_t hwi_master_broken_words(const struct hwi_master *master); // of a session's `broken`
// The edge between two of the proposal is broken: `s` said so.
void hwi_master_broken(struct hwi_master *master, struct hwi_master_session *s,
                       struct hwi_master_session *t);
// After a ready or a broken edge: announce, or drop and propose again
void hwi_master_judge(struct hwi_master *master, struct hwi_effects *effects);
void hwi_master_proposal_expired(struct hwi_master *master, struct hwi_effects *effects);
void hwi_master_stored(struct hwi_master *master, struct hwi_effects *effects);

// announce.c
// Fixes outcomes, makes the new view the one in force
void hwi_master_seal(struct hwi_master *master, struct hwi_effects *effects);
void hwi_master_announce(struct hwi_master *master, struct hwi_effects *effects); // to all members
void hwi_master_announce_to(struct hwi_master *master, struct hwi_master_session *s,
                            struct hwi_effects *effects);
void hwi_master_prune_past(struct hwi_master *master);
void hwi_master_drop_past(struct hwi_master *master); // the oldest of m->past
void hwi_master_store(struct hwi_master *master, struct hwi_effects *effects);

// offer.c: syncs, each group's own
uint32_t hwi_master_syncs_committed(const struct hwi_master *master,
                                    uint32_t group); // in this view
bool hwi_master_offered(const struct hwi_master *master,
                        const struct hwi_master_session *s); // for the next sync
// A sync committed: all members of the group hold the state
void hwi_master_synced(struct hwi_master *master, struct hwi_master_group *g);
// What was elected in this view, if anything was
void hwi_master_tell_plan(struct hwi_master *master, struct hwi_master_session *s,
                          struct hwi_effects *effects);

// elect.c
static inline bool hwi_master_is_of(const struct hwi_master_session *s,
                                    const struct hwi_master_group *g)
{
    return s->member && s->group == g->number;
}
// All members of the group have offered: who holds the state that all shall hold. NULL = nobody
// does, or somebody was put out: the view changes, and the sync fails.
const struct hwi_master_session *hwi_master_choose(struct hwi_master *master,
                                                   const struct hwi_master_group *g,
                                                   struct hwi_effects *effects);

// shape.c
void hwi_master_shape_note(struct hwi_master *master,
                           const struct hwi_msg_sync_offer *o); // if it is told
void hwi_master_shapes_forget(struct hwi_master *master);
// Says where a layout differs from that of `winner`.
void hwi_master_shape_compare(const struct hwi_master *master, struct hwi_hash layout,
                              const struct hwi_master_session *winner,
                              char reason[HWI_TEXT_BYTES_MAX]);

// status.c
void hwi_master_status(struct hwi_master *master, uint64_t tool, struct hwi_effects *effects);

// trace.c
void hwi_master_on_trace_want(struct hwi_master *master, uint64_t tool,
                              const struct hwi_msg_trace_want *w, struct hwi_effects *effects);

// on_*.c: one message each. `s` is NULL only for registration.
void hwi_master_on_registration(struct hwi_master *master, uint64_t from,
                                const struct hwi_msg_registration *r, struct hwi_effects *effects);
void hwi_master_on_heartbeat(struct hwi_master *master, struct hwi_master_session *s,
                             const struct hwi_msg_heartbeat *h, struct hwi_effects *effects);
void hwi_master_on_ready(struct hwi_master *master, struct hwi_master_session *s,
                         const struct hwi_msg_ready *r, struct hwi_effects *effects);
void hwi_master_on_done(struct hwi_master *master, struct hwi_master_session *s,
                        const struct hwi_msg_done *d, struct hwi_effects *effects);
void hwi_master_on_withdraw(struct hwi_master *master, struct hwi_master_session *s,
                            const struct hwi_msg_withdraw *w, struct hwi_effects *effects);
void hwi_master_on_edge_lost(struct hwi_master *master, struct hwi_master_session *s,
                             const struct hwi_msg_edge_lost *e, struct hwi_effects *effects);
void hwi_master_on_sync_offer(struct hwi_master *master, struct hwi_master_session *s,
                              const struct hwi_msg_sync_offer *o, struct hwi_effects *effects);
void hwi_master_on_leave(struct hwi_master *master, struct hwi_master_session *s,
                         const struct hwi_msg_leave *l, struct hwi_effects *effects);
void hwi_master_on_unreachable(struct hwi_master *master, struct hwi_master_session *s,
                               struct hwi_effects *effects);
void hwi_master_on_woken(struct hwi_master *master, struct hwi_effects *effects);

// state.c: its fields.
void hwi_master_image(struct hwi_image *image, void *state);

#endif
