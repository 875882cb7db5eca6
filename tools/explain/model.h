// SPDX-License-Identifier: MIT
// The facts about a run, rebuilt from the rings of its processes: the members, when each was last
// heard, how far each channel is on each member. The rules (rule_*.c) read it.
#ifndef HAWSER_TOOLS_EXPLAIN_MODEL_H
#define HAWSER_TOOLS_EXPLAIN_MODEL_H

#include "tools/explain/explain.h"

#define NEVER_NS INT64_MIN

// A call of the trainer that has no reply yet.
struct explain_asked {
    uint64_t request, tag;
    uint8_t kind;
    int64_t at_ns;
};

// A call that failed.
struct explain_failure {
    uint64_t view, tag;
    uint8_t kind;
    int32_t status;
    int64_t at_ns;
    uint32_t process;
};

// One ring.
struct explain_process {
    const struct explain_ring *ring;
    bool master;
    uint64_t peer, incarnation; // peer 0 = not known
    int64_t shift_ns;           // common clock - its own
    int64_t first_ns, last_ns, as_of_ns;
    int64_t acted_ns[HWI_ROLE_MAX]; // the last thing each actor heard
    int64_t asked_ns;               // the trainer's last call
    uint8_t asked_kind;
    uint64_t asked_tag;
    int64_t master_ns; // it last heard the master, ...
    uint16_t master_type;
    int64_t unanswered_ns;          // ... and first spoke to it after that
    uint32_t unanswered;            // how often it spoke since
    uint64_t view;                  // in force here
    int64_t open_ns;                // its trainer opened
    uint64_t gap;                   // records that were lost before they could be read
    int64_t stalled_ns, resumed_ns; // between these it did nothing: the longest such time
    bool speaks;                 // what it said is on record too (not in journals of another build)
    struct explain_asked *asked; // owned
    uint32_t asked_count, asked_capacity;
};

// A peer that anybody knows.
struct explain_member {
    uint64_t peer;
    uint32_t group;
    int32_t process;     // its ring; -1 = not here
    int64_t heard_ns;    // the master heard it last, ...
    uint16_t heard_type; // ... saying this
    int64_t beat_first_ns, beat_last_ns;
    uint32_t beats; // heartbeats heard by the master
    int64_t unreachable_ns, left_ns, evicted_ns;
    int32_t evicted_status;
    bool explained;     // a finding has its outcome, ...
    int64_t trouble_ns; // ... since when
};

// How far one member is on a channel.
struct explain_part {
    uint64_t peer;
    uint32_t entered, done;
    int64_t entered_ns;  // of the last one entered
    uint64_t signature;  // of the last call known
    uint32_t signed_seq; // its sequence + 1
};

enum { EXPLAIN_PACE_OPEN = 16, EXPLAIN_PACE_SEEN = 32 };

// The calls of one operation as they came.
struct explain_arrivals {
    uint32_t seq, count; // its number + 1; members that have called
    uint64_t peer;       // the last one
    int64_t last_ns, before_ns;
};

// An operation that all have called: which member was last, and how long after all others.
struct explain_last {
    uint64_t peer;
    int64_t at_ns, late_ns;
};

// When members make their calls on a channel.
struct explain_pace {
    struct explain_arrivals open[EXPLAIN_PACE_OPEN]; // by number
    struct explain_last seen[EXPLAIN_PACE_SEEN];     // the latest ones, in a circle
    uint32_t seen_count;                             // ever
};

struct explain_channel {
    uint64_t view, tag;
    uint8_t kind;   // channel kind
    uint8_t called; // what was called on it last, as far as known
    uint32_t group; // 0 if it spans the run
    uint32_t committed;
    int64_t committed_ns;
    struct explain_part *parts; // owned
    uint32_t part_count, part_capacity;
    struct explain_pace *pace; // owned; NULL = no call is known
};

// Peer ids in ascending order.
struct explain_peers {
    uint64_t *ids; // owned
    uint32_t count, capacity;
};

struct explain_view {
    uint64_t number;
    int64_t proposed_ns, announced_ns;
    int64_t wait_ns;              // so long the master waits for ready; 0 = not known
    struct explain_peers members; // as far as known
    uint32_t told;                // how many it has, as announced; 0 = not known
    struct explain_peers ready;   // who said so
};

// Stripes between two members that broke.
struct explain_breakage {
    uint64_t a, b; // a < b
    int64_t at_ns;
    int64_t mended_ns; // opened again
    uint32_t sides;    // who noticed: bit 0 for a, bit 1 for b
};

// A member gave up an operation.
struct explain_withdrawal {
    struct hwi_op op;
    uint64_t peer; // its group's, if it is not the run's
    int32_t status;
    int64_t at_ns;
};

// Whose control session an incarnation names.
struct explain_session {
    uint64_t incarnation, peer;
};

// The master's tries to write its state file: the last row of those that failed.
struct explain_storing {
    int64_t failed_ns, healed_ns; // the first one failed; one succeeded again
    uint32_t tries;
};

struct explain_model {
    const struct explain_input *input;
    int64_t now_ns;
    int64_t patience_ns;
    struct explain_process *processes; // owned, one for each ring
    uint32_t process_count;
    int32_t master;                 // its process; -1 = no ring of it
    uint64_t view;                  // the newest in force anywhere
    struct explain_member *members; // by peer id; owned
    uint32_t member_count, member_capacity;
    struct explain_session *sessions; // by incarnation; owned
    uint32_t session_count, session_capacity;
    struct explain_channel *channels; // by view, kind, group, tag; owned
    uint32_t channel_count, channel_capacity;
    struct explain_view *views; // by number; owned
    uint32_t view_count, view_capacity;
    struct explain_failure *failures; // by time; owned
    uint32_t failure_count, failure_capacity;
    struct explain_breakage *breakages; // owned
    uint32_t breakage_count, breakage_capacity;
    struct explain_withdrawal *withdrawals; // owned
    uint32_t withdrawal_count, withdrawal_capacity;
    uint64_t commits;   // operations committed, counted once for each channel and view
    int64_t commit_ns;  // the last one
    uint32_t gather_ms; // the first view still waits for newer states; 0 = it does not
    uint32_t
        first_members; // the first view waits for them, as configured at the master; 0 = not known
    bool master_gone;  // a finding says so: nothing is decided
    struct explain_storing storing;
    int64_t started_ns; // the master started, if its ring says so
    int64_t beat_ns;    // members' heartbeats come so often, as they are welcomed; 0 = not known
    struct explain_report *report;
};

// build.c
void model_build(struct explain_model *model, const struct explain_input *input,
                 struct explain_report *report);
void model_fini(struct explain_model *model);

// align.c: the processes' shifts, so that nothing is received before it was sent.
void model_align(struct explain_model *model);

// hear.c: takes one record in; before all of them, what each says of its process's group.
void model_hear_group(struct explain_model *model, uint32_t process,
                      const struct hwi_ring_record *record);
void model_hear(struct explain_model *model, uint32_t process,
                const struct hwi_ring_record *record);

// tables.c. Those that make what is not there never return NULL.
struct explain_member *model_member(struct explain_model *model, uint64_t peer);
struct explain_member *model_find_member(const struct explain_model *model, uint64_t peer);
struct explain_member *model_session(const struct explain_model *model,
                                     uint64_t incarnation); // or NULL
void model_name_session(struct explain_model *model, uint64_t incarnation, uint64_t peer);
// Of the operation, as this peer calls it: of any kind of the channel, in the peer's group.
struct explain_channel *model_channel(struct explain_model *model, struct hwi_op op, uint64_t peer);
bool channel_is_of(const struct explain_model *model, const struct explain_channel *channel,
                   struct hwi_op op, uint64_t peer);
bool channel_spans(const struct explain_model *model, const struct explain_channel *channel,
                   uint64_t peer);
struct hwi_op channel_op(const struct explain_channel *channel, uint32_t seq); // to be printed
struct explain_part *model_part(struct explain_channel *channel, uint64_t peer);
const struct explain_part *model_find_part(const struct explain_channel *channel, uint64_t peer);
struct explain_view *model_view(struct explain_model *model, uint64_t number);
struct explain_view *model_find_view(const struct explain_model *model, uint64_t number);
// The first view that came into force after `at_ns` without this peer; NULL = none. Where not all
// members of a view are known, fewer than before are taken for that.
const struct explain_view *model_view_without(const struct explain_model *model, uint64_t peer,
                                              int64_t at_ns);
const struct explain_view *
model_proposal(const struct explain_model *model); // that is open; NULL = none
// It replaces the view in force, and does not only add newcomers: operations wait for it.
bool model_replaces_view(const struct explain_model *model);
void peers_add(struct explain_peers *peers, uint64_t peer); // once; 0 is nobody
void peers_remove(struct explain_peers *peers, uint64_t peer);
void peers_free(struct explain_peers *peers);
// A channel of the same view on which one of `absent` waits for one of `present`, while those wait
// for it on `channel`; NULL = none.
const struct explain_channel *model_crossing(const struct explain_model *model,
                                             const struct explain_channel *channel,
                                             const struct explain_peers *absent,
                                             const struct explain_peers *present);
bool peers_has(const struct explain_peers *peers, uint64_t peer);
// True if a ring here would show that this member made a call in the view.
bool model_would_show(const struct explain_model *model, uint64_t view, uint8_t kind,
                      uint64_t peer);
// True if the ring of a member of the view is here.
bool model_has_witness(const struct explain_model *model, uint64_t view);
// One more element of an owned array; zeroed.
void *model_grow(void *array, uint32_t *count, uint32_t *capacity, size_t bytes);

// rule_stragglers.c: member `peer`, one of `members`, has made its call number `seq`.
void pace_note(struct explain_channel *channel, uint64_t peer, uint32_t seq, uint32_t members,
               int64_t at_ns);

// Times that no clock has: rings come from others.
#define TIME_NS_MAX (INT64_MAX / 4)

// A time of its clock on the common one.
static inline int64_t model_time(const struct explain_process *process, uint64_t ns)
{
    return (int64_t)HWI_MIN(ns, (uint64_t)TIME_NS_MAX) + process->shift_ns;
}

// How long a member may be silent: a few of its heartbeats.
int64_t model_silence(const struct explain_model *model);

// A finding has the outcome of this member.
static inline void model_explain(struct explain_member *member, int64_t since_ns)
{
    member->explained = true;
    member->trouble_ns = since_ns;
}

// ---- findings: report.c -------------------------------------------------------------------------

// A new finding, or one to throw away if there are too many. Good until the next one.
struct explain_finding *finding_new(struct explain_model *model, int64_t at_ns, bool open);
__attribute__((format(printf, 2, 3))) void finding_say(struct explain_finding *finding,
                                                       const char *format, ...);
__attribute__((format(printf, 3, 4))) void finding_show(struct explain_finding *finding,
                                                        int64_t at_ns, const char *format, ...);
__attribute__((format(printf, 2, 3))) void finding_advise(struct explain_finding *finding,
                                                          const char *format, ...);
void findings_sort(struct explain_model *model); // and says whether there is trouble
void finding_first(struct explain_model *model); // moves the last one to the beginning

// "tag 7 (all-reduce, number 3 of view 2)"
enum { OP_BYTES = 96, PEERS_BYTES = 192, TIME_BYTES = 24, WHO_BYTES = 128 };
struct explain_op_text {
    char text[OP_BYTES];
};
struct explain_peers_text {
    char text[PEERS_BYTES];
};
struct explain_time_text {
    char text[TIME_BYTES];
};
struct explain_who_text {
    char text[WHO_BYTES];
};
const char *print_call(uint8_t kind); // "all-reduce"
struct explain_op_text print_op(struct hwi_op op);
struct explain_peers_text
print_peers(const struct explain_peers *peers); // "peer 3", "peers 1 and 3"
struct explain_time_text print_time(int64_t ns);
// "peer 3 (pid 4242, 127.0.0.1:4000)": as much as is known.
struct explain_who_text print_who(const struct explain_model *model, uint64_t peer);
const char *print_type(uint16_t type);

// ---- rules: each adds what it finds -------------------------------------------------------------

void rule_store(struct explain_model *model);  // rule_store.c: the master cannot keep its state
void rule_master(struct explain_model *model); // rule_master.c: the master does not answer
void rule_members(
    struct explain_model *model); // rule_members.c: members that are silent, gone or removed
void rule_stalls(
    struct explain_model *model); // rule_stalls.c: processes that stood still for a while
void rule_edges(struct explain_model *model);      // rule_edges.c: stripes between two that live
void rule_mismatch(struct explain_model *model);   // rule_mismatch.c: different calls
void rule_operations(struct explain_model *model); // rule_operations.c: what waits now
void rule_stragglers(struct explain_model *model); // rule_stragglers.c: members that are slow
void rule_drift(struct explain_model *model);      // rule_drift.c: states that were not the same
void rule_deadlines(struct explain_model *model);  // rule_deadlines.c: what waited too long
void rule_views(struct explain_model *model);      // rule_views.c: proposals, the first view
void rule_queued(
    struct explain_model *model); // rule_queued.c: calls and openings that have not begun
void rule_failures(
    struct explain_model *model); // rule_failures.c: calls that failed for other reasons

#endif
