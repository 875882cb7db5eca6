// SPDX-License-Identifier: MIT
// Stripes: frames leave one data port one at a time per stripe, and reach the other after the
// edge's delay. The stripes of a lane differ a little in their delay, so frames overtake each
// other.
#include "transport/sim/world.h"

#include <string.h>

static bool start(struct hwi_sim_stripe *stripe);

void hwi_sim_flight_release(struct hwi_sim_flight *flight)
{
    if (flight != NULL && --flight->references == 0) {
        hwi_free(&hwi_alloc_libc, flight);
    }
}

// ---- life

static struct hwi_sim_stripe *stripes_of(struct hwi_sim_conn *conn, uint8_t from, uint8_t lane)
{
    struct hwi_sim_stripe *stripes = conn->lanes[from][lane];
    if (stripes == NULL) {
        stripes = hwi_new(&hwi_alloc_libc, conn->stripes * sizeof *stripes);
        for (uint32_t i = 0; i < conn->stripes; i++) {
            stripes[i].conn = conn;
            stripes[i].from = from;
            stripes[i].lane = lane;
            stripes[i].index = i;
            stripes[i].last_ns = conn->up_ns[!from];
        }
        conn->lanes[from][lane] = stripes;
    }
    return stripes;
}

void hwi_sim_stripes_destroy(struct hwi_sim_conn *conn)
{
    for (uint32_t i = 0; i < 2 * HWI_LANES; i++) {
        struct hwi_sim_stripe *stripes = conn->lanes[i / HWI_LANES][i % HWI_LANES];
        for (uint32_t k = 0; stripes != NULL && k < conn->stripes; k++) {
            hwi_sim_flight_release(stripes[k].flight);
        }
        hwi_free(&hwi_alloc_libc, stripes);
    }
}

static void stop(struct hwi_sim_stripe *stripe, const struct hwi_sim_process *end)
{
    const char *why;
    const struct hwi_sim_conn *conn = stripe->conn;
    if (conn->ends[stripe->from] == end && stripe->sending) {
        stripe->sending = false;
        hwi_sim_flight_release(stripe->flight);
        stripe->flight = NULL;
        hwi_data_sent(end->data, &stripe->out, false);
    }
    if (conn->ends[!stripe->from] == end && stripe->receiving) {
        stripe->receiving = false;
        hwi_data_received(end->data, &stripe->in, NULL, &why);
    }
}

// One end lets go of the frames it is sending and receiving.
void hwi_sim_stripes_stop(struct hwi_sim_conn *conn, const struct hwi_sim_process *end)
{
    for (uint32_t i = 0; i < 2 * HWI_LANES; i++) {
        struct hwi_sim_stripe *stripes = conn->lanes[i / HWI_LANES][i % HWI_LANES];
        for (uint32_t k = 0; stripes != NULL && k < conn->stripes; k++) {
            stop(&stripes[k], end);
        }
    }
}

// ---- what the link does to frames

static struct hwi_sim *sim_of(const struct hwi_sim_stripe *stripe)
{
    return stripe->conn->ends[0]->sim;
}

static uint32_t node_at(const struct hwi_sim_stripe *stripe, uint8_t end)
{
    return stripe->conn->ends[end]->node;
}

static bool quality_of(const struct hwi_sim_stripe *stripe, struct hwi_sim_quality *quality)
{
    return hwi_sim_quality_of(sim_of(stripe), node_at(stripe, stripe->from),
                              node_at(stripe, !stripe->from), quality);
}

static uint64_t base_delay_of(const struct hwi_sim_stripe *stripe)
{
    uint64_t edge_ns = sim_of(stripe)->config.edge_ns;
    uint32_t stripes = stripe->conn->stripes;
    return edge_ns + edge_ns * (stripes - 1 - stripe->index) / (4 * stripes);
}

// Of all stripes of the lane together, bytes a second; 0 = no limit.
static uint64_t rate_of(const struct hwi_sim_stripe *stripe)
{
    struct hwi_sim_quality quality;
    uint64_t rate = sim_of(stripe)->config.edge_bytes_per_s;
    uint64_t set = quality_of(stripe, &quality) ? quality.link.bytes_per_s : 0;
    return rate == 0 || (set != 0 && set < rate) ? set : rate;
}

// A stripe takes only so many frames that cannot arrive.
static bool is_full(const struct hwi_sim_stripe *stripe)
{
    return stripe->in_flight >= HWI_SIM_SOCKET_FRAMES_MAX &&
           hwi_sim_blocked(sim_of(stripe), node_at(stripe, stripe->from),
                           node_at(stripe, !stripe->from));
}

static void damage(const struct hwi_sim_stripe *stripe, struct hwi_sim_flight *flight)
{
    struct hwi_sim *sim = sim_of(stripe);
    struct hwi_sim_quality quality;
    if (stripe->out.payload == NULL || !quality_of(stripe, &quality) ||
        quality.link.damage_in == 0 || hwi_sim_draw(sim, quality.link.damage_in) != 0) {
        return;
    }
    uint64_t at = hwi_sim_draw(sim, flight->payload_bytes + sizeof flight->trailer);
    unsigned char bit = (unsigned char)(1u << hwi_sim_draw(sim, 8));
    if (at < flight->payload_bytes) {
        flight->payload[at] ^= bit;
    } else {
        flight->trailer[at - flight->payload_bytes] ^= bit;
    }
    flight->damaged = true;
    sim->faults[HWI_SIM_DAMAGED]++;
}

static void schedule(struct hwi_sim_stripe *stripe, struct hwi_sim_flight *flight,
                     void (*happen)(struct hwi_sim_process *, struct hwi_sim_event *),
                     uint64_t delay_ns)
{
    struct hwi_sim *sim = sim_of(stripe);
    struct hwi_sim_event *event = hwi_sim_event_new(sim, stripe->conn->ends[!stripe->from], happen);
    event->conn = stripe->conn;
    event->conn->references++;
    event->stripe = stripe;
    event->flight = flight;
    event->travels = true;
    event->from_node = node_at(stripe, stripe->from);
    event->to_node = node_at(stripe, !stripe->from);
    flight->references++;
    hwi_sim_schedule(sim, event, delay_ns);
}

// ---- the receiving end

static bool receive_head(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_stripe *stripe = event->stripe;
    struct hwi_sim_edge *edge = hwi_sim_edge_over(process, event->conn);
    const char *why = NULL;
    if (edge == NULL) {
        return false;
    }
    stripe->receiving =
        hwi_data_arriving(process->data, edge->peer, stripe->lane, event->flight->header,
                          &stripe->in, &why) == HWI_VERDICT_OK;
    if (!stripe->receiving) {
        hwi_sim_edge_break(process, event->conn, why);
    }
    return stripe->receiving;
}

static void receive_tail(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim *sim = process->sim;
    struct hwi_sim_stripe *stripe = event->stripe;
    const struct hwi_sim_flight *flight = event->flight;
    const char *why = NULL;
    stripe->in_flight--;
    if (hwi_sim_edge_over(process, event->conn) == NULL || !stripe->receiving) {
        return;
    }
    bool wanted = stripe->in.target != NULL;
    if (wanted && flight->payload_bytes > 0) {
        memcpy(stripe->in.target, flight->payload, flight->payload_bytes);
    }
    sim->costs.frames++;
    sim->costs.frame_bytes += flight->payload_bytes;
    hwi_sim_arrived(process, event);
    hwi_sim_digest_bytes(sim, flight->header, sizeof flight->header);
    hwi_sim_digest_bytes(sim, flight->trailer, sizeof flight->trailer);
    stripe->receiving = false;
    if (hwi_data_received(process->data, &stripe->in, flight->trailer, &why) != HWI_VERDICT_OK) {
        hwi_sim_edge_break(process, event->conn, why);
    } else {
        HWI_CHECK(!flight->damaged || !wanted); // no damage gets past the checksum
    }
}

static void head_arrives(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    (void)receive_head(process, event);
}

static void frame_arrives(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    (void)receive_head(process, event);
    receive_tail(process, event);
}

// ---- the sending end

// All of the frame has left; `happen` is what its last byte brings about.
static void leave(struct hwi_sim_stripe *stripe,
                  void (*happen)(struct hwi_sim_process *, struct hwi_sim_event *))
{
    struct hwi_sim *sim = sim_of(stripe);
    struct hwi_sim_flight *flight = stripe->flight;
    if (stripe->out.payload != NULL && flight->payload_bytes > 0) {
        memcpy(flight->payload, stripe->out.payload, flight->payload_bytes);
    } else {
        memset(flight->payload, 0, flight->payload_bytes); // given up: padding
    }
    memcpy(flight->trailer, stripe->out.trailer, sizeof flight->trailer);
    damage(stripe, flight);
    schedule(stripe, flight, happen,
             hwi_sim_delay_over(sim, node_at(stripe, stripe->from), node_at(stripe, !stripe->from),
                                base_delay_of(stripe), &stripe->last_ns));
    stripe->sending = false;
    stripe->flight = NULL;
    hwi_sim_flight_release(flight);
    hwi_data_sent(stripe->conn->ends[stripe->from]->data, &stripe->out, true);
}

static void slice_left(struct hwi_sim_process *process, struct hwi_sim_event *event);

// A slice of the frame leaves, and the rest after it; false if there is none.
static bool transmit(struct hwi_sim_stripe *stripe)
{
    struct hwi_sim *sim = sim_of(stripe);
    uint64_t rate = rate_of(stripe);
    if (rate == 0 || stripe->left == 0) {
        return false;
    }
    struct hwi_sim_event *event =
        hwi_sim_event_new(sim, stripe->conn->ends[stripe->from], slice_left);
    uint64_t ns = HWI_MIN(stripe->left / rate, HWI_SIM_SLICE_NS);
    event->conn = stripe->conn;
    event->conn->references++;
    event->stripe = stripe;
    event->flight = stripe->flight;
    event->flight->references++;
    stripe->left = stripe->left / rate <= HWI_SIM_SLICE_NS ? 0 : stripe->left - rate * ns;
    hwi_sim_schedule(sim, event, ns);
    return true;
}

static void slice_left(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_stripe *stripe = event->stripe;
    struct hwi_sim *sim = process->sim;
    if (!stripe->sending || stripe->flight != event->flight || transmit(stripe)) {
        return; // the edge went down meanwhile, or there is more
    }
    bool clogged =
        rate_of(stripe) < sim->config.edge_bytes_per_s || sim->config.edge_bytes_per_s == 0;
    sim->faults[HWI_SIM_CLOGGED] += clogged && sim->now_ns - stripe->began_ns > 10 * HWI_NS_PER_MS;
    leave(stripe, receive_tail);
    (void)start(stripe);
}

// The first byte leaves: its head will arrive by itself, before the rest.
static void send_head(struct hwi_sim_stripe *stripe)
{
    struct hwi_sim *sim = sim_of(stripe);
    struct hwi_sim_quality quality = {0};
    (void)quality_of(stripe, &quality);
    uint64_t at_ns = sim->now_ns + base_delay_of(stripe) + quality.link.delay_ns;
    stripe->last_ns = HWI_MAX(stripe->last_ns, at_ns);
    schedule(stripe, stripe->flight, head_arrives, stripe->last_ns - sim->now_ns);
}

// Begins the next frame; false if there is none, or no room for it.
static bool start(struct hwi_sim_stripe *stripe)
{
    struct hwi_sim_process *process = stripe->conn->ends[stripe->from];
    const struct hwi_sim_edge *edge = hwi_sim_edge_over(process, stripe->conn);
    if (edge == NULL || stripe->sending || is_full(stripe) ||
        !hwi_data_next(process->data, edge->peer, stripe->lane, &stripe->out)) {
        return false;
    }
    uint32_t bytes = stripe->out.frame.payload_bytes;
    struct hwi_sim_flight *flight = hwi_resize(&hwi_alloc_libc, NULL, sizeof *flight + bytes);
    flight->references = 1;
    flight->payload_bytes = bytes;
    flight->damaged = false;
    memcpy(flight->header, stripe->out.header, sizeof flight->header);
    stripe->flight = flight;
    stripe->sending = true;
    stripe->in_flight++;
    stripe->began_ns = process->sim->now_ns;
    stripe->left = (HWI_FRAME_HEADER_BYTES + bytes + HWI_FRAME_TRAILER_BYTES) *
                   (HWI_NS_PER_S * stripe->conn->stripes);
    if (rate_of(stripe) > 0) {
        send_head(stripe);
        (void)transmit(stripe);
    } else {
        leave(stripe, frame_arrives);
    }
    return true;
}

static void start_all(struct hwi_sim_conn *conn, uint8_t from, uint8_t lane)
{
    struct hwi_sim_stripe *stripes = stripes_of(conn, from, lane);
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < conn->stripes; i++) {
            more = start(&stripes[i]) || more;
        }
    }
}

static void pull(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_edge *edge = hwi_sim_edge_of(process, event->peer);
    if (edge != NULL && edge->up) {
        start_all(edge->conn, edge->conn->ends[1] == process, event->lane);
    }
}

void hwi_sim_stripes_kick(struct hwi_sim_process *process, uint64_t peer, enum hwi_lane lane)
{
    struct hwi_sim_event *event = hwi_sim_event_new(process->sim, process, pull);
    event->peer = peer;
    event->lane = (uint8_t)lane;
    hwi_sim_schedule(process->sim, event, 0);
}

void hwi_sim_stripes_resume(struct hwi_sim *sim, uint32_t from, uint32_t to)
{
    struct hwi_sim_process *process = hwi_sim_process_of(sim, from);
    for (struct hwi_sim_conn *conn = process->conns; conn != NULL;
         conn = conn->next[conn->ends[1] == process]) {
        uint8_t side = conn->ends[1] == process;
        for (uint8_t lane = 0; lane < HWI_LANES && conn->ends[!side]->node == to; lane++) {
            hwi_sim_stripes_kick(process, conn->peers[!side], (enum hwi_lane)lane);
        }
    }
}
