// SPDX-License-Identifier: MIT
#include "transport/host/edge/edges.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/base/rows.h"
#include "transport/os/os_linux.h"

// ---- the table

static int compare_peer(const void *item, const void *wanted)
{
    const struct hwi_edge *const *edge = item;
    const uint64_t *peer = wanted;
    return ((*edge)->want.peer > *peer) - ((*edge)->want.peer < *peer);
}

// Index of the first edge whose peer id is not below `peer`.
static uint32_t place_of(const struct hwi_edges *edges, uint64_t peer)
{
    return hwi_rows_place(edges->sorted, edges->count, sizeof(struct hwi_edge *), compare_peer,
                          &peer);
}

static struct hwi_edge *find(const struct hwi_edges *edges, uint64_t peer)
{
    struct hwi_edge *const *edge =
        hwi_rows_find(edges->sorted, edges->count, sizeof(struct hwi_edge *), compare_peer, &peer);
    return edge != NULL ? *edge : NULL;
}

static bool make_room(struct hwi_edges *edges)
{
    if (edges->count < edges->capacity) {
        return true;
    }
    if (edges->count == HWI_EDGES_MAX) {
        return false;
    }
    uint32_t capacity = edges->capacity > 0 ? 2 * edges->capacity : 16;
    struct hwi_edge **sorted = realloc(edges->sorted, capacity * sizeof *sorted);
    if (sorted == NULL) {
        return false;
    }
    edges->sorted = sorted;
    edges->capacity = capacity;
    return true;
}

static struct hwi_edge *insert(struct hwi_edges *edges, struct hwi_edge_kind *kind,
                               const struct hwi_msg_edge_open *want)
{
    struct hwi_edge *edge = make_room(edges) ? calloc(1, kind->ops->edge_bytes) : NULL;
    if (edge == NULL) {
        return NULL;
    }
    edge->kind = kind;
    edge->want = *want;
    edge->state = want->dial ? HWI_EDGE_DIALLING : HWI_EDGE_EXPECTED;
    struct hwi_edge **row =
        HWI_ROWS_OPEN(edges->sorted, &edges->count, place_of(edges, want->peer));
    *row = edge;
    return edge;
}

static void take_out(struct hwi_edges *edges, const struct hwi_edge *edge)
{
    HWI_ROWS_REMOVE(edges->sorted, &edges->count, place_of(edges, edge->want.peer));
}

// ---- what a kind has of its host

int hwi_edges_poller(const struct hwi_edges *edges)
{
    return edges->poller;
}

struct hwi_data *hwi_edges_data(const struct hwi_edges *edges)
{
    return edges->data;
}

struct hwi_staging *hwi_edges_staging(struct hwi_edges *edges)
{
    return edges->staging;
}

struct hwi_edge_watch hwi_edge_watch_of(struct hwi_edge_kind *kind, int fd)
{
    return (struct hwi_edge_watch){.watch = {.fd = fd, .kind = HWI_WATCH_EDGE}, .kind = kind};
}

struct hwi_edge *hwi_edge_of(struct hwi_edge_kind *kind, uint64_t peer)
{
    struct hwi_edge *edge = find(kind->edges, peer);
    return edge != NULL && edge->kind == kind ? edge : NULL;
}

struct hwi_edge *hwi_edge_after(struct hwi_edge_kind *kind, const struct hwi_edge *edge)
{
    const struct hwi_edges *edges = kind->edges;
    uint32_t index = edge != NULL ? place_of(edges, edge->want.peer + 1) : 0;
    while (index < edges->count && edges->sorted[index]->kind != kind) {
        index++;
    }
    return index < edges->count ? edges->sorted[index] : NULL;
}

// ---- up and down

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

// Closes and forgets the edge; no event.
static void drop(struct hwi_edges *edges, struct hwi_edge *edge)
{
    bool up = edge->state == HWI_EDGE_UP;
    edge->kind->ops->close(edge->kind, edge);
    hwi_meters_remove(&edges->meters, edge->meter);
    edge->meter = NULL;
    take_out(edges, edge);
    edge->state = HWI_EDGE_CLOSED;
    edge->next_closed = edges->closed;
    edges->closed = edge;
    if (up) {
        hwi_data_edge_remove(edges->data, edge->want.peer);
    }
}

void hwi_edge_fail(struct hwi_edge *edge, const char *format, ...)
{
    struct hwi_edges *edges = edge->kind->edges;
    va_list values;
    va_start(values, format);
    drop(edges, edge);
    say_down(edges, edge->want.peer, format, values);
    va_end(values);
}

void hwi_edge_up(struct hwi_edge *edge, uint32_t stripes)
{
    struct hwi_edges *edges = edge->kind->edges;
    edge->state = HWI_EDGE_UP;
    hwi_data_edge_add(edges->data, edge->want.peer);
    edge->meter = hwi_meters_add(&edges->meters, edge->want.peer, stripes, edges->now_ns);
    say_up(edges, edge->want.peer);
}

void hwi_edge_sent(struct hwi_edge *edge, enum hwi_lane lane, uint32_t stripe, uint64_t bytes)
{
    if (edge->meter != NULL) {
        hwi_meter_set(&edge->meter->meters[lane][stripe].sent, bytes, edge->kind->edges->now_ns);
    }
}

void hwi_edge_received(struct hwi_edge *edge, enum hwi_lane lane, uint32_t stripe, uint64_t bytes)
{
    if (edge->meter != NULL) {
        hwi_meter_set(&edge->meter->meters[lane][stripe].received, bytes,
                      edge->kind->edges->now_ns);
    }
}

// ---- the peer actor's commands

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

// The first that reaches the peer, or NULL.
static struct hwi_edge_kind *choose(const struct hwi_edges *edges,
                                    const struct hwi_msg_edge_open *want)
{
    for (uint32_t i = 0; i < edges->kind_count; i++) {
        struct hwi_edge_kind *kind = edges->kinds[i];
        if (kind->ops->reaches == NULL || kind->ops->reaches(kind, want)) {
            return kind;
        }
    }
    return NULL;
}

static void dial(struct hwi_edges *edges, struct hwi_edge *edge)
{
    edge->deadline_ns = hwi_os_now() + HWI_PROVE_NS_MAX;
    edges->dials_until_ns = HWI_MIN(edges->dials_until_ns, edge->deadline_ns);
    edge->kind->ops->dial(edge->kind, edge);
}

void hwi_edges_open(struct hwi_edges *edges, const struct hwi_msg_edge_open *want)
{
    struct hwi_edge *edge = find(edges, want->peer);
    if (edge != NULL && same_edge(&edge->want, want)) {
        if (edge->state == HWI_EDGE_UP) {
            say_up(edges, want->peer);
        }
        return; // on its way: answered when it is up or down
    }
    if (edge != NULL) {
        drop(edges, edge);
    }
    struct hwi_edge_kind *kind = choose(edges, want);
    if (kind == NULL) {
        refuse(edges, want->peer, "there is no way to \"%s\"", want->address);
        return;
    }
    edge = insert(edges, kind, want);
    if (edge == NULL) {
        refuse(edges, want->peer, "no room for more than %d edges", HWI_EDGES_MAX);
    } else if (want->dial) {
        dial(edges, edge);
    } else {
        kind->ops->expect(kind, edge);
    }
}

void hwi_edges_close(struct hwi_edges *edges, uint64_t peer)
{
    struct hwi_edge *edge = find(edges, peer);
    if (edge != NULL) {
        drop(edges, edge);
    }
}

// ---- frames

void hwi_edge_mark(struct hwi_edge *edge)
{
    struct hwi_edges *edges = edge->kind->edges;
    if (edge->dirty) {
        return;
    }
    edge->dirty = true;
    edge->next_dirty = edges->dirty;
    edges->dirty = edge;
}

void hwi_edges_kick(struct hwi_edges *edges, uint64_t peer)
{
    struct hwi_edge *edge = find(edges, peer);
    if (edge != NULL) {
        hwi_edge_mark(edge);
    }
}

void hwi_edges_broken(struct hwi_edges *edges, uint64_t peer, const char *why)
{
    struct hwi_edge *edge = find(edges, peer);
    if (edge == NULL) {
        return;
    }
    edge->broken = why;
    hwi_edge_mark(edge);
}

static void settle(struct hwi_edge *edge)
{
    if (edge->broken != NULL) {
        hwi_edge_fail(edge, "the member broke the protocol: %s", edge->broken);
        return;
    }
    bool more = edge->state == HWI_EDGE_UP && edge->kind->ops->write(edge->kind, edge);
    if (more && edge->state == HWI_EDGE_UP) {
        hwi_edge_mark(edge);
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
            settle(edge);
        }
    }
    return edges->dirty != NULL;
}

void hwi_edges_ready(struct hwi_edges *edges, const struct hwi_ready *ready)
{
    (void)edges;
    struct hwi_edge_watch *watch = (struct hwi_edge_watch *)ready->watch; // its first member
    watch->kind->ops->ready(watch->kind, watch, ready->what);
}

// ---- time and life

static void expire_dials(struct hwi_edges *edges, uint64_t now_ns)
{
    edges->dials_until_ns = HWI_NEVER;
    for (uint32_t i = edges->count; i-- > 0;) {
        struct hwi_edge *edge = edges->sorted[i];
        if (edge->state != HWI_EDGE_DIALLING) {
            continue;
        }
        if (edge->deadline_ns <= now_ns) {
            hwi_edge_fail(edge, "%s did not answer in %d s", edge->want.address,
                          (int)(HWI_PROVE_NS_MAX / HWI_NS_PER_S));
        } else {
            edges->dials_until_ns = HWI_MIN(edges->dials_until_ns, edge->deadline_ns);
        }
    }
}

void hwi_edges_expire(struct hwi_edges *edges, uint64_t now_ns)
{
    edges->now_ns = now_ns;
    for (uint32_t i = 0; i < edges->kind_count; i++) {
        struct hwi_edge_kind *kind = edges->kinds[i];
        if (now_ns >= kind->ops->next_ns(kind)) {
            kind->ops->expire(kind, now_ns);
        }
    }
    if (now_ns >= edges->dials_until_ns) {
        expire_dials(edges, now_ns);
    }
}

uint64_t hwi_edges_next_deadline(const struct hwi_edges *edges)
{
    uint64_t next_ns = edges->dials_until_ns;
    for (uint32_t i = 0; i < edges->kind_count; i++) {
        next_ns = HWI_MIN(next_ns, edges->kinds[i]->ops->next_ns(edges->kinds[i]));
    }
    return next_ns;
}

uint64_t hwi_edges_refused(const struct hwi_edges *edges)
{
    uint64_t refused = 0;
    for (uint32_t i = 0; i < edges->kind_count; i++) {
        refused += edges->kinds[i]->refused;
    }
    return refused;
}

void hwi_edges_bury(struct hwi_edges *edges)
{
    for (uint32_t i = 0; i < edges->kind_count; i++) {
        edges->kinds[i]->ops->bury(edges->kinds[i]);
    }
    struct hwi_edge **link = &edges->closed;
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
                    struct hwi_data *data)
{
    edges->staging = malloc(sizeof *edges->staging);
    if (edges->staging == NULL) {
        return false;
    }
    edges->poller = poller;
    edges->drain = drain;
    edges->data = data;
    edges->dials_until_ns = HWI_NEVER;
    edges->now_ns = hwi_os_now();
    hwi_meters_init(&edges->meters);
    return true;
}

bool hwi_edges_add(struct hwi_edges *edges, struct hwi_edge_kind *kind)
{
    if (kind == NULL) {
        return false;
    }
    HWI_CHECK(edges->kind_count < HWI_EDGE_KINDS_MAX && kind->edges == edges);
    edges->kinds[edges->kind_count++] = kind;
    return true;
}

void hwi_edges_abandon(struct hwi_edges *edges)
{
    for (uint32_t i = 0; i < edges->kind_count; i++) {
        edges->kinds[i]->ops->abandon(edges->kinds[i]);
    }
}

void hwi_edges_fini(struct hwi_edges *edges)
{
    if (edges->staging == NULL) {
        return;
    }
    while (edges->count > 0) {
        drop(edges, edges->sorted[edges->count - 1]);
    }
    hwi_edges_settle(edges);
    hwi_edges_bury(edges);
    while (edges->kind_count > 0) {
        struct hwi_edge_kind *kind = edges->kinds[--edges->kind_count];
        kind->ops->destroy(kind);
    }
    hwi_meters_fini(&edges->meters);
    free(edges->sorted);
    free(edges->staging);
    *edges = (struct hwi_edges){0};
}
