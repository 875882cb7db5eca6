// SPDX-License-Identifier: MIT
// The simulator's own structures: processes, events, connections. Nothing outside transport/sim
// sees them. One thread; everything is owned by the struct hwi_sim it belongs to.
#ifndef HAWSER_TRANSPORT_SIM_WORLD_H
#define HAWSER_TRANSPORT_SIM_WORLD_H

#include <xxhash.h>

#include "actors/wire/codec.h"
#include "transport/sim/sim.h"

enum {
    HWI_SIM_EVENTS_MAX = 1 << 24,   // scheduled at once
    HWI_SIM_REQUESTS_MAX = 1 << 20, // of one member
    HWI_SIM_LINE_BYTES_MAX = 1024,  // one transcript line
};

#define HWI_SIM_INCARNATION_FIRST UINT64_C(1000)   // node n's incarnation is this + n
#define HWI_SIM_EDGE_TIMEOUT_NS (5 * HWI_NS_PER_S) // for stripes to open
#define HWI_SIM_DISK_NS HWI_NS_PER_MS              // to make a view file durable

struct hwi_sim_process;
struct hwi_sim_conn;
struct hwi_sim_stripe;

// Bytes that grow.
struct hwi_sim_text {
    char *bytes;
    size_t length;
    size_t capacity;
};

void hwi_sim_text_add(struct hwi_sim_text *text, const void *bytes, size_t length);
void hwi_sim_text_fini(struct hwi_sim_text *text);

// A frame on its way. Counted references: its head, and then its tail, each hold one.
struct hwi_sim_flight {
    uint32_t references;
    uint32_t payload_bytes;
    unsigned char header[HWI_FRAME_HEADER_BYTES];
    unsigned char trailer[HWI_FRAME_TRAILER_BYTES];
    unsigned char payload[];
};

// Something that will happen to a process. It waits while the process is frozen and is dropped once
// it is dead.
struct hwi_sim_event {
    uint64_t at_ns;
    uint64_t sequence; // orders equal times: filled in when it is first scheduled
    struct hwi_sim_process *process;
    void (*happen)(struct hwi_sim_process *process, struct hwi_sim_event *event);
    void (*refuse)(struct hwi_sim *sim, struct hwi_sim_event *event); // or NULL: process is dead
    struct hwi_addr from, to;
    unsigned char *bytes; // an encoded message, or NULL: owned
    size_t length;
    struct hwi_sim_process *other; // who sent it, if that matters
    struct hwi_sim_conn *conn;
    struct hwi_sim_stripe *stripe;
    struct hwi_sim_flight *flight; // one reference is owned
    uint64_t peer;
    uint8_t lane;
    const char *reason;         // static
    struct hwi_sim_event *next; // in a frozen process's queue
};

struct hwi_sim_event *hwi_sim_event_new(void);
void hwi_sim_event_free(struct hwi_sim_event *event); // takes
// Schedules it `delay_ns` from now; takes it.
void hwi_sim_schedule(struct hwi_sim *sim, struct hwi_sim_event *event, uint64_t delay_ns);
uint64_t hwi_sim_event_time(const struct hwi_sim *sim);        // of the earliest; HWI_NEVER = none
struct hwi_sim_event *hwi_sim_event_take(struct hwi_sim *sim); // the earliest: returns owned
void hwi_sim_events_fini(struct hwi_sim *sim);

// One TCP connection of one lane, in one direction.
struct hwi_sim_stripe {
    struct hwi_sim_conn *conn;
    uint8_t from; // which end sends
    uint8_t lane;
    uint32_t index;
    bool sending, receiving;
    struct hwi_frame_out out;      // while sending
    struct hwi_sim_flight *flight; // while sending: borrowed from its events
    struct hwi_frame_in in;        // while receiving
};

// All stripes between two processes, from a dial to the first break. Lives until the sim is
// destroyed.
struct hwi_sim_conn {
    struct hwi_sim_conn *next;
    struct hwi_sim_process *ends[2]; // 0 dialled
    uint64_t peers[2];               // [0] from the hello, [1] from the dialler's edge_open
    bool open;                       // nobody closed or broke it
    bool waits;                      // its hello came and found nobody
    uint32_t stripes;                // per lane and direction
    struct hwi_sim_stripe *lanes[2][HWI_LANES];
};

// A member that the peer actor wants stripes to.
struct hwi_sim_edge {
    uint64_t peer; // 0 = no edge here
    uint64_t incarnation;
    struct hwi_sim_conn *conn; // NULL = waits for a hello
    bool up;
};

struct hwi_sim_request {
    bool has_memory, waited;
    struct hwi_msg *reply; // NULL = not yet; owned
    void *reply_block;
    uint8_t kind;
};

// When a process dies by itself.
struct hwi_sim_fate {
    uint8_t role; // at its event number role_count
    uint32_t role_count;
    uint16_t type; // at its message number type_count of this type
    uint32_t type_count;
};

struct hwi_sim_process {
    struct hwi_sim *sim;
    char name[16]; // "master", "member 3"
    uint32_t node;
    uint64_t incarnation;
    uint64_t died_ns; // unless it is alive
    bool alive, frozen, dying, unreachable, control_up;
    struct hwi_alloc alloc; // its user is this process: so a guarded actor finds it
    struct hwi_drain *drain;
    struct hwi_data *data; // NULL in the master
    struct hwi_sim_event *held, **held_end;
    struct hwi_sim_edge edges[64];
    struct hwi_sim_request *requests;
    uint32_t request_count, request_capacity;
    struct hwi_sim_text recordings[HWI_ROLE_MAX];
    uint32_t events_seen[HWI_ROLE_MAX];
    uint32_t types_seen[HWI_MSG_TYPE_MAX];
    struct hwi_sim_fate fate;
};

struct hwi_sim {
    struct hwi_sim_config config;
    uint64_t now_ns;
    uint64_t sequence;
    struct hwi_sim_event **events; // a binary heap
    uint32_t event_count, event_capacity;
    struct hwi_sim_process *master;
    struct hwi_sim_process *members[64];
    uint32_t member_count;
    bool cut[64][64]; // no dial gets through
    struct hwi_sim_conn *conns;
    struct hwi_sim_text transcript;
    size_t mark;
    struct hwi_sim_text failure;
    XXH3_state_t *digest;
    struct hwi_msg *status; // the last answer to hwi_sim_status: owned
    void *status_block;
};

// process.c: a process's actors and what they reach.
struct hwi_sim_process *hwi_sim_process_create(struct hwi_sim *sim, const char *name, uint32_t node,
                                               const enum hwi_role *roles, uint32_t count);
void hwi_sim_process_destroy(struct hwi_sim_process *process);
void hwi_sim_process_kill(struct hwi_sim_process *process);
// Delivers everything that waits in its mailbox.
void hwi_sim_process_run(struct hwi_sim_process *process);
// Schedules a message for one of its actors.
void hwi_sim_process_tell(struct hwi_sim_process *process, struct hwi_addr from, enum hwi_role to,
                          const struct hwi_msg *msg, uint64_t delay_ns);
struct hwi_sim_process *hwi_sim_process_by_incarnation(struct hwi_sim *sim, uint64_t incarnation);

// guard.c: real actors, watched for the event at which their process dies.
extern const struct hwi_actor_ops hwi_sim_guards[HWI_ROLE_MAX];
const struct hwi_actor_ops *hwi_sim_actor(const struct hwi_sim *sim, uint8_t role); // the real one

// control.c
void hwi_sim_control_send(struct hwi_sim_process *from, const struct hwi_envelope *envelope);

// edge.c
void hwi_sim_edge_open(struct hwi_sim_process *process, const struct hwi_msg_edge_open *open);
void hwi_sim_edge_close(struct hwi_sim_process *process, uint64_t peer);
void hwi_sim_edge_break(struct hwi_sim_process *process, struct hwi_sim_conn *conn,
                        const char *why);
void hwi_sim_edges_kill(struct hwi_sim_process *process);
struct hwi_sim_edge *hwi_sim_edge_of(struct hwi_sim_process *process, uint64_t peer);
// The process's edge over `conn` if it is up, else NULL.
struct hwi_sim_edge *hwi_sim_edge_over(struct hwi_sim_process *process,
                                       const struct hwi_sim_conn *conn);
void hwi_sim_conns_fini(struct hwi_sim *sim);

// stripe.c
void hwi_sim_stripes_create(struct hwi_sim_conn *conn);
void hwi_sim_stripes_destroy(struct hwi_sim_conn *conn);
void hwi_sim_stripes_stop(struct hwi_sim_conn *conn, const struct hwi_sim_process *end);
void hwi_sim_stripes_kick(struct hwi_sim_process *process, uint64_t peer, enum hwi_lane lane);
void hwi_sim_flight_release(struct hwi_sim_flight *flight);

// trainer.c
void hwi_sim_trainer_told(struct hwi_sim_process *process, const struct hwi_msg *msg);
void hwi_sim_trainer_fini(struct hwi_sim_process *process);

// record.c
void hwi_sim_record(struct hwi_sim_process *process, uint8_t role, const struct hwi_event *event,
                    const struct hwi_effects *effects);

// transcript.c
void hwi_sim_transcript_add(struct hwi_sim *sim, const char *from, const char *to,
                            const struct hwi_msg *msg);

#endif
