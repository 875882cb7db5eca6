// SPDX-License-Identifier: MIT
#include "transport/host/edges.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/host/host.h"
#include "transport/host/socket.h"

// ---- the table ---------------------------------------------------------------------------------

// Index of the first edge whose peer id is not below `peer`.
static uint32_t lower_bound(const struct hwi_edges *edges, uint64_t peer)
{
    uint32_t low = 0, high = edges->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (edges->sorted[middle]->want.peer < peer) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct hwi_edge *hwi_edges_find(struct hwi_edges *edges, uint64_t peer)
{
    uint32_t index = lower_bound(edges, peer);
    if (index == edges->count || edges->sorted[index]->want.peer != peer) {
        return NULL;
    }
    return edges->sorted[index];
}

static bool make_room(struct hwi_edges *edges)
{
    if (edges->count < edges->capacity) {
        return true;
    }
    if (edges->count == HWI_EDGES_MAX) {
        return false;
    }
    uint32_t capacity = edges->capacity ? 2 * edges->capacity : 16;
    struct hwi_edge **sorted = realloc(edges->sorted, capacity * sizeof *sorted);
    if (sorted == NULL) {
        return false;
    }
    edges->sorted = sorted;
    edges->capacity = capacity;
    return true;
}

static struct hwi_edge *insert(struct hwi_edges *edges, const struct hwi_msg_edge_open *want)
{
    struct hwi_edge *edge = make_room(edges) ? calloc(1, sizeof *edge) : NULL;
    if (edge == NULL) {
        return NULL;
    }
    edge->want = *want;
    edge->state = want->dial ? HWI_EDGE_DIALLING : HWI_EDGE_EXPECTED;
    uint32_t index = lower_bound(edges, want->peer);
    memmove(edges->sorted + index + 1, edges->sorted + index,
            (edges->count - index) * sizeof edges->sorted[0]);
    edges->sorted[index] = edge;
    edges->count++;
    return edge;
}

static void take_out(struct hwi_edges *edges, const struct hwi_edge *edge)
{
    uint32_t index = lower_bound(edges, edge->want.peer);
    edges->count--;
    memmove(edges->sorted + index, edges->sorted + index + 1,
            (edges->count - index) * sizeof edges->sorted[0]);
}

// ---- up and down --------------------------------------------------------------------------------

static void post(struct hwi_edges *edges, const struct hwi_msg *msg)
{
    hwi_drain_post(edges->drain, hwi_addr_of(HWI_ROLE_DATA, 0), hwi_addr_of(HWI_ROLE_PEER, 0), msg);
}

static void say_up(struct hwi_edges *edges, uint64_t peer)
{
    struct hwi_msg msg = {.type = HWI_MSG_edge_up, .u.edge_up.peer = peer};
    post(edges, &msg);
}

static void say_down(struct hwi_edges *edges, uint64_t peer, const char *format, va_list values)
{
    struct hwi_msg msg = {.type = HWI_MSG_edge_down, .u.edge_down.peer = peer};
    vsnprintf(msg.u.edge_down.reason, sizeof msg.u.edge_down.reason, format, values);
    edges->downs++;
    post(edges, &msg);
}

void hwi_edges_close_stripe(struct hwi_edges *edges, struct hwi_stripe *stripe)
{
    hwi_stripe_close(stripe, edges->poller, edges->data);
    stripe->next = edges->closed_stripes;
    edges->closed_stripes = stripe;
}

void hwi_edge_reset(struct hwi_edges *edges, struct hwi_edge *edge)
{
    for (uint32_t lane = 0; lane < HWI_LANES; lane++) {
        for (uint32_t i = 0; i < HWI_STRIPES_MAX; i++) {
            if (edge->stripes[lane][i] != NULL) {
                hwi_edges_close_stripe(edges, edge->stripes[lane][i]);
            }
            edge->stripes[lane][i] = NULL;
        }
    }
    edge->proven = 0;
}

// Closes and forgets the edge; no event.
static void drop(struct hwi_edges *edges, struct hwi_edge *edge)
{
    bool up = edge->state == HWI_EDGE_UP;
    hwi_edge_reset(edges, edge);
    hwi_meters_remove(&edges->meters, edge->meter);
    edge->meter = NULL;
    take_out(edges, edge);
    edge->state = HWI_EDGE_CLOSED;
    edge->next_closed = edges->closed_edges;
    edges->closed_edges = edge;
    if (up) {
        hwi_data_edge_remove(edges->data, edge->want.peer);
    }
}

void hwi_edge_fail(struct hwi_edges *edges, struct hwi_edge *edge, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    drop(edges, edge);
    say_down(edges, edge->want.peer, format, values);
    va_end(values);
}

static void up(struct hwi_edges *edges, struct hwi_edge *edge)
{
    edge->state = HWI_EDGE_UP;
    for (uint32_t lane = 0; lane < HWI_LANES; lane++) {
        for (uint32_t i = 0; i < edge->count; i++) {
            if (!hwi_poller_set(edges->poller, &edge->stripes[lane][i]->watch, HWI_READABLE)) {
                edge->state = HWI_EDGE_EXPECTED; // the data port does not know it yet
                hwi_edge_fail(edges, edge, "no room in the poller");
                return;
            }
        }
    }
    hwi_data_edge_add(edges->data, edge->want.peer);
    edge->meter = hwi_meters_add(&edges->meters, edge->want.peer, edge->count, edges->now_ns);
    say_up(edges, edge->want.peer);
}

void hwi_edge_proven(struct hwi_edges *edges, struct hwi_edge *edge, struct hwi_stripe *stripe)
{
    stripe->state = HWI_STRIPE_PROVEN;
    stripe->partial_bytes = 0;
    edge->proven++;
    if (edge->proven == HWI_LANES * edge->count) {
        up(edges, edge);
    } else { // frames that came early stay in the kernel
        hwi_poller_set(edges->poller, &stripe->watch, HWI_HANGUP);
    }
}

// ---- the peer actor's commands ------------------------------------------------------------------

static bool same_edge(const struct hwi_msg_edge_open *a, const struct hwi_msg_edge_open *b)
{
    return a->run == b->run && a->self == b->self && a->self_incarnation == b->self_incarnation &&
           a->incarnation == b->incarnation && a->dial == b->dial;
}

static void refuse(struct hwi_edges *edges, uint64_t peer, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    say_down(edges, peer, format, values);
    va_end(values);
}

void hwi_edges_open(struct hwi_edges *edges, const struct hwi_msg_edge_open *want)
{
    struct hwi_edge *edge = hwi_edges_find(edges, want->peer);
    if (edge != NULL && same_edge(&edge->want, want)) {
        if (edge->state == HWI_EDGE_UP) {
            say_up(edges, want->peer);
        }
        return; // on its way: answered when it is up or down
    }
    if (edge != NULL) {
        drop(edges, edge);
    }
    edge = insert(edges, want);
    if (edge == NULL) {
        refuse(edges, want->peer, "no room for more than %d edges", HWI_EDGES_MAX);
    } else if (want->dial) {
        hwi_edge_dial(edges, edge);
    } else {
        hwi_edge_adopt(edges, edge);
    }
}

void hwi_edges_close(struct hwi_edges *edges, uint64_t peer)
{
    struct hwi_edge *edge = hwi_edges_find(edges, peer);
    if (edge != NULL) {
        drop(edges, edge);
    }
}

// ---- frames -------------------------------------------------------------------------------------

static void mark(struct hwi_edges *edges, struct hwi_edge *edge)
{
    if (edge->dirty) {
        return;
    }
    edge->dirty = true;
    edge->next_dirty = edges->dirty;
    edges->dirty = edge;
}

void hwi_edges_kick(struct hwi_edges *edges, uint64_t peer)
{
    struct hwi_edge *edge = hwi_edges_find(edges, peer);
    if (edge != NULL) {
        mark(edges, edge);
    }
}

void hwi_edges_broken(struct hwi_edges *edges, uint64_t peer, const char *why)
{
    struct hwi_edge *edge = hwi_edges_find(edges, peer);
    if (edge == NULL) {
        return;
    }
    edge->broken = why;
    mark(edges, edge);
}

// Interest follows from whether the socket is full.
static void set_blocked(struct hwi_edges *edges, struct hwi_stripe *stripe, bool blocked)
{
    stripe->blocked = blocked;
    hwi_poller_set(edges->poller, &stripe->watch,
                   blocked ? HWI_READABLE | HWI_WRITABLE : HWI_READABLE);
}

static struct hwi_stripe_meter *meter_of(struct hwi_edge *edge, const struct hwi_stripe *stripe)
{
    return &edge->meter->meters[stripe->hello.lane][stripe->hello.index];
}

// Writes on one stripe. It may be the end of the edge.
static enum hwi_progress write_stripe(struct hwi_edges *edges, struct hwi_edge *edge,
                                      struct hwi_stripe *stripe)
{
    char why[HWI_WHY_BYTES_MAX] = "";
    enum hwi_progress progress = hwi_stripe_write(stripe, edges->data, edge->want.peer, why);
    if (edge->meter != NULL) {
        hwi_meter_set(&meter_of(edge, stripe)->sent, stripe->bytes_sent, edges->now_ns);
    }
    if (progress == HWI_PROGRESS_OVER) {
        hwi_edge_fail(edges, edge, "writing to a stripe: %s", why);
    } else {
        set_blocked(edges, stripe, progress == HWI_PROGRESS_BLOCKED);
    }
    return progress;
}

// The first stripe that is not full takes all it can, so small traffic stays on one connection;
// those after it only finish what they have in hand.
static enum hwi_progress write_lane(struct hwi_edges *edges, struct hwi_edge *edge, uint32_t lane)
{
    bool more = false, idle = false;
    for (uint32_t i = 0; i < edge->count; i++) {
        struct hwi_stripe *stripe = edge->stripes[lane][i];
        if (stripe->blocked || (idle && stripe->out_count == 0)) {
            continue;
        }
        enum hwi_progress progress = write_stripe(edges, edge, stripe);
        if (progress == HWI_PROGRESS_OVER) {
            return progress;
        }
        idle = idle || progress == HWI_PROGRESS_IDLE;
        more = more || progress == HWI_PROGRESS_MORE;
    }
    return more ? HWI_PROGRESS_MORE : HWI_PROGRESS_IDLE;
}

static void settle(struct hwi_edges *edges, struct hwi_edge *edge)
{
    bool more = false;
    if (edge->broken != NULL) {
        hwi_edge_fail(edges, edge, "the peer broke the protocol: %s", edge->broken);
        return;
    }
    for (uint32_t lane = 0; lane < HWI_LANES && edge->state == HWI_EDGE_UP; lane++) {
        more = write_lane(edges, edge, lane) == HWI_PROGRESS_MORE || more;
    }
    if (more && edge->state == HWI_EDGE_UP) {
        mark(edges, edge);
    }
}

bool hwi_edges_settle(struct hwi_edges *edges)
{
    struct hwi_edge *edge = edges->dirty, *next;
    edges->dirty = NULL;
    for (; edge != NULL; edge = next) {
        next = edge->next_dirty;
        edge->dirty = false;
        if (edge->state != HWI_EDGE_CLOSED) {
            settle(edges, edge);
        }
    }
    return edges->dirty != NULL;
}

static void read_stripe(struct hwi_edges *edges, struct hwi_edge *edge, struct hwi_stripe *stripe)
{
    char why[HWI_WHY_BYTES_MAX] = "";
    enum hwi_progress progress =
        hwi_stripe_read(stripe, edges->data, edge->want.peer, edges->staging, why);
    if (edge->meter != NULL) {
        hwi_meter_set(&meter_of(edge, stripe)->received, stripe->bytes_received, edges->now_ns);
    }
    if (progress == HWI_PROGRESS_OVER) {
        hwi_edge_fail(edges, edge, "reading from a stripe: %s", why);
    }
}

static void frames_ready(struct hwi_edges *edges, struct hwi_stripe *stripe, uint32_t what)
{
    struct hwi_edge *edge = stripe->edge;
    if (edge->state == HWI_EDGE_UP) {
        if (what & HWI_WRITABLE) {
            stripe->blocked = false;
            mark(edges, edge);
        }
        if (what & (HWI_READABLE | HWI_HANGUP)) {
            read_stripe(edges, edge, stripe);
        }
    } else if (edge->state == HWI_EDGE_DIALLING) {
        hwi_edge_fail(edges, edge, "%s closed a stripe before all were open", edge->want.address);
    } else {
        hwi_edge_reset(edges, edge); // the dialler gave up; it may come again
    }
}

void hwi_edges_ready(struct hwi_edges *edges, const struct hwi_ready *ready)
{
    if (ready->watch->kind == HWI_WATCH_LISTENER) {
        hwi_edges_accept(edges);
        return;
    }
    struct hwi_stripe *stripe = (struct hwi_stripe *)ready->watch; // its first member
    switch (stripe->state) {
    case HWI_STRIPE_CONNECTING:
    case HWI_STRIPE_ASKING:
        hwi_stripe_dialled(edges, stripe);
        break;
    case HWI_STRIPE_HELLO:
    case HWI_STRIPE_WAITING:
        hwi_stripe_accepted(edges, stripe);
        break;
    case HWI_STRIPE_PROVEN:
        frames_ready(edges, stripe, ready->what);
        break;
    default: // closed earlier in this turn
        break;
    }
}

// ---- time and life ------------------------------------------------------------------------------

static void expire_dials(struct hwi_edges *edges, uint64_t now_ns)
{
    edges->dials_until_ns = HWI_NEVER;
    for (uint32_t i = edges->count; i-- > 0;) {
        struct hwi_edge *edge = edges->sorted[i];
        if (edge->state != HWI_EDGE_DIALLING) {
            continue;
        }
        if (edge->deadline_ns <= now_ns) {
            hwi_edge_fail(edges, edge, "%s did not answer in %d s", edge->want.address,
                          (int)(HWI_PROVE_NS_MAX / HWI_NS_PER_S));
        } else {
            edges->dials_until_ns = HWI_MIN(edges->dials_until_ns, edge->deadline_ns);
        }
    }
}

void hwi_edges_expire(struct hwi_edges *edges, uint64_t now_ns)
{
    edges->now_ns = now_ns;
    if (now_ns < hwi_edges_next_deadline(edges)) {
        return;
    }
    hwi_edges_expire_unproven(edges, now_ns);
    if (now_ns >= edges->dials_until_ns) {
        expire_dials(edges, now_ns);
    }
}

uint64_t hwi_edges_next_deadline(const struct hwi_edges *edges)
{
    uint64_t next_ns = edges->unproven != NULL ? edges->unproven->deadline_ns : HWI_NEVER;
    if (edges->accept_after_ns) {
        next_ns = HWI_MIN(next_ns, edges->accept_after_ns);
    }
    return HWI_MIN(next_ns, edges->dials_until_ns);
}

void hwi_edges_bury(struct hwi_edges *edges)
{
    while (edges->closed_stripes != NULL) {
        struct hwi_stripe *stripe = edges->closed_stripes;
        edges->closed_stripes = stripe->next;
        free(stripe);
    }
    struct hwi_edge **link = &edges->closed_edges;
    while (*link != NULL) {
        struct hwi_edge *edge = *link;
        if (edge->dirty) { // still in that list; the next settle takes it out
            link = &edge->next_closed;
            continue;
        }
        *link = edge->next_closed;
        free(edge);
    }
}

bool hwi_edges_init(struct hwi_edges *edges, int poller, struct hwi_drain *drain,
                    struct hwi_data *data, struct hwi_address *listen)
{
    int fd = hwi_socket_listen(listen);
    if (fd < 0) {
        return false;
    }
    edges->poller = poller;
    edges->drain = drain;
    edges->data = data;
    edges->dials_until_ns = HWI_NEVER;
    edges->listener = (struct hwi_watch){.fd = fd, .kind = HWI_WATCH_LISTENER};
    edges->now_ns = hwi_host_now();
    hwi_meters_init(&edges->meters);
    edges->staging = malloc(sizeof *edges->staging);
    if (edges->staging != NULL && hwi_poller_set(poller, &edges->listener, HWI_READABLE)) {
        return true;
    }
    hwi_poller_close(poller, &edges->listener);
    hwi_meters_fini(&edges->meters);
    free(edges->staging);
    edges->staging = NULL;
    return false;
}

void hwi_edges_abandon(struct hwi_edges *edges)
{
    hwi_poller_close(edges->poller, &edges->listener);
    for (struct hwi_stripe *stripe = edges->unproven; stripe != NULL; stripe = stripe->next) {
        hwi_poller_close(edges->poller, &stripe->watch);
    }
    for (uint32_t i = 0; i < edges->count; i++) {
        for (uint32_t k = 0; k < HWI_LANES * HWI_STRIPES_MAX; k++) {
            struct hwi_stripe *stripe =
                edges->sorted[i]->stripes[k / HWI_STRIPES_MAX][k % HWI_STRIPES_MAX];
            if (stripe != NULL) {
                hwi_poller_close(edges->poller, &stripe->watch);
            }
        }
    }
}

void hwi_edges_fini(struct hwi_edges *edges)
{
    if (edges->staging == NULL) {
        return;
    }
    hwi_poller_close(edges->poller, &edges->listener);
    hwi_edges_drop_unproven(edges);
    while (edges->count > 0) {
        drop(edges, edges->sorted[edges->count - 1]);
    }
    hwi_edges_settle(edges);
    hwi_edges_bury(edges);
    hwi_meters_fini(&edges->meters);
    free(edges->sorted);
    free(edges->staging);
    *edges = (struct hwi_edges){.listener.fd = -1};
}
