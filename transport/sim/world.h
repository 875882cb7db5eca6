// SPDX-License-Identifier: MIT
// The simulator's own structures: processes and what they share. Nothing outside transport/sim sees
// them. One thread; everything is owned by the struct hwi_sim it belongs to.
#ifndef HAWSER_TRANSPORT_SIM_WORLD_H
#define HAWSER_TRANSPORT_SIM_WORLD_H

#include <xxhash.h>

#include "transport/sim/net.h"

enum {
    HWI_SIM_EVENTS_MAX = 1 << 26,       // scheduled at once
    HWI_SIM_REQUESTS_MAX = 1 << 24,     // of one member
    HWI_SIM_LINE_BYTES_MAX = 1024,      // one transcript line
    HWI_SIM_SOCKET_FRAMES_MAX = 4,      // that a stripe takes while they cannot arrive
    HWI_SIM_CONTROL_WAITING_MAX = 1024, // messages of a member that has no control connection
};

#define HWI_SIM_INCARNATION_FIRST UINT64_C(1000)   // of member process 0; then counted on
#define HWI_SIM_EDGE_TIMEOUT_NS (5 * HWI_NS_PER_S) // for stripes to open
#define HWI_SIM_DISK_NS HWI_NS_PER_MS              // to make a view file durable
#define HWI_SIM_SILENCE_NS (15 * HWI_NS_PER_S)     // of a control connection until it is lost
#define HWI_SIM_RECONNECT_NS HWI_NS_PER_S          // between attempts
#define HWI_SIM_SLICE_NS (50 * HWI_NS_PER_MS)      // in which a link looks at its bandwidth again

// Bytes that grow.
struct hwi_sim_text {
    char *bytes;
    size_t length;
    size_t capacity;
};

void hwi_sim_text_add(struct hwi_sim_text *text, const void *bytes, size_t length);
void hwi_sim_text_fini(struct hwi_sim_text *text);

// ---- processes

struct hwi_sim_request {
    bool has_memory, async, waited;
    uint8_t kind;
    struct hwi_msg *reply; // NULL = not yet, or forgotten; owned
    void *reply_block;
};

// When a process dies by itself.
struct hwi_sim_fate {
    uint8_t role; // at its event number role_count
    uint32_t role_count;
    uint16_t type; // at its message number type_count of this type
    uint32_t type_count;
};

// The time as the process's actors see it: local_ns + (now - since_ns), times its rate.
struct hwi_sim_clock {
    uint64_t since_ns, local_ns;
    int32_t ppm;
};

// One bit for each process ever started, by its place in sim->members.
struct hwi_sim_bits {
    uint64_t *words;
    uint32_t count;
};

struct hwi_sim_process {
    struct hwi_sim *sim;
    char name[32];   // "master", "member 3", "member 3.1" after a restart
    uint32_t node;   // HWI_SIM_MASTER
    uint32_t starts; // of its node, this one included
    uint64_t rank;   // orders equal wake-ups
    uint64_t incarnation;
    uint64_t died_ns; // unless it is alive
    bool alive, frozen, dying, crashed;
    bool left;          // dying because it left the run
    bool step_failed;   // a check failed in the step that is being recorded
    uint64_t peer, run; // as the master told; 0 = not yet
    void *ring_memory;
    struct hwi_ring *ring;        // NULL = none
    struct hwi_journal *journal;  // NULL = none
    struct hwi_alloc alloc;       // its user is this process: so a guarded actor finds it
    struct hwi_sim_block *blocks; // all memory of its actors
    uint64_t memory_bytes;
    struct hwi_drain *drain;
    struct hwi_data *data;     // NULL in the master
    struct hwi_sim_queue held; // while frozen
    struct hwi_sim_clock clock;
    uint64_t wake_ns; // in the run's time; HWI_NEVER = not at all
    uint32_t sleeper; // place among sim->sleepers + 1; 0 = not there
    uint64_t heard;   // newest sequence that arrived
    struct hwi_sim_edges edges;
    struct hwi_sim_bits wanted, up; // virtual edges: asked for, told that it is up
    bool round_due;                 // an event will report those that came up
    struct hwi_sim_conn *conns;     // open ones
    struct hwi_sim_control control;
    struct hwi_sim_request *requests;
    uint32_t request_count, request_capacity;
    uint32_t in_flight; // requests that its trainer has not collected
    uint64_t collected; // failed asynchronous ones that it has
    struct hwi_sim_text recordings[HWI_ROLE_MAX];
    uint32_t events_seen[HWI_ROLE_MAX];
    uint32_t types_seen[HWI_MSG_TYPE_MAX];
    struct hwi_sim_fate fate;
    struct hwi_sim_driven *driven; // a process of a record; NULL = none. Owned
};

struct hwi_sim_node {
    struct hwi_sim_process *process;
    uint32_t starts;
    bool unreachable, muted, undialled;
    enum hwi_sim_build build;
    struct hwi_sim_link link;
    uint32_t group, unit_size;
    uint64_t revision; // of the first process that runs here, until it was told
    bool has_revision;
    char unit[HWI_NAME_BYTES_MAX];
};

struct hwi_sim {
    struct hwi_sim_config config;
    uint64_t now_ns;
    bool ending; // it is being destroyed
    uint64_t sequence;
    uint64_t random;
    struct hwi_sim_slot *events; // a binary heap
    uint32_t event_count, event_capacity;
    struct hwi_sim_event *free_events;
    struct hwi_sim_process **sleepers; // a binary heap
    uint32_t sleeper_count, sleeper_capacity;
    struct hwi_sim_process *running; // whose event is being handled

    struct hwi_sim_process *master;
    struct hwi_sim_node master_node;
    struct hwi_sim_packet *view_file; // durable: a reference is owned
    bool disk_full;                   // nothing can be stored
    struct hwi_sim_process **members; // all ever started, by incarnation; former masters too
    uint32_t member_count, member_capacity;
    struct hwi_sim_node *nodes;
    uint32_t node_count, node_capacity;
    struct hwi_sim_pairs pairs;
    struct hwi_sim_process **by_peer; // virtual edges: by peer id
    uint32_t peer_capacity;
    uint32_t linked_nodes; // that ever had separate settings

    struct hwi_sim_packet *free_packets;
    struct hwi_staging *staging; // owned
    struct hwi_sim_burst burst;
    uint64_t step; // number of the step whose effects are being carried
    struct hwi_sim_text transcript;
    size_t mark;
    struct hwi_sim_text failure;
    struct hwi_sim_text scratch;
    XXH3_state_t *digest;
    uint64_t light_digest;
    struct hwi_msg *status; // the last answer to hwi_sim_status: owned
    void *status_block;
    struct hwi_sim_costs costs;
    uint64_t faults[HWI_SIM_FAULTS];
};

// process.c: a process's actors and what they reach.
struct hwi_sim_process *hwi_sim_process_create(struct hwi_sim *sim, struct hwi_sim_node *node,
                                               uint32_t number);
void hwi_sim_process_destroy(struct hwi_sim_process *process);
void hwi_sim_process_kill(struct hwi_sim_process *process);
// A check failed in it, outside of its actors: it is dead, its memory is not touched any more.
void hwi_sim_process_crash(struct hwi_sim_process *process, const struct hwi_trap *trap);
// Delivers everything that waits in its mailbox.
void hwi_sim_process_run(struct hwi_sim_process *process);
// Schedules a message for one of its actors.
void hwi_sim_process_tell(struct hwi_sim_process *process, struct hwi_addr from, enum hwi_role to,
                          const struct hwi_msg *msg, uint64_t delay_ns);
struct hwi_sim_process *hwi_sim_process_by_incarnation(struct hwi_sim *sim, uint64_t incarnation);

// Where an effect goes that is not for an actor of the process nor for its clock.
void hwi_sim_carry(struct hwi_sim_process *process, const struct hwi_envelope *envelope);
// A message from outside, for an actor of the process.
void hwi_sim_post(struct hwi_sim_process *process, struct hwi_addr from, struct hwi_addr to,
                  const struct hwi_msg *msg);

// drive.c: processes that a record drives.
void hwi_sim_driven_post(struct hwi_sim_process *process, struct hwi_addr from, struct hwi_addr to,
                         const struct hwi_msg *msg);
struct hwi_sim_process *hwi_sim_driven_by_incarnation(const struct hwi_sim *sim,
                                                      uint64_t incarnation); // NULL = nobody
struct hwi_sim_process *hwi_sim_driven_at(const struct hwi_sim *sim, const char *address);
void hwi_sim_driven_free(struct hwi_sim_process *process);

// node.c: nodes, and starting the processes on them.
uint32_t hwi_sim_node_add(struct hwi_sim *sim); // without a process
void hwi_sim_keep_member(struct hwi_sim *sim, struct hwi_sim_process *process);
struct hwi_sim_node *hwi_sim_node_of(struct hwi_sim *sim, uint32_t node); // also the master
struct hwi_sim_process *hwi_sim_process_of(const struct hwi_sim *sim, uint32_t node);
void hwi_sim_master_start(struct hwi_sim *sim);

// memory.c
extern const struct hwi_alloc hwi_sim_alloc; // a template: its user is to be the process
void hwi_sim_memory_drop(struct hwi_sim_process *process); // all of it

// sleep.c: clocks, and the times at which processes are woken.
uint64_t hwi_sim_local(const struct hwi_sim_process *process); // its now
void hwi_sim_sleep_update(struct hwi_sim_process *process);
struct hwi_sim_process *hwi_sim_sleep_first(const struct hwi_sim *sim); // NULL = nobody

// guard.c: real actors, watched for the event at which their process dies.
extern const struct hwi_actor_ops hwi_sim_guards[HWI_ROLE_MAX];
const void *hwi_sim_guarded(const void *state); // the real actor's state
const struct hwi_actor_ops *hwi_sim_actor(const struct hwi_sim *sim, uint8_t role); // the real one

// watch.c
void hwi_sim_watch(struct hwi_sim_process *process); // opens its ring and its journal
void hwi_sim_watch_step(struct hwi_sim_process *process, uint8_t role,
                        const struct hwi_event *event, const struct hwi_effects *effects);
void hwi_sim_unwatch(struct hwi_sim_process *process);

// link.c
uint64_t hwi_sim_draw(struct hwi_sim *sim, uint64_t below); // 0..below-1
// NULL = nothing is set for it.
struct hwi_sim_pair *hwi_sim_pair_of(const struct hwi_sim *sim, uint32_t from, uint32_t to);
// False if nothing is set that touches it.
bool hwi_sim_quality_of(struct hwi_sim *sim, uint32_t from, uint32_t to,
                        struct hwi_sim_quality *quality);
// Its delay for one message or frame: `base_ns` and what the link adds, not before *last_ns.
uint64_t hwi_sim_delay_over(struct hwi_sim *sim, uint32_t from, uint32_t to, uint64_t base_ns,
                            uint64_t *last_ns);
// True, and the event is taken, if the link it travels on is blocked.
bool hwi_sim_held_back(struct hwi_sim *sim, struct hwi_sim_event *event);
bool hwi_sim_blocked(const struct hwi_sim *sim, uint32_t from, uint32_t to);
void hwi_sim_arrived(struct hwi_sim_process *process, const struct hwi_sim_event *event);
void hwi_sim_links_fini(struct hwi_sim *sim);

// control.c
void hwi_sim_control_send(struct hwi_sim_process *from, const struct hwi_envelope *envelope);
void hwi_sim_control_down(struct hwi_sim_process *member, uint64_t down_ns);
void hwi_sim_control_fini(struct hwi_sim_process *process);

// conn.c
struct hwi_sim_conn *hwi_sim_conn_new(struct hwi_sim_process *from, struct hwi_sim_process *to);
void hwi_sim_conn_release(struct hwi_sim_conn *conn); // NULL allowed
// It is not open any more: leaves its lists.
void hwi_sim_conn_close(struct hwi_sim_conn *conn);
struct hwi_sim_edge *hwi_sim_edge_of(struct hwi_sim_process *process, uint64_t peer);
struct hwi_sim_edge *hwi_sim_edge_by_conn(struct hwi_sim_process *process,
                                          const struct hwi_sim_conn *conn);
struct hwi_sim_edge *hwi_sim_edge_add(struct hwi_sim_process *process, uint64_t peer);
void hwi_sim_edge_remove(struct hwi_sim_process *process, struct hwi_sim_edge *edge);
// The process's edge over `conn` if it is up, else NULL.
struct hwi_sim_edge *hwi_sim_edge_over(struct hwi_sim_process *process,
                                       const struct hwi_sim_conn *conn);

// virtual.c
void hwi_sim_virtual_named(struct hwi_sim_process *process); // it learnt its peer id
void hwi_sim_virtual_open(struct hwi_sim_process *process, const struct hwi_msg_edge_open *open);
void hwi_sim_virtual_close(struct hwi_sim_process *process, uint64_t peer);
void hwi_sim_virtual_forget(struct hwi_sim_process *process, uint64_t peer);
void hwi_sim_virtual_kill(struct hwi_sim_process *process);
// A frame will leave for this peer: makes the connection if the edge is up and has none.
void hwi_sim_virtual_need(struct hwi_sim_process *process, uint64_t peer);

// edge.c
void hwi_sim_edge_tell(struct hwi_sim_process *process, uint64_t peer, const char *down);
// An edge between two processes that know it is up: its connection at once.
void hwi_sim_edge_join(struct hwi_sim_process *process, struct hwi_sim_process *other);
void hwi_sim_edge_open(struct hwi_sim_process *process, const struct hwi_msg_edge_open *open);
void hwi_sim_edge_close(struct hwi_sim_process *process, uint64_t peer);
void hwi_sim_edge_break(struct hwi_sim_process *process, struct hwi_sim_conn *conn,
                        const char *why);
// Breaks what is open between two nodes; both ends notice.
void hwi_sim_edge_cut(struct hwi_sim *sim, uint32_t a, uint32_t b);
void hwi_sim_edges_kill(struct hwi_sim_process *process);

// stripe.c
void hwi_sim_stripes_destroy(struct hwi_sim_conn *conn);
void hwi_sim_stripes_stop(struct hwi_sim_conn *conn, const struct hwi_sim_process *end);
void hwi_sim_stripes_kick(struct hwi_sim_process *process, uint64_t peer, enum hwi_lane lane);
void hwi_sim_stripes_resume(struct hwi_sim *sim, uint32_t from, uint32_t to);
void hwi_sim_flight_release(struct hwi_sim_flight *flight);

// trainer.c
uint32_t hwi_sim_request_add(struct hwi_sim_process *process, uint8_t kind, bool async);
void hwi_sim_trainer_open(struct hwi_sim_process *process, uint32_t min_members);
void hwi_sim_trainer_told(struct hwi_sim_process *process, const struct hwi_msg *msg);
void hwi_sim_trainer_fini(struct hwi_sim_process *process);

// record.c
void hwi_sim_record(struct hwi_sim_process *process, uint8_t role, const struct hwi_event *event,
                    const struct hwi_effects *effects);
// Bytes that travelled, for the light digest.
void hwi_sim_digest_bytes(struct hwi_sim *sim, const void *bytes, size_t length);

// transcript.c
void hwi_sim_transcript_add(struct hwi_sim *sim, const char *from, const char *to,
                            const struct hwi_msg *msg);

#endif
