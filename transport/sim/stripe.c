// SPDX-License-Identifier: MIT
// Stripes: frames leave one data port one at a time per stripe, and reach the other after the
// edge's delay. The stripes of a lane differ a little in their delay, so frames overtake each
// other.
#include "transport/sim/world.h"

#include <string.h>

static void start(struct hwi_sim_stripe *stripe);

void hwi_sim_flight_release(struct hwi_sim_flight *flight)
{
    if (flight != NULL && --flight->references == 0) {
        hwi_free(&hwi_alloc_libc, flight);
    }
}

void hwi_sim_stripes_create(struct hwi_sim_conn *conn)
{
    for (uint8_t from = 0; from < 2; from++) {
        for (uint8_t lane = 0; lane < HWI_LANES; lane++) {
            struct hwi_sim_stripe *stripes =
                hwi_new(&hwi_alloc_libc, conn->stripes * sizeof(*stripes));
            for (uint32_t i = 0; i < conn->stripes; i++) {
                stripes[i].conn = conn;
                stripes[i].from = from;
                stripes[i].lane = lane;
                stripes[i].index = i;
            }
            conn->lanes[from][lane] = stripes;
        }
    }
}

void hwi_sim_stripes_destroy(struct hwi_sim_conn *conn)
{
    for (uint8_t from = 0; from < 2; from++) {
        for (uint8_t lane = 0; lane < HWI_LANES; lane++) {
            hwi_free(&hwi_alloc_libc, conn->lanes[from][lane]);
        }
    }
}

// One end lets go of the frames it is sending and receiving.
void hwi_sim_stripes_stop(struct hwi_sim_conn *conn, const struct hwi_sim_process *end)
{
    const char *why;
    for (uint8_t from = 0; from < 2; from++) {
        for (uint32_t i = 0; i < HWI_LANES * conn->stripes; i++) {
            struct hwi_sim_stripe *stripe =
                &conn->lanes[from][i / conn->stripes][i % conn->stripes];
            if (conn->ends[from] == end && stripe->sending) {
                stripe->sending = false;
                hwi_data_sent(end->data, &stripe->out, false);
            }
            if (conn->ends[!from] == end && stripe->receiving) {
                stripe->receiving = false;
                hwi_data_received(end->data, &stripe->in, NULL, &why);
            }
        }
    }
}

static uint64_t delay_of(const struct hwi_sim_stripe *stripe)
{
    uint64_t edge_ns = stripe->conn->ends[0]->sim->config.edge_ns;
    uint32_t stripes = stripe->conn->stripes;
    return edge_ns + edge_ns * (stripes - 1 - stripe->index) / (4 * stripes);
}

static uint64_t transmission_of(const struct hwi_sim_stripe *stripe)
{
    uint64_t rate = stripe->conn->ends[0]->sim->config.edge_bytes_per_s;
    uint64_t bytes = HWI_FRAME_HEADER_BYTES + stripe->out.payload_bytes + HWI_FRAME_TRAILER_BYTES;
    return rate > 0 ? bytes * stripe->conn->stripes * HWI_NS_PER_S / rate : 0;
}

static void schedule(struct hwi_sim_stripe *stripe, struct hwi_sim_process *process,
                     struct hwi_sim_flight *flight,
                     void (*happen)(struct hwi_sim_process *, struct hwi_sim_event *),
                     uint64_t delay_ns)
{
    struct hwi_sim_event *event = hwi_sim_event_new();
    event->process = process;
    event->happen = happen;
    event->conn = stripe->conn;
    event->stripe = stripe;
    event->flight = flight;
    flight->references++;
    hwi_sim_schedule(process->sim, event, delay_ns);
}

// ---- the receiving end

static void head_arrives(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_stripe *stripe = event->stripe;
    struct hwi_sim_edge *edge = hwi_sim_edge_over(process, event->conn);
    const char *why = NULL;
    if (edge == NULL) {
        return;
    }
    if (hwi_data_arriving(process->data, edge->peer, stripe->lane, event->flight->header,
                          &stripe->in, &why) == HWI_VERDICT_OK) {
        stripe->receiving = true;
    } else {
        hwi_sim_edge_break(process, event->conn, why);
    }
}

static void tail_arrives(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_stripe *stripe = event->stripe;
    const struct hwi_sim_flight *flight = event->flight;
    const char *why = NULL;
    if (hwi_sim_edge_over(process, event->conn) == NULL || !stripe->receiving) {
        return;
    }
    if (stripe->in.target != NULL && flight->payload_bytes > 0) {
        memcpy(stripe->in.target, flight->payload, flight->payload_bytes);
    }
    stripe->receiving = false;
    if (hwi_data_received(process->data, &stripe->in, flight->trailer, &why) != HWI_VERDICT_OK) {
        hwi_sim_edge_break(process, event->conn, why);
    }
}

// ---- the sending end

static void frame_left(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_stripe *stripe = event->stripe;
    struct hwi_sim_flight *flight = event->flight;
    if (!stripe->sending || stripe->flight != flight) {
        return; // the edge went down meanwhile
    }
    if (stripe->out.payload != NULL && flight->payload_bytes > 0) {
        memcpy(flight->payload, stripe->out.payload, flight->payload_bytes);
    }
    memcpy(flight->trailer, stripe->out.trailer, sizeof(flight->trailer));
    schedule(stripe, stripe->conn->ends[!stripe->from], flight, tail_arrives, delay_of(stripe));
    stripe->sending = false;
    hwi_data_sent(process->data, &stripe->out, true);
    start(stripe);
}

static void start(struct hwi_sim_stripe *stripe)
{
    struct hwi_sim_process *process = stripe->conn->ends[stripe->from];
    const struct hwi_sim_edge *edge = hwi_sim_edge_over(process, stripe->conn);
    if (edge == NULL || stripe->sending ||
        !hwi_data_next(process->data, edge->peer, stripe->lane, &stripe->out)) {
        return;
    }
    uint32_t bytes = stripe->out.payload_bytes;
    struct hwi_sim_flight *flight = hwi_new(&hwi_alloc_libc, sizeof(*flight) + bytes);
    flight->payload_bytes = bytes;
    memcpy(flight->header, stripe->out.header, sizeof(flight->header));
    stripe->flight = flight;
    stripe->sending = true;
    schedule(stripe, process, flight, frame_left, transmission_of(stripe));
    schedule(stripe, stripe->conn->ends[!stripe->from], flight, head_arrives, delay_of(stripe));
}

static void pull(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_edge *edge = hwi_sim_edge_of(process, event->peer);
    if (edge == NULL || !edge->up) {
        return;
    }
    struct hwi_sim_conn *conn = edge->conn;
    struct hwi_sim_stripe *stripes = conn->lanes[conn->ends[1] == process][event->lane];
    for (uint32_t i = 0; i < conn->stripes; i++) {
        start(&stripes[i]);
    }
}

void hwi_sim_stripes_kick(struct hwi_sim_process *process, uint64_t peer, enum hwi_lane lane)
{
    struct hwi_sim_event *event = hwi_sim_event_new();
    event->process = process;
    event->happen = pull;
    event->peer = peer;
    event->lane = (uint8_t)lane;
    hwi_sim_schedule(process->sim, event, 0);
}
