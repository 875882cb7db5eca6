// SPDX-License-Identifier: MIT
#include "actors/master/absent.h"

#include <hawser/types.h>

#include "actors/master/channel.h"
#include "actors/master/group.h"
#include "actors/master/master.h"
#include "actors/master/session.h"

static bool given_up(const struct hwi_fault *fault)
{
    return fault->status == HWS_E_TIMEOUT || fault->status == HWS_E_CANCELLED;
}

// Has this member made the call with that number on the channel?
static bool made(const struct hwi_master *master, const struct hwi_master_session *session,
                 uint8_t kind, uint64_t tag, uint32_t seq)
{
    for (uint32_t i = 0; i < session->tally_count; i++) {
        const struct hwi_tally *tally = &session->tallies[i];
        if (hwi_channel_kind(tally->kind) == hwi_channel_kind(kind) && tally->tag == tag) {
            return tally->entered > seq;
        }
    }
    const struct hwi_master_channel *channel =
        hwi_master_channel(master, kind, session->group, tag);
    int64_t rank = hwi_master_rank(master, session->peer);
    return channel != NULL && rank >= 0 && *hwi_master_done(master, channel, (uint32_t)rank) > seq;
}

static bool is_absent(const struct hwi_master *master, const struct hwi_master_session *session,
                      const struct hwi_fault *fault)
{
    bool spanned = hwi_kind_is_run_wide(fault->kind) || session->group == fault->group;
    return session->member && spanned && session->peer != fault->peer_a &&
           !made(master, session, fault->kind, fault->tag, fault->seq);
}

void hwi_master_ask_absent(const struct hwi_master *master, const struct hwi_fault *fault,
                           struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < master->session_count && given_up(fault); i++) {
        struct hwi_master_session *session = &master->sessions[i];
        if (is_absent(master, session, fault)) {
            hwi_master_tell(session, effects, HWI_MSG_probe);
        }
    }
}

// The first call that the absent member is in, undecided, and `waiting` is not; NULL = none.
static const struct hwi_tally *other_call(const struct hwi_master *master,
                                          const struct hwi_master_session *absent,
                                          const struct hwi_master_session *waiting)
{
    for (uint32_t i = 0; i < absent->tally_count; i++) {
        const struct hwi_tally *tally = &absent->tallies[i];
        const struct hwi_master_channel *channel =
            hwi_master_channel(master, tally->kind, absent->group, tally->tag);
        uint32_t seq = channel == NULL ? 0 : channel->committed;
        if (tally->entered > seq && !made(master, waiting, tally->kind, tally->tag, seq)) {
            return tally;
        }
    }
    return NULL;
}

// Of several, one that is in another call says most.
static void name_one(const struct hwi_master *master, const struct hwi_master_session *session,
                     const struct hwi_master_session *waiting, struct hwi_fault *fault)
{
    const struct hwi_tally *other = NULL;
    if (waiting != NULL && waiting->group == session->group) {
        other = other_call(master, session, waiting);
    }
    if (fault->absent == 0 || (fault->other_kind == HWI_KIND_NONE && other != NULL)) {
        fault->absent = session->peer;
    }
    if (fault->other_kind == HWI_KIND_NONE && other != NULL) {
        fault->other_kind = other->kind;
        fault->other_tag = other->tag;
    }
    fault->absent_in_all++;
}

void hwi_master_name_absent(struct hwi_master *master)
{
    for (uint32_t i = 0; i < master->fault_count; i++) {
        struct hwi_fault *fault = &master->faults[i];
        const struct hwi_master_session *waiting =
            hwi_master_session_of_peer(master, fault->peer_a);
        fault->absent = fault->other_tag = 0;
        fault->absent_in_all = 0;
        fault->other_kind = HWI_KIND_NONE;
        for (uint32_t j = 0; j < master->session_count && given_up(fault); j++) {
            if (is_absent(master, &master->sessions[j], fault)) {
                name_one(master, &master->sessions[j], waiting, fault);
            }
        }
    }
}
