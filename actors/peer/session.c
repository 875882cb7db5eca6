// SPDX-License-Identifier: MIT
// The control link: registration, heartbeats, and noticing that messages were lost with a
// connection.
#include "actors/peer/peer.h"

#include <stdio.h>

struct hwi_msg *hwi_peer_tell(struct hwi_peer *peer, struct hwi_effects *effects, uint16_t type)
{
    peer->sent++;
    return hwi_emit(effects, hwi_peer_local(HWI_ROLE_MASTER), type);
}

// What its first call in flight is: for who waits in another one.
static uint8_t kind_of(struct hwi_peer *peer, const struct hwi_peer_channel *ch)
{
    struct hwi_op op = {
        .view = peer->view.number, .kind = ch->kind, .tag = ch->tag, .seq = ch->heard};
    const struct hwi_peer_call *c = hwi_peer_call_of(peer, op);
    return c != NULL ? c->request.kind : ch->kind;
}

static struct hwi_tally *list_tallies(struct hwi_peer *peer, bool in_flight_only, uint32_t most,
                                      uint32_t *count, struct hwi_effects *effects)
{
    struct hwi_tally *tallies = hwi_effects_memory(effects, peer->channel_count * sizeof *tallies);
    *count = 0;
    for (uint32_t i = 0; i < peer->channel_count && *count < most; i++) {
        const struct hwi_peer_channel *c = &peer->channels[i];
        if (!in_flight_only || c->entered > c->heard) {
            tallies[(*count)++] =
                (struct hwi_tally){.kind = in_flight_only ? kind_of(peer, c) : c->kind,
                                   .tag = c->tag,
                                   .entered = c->entered,
                                   .done = c->done,
                                   .heard = c->heard};
        }
    }
    return tallies;
}

void hwi_peer_register(struct hwi_peer *peer, struct hwi_effects *effects)
{
    peer->welcomed = false;
    peer->sent = 0;
    peer->registered_ns = peer->now_ns;
    peer->speak_at_ns = peer->now_ns + HWI_PEER_REGISTER_MS * HWI_NS_PER_MS;
    struct hwi_msg_registration *r =
        &hwi_emit(effects, hwi_peer_local(HWI_ROLE_MASTER), HWI_MSG_registration)->u.registration;
    r->protocol = HWI_PROTOCOL;
    r->run = peer->run;
    r->incarnation = peer->config.incarnation;
    r->view = peer->view.number;
    r->ready_view = peer->ready_said ? peer->proposal.number : 0;
    r->revision = peer->config.revision;
    snprintf(r->address, sizeof r->address, "%s", peer->config.address);
    r->group = peer->config.group;
    snprintf(r->unit, sizeof r->unit, "%s", peer->config.unit);
    r->unit_size = peer->config.unit_size;
    r->tallies = list_tallies(peer, false, HWI_TAGS_MAX, &r->tallies_count, effects);
}

void hwi_peer_register_again(struct hwi_peer *peer, struct hwi_effects *effects)
{
    uint64_t earliest_ns = peer->registered_ns + HWI_PEER_REGISTER_MS * HWI_NS_PER_MS;
    if (peer->now_ns >= earliest_ns) {
        hwi_peer_register(peer, effects);
    } else {
        peer->welcomed = false;
        peer->speak_at_ns = earliest_ns;
    }
}

void hwi_peer_heartbeat(struct hwi_peer *peer, struct hwi_effects *effects)
{
    uint64_t sent = peer->sent;
    peer->speak_at_ns = peer->now_ns + peer->heartbeat_ns;
    struct hwi_msg_heartbeat *h = HWI_PEER_TELL(peer, effects, heartbeat);
    h->view = peer->view.number;
    h->sent = sent;
    h->tallies = list_tallies(peer, true, HWI_OPS_MAX, &h->tallies_count, effects);
}

void hwi_peer_speak(struct hwi_peer *peer, struct hwi_effects *effects)
{
    bool silent = peer->welcomed && peer->now_ns - peer->pong_ns > 3 * peer->heartbeat_ns;
    if (!peer->welcomed || silent) {
        hwi_peer_register(peer, effects);
    } else {
        hwi_peer_heartbeat(peer, effects);
    }
}

// What may have been lost with the old connection is said again; all of it is idempotent.
static void tell_again(struct hwi_peer *peer, struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < peer->channel_count; i++) {
        if (peer->channels[i].done > peer->channels[i].heard) {
            hwi_peer_tell_done(peer, &peer->channels[i], effects);
        }
    }
    for (uint32_t i = 0; i < peer->call_capacity && peer->call_count > 0; i++) {
        const struct hwi_peer_call *c = &peer->calls[i];
        if (hwi_peer_entered(c) && c->sync.offered && !c->sync.planned) {
            hwi_peer_tell_offer(peer, c, effects);
        }
        if (hwi_peer_entered(c) && c->withdrawn) {
            hwi_peer_tell_withdraw(peer, c, effects);
        }
    }
    if (peer->ready_said) {
        hwi_peer_tell_ready(peer, effects);
    }
    if (peer->phase == HWI_PEER_PHASE_MEMBER) {
        hwi_peer_report_edges(peer, effects);
    }
    if (peer->leave_until_ns != HWI_NEVER) {
        HWI_PEER_TELL(peer, effects, leave)->incarnation = peer->config.incarnation;
    }
}

// A newcomer that the master had forgotten has another id now: what was proposed to the old one,
// and the edges under that name, are over.
static void be_another(struct hwi_peer *peer, struct hwi_effects *effects)
{
    hwi_peer_members_forget(peer, &peer->proposal);
    hwi_peer_targets_forget(peer);
    peer->opening = 0;
    peer->ready_said = false;
    hwi_peer_close_edges(peer, true, effects);
}

void hwi_peer_on_welcome(struct hwi_peer *peer, const struct hwi_msg_welcome *w,
                         struct hwi_effects *effects)
{
    peer->received = 1; // this message: the master counts from it
    if (peer->welcomed) {
        return; // registered twice, for the first answer took its time
    }
    if (w->peer != peer->id) {
        be_another(peer, effects);
    }
    peer->run = w->run;
    peer->master = w->master;
    peer->id = w->peer;
    peer->heartbeat_ns = HWI_MAX(1, w->heartbeat_ms) * HWI_NS_PER_MS;
    peer->welcomed = true;
    peer->pong_ns = peer->now_ns;
    tell_again(peer, effects);
    hwi_peer_heartbeat(peer, effects);
}

void hwi_peer_on_pong(struct hwi_peer *peer, const struct hwi_msg_pong *g,
                      struct hwi_effects *effects)
{
    peer->pong_ns = peer->now_ns;
    if (peer->welcomed &&
        g->sent + 1 != peer->received) { // `received` counts this pong, `sent` does not
        hwi_peer_register_again(peer, effects);
    }
}
