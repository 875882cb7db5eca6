// SPDX-License-Identifier: MIT
// The control link: registration, heartbeats, and noticing that messages were lost with a
// connection.
#include "actors/peer/peer.h"

#include <stdio.h>

struct hwi_msg *hwi_peer_tell(struct peer *p, struct hwi_effects *fx, uint16_t type)
{
    p->sent++;
    return hwi_emit(fx, hwi_peer_local(HWI_ROLE_MASTER), type);
}

// What its first call in flight is: for who waits in another one.
static uint8_t kind_of(struct peer *p, const struct channel *ch)
{
    struct hwi_op op = {.view = p->view.number, .kind = ch->kind, .tag = ch->tag, .seq = ch->heard};
    const struct call *c = hwi_peer_call_of(p, op);
    return c != NULL ? c->request.kind : ch->kind;
}

static struct hwi_tally *list_tallies(struct peer *p, bool in_flight_only, uint32_t most,
                                      uint32_t *count, struct hwi_effects *fx)
{
    struct hwi_tally *tallies = hwi_effects_memory(fx, p->channel_count * sizeof *tallies);
    *count = 0;
    for (uint32_t i = 0; i < p->channel_count && *count < most; i++) {
        const struct channel *c = &p->channels[i];
        if (!in_flight_only || c->entered > c->heard) {
            tallies[(*count)++] =
                (struct hwi_tally){.kind = in_flight_only ? kind_of(p, c) : c->kind,
                                   .tag = c->tag,
                                   .entered = c->entered,
                                   .done = c->done,
                                   .heard = c->heard};
        }
    }
    return tallies;
}

void hwi_peer_register(struct peer *p, struct hwi_effects *fx)
{
    p->welcomed = false;
    p->sent = 0;
    p->registered_ns = p->now_ns;
    p->speak_at_ns = p->now_ns + PEER_REGISTER_MS * HWI_NS_PER_MS;
    struct hwi_msg_registration *r =
        &hwi_emit(fx, hwi_peer_local(HWI_ROLE_MASTER), HWI_MSG_registration)->u.registration;
    r->protocol = HWI_PROTOCOL;
    r->run = p->run;
    r->incarnation = p->config.incarnation;
    r->view = p->view.number;
    r->ready_view = p->ready_said ? p->proposal.number : 0;
    r->revision = p->config.revision;
    snprintf(r->address, sizeof r->address, "%s", p->config.address);
    r->group = p->config.group;
    snprintf(r->unit, sizeof r->unit, "%s", p->config.unit);
    r->unit_size = p->config.unit_size;
    r->tallies = list_tallies(p, false, HWI_TAGS_MAX, &r->tallies_count, fx);
}

void hwi_peer_register_again(struct peer *p, struct hwi_effects *fx)
{
    uint64_t earliest_ns = p->registered_ns + PEER_REGISTER_MS * HWI_NS_PER_MS;
    if (p->now_ns >= earliest_ns) {
        hwi_peer_register(p, fx);
    } else {
        p->welcomed = false;
        p->speak_at_ns = earliest_ns;
    }
}

void hwi_peer_heartbeat(struct peer *p, struct hwi_effects *fx)
{
    uint64_t sent = p->sent;
    p->speak_at_ns = p->now_ns + p->heartbeat_ns;
    struct hwi_msg_heartbeat *h = PEER_TELL(p, fx, heartbeat);
    h->view = p->view.number;
    h->sent = sent;
    h->tallies = list_tallies(p, true, HWI_OPS_MAX, &h->tallies_count, fx);
}

void hwi_peer_speak(struct peer *p, struct hwi_effects *fx)
{
    bool silent = p->welcomed && p->now_ns - p->pong_ns > 3 * p->heartbeat_ns;
    if (!p->welcomed || silent) {
        hwi_peer_register(p, fx);
    } else {
        hwi_peer_heartbeat(p, fx);
    }
}

// What may have been lost with the old connection is said again; all of it is idempotent.
static void tell_again(struct peer *p, struct hwi_effects *fx)
{
    for (uint32_t i = 0; i < p->channel_count; i++) {
        if (p->channels[i].done > p->channels[i].heard) {
            hwi_peer_tell_done(p, &p->channels[i], fx);
        }
    }
    for (uint32_t i = 0; i < p->call_capacity && p->call_count > 0; i++) {
        const struct call *c = &p->calls[i];
        if (hwi_peer_entered(c) && c->sync.offered && !c->sync.planned) {
            hwi_peer_tell_offer(p, c, fx);
        }
        if (hwi_peer_entered(c) && c->withdrawn) {
            hwi_peer_tell_withdraw(p, c, fx);
        }
    }
    if (p->ready_said) {
        hwi_peer_tell_ready(p, fx);
    }
    if (p->phase == PHASE_MEMBER) {
        hwi_peer_report_edges(p, fx);
    }
    if (p->leave_until_ns != HWI_NEVER) {
        PEER_TELL(p, fx, leave)->incarnation = p->config.incarnation;
    }
}

// A newcomer that the master had forgotten has another id now: what was proposed to the old one,
// and the edges under that name, are over.
static void be_another(struct peer *p, struct hwi_effects *fx)
{
    hwi_peer_members_forget(p, &p->proposal);
    hwi_peer_targets_forget(p);
    p->opening = 0;
    p->ready_said = false;
    hwi_peer_close_edges(p, true, fx);
}

void hwi_peer_on_welcome(struct peer *p, const struct hwi_msg_welcome *w, struct hwi_effects *fx)
{
    p->received = 1; // this message: the master counts from it
    if (p->welcomed) {
        return; // registered twice, for the first answer took its time
    }
    if (w->peer != p->id) {
        be_another(p, fx);
    }
    p->run = w->run;
    p->master = w->master;
    p->id = w->peer;
    p->heartbeat_ns = HWI_MAX(1, w->heartbeat_ms) * HWI_NS_PER_MS;
    p->welcomed = true;
    p->pong_ns = p->now_ns;
    tell_again(p, fx);
    hwi_peer_heartbeat(p, fx);
}

void hwi_peer_on_pong(struct peer *p, const struct hwi_msg_pong *g, struct hwi_effects *fx)
{
    p->pong_ns = p->now_ns;
    if (p->welcomed && g->sent + 1 != p->received) { // `received` counts this pong, `sent` does not
        hwi_peer_register_again(p, fx);
    }
}
