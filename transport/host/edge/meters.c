// SPDX-License-Identifier: MIT
#include "transport/host/edge/meters.h"

#include <stdlib.h>

_Static_assert((int)HWS_STRIPES_MAX == (int)HWI_STRIPES_MAX, "each stripe has its place");

static uint64_t get(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void set(_Atomic uint64_t *value, uint64_t to)
{
    atomic_store_explicit(value, to, memory_order_relaxed);
}

void hwi_meters_init(struct hwi_meters *meters)
{
    pthread_mutex_init(&meters->mutex, NULL);
}

void hwi_meters_fini(struct hwi_meters *meters)
{
    pthread_mutex_destroy(&meters->mutex);
}

struct hwi_edge_meter *hwi_meters_add(struct hwi_meters *meters, uint64_t peer, uint32_t stripes,
                                      uint64_t now_ns)
{
    struct hwi_edge_meter *edge = calloc(1, sizeof *edge);
    if (edge == NULL) {
        return NULL;
    }
    edge->peer = peer;
    edge->stripes = stripes;
    for (uint32_t i = 0; i < HWI_LANES * HWI_STRIPES_MAX; i++) {
        struct hwi_stripe_meter *meter = &edge->meters[i / HWI_STRIPES_MAX][i % HWI_STRIPES_MAX];
        set(&meter->sent.window_ns, now_ns);
        set(&meter->received.window_ns, now_ns);
    }
    pthread_mutex_lock(&meters->mutex);
    struct hwi_edge_meter **link = &meters->first;
    while (*link != NULL && (*link)->peer < peer) {
        link = &(*link)->next;
    }
    edge->next = *link;
    *link = edge;
    pthread_mutex_unlock(&meters->mutex);
    return edge;
}

void hwi_meters_remove(struct hwi_meters *meters, struct hwi_edge_meter *edge)
{
    if (edge == NULL) {
        return;
    }
    pthread_mutex_lock(&meters->mutex);
    struct hwi_edge_meter **link = &meters->first;
    while (*link != edge) {
        link = &(*link)->next;
    }
    *link = edge->next;
    pthread_mutex_unlock(&meters->mutex);
    free(edge);
}

static uint64_t rate_of(uint64_t bytes, uint64_t ns)
{
    return ns == 0 ? 0 : (uint64_t)((double)bytes * (double)HWI_NS_PER_S / (double)ns);
}

void hwi_meter_set(struct hwi_meter *meter, uint64_t bytes, uint64_t now_ns)
{
    uint64_t since_ns = now_ns - get(&meter->window_ns);
    if (since_ns >= HWI_METER_WINDOW_NS) {
        uint64_t before = get(&meter->bytes); // these here are of the next window
        set(&meter->per_s, rate_of(before - get(&meter->window_bytes), since_ns));
        set(&meter->window_bytes, before);
        set(&meter->window_ns, now_ns);
    }
    set(&meter->bytes, bytes);
}

// A window that is half over tells more than the one before it.
static uint64_t rate_now(const struct hwi_meter *meter, uint64_t now_ns)
{
    uint64_t since_ns = now_ns - get(&meter->window_ns);
    uint64_t per_s = get(&meter->per_s);
    if (per_s > 0 && since_ns < HWI_METER_WINDOW_NS / 2) {
        return per_s;
    }
    return rate_of(get(&meter->bytes) - get(&meter->window_bytes), since_ns);
}

static hws_stripe_stats read_stripe(const struct hwi_stripe_meter *meter, uint64_t now_ns)
{
    return (hws_stripe_stats){
        .bytes_sent = get(&meter->sent.bytes),
        .bytes_received = get(&meter->received.bytes),
        .sent_per_s = rate_now(&meter->sent, now_ns),
        .received_per_s = rate_now(&meter->received, now_ns),
    };
}

static void add(hws_edge_stats *sum, const hws_stripe_stats *stripe)
{
    sum->bytes_sent += stripe->bytes_sent;
    sum->bytes_received += stripe->bytes_received;
    sum->sent_per_s += stripe->sent_per_s;
    sum->received_per_s += stripe->received_per_s;
}

static hws_edge_stats read_edge(const struct hwi_edge_meter *edge, uint64_t now_ns)
{
    hws_edge_stats stats = HWS_EDGE_STATS_INIT;
    stats.peer.value = edge->peer;
    stats.stripe_count = edge->stripes;
    for (uint32_t lane = 0; lane < HWI_LANES; lane++) {
        for (uint32_t i = 0; i < edge->stripes; i++) {
            hws_stripe_stats stripe = read_stripe(&edge->meters[lane][i], now_ns);
            add(&stats, &stripe);
            if (lane == HWI_LANE_REDUCER) {
                stats.stripes[i] = stripe;
            }
        }
    }
    return stats;
}

void hwi_meters_read(struct hwi_meters *meters, uint64_t now_ns, hwi_edges_fn tell, void *user)
{
    pthread_mutex_lock(&meters->mutex);
    for (const struct hwi_edge_meter *edge = meters->first; edge != NULL; edge = edge->next) {
        hws_edge_stats stats = read_edge(edge, now_ns);
        tell(user, &stats);
    }
    pthread_mutex_unlock(&meters->mutex);
}
