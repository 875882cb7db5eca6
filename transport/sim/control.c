// SPDX-License-Identifier: MIT
// Control links: encoded messages between members and the master, in order, lost while a link is
// down.
#include "transport/sim/world.h"

#include <stdlib.h>

static struct hwi_sim_process *member_end(struct hwi_sim_process *a, struct hwi_sim_process *b)
{
    return a->sim->master == a ? b : a;
}

static void arrive(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    if (!member_end(process, event->other)->control_up) {
        return;
    }
    struct hwi_msg msg;
    void *block = NULL;
    HWI_CHECK(hwi_decode(event->bytes, event->length, &msg, &block) == HWI_CODEC_OK);
    hwi_sim_transcript_add(process->sim, event->other->name, process->name, &msg);
    hwi_drain_post(process->drain, event->from, event->to, &msg);
    free(block);
}

static void post(struct hwi_sim_process *from, struct hwi_sim_process *to, struct hwi_addr sender,
                 struct hwi_addr receiver, const struct hwi_msg *msg)
{
    if (!member_end(from, to)->control_up) {
        return;
    }
    struct hwi_sim_event *event = hwi_sim_event_new();
    event->process = to;
    event->other = from;
    event->happen = arrive;
    event->from = sender;
    event->to = receiver;
    HWI_CHECK(hwi_encode(msg, &event->bytes, &event->length) == HWI_CODEC_OK);
    hwi_sim_schedule(from->sim, event, from->sim->config.control_ns);
}

// Sending to a connection that is known to be gone says so at once, as the host's socket does.
static void say_unreachable(struct hwi_sim_process *master, const struct hwi_sim_process *to)
{
    static const struct hwi_msg msg = {.type = HWI_MSG_unreachable};
    hwi_drain_post(master->drain, hwi_addr_of(HWI_ROLE_PEER, to->incarnation),
                   hwi_addr_of(HWI_ROLE_MASTER, 0), &msg);
}

static void send_to_member(struct hwi_sim *sim, const struct hwi_envelope *envelope)
{
    struct hwi_sim_process *to = hwi_sim_process_by_incarnation(sim, envelope->to.id);
    if (to == NULL) {
        return;
    }
    if (!to->alive && to->control_up && sim->now_ns >= to->died_ns + sim->config.control_ns) {
        say_unreachable(sim->master, to);
    } else {
        post(sim->master, to, hwi_addr_of(HWI_ROLE_MASTER, 0), hwi_addr_of(HWI_ROLE_PEER, 0),
             &envelope->msg);
    }
}

void hwi_sim_control_send(struct hwi_sim_process *from, const struct hwi_envelope *envelope)
{
    if (from == from->sim->master) {
        send_to_member(from->sim, envelope);
    } else {
        HWI_CHECK(envelope->to.role == HWI_ROLE_MASTER);
        post(from, from->sim->master, hwi_addr_of(HWI_ROLE_PEER, from->incarnation), envelope->to,
             &envelope->msg);
    }
}
