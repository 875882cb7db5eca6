// SPDX-License-Identifier: MIT
// Connections and the table of a process's edges.
#include "transport/sim/world.h"

// ---- connections

// A node that dials the address it has taken over from a dead member finds itself: one end, listed
// once.
static int first_end(const struct hwi_sim_conn *conn)
{
    return conn->ends[0] == conn->ends[1] ? 1 : 0;
}

struct hwi_sim_conn *hwi_sim_conn_new(struct hwi_sim_process *from, struct hwi_sim_process *to)
{
    struct hwi_sim_conn *conn = hwi_new(&hwi_alloc_libc, sizeof *conn);
    conn->ends[0] = from;
    conn->ends[1] = to;
    conn->wire = from->sim->config.wire;
    conn->open = true;
    conn->references = 1; // as long as it is open
    for (int i = first_end(conn); i < 2; i++) {
        struct hwi_sim_process *end = conn->ends[i];
        conn->next[i] = end->conns;
        if (end->conns != NULL) {
            end->conns->previous[end->conns->ends[1] == end] = conn;
        }
        end->conns = conn;
    }
    return conn;
}

void hwi_sim_conn_release(struct hwi_sim_conn *conn)
{
    if (conn != NULL && --conn->references == 0) {
        hwi_sim_stripes_destroy(conn);
        hwi_free(&hwi_alloc_libc, conn);
    }
}

void hwi_sim_conn_close(struct hwi_sim_conn *conn)
{
    for (int i = first_end(conn); i < 2; i++) {
        struct hwi_sim_process *end = conn->ends[i];
        struct hwi_sim_conn *next = conn->next[i], *previous = conn->previous[i];
        if (previous != NULL) {
            previous->next[previous->ends[1] == end] = next;
        } else {
            end->conns = next;
        }
        if (next != NULL) {
            next->previous[next->ends[1] == end] = previous;
        }
    }
    conn->open = false;
    hwi_sim_conn_release(conn);
}

// ---- edges

// Where the peer's edge is, or where it would be.
static uint32_t slot_of(const struct hwi_sim_edges *edges, uint64_t peer)
{
    uint32_t index = (uint32_t)(peer * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (edges->capacity - 1);
    while (edges->slots[index].peer != 0 && edges->slots[index].peer != peer) {
        index = (index + 1) & (edges->capacity - 1);
    }
    return index;
}

struct hwi_sim_edge *hwi_sim_edge_of(struct hwi_sim_process *process, uint64_t peer)
{
    struct hwi_sim_edges *edges = &process->edges;
    if (edges->count == 0 || peer == 0) {
        return NULL;
    }
    struct hwi_sim_edge *edge = &edges->slots[slot_of(edges, peer)];
    return edge->peer == peer ? edge : NULL;
}

static void grow(struct hwi_sim_edges *edges)
{
    struct hwi_sim_edges old = *edges;
    edges->capacity = HWI_MAX(16, 2 * old.capacity);
    edges->slots = hwi_new(&hwi_alloc_libc, edges->capacity * sizeof(struct hwi_sim_edge));
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].peer != 0) {
            edges->slots[slot_of(edges, old.slots[i].peer)] = old.slots[i];
        }
    }
    hwi_free(&hwi_alloc_libc, old.slots);
}

struct hwi_sim_edge *hwi_sim_edge_add(struct hwi_sim_process *process, uint64_t peer)
{
    struct hwi_sim_edges *edges = &process->edges;
    HWI_CHECK(hwi_sim_edge_of(process, peer) == NULL && peer != 0);
    if (2 * (edges->count + 1) > edges->capacity) {
        grow(edges);
    }
    struct hwi_sim_edge *edge = &edges->slots[slot_of(edges, peer)];
    edge->peer = peer;
    edges->count++;
    return edge;
}

// The rest of the same run is inserted again: no gap may part it from where it belongs.
void hwi_sim_edge_remove(struct hwi_sim_process *process, struct hwi_sim_edge *edge)
{
    struct hwi_sim_edges *edges = &process->edges;
    uint32_t index = (uint32_t)(edge - edges->slots);
    *edge = (struct hwi_sim_edge){0};
    edges->count--;
    for (;;) {
        index = (index + 1) & (edges->capacity - 1);
        struct hwi_sim_edge moved = edges->slots[index];
        if (moved.peer == 0) {
            return;
        }
        edges->slots[index] = (struct hwi_sim_edge){0};
        edges->slots[slot_of(edges, moved.peer)] = moved;
    }
}

struct hwi_sim_edge *hwi_sim_edge_by_conn(struct hwi_sim_process *process,
                                          const struct hwi_sim_conn *conn)
{
    uint64_t peer = conn->peers[conn->ends[0] == process];
    struct hwi_sim_edge *edge = hwi_sim_edge_of(process, peer);
    return edge != NULL && edge->conn == conn ? edge : NULL;
}

struct hwi_sim_edge *hwi_sim_edge_over(struct hwi_sim_process *process,
                                       const struct hwi_sim_conn *conn)
{
    struct hwi_sim_edge *edge = hwi_sim_edge_by_conn(process, conn);
    return edge != NULL && edge->up ? edge : NULL;
}
