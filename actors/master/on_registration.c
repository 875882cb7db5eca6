// SPDX-License-Identifier: MIT
// registration: a newcomer, a member whose connection was lost, or somebody who does not belong
// here.
#include <stdio.h>

#include <hawser/types.h>

#include "actors/base/rows.h"
#include "actors/master/announce.h"
#include "actors/master/channel.h"
#include "actors/master/handlers.h"
#include "actors/master/master.h"
#include "actors/master/propose.h"
#include "actors/master/session.h"
#include "actors/master/sync.h"
#include "actors/master/unit.h"

static void refuse(uint64_t from, const char *reason, struct hwi_effects *effects)
{
    struct hwi_msg_refused *r = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, from), refused);
    r->status = HWS_E_REFUSED;
    snprintf(r->reason, sizeof r->reason, "%s", reason);
}

static void evict(uint64_t from, const char *reason, struct hwi_effects *effects)
{
    struct hwi_msg_evicted *e = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, from), evicted);
    e->incarnation = from;
    e->status = HWS_E_EVICTED;
    snprintf(e->reason, sizeof e->reason, "%s", reason);
}

static void welcome(struct hwi_master *master, struct hwi_master_session *s,
                    struct hwi_effects *effects)
{
    s->sent = 0;
    s->received = 0;
    struct hwi_msg_welcome *w = HWI_MASTER_TELL(s, effects, welcome);
    w->run = master->run;
    w->master = master->incarnation;
    w->peer = s->peer;
    w->heartbeat_ms = master->config.heartbeat_ms;
}

static int compare(const void *item, const void *wanted)
{
    const struct hwi_tally *t = item;
    const struct hwi_master_channel *c = wanted;
    if (t->kind != c->kind) {
        return t->kind < c->kind ? -1 : 1;
    }
    return (t->tag > c->tag) - (t->tag < c->tag);
}

// Its tallies are in the channels' order; of one that orders them otherwise some are not found, and
// it hears again what it knows.
static uint32_t heard_of(const struct hwi_msg_registration *r, const struct hwi_master_channel *c)
{
    const struct hwi_tally *found =
        hwi_rows_find(r->tallies, r->tallies_count, sizeof *found, compare, c);
    return found != NULL ? found->heard : 0;
}

// Messages may have been lost with the old connection: say again what it does not know. All of it
// is idempotent.
static void tell_again(struct hwi_master *master, struct hwi_master_session *s,
                       const struct hwi_msg_registration *r, struct hwi_effects *effects)
{
    bool announced = s->member && master->stage != HWI_STAGE_SEALING;
    if (announced && r->view < master->view.number) {
        hwi_master_announce_to(master, s, effects);
    } else if (announced) {
        for (uint32_t i = 0; i < master->channel_count; i++) {
            const struct hwi_master_channel *c = &master->channels[i];
            if (hwi_master_spans(c, s->group)) {
                hwi_master_tell_commit(master, c, heard_of(r, c), s, effects);
            }
        }
        hwi_master_tell_plan(master, s, effects);
    }
    if (master->stage == HWI_STAGE_OPEN && s->proposed && r->ready_view != master->proposal) {
        hwi_master_propose_to(master, s, effects);
    }
}

void hwi_master_on_registration(void *state, const struct hwi_event *event,
                                struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    const struct hwi_msg_registration *r = &event->msg->u.registration;
    uint64_t from = event->from.id;
    struct hwi_master_session *s = hwi_master_session(master, from);
    char reason[HWI_TEXT_BYTES_MAX];
    if (r->protocol != HWI_PROTOCOL) {
        refuse(from,
               "it speaks another version of the protocol: use the same Hawser on all machines",
               effects);
        return;
    }
    if (r->incarnation != from || r->address[0] == '\0') {
        refuse(from, "its registration is malformed", effects);
        return;
    }
    if (r->run != 0 && r->run != master->run) {
        evict(from, "it belongs to another run: join as a newcomer", effects);
        return;
    }
    if (s == NULL && (r->view != 0 || r->ready_view != 0)) {
        evict(from, "it is not in the run's view any more: join as a newcomer", effects);
        return;
    }
    if (s == NULL && master->session_count == HWI_MEMBERS_MAX) {
        refuse(from, "the run is full", effects);
        return;
    }
    if (s == NULL && hwi_master_unit_refuses(master, r, reason)) {
        refuse(from, reason, effects);
        return;
    }
    bool newcomer = s == NULL;
    s = newcomer ? hwi_master_session_add(master, r) : s;
    if (newcomer && master->admitting) {
        hwi_master_late(master, s, true);
        master->any_late = true;
    }
    welcome(master, s, effects);
    tell_again(master, s, r, effects);
    if (newcomer && master->stage != HWI_STAGE_OPEN) {
        hwi_master_reform(master, effects);
    }
}
