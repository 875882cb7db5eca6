// SPDX-License-Identifier: MIT
// Edges: how stripes between two processes open, break and close. The dialler's hello travels one
// delay; the acceptor answers it when its own peer actor wants the edge; both ends hear edge_up one
// delay later.
#include "transport/sim/world.h"

#include <stdio.h>
#include <string.h>

static struct hwi_sim_edge *edge_by_conn(struct hwi_sim_process *process,
                                         const struct hwi_sim_conn *conn)
{
    for (uint32_t i = 0; i < 64; i++) {
        if (process->edges[i].peer != 0 && process->edges[i].conn == conn) {
            return &process->edges[i];
        }
    }
    return NULL;
}

struct hwi_sim_edge *hwi_sim_edge_of(struct hwi_sim_process *process, uint64_t peer)
{
    for (uint32_t i = 0; i < 64; i++) {
        if (process->edges[i].peer == peer) {
            return &process->edges[i];
        }
    }
    return NULL;
}

struct hwi_sim_edge *hwi_sim_edge_over(struct hwi_sim_process *process,
                                       const struct hwi_sim_conn *conn)
{
    struct hwi_sim_edge *edge = edge_by_conn(process, conn);
    return edge != NULL && edge->up ? edge : NULL;
}

static void tell_peer(struct hwi_sim_process *process, uint64_t peer, const char *down)
{
    struct hwi_msg msg = {.type = down != NULL ? HWI_MSG_edge_down : HWI_MSG_edge_up};
    if (down != NULL) {
        msg.u.edge_down.peer = peer;
        snprintf(msg.u.edge_down.reason, sizeof(msg.u.edge_down.reason), "%s", down);
    } else {
        msg.u.edge_up.peer = peer;
    }
    hwi_drain_post(process->drain, hwi_addr_of(HWI_ROLE_DATA, 0), hwi_addr_of(HWI_ROLE_PEER, 0),
                   &msg);
}

static void schedule(struct hwi_sim_process *process, struct hwi_sim_conn *conn,
                     void (*happen)(struct hwi_sim_process *, struct hwi_sim_event *),
                     uint64_t delay_ns, const char *reason)
{
    struct hwi_sim_event *event = hwi_sim_event_new();
    event->process = process;
    event->happen = happen;
    event->conn = conn;
    event->reason = reason;
    hwi_sim_schedule(process->sim, event, delay_ns);
}

// ---- closing

// This end has no edge any more; says nothing to anybody.
static void forget(struct hwi_sim_process *process, struct hwi_sim_edge *edge)
{
    if (edge->up) {
        hwi_sim_stripes_stop(edge->conn, process);
        hwi_data_edge_remove(process->data, edge->peer);
    }
    *edge = (struct hwi_sim_edge){0};
}

static void go_down(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_edge *edge = edge_by_conn(process, event->conn);
    if (edge != NULL) {
        uint64_t peer = edge->peer;
        forget(process, edge);
        tell_peer(process, peer, event->reason);
    }
}

// The connection is over; every end but `closer` notices one delay later.
static void shut(struct hwi_sim_conn *conn, const struct hwi_sim_process *closer, const char *why)
{
    if (!conn->open) {
        return;
    }
    conn->open = false;
    for (int i = 0; i < 2; i++) {
        if (conn->ends[i] != closer) {
            schedule(conn->ends[i], conn, go_down, conn->ends[i]->sim->config.edge_ns, why);
        }
    }
}

static void drop(struct hwi_sim_process *process, struct hwi_sim_edge *edge, const char *why)
{
    struct hwi_sim_conn *conn = edge->conn;
    forget(process, edge);
    if (conn != NULL) {
        shut(conn, process, why);
    }
}

void hwi_sim_edge_break(struct hwi_sim_process *process, struct hwi_sim_conn *conn, const char *why)
{
    struct hwi_sim_edge *edge = edge_by_conn(process, conn);
    if (edge != NULL) {
        uint64_t peer = edge->peer;
        drop(process, edge, why);
        tell_peer(process, peer, why);
    }
}

void hwi_sim_edge_close(struct hwi_sim_process *process, uint64_t peer)
{
    struct hwi_sim_edge *edge = hwi_sim_edge_of(process, peer);
    if (edge != NULL) {
        drop(process, edge, "the other end closed it");
    }
}

void hwi_sim_edges_kill(struct hwi_sim_process *process)
{
    for (uint32_t i = 0; i < 64; i++) {
        if (process->edges[i].peer != 0) {
            drop(process, &process->edges[i], "connection reset");
        }
    }
    for (struct hwi_sim_conn *conn = process->sim->conns; conn != NULL; conn = conn->next) {
        if (conn->ends[0] == process || conn->ends[1] == process) {
            shut(conn, process, "connection reset");
        }
    }
}

void hwi_sim_cut_edge(struct hwi_sim *sim, uint32_t a, uint32_t b, bool stay)
{
    HWI_CHECK(a < sim->member_count && b < sim->member_count && a != b);
    sim->cut[a][b] = sim->cut[b][a] = stay;
    for (struct hwi_sim_conn *conn = sim->conns; conn != NULL; conn = conn->next) {
        uint32_t from = conn->ends[0]->node, to = conn->ends[1]->node;
        if ((from == a && to == b) || (from == b && to == a)) {
            shut(conn, NULL, "connection reset");
        }
    }
}

// ---- opening

static void come_up(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_edge *edge = edge_by_conn(process, event->conn);
    if (edge != NULL && event->conn->open) {
        edge->up = true;
        hwi_data_edge_add(process->data, edge->peer);
        tell_peer(process, edge->peer, NULL);
    }
}

// The acceptor's peer actor wants the edge and the hello is here.
static void accept_hello(struct hwi_sim_edge *edge, struct hwi_sim_conn *conn)
{
    edge->conn = conn;
    conn->waits = false;
    for (int i = 0; i < 2; i++) {
        schedule(conn->ends[i], conn, come_up, conn->ends[i]->sim->config.edge_ns, NULL);
    }
}

static void hello_arrives(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_conn *conn = event->conn;
    struct hwi_sim_edge *edge = hwi_sim_edge_of(process, conn->peers[0]);
    if (!conn->open) {
        return;
    }
    conn->waits = true;
    if (edge == NULL || edge->incarnation != conn->ends[0]->incarnation) {
        return;
    }
    if (edge->conn != NULL) {
        hwi_sim_edge_break(process, edge->conn, "replaced by a newer connection");
    } else {
        accept_hello(edge, conn);
    }
}

static void refuse_hello(struct hwi_sim *sim, struct hwi_sim_event *event)
{
    if (event->conn->open) {
        event->conn->open = false;
        schedule(event->conn->ends[0], event->conn, go_down, sim->config.edge_ns,
                 "connection refused");
    }
}

static void give_up_opening(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_edge *edge = edge_by_conn(process, event->conn);
    if (edge != NULL && !edge->up) {
        hwi_sim_edge_break(process, event->conn, "timed out");
    }
}

static struct hwi_sim_process *process_at(struct hwi_sim *sim, const char *address)
{
    uint32_t node;
    bool known = sscanf(address, "sim:%u", &node) == 1 && node < sim->member_count;
    HWI_CHECK(known);
    return sim->members[node];
}

static void dial(struct hwi_sim_process *process, struct hwi_sim_edge *edge,
                 const struct hwi_msg_edge_open *open)
{
    struct hwi_sim *sim = process->sim;
    struct hwi_sim_process *target = process_at(sim, open->address);
    struct hwi_sim_conn *conn = hwi_new(&hwi_alloc_libc, sizeof(*conn));
    *conn = (struct hwi_sim_conn){
        .next = sim->conns,
        .ends = {process, target},
        .peers = {open->self, open->peer},
        .open = true,
        .stripes = open->stripes,
    };
    sim->conns = conn;
    hwi_sim_stripes_create(conn);
    edge->conn = conn;
    schedule(process, conn, give_up_opening, HWI_SIM_EDGE_TIMEOUT_NS, NULL);
    if (!process->unreachable && !target->unreachable && !sim->cut[process->node][target->node]) {
        struct hwi_sim_event *event = hwi_sim_event_new();
        event->process = target;
        event->happen = hello_arrives;
        event->refuse = refuse_hello;
        event->conn = conn;
        hwi_sim_schedule(sim, event, sim->config.edge_ns);
    }
}

static struct hwi_sim_edge *new_edge(struct hwi_sim_process *process,
                                     const struct hwi_msg_edge_open *open)
{
    struct hwi_sim_edge *edge = hwi_sim_edge_of(process, 0);
    HWI_CHECK(edge != NULL);
    edge->peer = open->peer;
    edge->incarnation = open->incarnation;
    return edge;
}

static void look_for_hello(struct hwi_sim_process *process, struct hwi_sim_edge *edge)
{
    for (struct hwi_sim_conn *conn = process->sim->conns; conn != NULL; conn = conn->next) {
        if (conn->open && conn->waits && conn->ends[1] == process && conn->peers[0] == edge->peer &&
            conn->ends[0]->incarnation == edge->incarnation) {
            accept_hello(edge, conn);
            return;
        }
    }
}

void hwi_sim_edge_open(struct hwi_sim_process *process, const struct hwi_msg_edge_open *open)
{
    struct hwi_sim_edge *edge = hwi_sim_edge_of(process, open->peer);
    if (edge != NULL && edge->incarnation == open->incarnation) {
        if (edge->up) {
            tell_peer(process, open->peer, NULL);
        }
        return; // else it is being opened, and will be answered
    }
    if (edge != NULL) {
        drop(process, edge, "another incarnation took its place");
    }
    edge = new_edge(process, open);
    if (open->dial) {
        dial(process, edge, open);
    } else {
        look_for_hello(process, edge);
    }
}

void hwi_sim_conns_fini(struct hwi_sim *sim)
{
    while (sim->conns != NULL) {
        struct hwi_sim_conn *conn = sim->conns;
        sim->conns = conn->next;
        hwi_sim_stripes_destroy(conn);
        hwi_free(&hwi_alloc_libc, conn);
    }
}
