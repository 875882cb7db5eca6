// SPDX-License-Identifier: MIT
// The simulator's own structures: processes, events, connections. Nothing outside transport/sim
// sees them. One thread; everything is owned by the struct hwi_sim it belongs to.
#ifndef HAWSER_TRANSPORT_SIM_WORLD_H
#define HAWSER_TRANSPORT_SIM_WORLD_H

#include <xxhash.h>

#include "actors/wire/codec.h"
#include "transport/sim/sim.h"

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

struct hwi_sim_process;
struct hwi_sim_conn;
struct hwi_sim_stripe;
struct hwi_sim_event;

// Bytes that grow.
struct hwi_sim_text {
    char *bytes;
    size_t length;
    size_t capacity;
};

void hwi_sim_text_add(struct hwi_sim_text *text, const void *bytes, size_t length);
void hwi_sim_text_fini(struct hwi_sim_text *text);

// ---- packet.c: encoded messages. Counted references.

struct hwi_sim_packet {
    uint32_t references;
    uint32_t length;
    struct hwi_sim_packet *next_free;
    struct hwi_msg *decoded; // of a shared packet, once one was delivered; owned
    void *decoded_block;
    size_t capacity;
    unsigned char bytes[];
};

// The packets of one step whose long lists are the same memory share one encoding.
struct hwi_sim_burst {
    uint64_t step; // number of the step they came from
    struct hwi_msg msg;
    struct hwi_sim_packet *packet; // a reference is owned; NULL = none
};

struct hwi_sim_packet *hwi_sim_packet_encode(struct hwi_sim *sim, const struct hwi_msg *msg);
// Encodes `msg` (borrowed until return). *flat is NULL, or owned (free()): then the packet's bytes
// are those of another message that differs in the fields of *flat only, lists excepted.
struct hwi_sim_packet *hwi_sim_packet_new(struct hwi_sim *sim, const struct hwi_msg *msg,
                                          struct hwi_msg **flat);
struct hwi_sim_packet *hwi_sim_packet_cut(struct hwi_sim *sim, const struct hwi_sim_packet *packet,
                                          uint32_t length);
void hwi_sim_packet_release(struct hwi_sim *sim, struct hwi_sim_packet *packet); // NULL allowed
// Decodes; false if the bytes are no message. *block is to be freed, or NULL: then what *msg points
// to is the packet's.
bool hwi_sim_packet_read(struct hwi_sim_packet *packet, const struct hwi_msg *flat,
                         struct hwi_msg *msg, void **block);
void hwi_sim_packets_fini(struct hwi_sim *sim);

// A frame on its way. Counted references: its head, and then its tail, each hold one.
struct hwi_sim_flight {
    uint32_t references;
    uint32_t payload_bytes;
    bool damaged;
    unsigned char header[HWI_FRAME_HEADER_BYTES];
    unsigned char trailer[HWI_FRAME_TRAILER_BYTES];
    unsigned char payload[];
};

// ---- events.c

// Something that will happen to a process. It waits while the process is frozen and is dropped once
// it is dead.
struct hwi_sim_event {
    uint64_t at_ns;
    uint64_t sequence; // orders equal times: filled in when it is first scheduled
    struct hwi_sim_process *process;
    void (*happen)(struct hwi_sim_process *process, struct hwi_sim_event *event);
    void (*refuse)(struct hwi_sim *sim, struct hwi_sim_event *event); // or NULL: process is dead
    struct hwi_sim_event *next;                                       // in a queue
    bool anyway;        // the network's doing: whether the process lives or is frozen
    bool travels, both; // waits while the link (or either direction) is blocked
    uint8_t lane;
    uint32_t generation;         // of the control connection
    uint32_t from_node, to_node; // if it travels
    struct hwi_addr from, to;
    struct hwi_sim_packet *packet; // one reference is owned
    struct hwi_msg *flat;          // see hwi_sim_packet_new: owned
    struct hwi_sim_process *other; // who sent it, if that matters
    struct hwi_sim_conn *conn;     // one reference is owned
    struct hwi_sim_stripe *stripe;
    struct hwi_sim_flight *flight; // one reference is owned
    uint64_t peer;
    uint64_t sent_ns;   // when it was handed to a control link
    const char *reason; // static
};

struct hwi_sim_queue {
    struct hwi_sim_event *first, *last;
    uint32_t count;
};

struct hwi_sim_slot {
    uint64_t at_ns;
    uint64_t sequence;
    struct hwi_sim_event *event;
};

struct hwi_sim_event *hwi_sim_event_new(struct hwi_sim *sim, struct hwi_sim_process *process,
                                        void (*happen)(struct hwi_sim_process *,
                                                       struct hwi_sim_event *));
void hwi_sim_event_free(struct hwi_sim *sim, struct hwi_sim_event *event); // takes
// Schedules it `delay_ns` from now; takes it.
void hwi_sim_schedule(struct hwi_sim *sim, struct hwi_sim_event *event, uint64_t delay_ns);
uint64_t hwi_sim_event_time(const struct hwi_sim *sim);        // of the earliest; HWI_NEVER = none
struct hwi_sim_event *hwi_sim_event_take(struct hwi_sim *sim); // the earliest: returns owned
void hwi_sim_events_fini(struct hwi_sim *sim);
void hwi_sim_queue_add(struct hwi_sim_queue *queue, struct hwi_sim_event *event); // takes
struct hwi_sim_event *hwi_sim_queue_take(struct hwi_sim_queue *queue); // owned; NULL = empty
void hwi_sim_queue_drop(struct hwi_sim *sim, struct hwi_sim_queue *queue);
// Schedules all of it now, each at its old place among its equals.
void hwi_sim_queue_release(struct hwi_sim *sim, struct hwi_sim_queue *queue);

// ---- connections between members

// One TCP connection of one lane, in one direction.
struct hwi_sim_stripe {
    struct hwi_sim_conn *conn;
    uint8_t from; // which end sends
    uint8_t lane;
    bool sending, receiving;
    uint32_t index;
    uint32_t in_flight;            // frames, from the first byte's leaving to the last's arrival
    uint64_t last_ns;              // nothing on it arrives before what was sent before
    uint64_t left;                 // while sending: bytes * 10^9 that have not left
    uint64_t began_ns;             // while sending
    struct hwi_frame_out out;      // while sending
    struct hwi_sim_flight *flight; // while sending: a reference is owned
    struct hwi_frame_in in;        // while receiving
};

// All stripes between two processes, from a dial to the first break. Counted references: its two
// lists while it is open, edges, events.
struct hwi_sim_conn {
    uint32_t references;
    uint32_t stripes;                // per lane and direction
    struct hwi_sim_process *ends[2]; // 0 dialled
    uint64_t peers[2];               // [0] from the hello, [1] from the dialler's edge_open
    uint64_t wanted;                 // the incarnation that is dialled
    struct hwi_sim_conn *next[2], *previous[2]; // in the lists of the ends
    bool open;                                  // nobody closed or broke it
    bool waits;                                 // its hello came and found nobody
    uint64_t up_ns[2];                          // no frame reaches the end before
    struct hwi_sim_stripe *lanes[2][HWI_LANES]; // made when the first frame leaves
};

// A member that the peer actor wants stripes to.
struct hwi_sim_edge {
    uint64_t peer; // 0 = no edge here
    uint64_t incarnation;
    struct hwi_sim_conn *conn; // NULL = waits for a hello; else a reference is owned
    bool up;
};

// Open addressing by peer id.
struct hwi_sim_edges {
    struct hwi_sim_edge *slots;
    uint32_t count, capacity; // 0 or a power of two
};

// ---- links

// What is set for one direction between two nodes; see link.c.
struct hwi_sim_pair {
    uint32_t from, to;
    struct hwi_sim_link link;
    bool blocked, cut;
    uint64_t blocked_ns; // since when
    struct hwi_sim_queue held;
};

struct hwi_sim_pairs {
    struct hwi_sim_pair **slots; // by (from, to)
    uint32_t count, capacity;    // 0 or a power of two
};

// What a link does, all settings together.
struct hwi_sim_quality {
    struct hwi_sim_link link;
    uint64_t node_ns; // of the delay: what the nodes' own settings add at least
};

// One direction of a control connection.
struct hwi_sim_pipe {
    uint64_t last_ns;           // nothing arrives before what was sent before
    struct hwi_sim_queue queue; // waits for bandwidth
    uint64_t left;              // of the first: bytes * 10^9 that have not left
    bool running;               // an event will look after it
};

// A member's control connection.
struct hwi_sim_control {
    bool down;
    uint32_t generation;          // counts connections: messages of another one are lost
    uint64_t until_ns;            // while down: not before
    struct hwi_sim_pipe pipes[2]; // to the master, to the member
    struct hwi_sim_queue waiting; // what the member says while down
};

// ---- processes

struct hwi_sim_request {
    bool has_memory, waited;
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

// What the process's actors take for the time: local_ns + (now - since_ns), times its rate.
struct hwi_sim_clock {
    uint64_t since_ns, local_ns;
    int32_t ppm;
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
    bool left;                    // dying because it left the run
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
    struct hwi_sim_conn *conns; // open ones
    struct hwi_sim_control control;
    struct hwi_sim_request *requests;
    uint32_t request_count, request_capacity;
    uint64_t collected; // failures of operations that the trainer was told of
    struct hwi_sim_text recordings[HWI_ROLE_MAX];
    uint32_t events_seen[HWI_ROLE_MAX];
    uint32_t types_seen[HWI_MSG_TYPE_MAX];
    struct hwi_sim_fate fate;
};

struct hwi_sim_node {
    struct hwi_sim_process *process;
    uint32_t starts;
    bool unreachable, muted;
    struct hwi_sim_link link;
};

struct hwi_sim {
    struct hwi_sim_config config;
    uint64_t now_ns;
    uint64_t sequence;
    uint64_t random;
    struct hwi_sim_slot *events; // a binary heap
    uint32_t event_count, event_capacity;
    struct hwi_sim_event *free_events;
    struct hwi_sim_process **sleepers; // a binary heap
    uint32_t sleeper_count, sleeper_capacity;
    struct hwi_sim_process *running; // whose event is being handled
    uint32_t last_node;

    struct hwi_sim_process *master;
    struct hwi_sim_node master_node;
    struct hwi_sim_packet *view_file; // durable: a reference is owned
    struct hwi_sim_process **members; // all ever started, by incarnation; former masters too
    uint32_t member_count, member_capacity;
    struct hwi_sim_node *nodes;
    uint32_t node_count, node_capacity;
    struct hwi_sim_pairs pairs;
    uint32_t linked_nodes; // that have settings of their own, ever

    struct hwi_sim_packet *free_packets;
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
    uint64_t replies;
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

// node.c: nodes, and starting the processes on them.
struct hwi_sim_node *hwi_sim_node_of(struct hwi_sim *sim, uint32_t node); // also the master
struct hwi_sim_process *hwi_sim_process_of(const struct hwi_sim *sim, uint32_t node);
void hwi_sim_master_start(struct hwi_sim *sim);

// memory.c
extern const struct hwi_alloc hwi_sim_alloc; // a template: its user is to be the process
void hwi_sim_memory_drop(struct hwi_sim_process *process); // all of it

// sleep.c: clocks, and who is woken when.
uint64_t hwi_sim_local(const struct hwi_sim_process *process); // its now
void hwi_sim_sleep_update(struct hwi_sim_process *process);
struct hwi_sim_process *hwi_sim_sleep_first(const struct hwi_sim *sim); // NULL = nobody

// guard.c: real actors, watched for the event at which their process dies.
extern const struct hwi_actor_ops hwi_sim_guards[HWI_ROLE_MAX];
const struct hwi_actor_ops *hwi_sim_actor(const struct hwi_sim *sim, uint8_t role); // the real one

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

// edge.c
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
