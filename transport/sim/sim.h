// SPDX-License-Identifier: MIT
// A whole run in one process under virtual time: real actors, real data ports on small tensors, an
// in-memory network. Always executes the earliest pending thing; ties in the order they were
// scheduled. Nothing here depends on the machine: the same calls give the same run.
#ifndef HAWSER_TRANSPORT_SIM_SIM_H
#define HAWSER_TRANSPORT_SIM_SIM_H

#include "actors/loop/drain.h"
#include "transport/data/data.h"

struct hwi_sim;

enum { HWI_SIM_NODES_MAX = 64 }; // members ever started in one simulation

struct hwi_sim_config {
    uint32_t min_members;
    uint32_t dead_ms, heartbeat_ms, propose_ms;
    uint64_t control_ns;       // one-way delay peer - master
    uint64_t edge_ns;          // one-way delay peer - peer
    uint64_t edge_bytes_per_s; // bandwidth of an edge's lane, 0 = no limit
    uint32_t stripes;
    uint8_t durable;    // the master keeps a view file
    uint8_t heartbeats; // the transcript has heartbeats and pongs too
    // By role, borrowed until destroy; NULL = the real actor.
    const struct hwi_actor_ops *actors[HWI_ROLE_MAX];
};

// Returns owned; `config` is borrowed until return. Starts the master.
struct hwi_sim *hwi_sim_create(const struct hwi_sim_config *config);
void hwi_sim_destroy(struct hwi_sim *sim); // takes

// Starts a member process; returns its node number (0, 1, ...). It registers when time runs.
uint32_t hwi_sim_member(struct hwi_sim *sim, uint32_t min_members);
// SIGKILL: gone at once, its connections break (the other ends notice after one delay).
void hwi_sim_kill(struct hwi_sim *sim, uint32_t node);
// SIGSTOP: hears and does nothing, its connections stay; thaw lets it go on with what waits.
void hwi_sim_freeze(struct hwi_sim *sim, uint32_t node);
void hwi_sim_thaw(struct hwi_sim *sim, uint32_t node);
// Breaks the stripes between two members; both notice. Re-dialling works again at once, or never
// while `stay` is set.
void hwi_sim_cut_edge(struct hwi_sim *sim, uint32_t a, uint32_t b, bool stay);
// The control link of a member: down = messages are lost both ways; up = works again.
void hwi_sim_control(struct hwi_sim *sim, uint32_t node, bool up);
// A newcomer to which, and from which, no stripe can be opened.
void hwi_sim_unreachable(struct hwi_sim *sim, uint32_t node);
// The node stops for ever (as kill) just before handling its n-th event (counted from its start) in
// actor `role`. n = 0 takes it back.
void hwi_sim_kill_at(struct hwi_sim *sim, uint32_t node, enum hwi_role role, uint32_t n);
// Kills `node` as it is about to handle its n-th (from 1) message of `type`, whatever the actor.
void hwi_sim_kill_on(struct hwi_sim *sim, uint32_t node, uint16_t type, uint32_t n);
// How many events an actor of the node has begun to handle since its start.
uint32_t hwi_sim_events(const struct hwi_sim *sim, uint32_t node, enum hwi_role role);
// False once the node was killed or has left the run.
bool hwi_sim_alive(const struct hwi_sim *sim, uint32_t node);

// What the trainer of a member asks: returns the request number. Buffers belong to the caller and
// stay until the reply.
struct hwi_sim_call {
    uint8_t kind, dtype, redop, retry, plan;
    uint64_t tag, count, value;
    const void *input;
    void *output;
    uint64_t timeout_ms;
};
uint64_t hwi_sim_call(struct hwi_sim *sim, uint32_t node, const struct hwi_sim_call *call);
// The member's shared state: `count` tensors; memory stays the caller's until destroy.
void hwi_sim_state(struct hwi_sim *sim, uint32_t node, const struct hwi_tensor *tensors,
                   void *const *memory, uint32_t count);
// hws_view of a member's trainer: a request of kind HWI_KIND_NONE; replied like any.
uint64_t hwi_sim_view(struct hwi_sim *sim, uint32_t node);
// hws_close of a member's trainer.
void hwi_sim_leave(struct hwi_sim *sim, uint32_t node);
// The reply to a request: borrowed until destroy; NULL = not yet. Request 0 is the opening.
const struct hwi_msg_reply *hwi_sim_reply(struct hwi_sim *sim, uint32_t node, uint64_t request);

// `run` runs `ns` of virtual time; `until` only until the reply is there, false if it is not by
// `ns`. There is no run until all is idle: heartbeats never end.
void hwi_sim_run(struct hwi_sim *sim, uint64_t ns);
bool hwi_sim_until(struct hwi_sim *sim, uint32_t node, uint64_t request, uint64_t ns);
uint64_t hwi_sim_now(const struct hwi_sim *sim);
void hwi_sim_stats(struct hwi_sim *sim, uint32_t node, struct hwi_data_stats *stats);
// Asks the master how the run stands; no time passes. Lists are borrowed until the next call.
void hwi_sim_status(struct hwi_sim *sim, struct hwi_msg_status *status);

// The first check that failed in an actor, as a sentence, or NULL: borrowed until destroy.
const char *hwi_sim_check_failure(const struct hwi_sim *sim);

// The transcript so far: a line for each message delivered between processes and each reply, in
// virtual ms, "[      12.345] member 1 > master: done{...}"; NUL-terminated, borrowed until time
// runs again. `mark` forgets what came before.
const char *hwi_sim_transcript(struct hwi_sim *sim);
void hwi_sim_mark(struct hwi_sim *sim);
// One number over all events and effects so far: equal runs have equal ones.
uint64_t hwi_sim_digest(const struct hwi_sim *sim);

// Law 2: feeds every actor's recorded events to a fresh actor and compares each effect. Returns
// true if all are equal; else false and a sentence in `error`. Call it after the tensors have been
// made inaccessible.
bool hwi_sim_replay(struct hwi_sim *sim, char *error, size_t bytes);

#endif
