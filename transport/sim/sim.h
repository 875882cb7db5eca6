// SPDX-License-Identifier: MIT
// The simulator: network, clock and processes of a whole run, in one process under virtual time,
// with real actors and real data ports. It makes no calls and judges nothing: tools/trainer calls
// as a program would, tools/swarm is crews of such trainers with habits, faults and checkers.
//
// Always executes the earliest pending thing; ties in the order they were
// scheduled. Nothing here depends on the machine: the same calls give the same run.
//
// Nodes: a member process has a node number (0, 1, ...); a restarted process is a new member (a new
// incarnation) on an old number. HWI_SIM_MASTER names the master where a function takes it.
// A number that was never given, or a switch that does not fit the node, is a failed check of the
// caller's (it aborts).
#ifndef HAWSER_TRANSPORT_SIM_SIM_H
#define HAWSER_TRANSPORT_SIM_SIM_H

#include <sys/uio.h>

#include "actors/loop/drain.h"
#include "transport/data/data.h"

struct hwi_sim;
struct hwi_ring_head;

enum {
    HWI_SIM_NODES_MAX = HWI_MEMBERS_MAX, // node numbers of one simulation
    HWI_SIM_PROCESSES_MAX = 1 << 20,     // members ever started in it, restarts included
};
#define HWI_SIM_MASTER UINT32_MAX

// The content of the digest. FULL: every event and effect, all fields. LIGHT: every event (when,
// whose, type, sender), the types and addressees of its effects, and all bytes that travel:
// cheaper.
enum hwi_sim_digest { HWI_SIM_DIGEST_FULL = 0, HWI_SIM_DIGEST_LIGHT, HWI_SIM_DIGEST_NONE };

// The carrier of a stripe's bytes, in one direction, from their departure to their arrival. The
// simulator sets both times. One thread.
struct hwi_sim_wire_ops {
    void *(*open)(void);                                               // returns owned
    void (*put)(void *wire, const unsigned char *bytes, size_t count); // borrows until return
    // Takes at least one byte of those put before and at most `most`, in order, into `parts` as
    // readv does; returns how many.
    size_t (*take)(void *wire, const struct iovec *parts, int count, size_t most);
    void (*close)(void *wire); // takes
};

struct hwi_sim_config {
    uint32_t min_members;   // the run's; 0 = 1
    uint32_t first_members; // the first view waits for that many
    uint32_t dead_ms, heartbeat_ms, propose_ms;
    uint32_t gather_ms;        // the first view waits for a newer state; 0 = not at all
    uint64_t control_ns;       // one-way delay peer - master
    uint64_t edge_ns;          // one-way delay peer - peer
    uint64_t edge_bytes_per_s; // bandwidth of an edge's lane, 0 = no limit
    uint32_t stripes;
    uint8_t durable;    // the master keeps a view file
    uint8_t heartbeats; // the transcript has heartbeats and pongs too
    // Told of each reply as it comes, or NULL: it may note it, and not call back.
    void (*replied)(void *user, uint32_t node);
    void *replied_user;
    // By role, borrowed until destroy; NULL = the real actor.
    const struct hwi_actor_ops *actors[HWI_ROLE_MAX];

    // The draws of the simulator itself: jitter, which message or frame is hit, where it is cut
    // or damaged. Equal seeds draw equally.
    uint64_t seed;
    // For long and large runs.
    uint8_t unrecorded; // keeps no recordings: hwi_sim_replay finds nothing to compare
    uint8_t untold;     // keeps no transcript: it is empty
    uint8_t digest;     // enum hwi_sim_digest
    // For thousands of members: an edge costs two bits until the first frame makes its stripes. It
    // opens in at most two delays, regardless of the settings of its link (blocks, cuts,
    // unreachable), and only one with stripes can be cut.
    uint8_t virtual_edges;
    uint32_t rings; // records of each process's ring, a power of two; 0 = no rings
    uint8_t driven; // begins without a master: see drive.h
    // A directory: each process writes its journal there ("master-1", "member-3e8": incarnations in
    // hexadecimal). One that is killed has no end in its journal; those that live at destroy are
    // closed. NULL = none. Borrowed until destroy.
    const char *journal;
    // Borrowed until destroy; NULL = frames on their way keep their bytes.
    const struct hwi_sim_wire_ops *wire;
};

// Returns owned; `config` is borrowed until return. Starts the master.
struct hwi_sim *hwi_sim_create(const struct hwi_sim_config *config);
void hwi_sim_destroy(struct hwi_sim *sim); // takes

// ---- processes

// Starts a member process; returns its node number (0, 1, ...). It registers when time runs, and
// wants the run to have this min_members; 0 = any.
uint32_t hwi_sim_member(struct hwi_sim *sim, uint32_t min_members);
// The same, with a place in the run: its group and unit, which a restart keeps. `unit` is borrowed
// until return; "" or NULL = none.
struct hwi_sim_place {
    uint32_t group;
    const char *unit;
    uint32_t unit_size;
    uint64_t revision; // of the state that it comes with; a restart has none
    bool has_revision; // it tells it
};
uint32_t hwi_sim_member_at(struct hwi_sim *sim, uint32_t min_members,
                           const struct hwi_sim_place *place);
// SIGKILL: gone at once, its connections break (the other ends notice after one delay). Also the
// master.
void hwi_sim_kill(struct hwi_sim *sim, uint32_t node);
// Kills what runs there and starts a new process: a member with a new incarnation, without state
// and requests (their replies are gone), or the master, which finds its view file if the run is
// durable and is a new run otherwise. A member's address stays; so do all link settings and blocks
// of the node; its clock is right again, it is not frozen, its kill_at and kill_on are forgotten.
void hwi_sim_restart(struct hwi_sim *sim, uint32_t node, uint32_t min_members);
// SIGSTOP: it receives and does nothing, its connections stay; after a thaw it continues with the
// messages that wait. Also the master. Freezing twice is the same as once.
void hwi_sim_freeze(struct hwi_sim *sim, uint32_t node);
void hwi_sim_thaw(struct hwi_sim *sim, uint32_t node);
// The process stops for ever (as kill) just before handling its n-th event (counted from its start)
// in actor `role`. n = 0 takes it back. Also the master.
void hwi_sim_kill_at(struct hwi_sim *sim, uint32_t node, enum hwi_role role, uint32_t n);
// Kills `node` as it is about to handle its n-th (from 1) message of `type`, whatever the actor.
void hwi_sim_kill_on(struct hwi_sim *sim, uint32_t node, uint16_t type, uint32_t n);
// How many events an actor of the node's process has begun to handle since its start.
uint32_t hwi_sim_events(const struct hwi_sim *sim, uint32_t node, enum hwi_role role);
// False once the process was killed, crashed (hwi_sim_check_failure) or has left the run.
bool hwi_sim_alive(const struct hwi_sim *sim, uint32_t node);
uint64_t hwi_sim_incarnation(const struct hwi_sim *sim, uint32_t node);
// The clock that the process's actors see jumps ahead by `ns` (a virtual machine that was
// suspended). Its deadlines that lie in between are due at once. Also the master.
void hwi_sim_clock_jump(struct hwi_sim *sim, uint32_t node, uint64_t ns);
// From now on it runs `ppm` parts per million faster (or slower: negative). Also the master.
enum { HWI_SIM_PPM_MAX = 500000 };
void hwi_sim_clock_rate(struct hwi_sim *sim, uint32_t node, int32_t ppm);

// While `on`, the master's file cannot be written: its disk is full. A file that is there stays.
void hwi_sim_disk_full(struct hwi_sim *sim, bool on);

// ---- links
//
// A link is what carries bytes from one node to another, in one direction: between a member and the
// master the control connection, between two members the stripes of their edge. Each carries in
// order what it carries (each stripe by itself); two links share nothing, so a delay or jitter on
// one reorders what comes over it against all others.

// Added to what the config says. All zero: nothing is.
struct hwi_sim_link {
    uint64_t delay_ns;
    uint64_t jitter_ns; // drawn from 0..this for each message or frame, on top of delay_ns
    // Bandwidth; 0 = as in the config (control links: no limit). A very small one clogs the link:
    // everything waits, nothing breaks; waiting bytes move at the new rate within 50 ms of a
    // change.
    uint64_t bytes_per_s;
    // One message or frame of this many is hit; 1 = each; 0 = none.
    uint32_t duplicate_in; // control: delivered again, up to jitter_ns (and at least 1 ns) later
    uint32_t truncate_in;  // control: bytes are cut off its end; the receiver drops it
    uint32_t damage_in;    // stripes: a byte is flipped on the way; the receiver breaks the edge
    uint32_t flip_in;      // control: a bit is flipped on the way; the receiver drops the message
};
// Replaces the link's settings; what is on its way already keeps its delays. One direction.
void hwi_sim_link(struct hwi_sim *sim, uint32_t from, uint32_t to, const struct hwi_sim_link *link);
// The same for all links that begin or end at a node, also the master, on top of the links' own:
// delays and jitters add up, the smallest bandwidth and the most frequent of each hit count. For
// slow newcomers and clogged nodes. NULL or all zero = none.
void hwi_sim_node_link(struct hwi_sim *sim, uint32_t node, const struct hwi_sim_link *link);

// A partition: bytes from `from` do not arrive at `to` while `on`, though connections stay.
// Messages sent meanwhile wait (a stripe takes up to 4 frames, then its sender waits) and arrives,
// in order, once the block is lifted. No stripe can be opened while either direction is blocked:
// dials hang until the timeout. Also the notice that a connection broke waits. A control connection
// that was blocked for 15 s is lost, as by hwi_sim_control_lose, and comes back when both
// directions are free. One direction; block both for a full partition.
void hwi_sim_block(struct hwi_sim *sim, uint32_t from, uint32_t to, bool on);

// The control link of a member: down = messages are lost both ways; up = works again.
void hwi_sim_control(struct hwi_sim *sim, uint32_t node, bool up);
// Its control connection breaks: messages on their way in both directions are lost. For `down_ns`
// there is none: what the member says waits and is sent then, what the master says is lost and it
// hears `unreachable` (both as ZeroMQ does).
void hwi_sim_control_lose(struct hwi_sim *sim, uint32_t node, uint64_t down_ns);
// Makes the process on a node (also the master) one of another build of Hawser, and every process
// that is started there later.
enum hwi_sim_build {
    HWI_SIM_BUILD_SAME,
    HWI_SIM_BUILD_NEWER,   // of the same protocol: it says more than this one knows
    HWI_SIM_BUILD_FOREIGN, // ... and registers with another protocol
};
void hwi_sim_build(struct hwi_sim *sim, uint32_t node, enum hwi_sim_build build);
// Breaks the stripes between two members; both notice. Re-dialling works again at once, or never
// while `stay` is set.
void hwi_sim_cut_edge(struct hwi_sim *sim, uint32_t a, uint32_t b, bool stay);
// A member to which, and from which, no stripe can be opened (those that are open stay); reachable
// takes it back.
void hwi_sim_unreachable(struct hwi_sim *sim, uint32_t node);
// Dials to it hang from now on, as behind a NAT; it can dial others.
void hwi_sim_undialled(struct hwi_sim *sim, uint32_t node);
void hwi_sim_reachable(struct hwi_sim *sim, uint32_t node);

// The faults really injected since create: a fault that hit nothing does not count.
enum hwi_sim_fault {
    HWI_SIM_DELAYED,     // messages and frames given more delay than the config's
    HWI_SIM_REORDERED,   // messages and frames that arrived after one that was sent later
    HWI_SIM_DUPLICATED,  // control messages delivered twice
    HWI_SIM_TRUNCATED,   // control messages cut
    HWI_SIM_DAMAGED,     // frames with a flipped byte
    HWI_SIM_CLOGGED,     // messages and frames that waited > 10 ms for bandwidth set by a link
    HWI_SIM_BLOCKED,     // messages, frames, dials held by a block of their direction alone
    HWI_SIM_PARTITIONED, // ... while both directions were blocked
    HWI_SIM_LOST,        // control connections lost
    HWI_SIM_MUTED,       // control messages lost while hwi_sim_control was down
    HWI_SIM_CUT,         // edges whose stripes were cut
    HWI_SIM_UNREACHED,   // dials from or to the unreachable, or over a cut edge
    HWI_SIM_FROZEN,      // freezes of living processes
    HWI_SIM_KILLED,      // living processes killed, by any function
    HWI_SIM_RESTARTED,   // processes started in the place of another
    HWI_SIM_SLOWED,      // messages and frames delayed by hwi_sim_node_link (also in DELAYED)
    HWI_SIM_JUMPED,      // clocks that jumped
    HWI_SIM_SKEWED,      // clocks given another rate
    HWI_SIM_FLIPPED,     // control messages with a flipped bit
    HWI_SIM_FAULTS
};
// "delayed", ...: static.
const char *hwi_sim_fault_name(enum hwi_sim_fault fault);
// Borrowed until destroy; always up to date. counts[HWI_SIM_FAULTS].
const uint64_t *hwi_sim_fault_counts(const struct hwi_sim *sim);

// ---- trainers

// The requests of a process's trainer to its actors, and their replies. How a program's calls
// become requests is not the simulator's: see tools/trainer.

// A request of the member's trainer to its peer, with the caller's memory (NULL = none), which
// stays until the reply; both are borrowed until return. Numbers it, and returns the number; its id
// is the number + 1.
uint64_t hwi_sim_submit(struct hwi_sim *sim, uint32_t node, const struct hwi_msg_request *request,
                        const struct hwi_buffers *buffers);
// The requests of the trainer so far.
struct hwi_sim_asked {
    uint64_t self;      // the member's peer id; 0 = none yet
    uint64_t requests;  // submitted, the opening included
    uint32_t in_flight; // of them, those whose reply hwi_sim_reply has not returned
    uint64_t collected; // failures of asynchronous ones that it has
};
void hwi_sim_asked(const struct hwi_sim *sim, uint32_t node, struct hwi_sim_asked *asked);
// hws_cancel of a member's trainer: the request is still answered. Nothing if that came already.
void hwi_sim_cancel(struct hwi_sim *sim, uint32_t node, uint64_t request);
// The member's shared state: `count` tensors; memory stays the caller's until destroy.
void hwi_sim_state(struct hwi_sim *sim, uint32_t node, const struct hwi_tensor *tensors,
                   void *const *memory, uint32_t count);
// The reply to a request: borrowed until forgotten or destroy; NULL = not yet. Request 0 is the
// opening. Requests are those of the process that runs now on the node.
const struct hwi_msg_reply *hwi_sim_reply(struct hwi_sim *sim, uint32_t node, uint64_t request);
// The same without collecting it: as far as the member knows its trainer has not seen it.
const struct hwi_msg_reply *hwi_sim_peek(const struct hwi_sim *sim, uint32_t node,
                                         uint64_t request);

// Forgets a reply that has come: memory of long runs.
void hwi_sim_forget(struct hwi_sim *sim, uint32_t node, uint64_t request);

// ---- time

// `run` runs `ns` of virtual time; `until` only until the reply is there, false if it is not by
// `ns`. There is no run until all is idle: heartbeats never end.
void hwi_sim_run(struct hwi_sim *sim, uint64_t ns);
bool hwi_sim_until(struct hwi_sim *sim, uint32_t node, uint64_t request, uint64_t ns);
// One thing: a message, a frame, a wake-up, with all that the process does about it. False, and
// time stands still, if nothing is due by `end_ns` (a time, not a duration).
bool hwi_sim_step(struct hwi_sim *sim, uint64_t end_ns);
// Moves time to `at_ns`; everything before must have been done by hwi_sim_step.
void hwi_sim_skip(struct hwi_sim *sim, uint64_t at_ns);
uint64_t hwi_sim_now(const struct hwi_sim *sim);

// ---- looking

// Asks the master how the run stands; no time passes. Lists are borrowed until the next call. All
// zero if the master is dead, frozen or has not booted.
void hwi_sim_status(struct hwi_sim *sim, struct hwi_msg_status *status);

// The cost of the run so far.
struct hwi_sim_costs {
    uint64_t events;          // of all actors
    uint64_t master_events;   // of the master
    uint64_t master_messages; // that the master sent
    uint64_t master_bytes;    // that the master sent
    uint64_t member_messages; // that members sent to the master
    uint64_t member_bytes;
    uint64_t frames;          // that reached another member
    uint64_t frame_bytes;     // their payload
    uint64_t control_dropped; // control messages that could not be decoded
};
void hwi_sim_costs(const struct hwi_sim *sim, struct hwi_sim_costs *costs);
// Bytes that a process's actors, mailbox and data port hold now (its request table and the
// simulator's own are not in it); 0 if it is dead. Also the master.
uint64_t hwi_sim_memory(const struct hwi_sim *sim, uint32_t node);
// The process's ring (config.rings; hwi_ring_bytes(config.rings) bytes for hwi_ring_attach), all in
// nanoseconds of virtual time, whatever the process's clock: borrowed until destroy, also of a dead
// process until its node is restarted. NULL without config.rings.
const struct hwi_ring_head *hwi_sim_ring(const struct hwi_sim *sim, uint32_t node);

// The first check that failed, as a sentence, or NULL: borrowed until destroy. A check that fails
// in an actor ends that actor; one that fails elsewhere in a process (data port, simulator) ends
// the process, as a crash would.
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
