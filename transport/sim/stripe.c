// SPDX-License-Identifier: MIT
// Stripes: frames leave one data port one at a time per stripe, and reach the other after the
// edge's delay. The stripes of a lane differ a little in their delay, so frames overtake each
// other. The host's code (transport/stripe) cuts frames into bytes and joins them; this file
// decides when bytes leave and arrive.
#include "transport/sim/world.h"

#include <errno.h>
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
            stripes[i].writer = (struct hwi_stripe_writer){.frames = &stripes[i].out, .room = 1};
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
            if (stripes[k].wire != NULL) {
                conn->wire->close(stripes[k].wire);
            }
        }
        hwi_free(&hwi_alloc_libc, stripes);
    }
}

static void stop(struct hwi_sim_stripe *stripe, const struct hwi_sim_process *end)
{
    const struct hwi_sim_conn *conn = stripe->conn;
    if (conn->ends[stripe->from] == end) {
        hwi_sim_flight_release(stripe->flight);
        stripe->flight = NULL;
        hwi_stripe_writer_end(&stripe->writer, end->data);
    }
    if (conn->ends[!stripe->from] == end) {
        hwi_stripe_reader_end(&stripe->reader, end->data);
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

// A stripe takes only a limited number of frames that cannot arrive.
static bool is_full(const struct hwi_sim_stripe *stripe)
{
    return stripe->in_flight >= HWI_SIM_SOCKET_FRAMES_MAX &&
           hwi_sim_blocked(sim_of(stripe), node_at(stripe, stripe->from),
                           node_at(stripe, !stripe->from));
}

// The frame has left whole.
static void damage(const struct hwi_sim_stripe *stripe, struct hwi_sim_flight *flight)
{
    struct hwi_sim *sim = sim_of(stripe);
    struct hwi_sim_quality quality;
    if (!quality_of(stripe, &quality) || quality.link.damage_in == 0 ||
        hwi_sim_draw(sim, quality.link.damage_in) != 0) {
        return;
    }
    uint64_t at = hwi_sim_draw(sim, flight->bytes - HWI_FRAME_HEADER_BYTES);
    flight->frame[HWI_FRAME_HEADER_BYTES + at] ^= (unsigned char)(1u << hwi_sim_draw(sim, 8));
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

// Bytes of a flight that are here, as the stream of a stripe's reader.
struct arrival {
    const struct hwi_sim_stripe *stripe;
    const unsigned char *bytes; // unless a wire carries them
    size_t left;
};

static size_t copy_out(struct arrival *arrival, const struct iovec *parts, int count)
{
    size_t copied = 0;
    for (int i = 0; i < count && copied < arrival->left; i++) {
        size_t bytes = HWI_MIN(parts[i].iov_len, arrival->left - copied);
        memcpy(parts[i].iov_base, arrival->bytes + copied, bytes);
        copied += bytes;
    }
    arrival->bytes += copied;
    return copied;
}

static ssize_t read_arrival(void *user, const struct iovec *parts, int count)
{
    struct arrival *arrival = user;
    const struct hwi_sim_stripe *stripe = arrival->stripe;
    if (arrival->left == 0) {
        return -EAGAIN;
    }
    size_t got = stripe->wire != NULL
                     ? stripe->conn->wire->take(stripe->wire, parts, count, arrival->left)
                     : copy_out(arrival, parts, count);
    arrival->left -= got;
    return (ssize_t)got;
}

static const struct hwi_stream_ops arrival_ops = {.read = read_arrival};

// The flight's bytes from `first` to `end` are here. False, and the edge is down, if they are not
// what they should be.
static bool receive(struct hwi_sim_process *process, const struct hwi_sim_event *event,
                    uint32_t first, uint32_t end)
{
    struct hwi_sim_stripe *stripe = event->stripe;
    struct hwi_stripe_owner owner = {.data = process->data,
                                     .peer = hwi_sim_edge_over(process, event->conn)->peer,
                                     .lane = (enum hwi_lane)stripe->lane};
    struct arrival arrival = {stripe, event->flight->frame + first, end - first};
    struct hwi_stream stream = {&arrival_ops, &arrival};
    struct hwi_stripe_fault fault;
    while (arrival.left > 0) {
        if (hwi_stripe_read(&stripe->reader, &owner, &stream, process->sim->staging, &fault) ==
            HWI_PROGRESS_OVER) {
            hwi_sim_edge_break(process, event->conn, fault.why);
            return false;
        }
    }
    return true;
}

static void head_arrives(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    if (hwi_sim_edge_over(process, event->conn) != NULL) {
        (void)receive(process, event, 0, HWI_FRAME_HEADER_BYTES);
    }
}

static void tail_arrives(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim *sim = process->sim;
    struct hwi_sim_stripe *stripe = event->stripe;
    const struct hwi_sim_flight *flight = event->flight;
    stripe->in_flight--;
    if (hwi_sim_edge_over(process, event->conn) == NULL || !stripe->reader.arriving) {
        return;
    }
    bool wanted = stripe->reader.in.target != NULL;
    sim->costs.frames++;
    sim->costs.frame_bytes += flight->bytes - HWI_FRAME_HEADER_BYTES - HWI_FRAME_TRAILER_BYTES;
    hwi_sim_arrived(process, event);
    hwi_sim_digest_bytes(sim, flight->frame, HWI_FRAME_HEADER_BYTES);
    hwi_sim_digest_bytes(sim, flight->frame + flight->bytes - HWI_FRAME_TRAILER_BYTES,
                         HWI_FRAME_TRAILER_BYTES);
    if (receive(process, event, HWI_FRAME_HEADER_BYTES, flight->bytes)) {
        HWI_CHECK(!flight->damaged || !wanted); // no damage gets past the checksum
    }
}

static void frame_arrives(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    head_arrives(process, event);
    tail_arrives(process, event);
}

// ---- the sending end

// Room in a flight for what leaves now, as the stream of a stripe's writer.
struct departure {
    struct hwi_sim_flight *flight;
    uint32_t end;
};

static ssize_t write_departure(void *user, const struct iovec *parts, int count)
{
    const struct departure *departure = user;
    struct hwi_sim_flight *flight = departure->flight;
    uint32_t before = flight->left;
    for (int i = 0; i < count; i++) {
        size_t bytes = HWI_MIN(parts[i].iov_len, (size_t)(departure->end - flight->left));
        memcpy(flight->frame + flight->left, parts[i].iov_base, bytes);
        flight->left += (uint32_t)bytes;
    }
    return flight->left > before ? (ssize_t)(flight->left - before) : -EAGAIN;
}

static const struct hwi_stream_ops departure_ops = {.write = write_departure};

// The frame's bytes leave up to `end`.
static void depart(struct hwi_sim_stripe *stripe, uint32_t end)
{
    struct hwi_sim_flight *flight = stripe->flight;
    struct departure departure = {flight, end};
    struct hwi_stream stream = {&departure_ops, &departure};
    struct hwi_stripe_fault fault;
    while (flight->left < end) {
        (void)hwi_stripe_flush(&stripe->writer, stripe->conn->ends[stripe->from]->data, &stream,
                               &fault);
    }
}

// Puts what the flight holds from `first` on into the wire. Only what the digest needs stays.
static void put_on_wire(struct hwi_sim_stripe *stripe, struct hwi_sim_flight *flight,
                        uint32_t first)
{
    const struct hwi_sim_wire_ops *ops = stripe->conn->wire;
    uint32_t trailer_at = flight->bytes - HWI_FRAME_TRAILER_BYTES;
    if (ops == NULL) {
        return;
    }
    if (stripe->wire == NULL) {
        stripe->wire = ops->open();
    }
    ops->put(stripe->wire, flight->frame + first, flight->left - first);
    if (flight->left > trailer_at) {
        memset(flight->frame + HWI_FRAME_HEADER_BYTES, 0, trailer_at - HWI_FRAME_HEADER_BYTES);
    }
}

// All of the frame leaves; `happen` is what its last byte brings about.
static void leave(struct hwi_sim_stripe *stripe,
                  void (*happen)(struct hwi_sim_process *, struct hwi_sim_event *))
{
    struct hwi_sim *sim = sim_of(stripe);
    struct hwi_sim_flight *flight = stripe->flight;
    uint32_t first = flight->left;
    bool given_up = stripe->out.payload == NULL;
    depart(stripe, flight->bytes);
    if (!given_up) {
        damage(stripe, flight);
    }
    put_on_wire(stripe, flight, first);
    schedule(stripe, flight, happen,
             hwi_sim_delay_over(sim, node_at(stripe, stripe->from), node_at(stripe, !stripe->from),
                                base_delay_of(stripe), &stripe->last_ns));
    stripe->flight = NULL;
    hwi_sim_flight_release(flight);
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
    if (stripe->flight != event->flight || transmit(stripe)) {
        return; // the edge went down meanwhile, or there is more
    }
    bool clogged =
        rate_of(stripe) < sim->config.edge_bytes_per_s || sim->config.edge_bytes_per_s == 0;
    sim->faults[HWI_SIM_CLOGGED] += clogged && sim->now_ns - stripe->began_ns > 10 * HWI_NS_PER_MS;
    leave(stripe, tail_arrives);
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
    depart(stripe, HWI_FRAME_HEADER_BYTES);
    put_on_wire(stripe, stripe->flight, 0);
    schedule(stripe, stripe->flight, head_arrives, stripe->last_ns - sim->now_ns);
}

static struct hwi_sim_flight *new_flight(uint32_t bytes)
{
    struct hwi_sim_flight *flight = hwi_resize(&hwi_alloc_libc, NULL, sizeof *flight + bytes);
    *flight = (struct hwi_sim_flight){.references = 1, .bytes = bytes};
    return flight;
}

// Begins the next frame; false if there is none, or no room for it.
static bool start(struct hwi_sim_stripe *stripe)
{
    struct hwi_sim_process *process = stripe->conn->ends[stripe->from];
    const struct hwi_sim_edge *edge = hwi_sim_edge_over(process, stripe->conn);
    if (edge == NULL || stripe->flight != NULL || is_full(stripe)) {
        return false;
    }
    struct hwi_stripe_owner owner = {
        .data = process->data, .peer = edge->peer, .lane = (enum hwi_lane)stripe->lane};
    if (!hwi_stripe_pull(&stripe->writer, &owner)) {
        return false;
    }
    stripe->flight = new_flight(HWI_FRAME_HEADER_BYTES + stripe->out.frame.payload_bytes +
                                HWI_FRAME_TRAILER_BYTES);
    stripe->in_flight++;
    stripe->began_ns = process->sim->now_ns;
    stripe->left = stripe->flight->bytes * (HWI_NS_PER_S * stripe->conn->stripes);
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
