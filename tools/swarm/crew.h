// SPDX-License-Identifier: MIT
// A run's inner structures; nothing outside of tools/swarm sees them. Everything is owned by the
// struct swarm it belongs to.
//
// A seat is a place in the crew: at most one process at a time, whose trainer follows the seed's
// program. The program is rounds of operations; a trainer's position (round, operations done in
// it) is part of the shared state, so a trainer knows it after a sync. A seat has the node number
// of its processes; a process on it is a life, named by its incarnation.
#ifndef HAWSER_TOOLS_SWARM_CREW_H
#define HAWSER_TOOLS_SWARM_CREW_H

#include <hawser/types.h>

#include "runtime/call/batch.h"
#include "tools/swarm/draw.h"
#include "tools/swarm/streams.h"
#include "tools/swarm/swarm.h"

enum {
    ROUND_OPS_MAX = 6,  // and the vote that ends it
    ROUND_SHIFT = 3,    // revision = round << ROUND_SHIFT | operations done in it
    TAGS = 6,           // each is one sequence of calls of all kinds, and a channel here
    CHANNEL_RUN = TAGS, // its tag, too: of votes of the run
    CHANNEL_ODD,        // mistakes that span others than the tag's calls
    CHANNEL_ADMIT,
    CHANNEL_SYNC,
    CHANNELS,
    CHANNEL_FENCED = CHANNELS + 1, // a call that the fence must stop
    FENCED_TAG = 99,
    GROUPS = 3,                    // at most
    CALLS_MAX = ROUND_OPS_MAX + 2, // of one trainer in flight
    ANSWERED_MAX = 64,             // calls of one trainer that are remembered
    TENSORS = 16,                  // of a state
    SWARM_NO_ROOM = -1,            // as uint64_t in a call's `room`: too little of it
    SWARM_OWN_COUNTS = 3,          // an own count is at most this many times the operation's
};

// In what order trainers wait for their calls: as they made them, as they end, as they like.
enum waits { WAITS_IN_ORDER, WAITS_ANY, WAITS_RANDOM, WAITS };

// The seed's draws for the whole run.
struct swarm_traits {
    uint32_t peers, steps, min_members;
    uint32_t groups;      // seats belong to them in turn
    uint32_t unit;        // consecutive seats in a unit; 0 = there are no units
    uint8_t run, run_how; // the vote of the run that ends each round, and how it combines; or 0
    struct hwi_sim_config sim;
    uint32_t pace_ms;    // how long a trainer computes between rounds, at most
    uint32_t dawdle;     // in 1000: it takes much longer
    uint32_t hurry;      // in 1000 calls: a deadline that may pass
    uint32_t late;       // in 1000 seats: started later
    uint32_t mismatch;   // in 1000 operations: somebody calls something else
    uint32_t retry;      // in 1000 operations: with retry
    bool sync_on_change; // else failed operations are made again without a sync
    uint32_t sync_every; // rounds; 0 = only when needed
    enum waits waits;
    uint32_t cancel;        // in 1000 calls: it is cancelled after a while
    uint32_t window;        // operations of a round in flight at once
    uint32_t tags;          // in use; fewer tags than operations: several in flight on one
    uint32_t elements_most; // of most tensors
    uint32_t large;         // in 1000 tensors: larger than a chunk
    uint32_t huge;          // in 1000 tensors: of some MB
    uint32_t strategies;    // in 1000 syncs: one that only sends or receives
    uint32_t lazy;          // in 1000 syncs: hashes only where something may have changed
    uint32_t resync;        // in 1000 syncs: another one follows
    uint64_t state_bytes;
    uint32_t keep_state; // in 1000 rejoins: with the state as it was
    uint32_t batches;    // in 1000 rounds: their operations are one hws_batch
    uint64_t newer;      // a bit for each seat whose processes are of a newer build
    bool newer_master;
};

// One operation of a round: the same for all members.
struct swarm_round_op {
    uint8_t kind, dtype, redop, plan, retry, unequal;
    uint64_t tag, count;
    uint32_t root;    // a broadcast's: the place among the members of the last sync, around
    uint32_t deviant; // the seat that calls something else at first; UINT32_MAX = nobody
};

// One call in flight.
struct swarm_call {
    bool busy;
    uint64_t request;
    uint64_t key; // which call of the program: (revision of its round, operation)
    uint32_t op;  // index in the round
    uint32_t channel;
    struct trainer_call asked;
    uint64_t made_ns, deadline_ns;
    uint64_t cancelled_ns; // HWI_NEVER = it was not
    unsigned char *memory; // buffers with guards; owned
    size_t bytes;          // of all of it
    size_t input_bytes, output_bytes;
    bool in_place, apart; // there is an input apart
    uint64_t input_hash, output_hash;
    uint64_t unequal_most; // the operation's count, of which its members' own follow
    uint64_t order;        // among the seat's calls
    bool checked;          // its reply came
    bool alone;            // nothing else was in flight here as it was made
    uint32_t batch_place;  // of a batch: its place in it + 1; else 0
    uint32_t owed_by;
    uint64_t must_ok; // another member got OK for it in this view; 0 = not known
};

// The call that a trainer is about to make.
struct swarm_asked {
    uint64_t key;
    uint32_t op, channel;
    struct trainer_call call;
};

// An hws_batch under way; all arrays are by the operation's place in it.
struct swarm_batch {
    struct hwi_batch machine;
    struct swarm_call calls[ROUND_OPS_MAX]; // their memory is owned until they are started
    hws_op ops[ROUND_OPS_MAX];
    hws_status statuses[ROUND_OPS_MAX];
    hws_result results[ROUND_OPS_MAX];
    size_t counts[ROUND_OPS_MAX][SWARM_PEERS_MAX];
    hws_status first; // failure that a reply told; HWS_OK = none
    bool out;         // a reply said that the incarnation is finished
};

enum next { NEXT_NOTHING, NEXT_VIEW, NEXT_SYNC, NEXT_ADMIT, NEXT_ROUND };

enum stage {
    STAGE_EMPTY,   // nobody was ever here
    STAGE_OPENING, // a process that is no member yet
    STAGE_MEMBER,
    STAGE_OVER, // the incarnation is finished, or the process dead
};

struct swarm_seat {
    uint32_t node;
    enum stage stage;
    uint32_t life; // processes so far
    bool frozen, leaving;
    bool clock_touched; // in this life
    uint64_t peer, incarnation;
    struct { // others got OK for a call in this view, and it did not
        uint64_t view;
        uint32_t channel, by;
    } denied;
    uint64_t seen_view; // in the last reply that was OK
    uint64_t opened_ns, thawed_ns;
    uint64_t opened_view;
    struct swarm_draw draw;

    // the trainer
    enum next next;
    uint32_t round, done, launched; // bits: operations of the round
    bool joined_midway;             // a sync was in this round: not all know the results before it
    bool fenced;                    // a call failed for good: only hws_view lifts the fence
    bool failed, few;               // in this round: an operation failed; the view was too small
    bool must_sync;
    uint64_t members[SWARM_PEERS_MAX]; // of the last sync
    uint32_t member_count;
    uint64_t view; // as of its last success
    uint64_t synced_view;
    uint32_t pending;                 // newcomers, as of the highest operation since the last sync
    uint32_t rounds, healed_rounds;   // made since the beginning; since the end of the faults
    uint32_t deviant_round, deviated; // bits: operations of that round it called otherwise once
    struct swarm_call calls[CALLS_MAX];
    uint32_t busy;
    struct swarm_batch *batch; // NULL = it is in none; owned
    uint64_t orders;
    uint64_t copies_most; // bytes that its calls may have taken at once
    uint64_t awaited;     // the order of the call that it waits for, with WAITS_RANDOM
    struct trainer_call answered[ANSWERED_MAX]; // the last ones, by order
    uint64_t admit_view;                        // of its last admission

    // its state: tensors in one piece of memory
    unsigned char *state;
    uint64_t origin; // who filled it first
    bool state_dirty;

    struct {
        uint64_t view;
        uint32_t oks;
    } channels[CHANNELS];
    struct hwi_sim_link link;
};

// A member's incarnation, by its peer id.
struct swarm_life {
    uint32_t seat; // UINT32_MAX = never heard of
    uint32_t number;
    uint64_t incarnation;
    uint64_t first_view, last_view; // it was seen in
};

// A view's members as some reply named them: of the run or of a group.
struct swarm_view {
    uint64_t number;
    uint32_t scope;  // see swarm_scope
    uint64_t *peers; // by rank; owned
    uint32_t count;
};

// An operation that somebody got OK for.
struct swarm_instance {
    uint32_t channel, scope;
    uint64_t view;
    uint32_t place; // among the channel's committed operations of the view, from 1
    uint64_t key;
    uint32_t seat; // who got it first
    uint64_t result, value;
    uint32_t pending;
    struct hwi_hash root;
    struct trainer_call asked;
};

enum timer_what { TIMER_ACT, TIMER_CANCEL, TIMER_START, TIMER_STRIKE, TIMER_MEND, TIMER_WATCH };

struct swarm_timer {
    uint64_t at_ns, sequence;
    enum timer_what what;
    uint32_t which; // a seat or an event of the schedule
    uint32_t life;
    uint64_t order; // of a call
};

struct swarm {
    const struct swarm_config *config;
    struct swarm_outcome *outcome;
    struct swarm_traits traits;
    struct hwi_sim *sim;
    struct swarm_schedule schedule;
    bool lasting[SWARM_KINDS * SWARM_EVENTS_MAX]; // events that struck and are to be mended
    // By kind and number: nodes they struck
    uint8_t hits[SWARM_KINDS][SWARM_EVENTS_MAX], others[SWARM_KINDS][SWARM_EVENTS_MAX];
    struct swarm_timer *timers; // a heap
    uint32_t timer_count, timer_capacity;
    uint64_t timer_sequence;
    struct swarm_seat seats[SWARM_PEERS_MAX];
    struct swarm_life *lives; // by peer id
    uint32_t life_count, life_capacity;
    struct swarm_view *views; // by number
    uint32_t view_count, view_capacity;
    uint64_t newest_view;
    struct swarm_instance *instances;
    uint32_t instance_count, instance_capacity;
    uint64_t healed_ns;  // HWI_NEVER = faults continue
    uint64_t trouble_ns; // until then something was wrong, besides what lasts
    struct {             // while nothing is wrong: the last admission that somebody heard of, and
        uint64_t asked_ns, told_ns, view, lives; // as was last looked, the view and lives; 0 = none
    } calm;
    uint64_t answered; // a bit for each node that may have been answered
};

// swarm.c
// The first violation ends the run.
__attribute__((format(printf, 3, 4))) void swarm_fail(struct swarm *s, enum swarm_verdict verdict,
                                                      const char *format, ...);
bool swarm_failed(const struct swarm *s);
void swarm_timer(struct swarm *s, uint64_t in_ns, enum timer_what what, uint32_t which,
                 uint32_t life);
void swarm_timer_cancel(struct swarm *s, uint64_t in_ns, const struct swarm_seat *seat,
                        uint64_t order);
void *swarm_grow(void *list, uint32_t count, uint32_t *capacity, size_t bytes);

// traits.c
void swarm_traits_draw(struct swarm_traits *traits, const struct swarm_config *config);
void swarm_round_op(const struct swarm *s, uint32_t round, uint32_t index,
                    struct swarm_round_op *op);
uint32_t swarm_round_ops(const struct swarm *s, uint32_t round);
uint32_t swarm_group(const struct swarm *s, uint32_t node);
// The unit's number; UINT32_MAX = none.
uint32_t swarm_unit(const struct swarm *s, uint32_t node);
// The scope of calls of a kind: 0 = the run, else 1 + the seat's group.
uint32_t swarm_scope(const struct swarm *s, const struct swarm_seat *seat, uint8_t kind);

// crew.c: trainers' lives
void swarm_start(struct swarm *s, struct swarm_seat *seat); // a process, the first or another
void swarm_act(struct swarm *s, struct swarm_seat *seat);   // does what is next
void swarm_hear(struct swarm *s, struct swarm_seat *seat);  // looks for replies
void swarm_over(struct swarm *s, struct swarm_seat *seat);  // its life ended: another may follow
void swarm_leave(struct swarm *s, struct swarm_seat *seat);
void swarm_settle(struct swarm *s, struct swarm_seat *seat); // nothing is in flight: what is next?
void swarm_then(struct swarm *s, struct swarm_seat *seat, enum next next, uint64_t in_ns);
void swarm_whole(struct swarm *s, struct swarm_seat *seat, uint8_t kind); // admits or syncs
bool swarm_alive(const struct swarm *s, const struct swarm_seat *seat);
uint32_t swarm_living(const struct swarm *s);

// calls.c: what trainers ask
// Makes the call (borrowed until return).
struct swarm_call *swarm_call(struct swarm *s, struct swarm_seat *seat,
                              const struct swarm_asked *what);
// The same in two steps: the call with its memory, which the caller owns; and, when it is made,
// among those in flight.
struct swarm_call swarm_prepare(struct swarm *s, struct swarm_seat *seat,
                                const struct swarm_asked *what, uint64_t timeout_ms);
struct swarm_call *swarm_place(struct swarm *s, struct swarm_seat *seat,
                               const struct swarm_call *prepared);
uint64_t swarm_timeout(struct swarm *s, struct swarm_seat *seat); // draws one, in ms
void swarm_cancel(struct swarm *s, struct swarm_seat *seat, uint64_t order);
void swarm_call_free(struct swarm_seat *seat, struct swarm_call *call);
void swarm_calls_drop(struct swarm_seat *seat);
void swarm_launch(struct swarm *s, struct swarm_seat *seat); // operations of its round
uint64_t swarm_key(const struct swarm_seat *seat, uint32_t op);

// batch.c: hws_batch, by the machine that stands behind it
bool swarm_batches(const struct swarm *s, uint32_t round); // the crew's habit in this round
// Begins one of `count` calls (borrowed until return).
void swarm_batch_begin(struct swarm *s, struct swarm_seat *seat, const struct swarm_asked *calls,
                       uint32_t count);
// A reply to one of its calls. RETURNED: hws_batch has returned, and the seat is in none any more;
// OUT: likewise, and the incarnation is finished.
enum swarm_batch_end { SWARM_BATCH_GOES_ON, SWARM_BATCH_RETURNED, SWARM_BATCH_OUT };
enum swarm_batch_end swarm_batch_answered(struct swarm *s, struct swarm_seat *seat,
                                          const struct swarm_call *was,
                                          const struct hwi_msg_reply *reply);
void swarm_batch_drop(struct swarm_seat *seat); // its trainer is dead

// deviate.c: makes it another call than the others'
void swarm_deviate(struct swarm_seat *seat, struct trainer_call *asked);

// memory.c: the memory of calls
bool swarm_is_data(uint8_t kind); // a collective: it has memory
// An all-gather's input in place is `place` times its count in the output.
void swarm_memory_give(const struct swarm_seat *seat, struct swarm_call *call, uint32_t place);
bool swarm_guards_hold(const struct swarm_call *call);
bool swarm_memory_kept(const struct swarm_call *call, bool ok);
bool swarm_memory_old(const struct swarm_call *call, uint64_t from, uint64_t to);

// tensors.c: contents
void swarm_fill(uint8_t dtype, uint64_t incarnation, uint64_t key, uint64_t from, uint64_t count,
                void *to);
uint64_t swarm_vote(uint64_t incarnation, uint64_t key);
uint64_t swarm_own_count(uint64_t incarnation, uint64_t key, uint64_t count);

// reference.c: of the bits of n operands, in rank order, the result's
uint64_t swarm_reduce(uint8_t dtype, uint8_t redop, const uint64_t *operands, uint32_t n);
// The order in which a plan combines element `index` of what was asked: fills order[n] with ranks,
// and returns how many of the first are combined into one operand before the rest; 0 = none. The
// library's plans go by rank.
uint32_t swarm_order(const struct trainer_call *asked, uint64_t index, uint32_t *order, uint32_t n);

// result.c: what an operation's result must be
void swarm_check_part(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                      const struct hwi_msg_reply *reply);
// Facts that are the same for all members: checked once.
void swarm_check_whole(struct swarm *s, const struct swarm_seat *seat,
                       const struct swarm_call *call, const struct hwi_msg_reply *reply);
void swarm_check_vote(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                      const struct hwi_msg_reply *reply);
// A hash of it.
uint64_t swarm_result(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                      const struct hwi_msg_reply *reply);

// state.c: the shared state
uint64_t swarm_revision(const struct swarm_seat *seat);
void swarm_state_attach(struct swarm *s, struct swarm_seat *seat);
void swarm_state_fresh(struct swarm *s, struct swarm_seat *seat);
void swarm_state_mark(struct swarm *s,
                      struct swarm_seat *seat); // operations done in the round changed
void swarm_state_write(struct swarm *s, struct swarm_seat *seat); // the next round began
void swarm_state_read(struct swarm_seat *seat); // takes the position from the bytes
// They are what a trainer writes who is at that position.
bool swarm_state_holds(struct swarm *s, const struct swarm_seat *seat);
uint64_t swarm_state_hash(const struct swarm *s, const struct swarm_seat *seat);

// facts.c, check.c: what must hold of a reply
void swarm_check_facts(struct swarm *s, const struct swarm_seat *seat,
                       const struct swarm_call *call, const struct hwi_msg_reply *reply);
void swarm_check(struct swarm *s, struct swarm_seat *seat, struct swarm_call *call,
                 const struct hwi_msg_reply *reply);
// Calls not answered in time, processes that died, bounds.
void swarm_watch(struct swarm *s);
void swarm_end(struct swarm *s); // ends all processes: nothing of them is left

// views.c: members of views; `kind` is what was called
void swarm_check_view(struct swarm *s, struct swarm_seat *seat, uint8_t kind,
                      const struct hwi_msg_reply *reply);
void swarm_check_units(struct swarm *s);

// agree.c: what must hold of all replies to one operation
void swarm_agreed(struct swarm *s, struct swarm_seat *seat, struct swarm_call *call,
                  const struct hwi_msg_reply *reply);
void swarm_check_conflict(struct swarm *s, struct swarm_seat *seat, const struct swarm_call *call,
                          const struct hwi_msg_reply *reply);
void swarm_deny(struct swarm_seat *seat, const struct swarm_seat *first, uint32_t channel,
                uint64_t view);
struct swarm_life *swarm_life(struct swarm *s, uint64_t peer);    // NULL = unknown
struct swarm_seat *swarm_seat_of(struct swarm *s, uint64_t peer); // NULL = not living any more

// calm.c
void swarm_trouble(struct swarm *s, uint64_t for_ns); // something is wrong, for so long
void swarm_check_calm(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                      const struct hwi_msg_reply *reply);
// Checks once in a while what no reply shows.
void swarm_watch_calm(struct swarm *s);

// weather.c
void swarm_strike(struct swarm *s, uint32_t event);
void swarm_mend(struct swarm *s, uint32_t event);
void swarm_heal(struct swarm *s);

#endif
