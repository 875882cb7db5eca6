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
    struct hwi_msg_refused *registration =
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, from), refused);
    snprintf(registration->reason, sizeof registration->reason, "%s", reason);
}

static void evict(uint64_t from, const char *reason, struct hwi_effects *effects)
{
    struct hwi_msg_evicted *e = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, from), evicted);
    e->incarnation = from;
    e->status = HWS_E_EVICTED;
    snprintf(e->reason, sizeof e->reason, "%s", reason);
}

static void welcome(struct hwi_master *master, struct hwi_master_session *session,
                    struct hwi_effects *effects)
{
    session->sent = 0;
    session->received = 0;
    struct hwi_msg_welcome *w = HWI_MASTER_TELL(session, effects, welcome);
    w->run = master->run;
    w->master = master->incarnation;
    w->peer = session->peer;
    w->heartbeat_ms = master->config.heartbeat_ms;
    w->min_members = master->config.min_members;
}

static int compare(const void *item, const void *wanted)
{
    const struct hwi_tally *tally = item;
    const struct hwi_master_channel *channel = wanted;
    if (tally->kind != channel->kind) {
        return tally->kind < channel->kind ? -1 : 1;
    }
    return (tally->tag > channel->tag) - (tally->tag < channel->tag);
}

// Its tallies are in the channels' order; of one that orders them otherwise some are not found, and
// it hears again what it knows.
static uint32_t heard_of(const struct hwi_msg_registration *registration,
                         const struct hwi_master_channel *channel)
{
    const struct hwi_tally *found = hwi_rows_find(
        registration->tallies, registration->tallies_count, sizeof *found, compare, channel);
    return found != NULL ? found->heard : 0;
}

// Messages may have been lost with the old connection: say again what it does not know. All of it
// is idempotent.
static void tell_again(struct hwi_master *master, struct hwi_master_session *session,
                       const struct hwi_msg_registration *registration, struct hwi_effects *effects)
{
    bool announced = session->member && master->stage != HWI_STAGE_SEALING;
    if (announced && registration->view < master->view.number) {
        hwi_master_announce_to(master, session, effects);
    } else if (announced) {
        for (uint32_t i = 0; i < master->channel_count; i++) {
            const struct hwi_master_channel *channel = &master->channels[i];
            if (hwi_master_spans(channel, session->group)) {
                hwi_master_tell_commit(master, channel, heard_of(registration, channel), session,
                                       effects);
            }
        }
        hwi_master_tell_plan(master, session, effects);
    }
    if (master->stage == HWI_STAGE_OPEN && session->proposed &&
        registration->ready_view != master->proposal) {
        hwi_master_propose_to(master, session, effects);
    }
}

// True if the master answers that it does not belong here, or not now.
static bool turn_away(const struct hwi_master *master, uint64_t from,
                      const struct hwi_msg_registration *registration, bool newcomer,
                      struct hwi_effects *effects)
{
    char reason[HWI_TEXT_BYTES_MAX];
    if (registration->protocol != HWI_PROTOCOL) {
        refuse(from,
               "it speaks another version of the protocol: use the same Hawser on all machines",
               effects);
    } else if (registration->incarnation != from || registration->address[0] == '\0') {
        refuse(from, "its registration is malformed", effects);
    } else if (registration->run != 0 && registration->run != master->run) {
        evict(from, "it belongs to another run: join as a newcomer", effects);
    } else if (newcomer && (registration->view != 0 || registration->ready_view != 0)) {
        evict(from, "it is not in the run's view any more: join as a newcomer", effects);
    } else if (newcomer && master->session_count == HWI_MEMBERS_MAX) {
        refuse(from, "the run is full", effects);
    } else if (newcomer && hwi_master_unit_refuses(master, registration, reason)) {
        refuse(from, reason, effects);
    } else {
        return false;
    }
    return true;
}

void hwi_master_on_registration(void *state, const struct hwi_event *event,
                                struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    const struct hwi_msg_registration *registration = &event->msg->u.registration;
    struct hwi_master_session *session = hwi_master_session(master, event->from.id);
    bool newcomer = session == NULL;
    if (turn_away(master, event->from.id, registration, newcomer, effects)) {
        return;
    }
    session = newcomer ? hwi_master_session_add(master, registration) : session;
    if (newcomer && master->admitting) {
        hwi_master_late(master, session, true);
        master->any_late = true;
    }
    welcome(master, session, effects);
    tell_again(master, session, registration, effects);
    if (newcomer && (master->stage != HWI_STAGE_OPEN || master->trial)) {
        hwi_master_reform(master, effects);
    }
}
