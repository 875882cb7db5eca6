// SPDX-License-Identifier: MIT
// Control links: encoded messages between members and the master, in order, over a connection that
// can be lost and comes back.
#include "transport/sim/world.h"

#include <stdlib.h>

static const struct hwi_addr master_addr = {.role = HWI_ROLE_MASTER};

static struct hwi_sim_process *member_end(struct hwi_sim_process *a, struct hwi_sim_process *b)
{
    return a->node == HWI_SIM_MASTER ? b : a;
}

static struct hwi_sim_pipe *pipe_of(struct hwi_sim_event *event)
{
    struct hwi_sim_process *member = member_end(event->process, event->other);
    return &member->control.pipes[event->process == member];
}

static struct hwi_addr session_of(const struct hwi_sim_process *member)
{
    return hwi_addr_of(HWI_ROLE_PEER, 1 + member->node);
}

// ---- arriving

static void arrive(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim *sim = process->sim;
    struct hwi_sim_process *member = member_end(process, event->other);
    if (hwi_sim_node_of(sim, member->node)->muted) {
        sim->faults[HWI_SIM_MUTED]++;
        return;
    }
    if (event->generation != member->control.generation) {
        return; // lost with its connection
    }
    struct hwi_msg msg;
    void *block = NULL;
    hwi_sim_arrived(process, event);
    hwi_sim_digest_bytes(sim, event->packet->bytes, event->packet->length);
    if (!hwi_sim_packet_open(event->packet, session_of(member)) ||
        !hwi_sim_packet_read(event->packet, event->flat, &msg, &block)) {
        sim->costs.control_dropped++;
        return;
    }
    hwi_sim_transcript_add(sim, event->other->name, process->name, &msg);
    hwi_sim_post(process, event->from, event->to, &msg);
    free(block);
}

// ---- leaving

static bool hit(struct hwi_sim *sim, uint32_t in)
{
    return in > 0 && hwi_sim_draw(sim, in) == 0;
}

static void duplicate(struct hwi_sim *sim, const struct hwi_sim_event *event, uint64_t jitter_ns)
{
    struct hwi_sim_event *again = hwi_sim_event_new(sim, event->process, arrive);
    *again = *event;
    again->sequence = 0;
    again->packet->references++;
    if (event->flat != NULL) {
        again->flat = hwi_resize(&hwi_alloc_libc, NULL, sizeof *again->flat);
        *again->flat = *event->flat;
    }
    sim->faults[HWI_SIM_DUPLICATED]++;
    uint64_t later_ns = 1 + (jitter_ns > 0 ? hwi_sim_draw(sim, jitter_ns) : 0);
    hwi_sim_schedule(sim, again, event->at_ns - sim->now_ns + later_ns);
}

// Takes `damaged`.
static void replace(struct hwi_sim *sim, struct hwi_sim_event *event,
                    struct hwi_sim_packet *damaged)
{
    hwi_sim_packet_release(sim, event->packet);
    free(event->flat);
    event->packet = damaged;
    event->flat = NULL;
}

static void truncate_packet(struct hwi_sim *sim, struct hwi_sim_event *event)
{
    uint32_t length = (uint32_t)hwi_sim_draw(sim, event->packet->length);
    replace(sim, event, hwi_sim_packet_cut(sim, event->packet, length));
    sim->faults[HWI_SIM_TRUNCATED]++;
}

static void flip_packet(struct hwi_sim *sim, struct hwi_sim_event *event)
{
    struct hwi_addr session = session_of(member_end(event->process, event->other));
    replace(sim, event, hwi_sim_packet_flip(sim, event->packet, session));
    sim->faults[HWI_SIM_FLIPPED]++;
}

// The message leaves now; `quality` is NULL if nothing is set for the link.
static void depart(struct hwi_sim *sim, struct hwi_sim_event *event,
                   const struct hwi_sim_quality *quality)
{
    if (quality != NULL && hit(sim, quality->link.truncate_in)) {
        truncate_packet(sim, event);
    } else if (quality != NULL && hit(sim, quality->link.flip_in)) {
        flip_packet(sim, event);
    }
    uint64_t delay_ns = hwi_sim_delay_over(sim, event->from_node, event->to_node,
                                           sim->config.control_ns, &pipe_of(event)->last_ns);
    hwi_sim_schedule(sim, event, delay_ns);
    if (quality != NULL && hit(sim, quality->link.duplicate_in)) {
        duplicate(sim, event, quality->link.jitter_ns);
    }
}

static void run_pipe(struct hwi_sim *sim, struct hwi_sim_pipe *pipe);

static void pipe_ticks(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim_pipe *pipe = &process->control.pipes[event->lane];
    if (event->generation != process->control.generation) {
        return; // of a connection that is gone
    }
    pipe->running = false;
    pipe->left -= HWI_MIN(pipe->left, event->peer);
    run_pipe(process->sim, pipe);
}

// Comes back after a slice of time, in which `rate` bytes a second leave.
static void tick(struct hwi_sim *sim, struct hwi_sim_pipe *pipe, uint64_t rate)
{
    struct hwi_sim_event *first = pipe->queue.first;
    struct hwi_sim_process *member = member_end(first->process, first->other);
    struct hwi_sim_event *event = hwi_sim_event_new(sim, member, pipe_ticks);
    uint64_t ns = HWI_MIN(HWI_SIM_SLICE_NS, (pipe->left + rate - 1) / rate);
    event->anyway = true;
    event->generation = member->control.generation;
    event->lane = pipe == &member->control.pipes[1];
    event->peer = ns * rate; // leave in this slice
    pipe->running = true;
    hwi_sim_schedule(sim, event, ns);
}

static void run_pipe(struct hwi_sim *sim, struct hwi_sim_pipe *pipe)
{
    struct hwi_sim_quality quality;
    while (!pipe->running && pipe->queue.first != NULL) {
        struct hwi_sim_event *event = pipe->queue.first;
        bool set = hwi_sim_quality_of(sim, event->from_node, event->to_node, &quality);
        uint64_t rate = set ? quality.link.bytes_per_s : 0;
        if (rate > 0 && pipe->left > 0) {
            tick(sim, pipe, rate);
            return;
        }
        hwi_sim_queue_take(&pipe->queue);
        sim->faults[HWI_SIM_CLOGGED] += sim->now_ns - event->sent_ns > 10 * HWI_NS_PER_MS;
        depart(sim, event, set ? &quality : NULL);
        event = pipe->queue.first;
        pipe->left = event != NULL ? event->packet->length * HWI_NS_PER_S : 0;
    }
}

// Onto the connection that there is.
static void transmit(struct hwi_sim *sim, struct hwi_sim_event *event)
{
    struct hwi_sim_quality quality;
    struct hwi_sim_pipe *pipe = pipe_of(event);
    bool set = hwi_sim_quality_of(sim, event->from_node, event->to_node, &quality);
    event->generation = member_end(event->process, event->other)->control.generation;
    if (pipe->queue.first == NULL && (!set || quality.link.bytes_per_s == 0)) {
        depart(sim, event, set ? &quality : NULL);
        return;
    }
    event->sent_ns = sim->now_ns;
    if (pipe->queue.first == NULL) {
        pipe->left = event->packet->length * HWI_NS_PER_S;
    }
    hwi_sim_queue_add(&pipe->queue, event);
    run_pipe(sim, pipe);
}

// ---- connections

static void reconnect(struct hwi_sim_process *member, struct hwi_sim_event *event);

static void try_later(struct hwi_sim_process *member, uint64_t delay_ns)
{
    struct hwi_sim_event *event = hwi_sim_event_new(member->sim, member, reconnect);
    event->anyway = true;
    event->generation = member->control.generation;
    hwi_sim_schedule(member->sim, event, delay_ns);
}

static void reconnect(struct hwi_sim_process *member, struct hwi_sim_event *event)
{
    struct hwi_sim *sim = member->sim;
    struct hwi_sim_control *control = &member->control;
    if (!member->alive || !control->down || event->generation != control->generation) {
        return;
    }
    bool blocked = hwi_sim_blocked(sim, member->node, HWI_SIM_MASTER) ||
                   hwi_sim_blocked(sim, HWI_SIM_MASTER, member->node);
    if (blocked || !sim->master->alive) {
        try_later(member, HWI_SIM_RECONNECT_NS);
        return;
    }
    control->down = false;
    struct hwi_sim_event *said;
    while ((said = hwi_sim_queue_take(&control->waiting)) != NULL) {
        said->process = sim->master; // it may be another one by now
        transmit(sim, said);
    }
}

void hwi_sim_control_down(struct hwi_sim_process *member, uint64_t down_ns)
{
    struct hwi_sim_control *control = &member->control;
    control->down = true;
    control->generation++;
    for (int i = 0; i < 2; i++) {
        hwi_sim_queue_drop(member->sim, &control->pipes[i].queue);
        control->pipes[i] = (struct hwi_sim_pipe){0};
    }
    try_later(member, down_ns);
}

void hwi_sim_control_lose(struct hwi_sim *sim, uint32_t node, uint64_t down_ns)
{
    HWI_CHECK(node != HWI_SIM_MASTER);
    struct hwi_sim_process *member = hwi_sim_process_of(sim, node);
    if (member->alive) {
        sim->faults[HWI_SIM_LOST] += !member->control.down;
        hwi_sim_control_down(member, down_ns);
    }
}

void hwi_sim_control(struct hwi_sim *sim, uint32_t node, bool up)
{
    HWI_CHECK(node != HWI_SIM_MASTER);
    hwi_sim_node_of(sim, node)->muted = !up;
}

void hwi_sim_control_fini(struct hwi_sim_process *process)
{
    for (int i = 0; i < 2; i++) {
        hwi_sim_queue_drop(process->sim, &process->control.pipes[i].queue);
    }
    hwi_sim_queue_drop(process->sim, &process->control.waiting);
}

// ---- sending

static void send(struct hwi_sim_process *from, struct hwi_sim_event *event)
{
    struct hwi_sim *sim = from->sim;
    struct hwi_sim_process *member = member_end(from, event->process);
    bool master = from != member;
    *(master ? &sim->costs.master_messages : &sim->costs.member_messages) += 1;
    *(master ? &sim->costs.master_bytes : &sim->costs.member_bytes) += event->packet->length;
    event->other = from;
    event->travels = true;
    event->from_node = from->node;
    event->to_node = event->process->node;
    if (!member->control.down) {
        transmit(sim, event);
    } else if (!master && member->control.waiting.count < HWI_SIM_CONTROL_WAITING_MAX) {
        hwi_sim_queue_add(&member->control.waiting, event);
    } else {
        hwi_sim_event_free(sim, event);
    }
}

// As its build says it.
static void encode(struct hwi_sim_process *from, struct hwi_sim_event *event,
                   const struct hwi_msg *msg)
{
    enum hwi_sim_build build = hwi_sim_node_of(from->sim, from->node)->build;
    if (build == HWI_SIM_BUILD_SAME) {
        event->packet = hwi_sim_packet_new(from->sim, msg, &event->flat);
    } else {
        event->packet = hwi_sim_packet_encode(from->sim, msg);
        replace(from->sim, event, hwi_sim_packet_of_build(from->sim, event->packet, build));
    }
}

static struct hwi_sim_event *addressed(struct hwi_sim_process *to, struct hwi_addr sender,
                                       struct hwi_addr receiver)
{
    struct hwi_sim_event *event = hwi_sim_event_new(to->sim, to, arrive);
    event->from = sender;
    event->to = receiver;
    return event;
}

static void post(struct hwi_sim_process *from, struct hwi_sim_process *to, struct hwi_addr sender,
                 struct hwi_addr receiver, const struct hwi_msg *msg)
{
    struct hwi_sim *sim = from->sim;
    if (hwi_sim_node_of(sim, member_end(from, to)->node)->muted) {
        sim->faults[HWI_SIM_MUTED]++;
        return;
    }
    struct hwi_sim_event *event = addressed(to, sender, receiver);
    encode(from, event, msg);
    send(from, event);
    bool other_build = hwi_sim_node_of(sim, from->node)->build != HWI_SIM_BUILD_SAME;
    struct hwi_sim_packet *unknown = other_build ? hwi_sim_packet_unknown(sim) : NULL;
    if (unknown != NULL) {
        event = addressed(to, sender, receiver);
        event->packet = unknown;
        send(from, event);
    }
}

// Sending to a connection that is known to be gone says so at once, as the host's socket does.
static void say_unreachable(struct hwi_sim_process *master, const struct hwi_sim_process *to)
{
    static const struct hwi_msg msg = {.type = HWI_MSG_unreachable};
    hwi_sim_post(master, hwi_addr_of(HWI_ROLE_PEER, to->incarnation), master_addr, &msg);
}

static void send_to_member(struct hwi_sim *sim, const struct hwi_envelope *envelope)
{
    struct hwi_sim_process *to = hwi_sim_process_by_incarnation(sim, envelope->to.id);
    if (to == NULL) {
        return;
    }
    bool muted = hwi_sim_node_of(sim, to->node)->muted;
    bool gone = !to->alive && sim->now_ns >= to->died_ns + sim->config.control_ns;
    if ((gone || to->control.down) && !muted) {
        say_unreachable(sim->master, to);
    } else {
        post(sim->master, to, master_addr, hwi_addr_of(HWI_ROLE_PEER, 0), &envelope->msg);
    }
}

void hwi_sim_control_send(struct hwi_sim_process *from, const struct hwi_envelope *envelope)
{
    if (from->node == HWI_SIM_MASTER) {
        send_to_member(from->sim, envelope);
    } else {
        HWI_CHECK(envelope->to.role == HWI_ROLE_MASTER);
        post(from, from->sim->master, hwi_addr_of(HWI_ROLE_PEER, from->incarnation), envelope->to,
             &envelope->msg);
    }
}
