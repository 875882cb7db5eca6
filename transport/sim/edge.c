// SPDX-License-Identifier: MIT
// Edges: how stripes between two processes open, break and close. The dialler's hello travels one
// delay; the acceptor answers it when its own peer actor wants the edge; both ends hear edge_up one
// delay later.
#include "transport/sim/world.h"

#include <stdio.h>
#include <string.h>

typedef void happen_fn(struct hwi_sim_process *process, struct hwi_sim_event *event);

void hwi_sim_edge_tell(struct hwi_sim_process *process, uint64_t peer, const char *down)
{
    struct hwi_msg msg = {.type = down != NULL ? HWI_MSG_edge_down : HWI_MSG_edge_up};
    if (down != NULL) {
        msg.u.edge_down.peer = peer;
        snprintf(msg.u.edge_down.reason, sizeof msg.u.edge_down.reason, "%s", down);
    } else {
        msg.u.edge_up.peer = peer;
    }
    hwi_sim_post(process, hwi_addr_of(HWI_ROLE_DATA, 0), hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
}

static struct hwi_sim_event *new_event(struct hwi_sim_process *process, struct hwi_sim_conn *conn,
                                       happen_fn *happen)
{
    struct hwi_sim_event *event = hwi_sim_event_new(process->sim, process, happen);
    event->conn = conn;
    conn->references++;
    return event;
}

// Something that the network tells `process`: it comes from the other end. Returns when.
static uint64_t tell_end(struct hwi_sim_process *process, struct hwi_sim_conn *conn,
                         happen_fn *happen, const char *reason)
{
    struct hwi_sim *sim = process->sim;
    const struct hwi_sim_process *other = conn->ends[conn->ends[0] == process];
    struct hwi_sim_event *event = new_event(process, conn, happen);
    uint64_t last_ns = 0;
    event->reason = reason;
    event->travels = true;
    event->from_node = other->node;
    event->to_node = process->node;
    hwi_sim_schedule(
        sim, event,
        hwi_sim_delay_over(sim, other->node, process->node, sim->config.edge_ns, &last_ns));
    return last_ns;
}

// ---- closing

// This end has no edge any more; says nothing to anybody.
static void forget(struct hwi_sim_process *process, struct hwi_sim_edge *edge)
{
    struct hwi_sim_conn *conn = edge->conn;
    if (edge->up && !process->crashed) {
        hwi_sim_stripes_stop(conn, process);
        hwi_data_edge_remove(process->data, edge->peer);
    }
    if (process->sim->config.virtual_edges) {
        hwi_sim_virtual_forget(process, edge->peer);
    }
    hwi_sim_edge_remove(process, edge);
    hwi_sim_conn_release(conn);
}

static void go_down(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_edge *edge = hwi_sim_edge_by_conn(process, event->conn);
    if (edge != NULL) {
        uint64_t peer = edge->peer;
        forget(process, edge);
        hwi_sim_edge_tell(process, peer, event->reason);
    }
}

// The connection is over; every end but `closer` notices one delay later.
static void shut(struct hwi_sim_conn *conn, const struct hwi_sim_process *closer, const char *why)
{
    if (!conn->open) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (conn->ends[i] != closer) {
            tell_end(conn->ends[i], conn, go_down, why);
        }
    }
    hwi_sim_conn_close(conn);
}

static void drop(struct hwi_sim_process *process, struct hwi_sim_edge *edge, const char *why)
{
    struct hwi_sim_conn *conn = edge->conn;
    if (conn != NULL) {
        shut(conn, process, why);
    }
    forget(process, edge);
}

void hwi_sim_edge_break(struct hwi_sim_process *process, struct hwi_sim_conn *conn, const char *why)
{
    struct hwi_sim_edge *edge = hwi_sim_edge_by_conn(process, conn);
    if (edge != NULL) {
        uint64_t peer = edge->peer;
        drop(process, edge, why);
        hwi_sim_edge_tell(process, peer, why);
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
    struct hwi_sim_edges *edges = &process->edges;
    for (uint32_t i = 0; edges->count > 0; i = (i + 1) & (edges->capacity - 1)) {
        while (edges->slots[i].peer != 0) { // another one may move into its place
            drop(process, &edges->slots[i], "connection reset");
        }
    }
    while (process->conns != NULL) {
        shut(process->conns, process, "connection reset");
    }
    hwi_free(&hwi_alloc_libc, edges->slots);
    *edges = (struct hwi_sim_edges){0};
}

void hwi_sim_edge_cut(struct hwi_sim *sim, uint32_t a, uint32_t b)
{
    const struct hwi_sim_process *from = hwi_sim_process_of(sim, a);
    HWI_CHECK(a != b);
    for (struct hwi_sim_conn *conn = from->conns, *next; conn != NULL; conn = next) {
        int side = conn->ends[1] == from;
        next = conn->next[side];
        if (conn->ends[!side]->node == b) {
            sim->faults[HWI_SIM_CUT]++;
            shut(conn, NULL, "connection reset");
        }
    }
}

// ---- opening

static void come_up(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_edge *edge = hwi_sim_edge_by_conn(process, event->conn);
    if (edge != NULL && event->conn->open) {
        edge->up = true;
        hwi_data_edge_add(process->data, edge->peer);
        hwi_sim_edge_tell(process, edge->peer, NULL);
    }
}

static void attach(struct hwi_sim_edge *edge, struct hwi_sim_conn *conn)
{
    edge->conn = conn;
    conn->references++;
}

// The acceptor's peer actor wants the edge and the hello is here.
static void accept_hello(struct hwi_sim_edge *edge, struct hwi_sim_conn *conn)
{
    struct hwi_sim *sim = conn->ends[1]->sim;
    attach(edge, conn);
    conn->waits = false;
    conn->up_ns[0] = tell_end(conn->ends[0], conn, come_up, NULL);
    conn->up_ns[1] = sim->now_ns + sim->config.edge_ns;
    hwi_sim_schedule(sim, new_event(conn->ends[1], conn, come_up), sim->config.edge_ns);
}

static void hello_arrives(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_conn *conn = event->conn;
    struct hwi_sim_edge *edge = hwi_sim_edge_of(process, conn->peers[0]);
    if (!conn->open) {
        return;
    }
    conn->waits = conn->wanted == process->incarnation;
    if (edge == NULL || !conn->waits || edge->incarnation != conn->ends[0]->incarnation) {
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
    (void)sim;
    if (event->conn->open) {
        tell_end(event->conn->ends[0], event->conn, go_down, "connection refused");
        hwi_sim_conn_close(event->conn);
    }
}

static void give_up_opening(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_edge *edge = hwi_sim_edge_by_conn(process, event->conn);
    if (edge != NULL && !edge->up) {
        hwi_sim_edge_break(process, event->conn, "timed out");
    }
}

static struct hwi_sim_process *process_at(struct hwi_sim *sim, const char *address)
{
    uint32_t node;
    if (sim->config.driven) {
        return hwi_sim_driven_at(sim, address);
    }
    bool known = sscanf(address, "sim:%u", &node) == 1 && node < sim->node_count;
    HWI_CHECK(known);
    return sim->nodes[node].process;
}

static bool can_reach(const struct hwi_sim *sim, uint32_t from, uint32_t to)
{
    const struct hwi_sim_pair *pair = hwi_sim_pair_of(sim, from, to);
    return !sim->nodes[from].unreachable && !sim->nodes[to].unreachable &&
           (pair == NULL || !pair->cut);
}

static void send_hello(struct hwi_sim_process *from, struct hwi_sim_process *to,
                       struct hwi_sim_conn *conn)
{
    struct hwi_sim *sim = from->sim;
    uint64_t last_ns = 0;
    if (!can_reach(sim, from->node, to->node) || sim->nodes[to->node].undialled) {
        sim->faults[HWI_SIM_UNREACHED]++;
        return;
    }
    struct hwi_sim_event *event = new_event(to, conn, hello_arrives);
    event->refuse = refuse_hello;
    event->travels = event->both = true;
    event->from_node = from->node;
    event->to_node = to->node;
    hwi_sim_schedule(sim, event,
                     hwi_sim_delay_over(sim, from->node, to->node, sim->config.edge_ns, &last_ns));
}

static void dial(struct hwi_sim_process *process, struct hwi_sim_edge *edge,
                 const struct hwi_msg_edge_open *open)
{
    struct hwi_sim *sim = process->sim;
    struct hwi_sim_process *target = process_at(sim, open->address);
    struct hwi_sim_conn *conn = hwi_sim_conn_new(process, target);
    conn->peers[0] = open->self;
    conn->peers[1] = open->peer;
    conn->wanted = open->incarnation;
    conn->stripes = open->stripes;
    attach(edge, conn);
    hwi_sim_schedule(sim, new_event(process, conn, give_up_opening), HWI_SIM_EDGE_TIMEOUT_NS);
    send_hello(process, target, conn);
}

static void look_for_hello(struct hwi_sim_process *process, struct hwi_sim_edge *edge)
{
    for (struct hwi_sim_conn *conn = process->conns; conn != NULL;
         conn = conn->next[conn->ends[1] == process]) {
        if (conn->waits && conn->ends[1] == process && conn->peers[0] == edge->peer &&
            conn->ends[0]->incarnation == edge->incarnation) {
            accept_hello(edge, conn);
            return;
        }
    }
}

static void join_end(struct hwi_sim_process *process, const struct hwi_sim_process *other,
                     struct hwi_sim_conn *conn)
{
    struct hwi_sim_edge *edge = hwi_sim_edge_add(process, other->peer);
    edge->incarnation = other->incarnation;
    edge->up = true;
    attach(edge, conn);
    hwi_data_edge_add(process->data, other->peer);
}

void hwi_sim_edge_join(struct hwi_sim_process *process, struct hwi_sim_process *other)
{
    if (hwi_sim_edge_of(other, process->peer) != NULL) {
        return; // of a connection whose end it has not noticed yet
    }
    struct hwi_sim_conn *conn = hwi_sim_conn_new(process, other);
    conn->peers[0] = process->peer;
    conn->peers[1] = other->peer;
    conn->wanted = other->incarnation;
    conn->stripes = process->sim->config.stripes;
    join_end(process, other, conn);
    join_end(other, process, conn);
}

void hwi_sim_edge_open(struct hwi_sim_process *process, const struct hwi_msg_edge_open *open)
{
    struct hwi_sim_edge *edge = hwi_sim_edge_of(process, open->peer);
    if (edge != NULL && edge->incarnation == open->incarnation) {
        if (edge->up) {
            hwi_sim_edge_tell(process, open->peer, NULL);
        }
        return; // else it is being opened, and will be answered
    }
    if (edge != NULL) {
        drop(process, edge, "another incarnation took its place");
    }
    edge = hwi_sim_edge_add(process, open->peer);
    edge->incarnation = open->incarnation;
    if (open->dial) {
        dial(process, edge, open);
    } else {
        look_for_hello(process, edge);
    }
}
