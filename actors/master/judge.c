// SPDX-License-Identifier: MIT
#include "actors/master/judge.h"

#include <stdio.h>

#include <hawser/types.h>

#include "actors/base/dials.h"
#include "actors/master/announce.h"
#include "actors/master/broken.h"
#include "actors/master/dismiss.h"
#include "actors/master/master.h"
#include "actors/master/propose.h"
#include "actors/master/seal.h"
#include "actors/master/session.h"
#include "actors/master/trial.h"

// Broken edges that speak against it: never a member's to a newcomer.
static uint32_t edges_against(const struct hwi_master_session *session)
{
    return session->member ? session->member_edges : session->edges;
}

// Chooses which to drop so that the rest can reach each other: never a member because of a
// newcomer.
static struct hwi_master_session *worst(const struct hwi_master *master)
{
    struct hwi_master_session *found = NULL;
    uint32_t most = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        uint32_t edges = session->proposed ? edges_against(session) : 0;
        uint32_t weight = edges + session->blame; // of two, the one that failed with others before
        bool newcomer_first = found != NULL && found->member && !session->member;
        bool member_last = found != NULL && !found->member && session->member;
        if (edges > 0 && !member_last && (newcomer_first || weight >= most)) {
            found = session;
            most = weight;
        }
    }
    return found;
}

// The first that the session has a broken edge to.
static const struct hwi_master_session *first_unreached(const struct hwi_master *master,
                                                        const struct hwi_master_session *session)
{
    const struct hwi_master_session *found = NULL;
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *other = &master->sessions[i];
        if (other != session && other->proposed && found == NULL &&
            hwi_master_is_broken(session, other)) {
            found = other;
        }
    }
    return found;
}

// Names the address that was dialled.
static void say_unreached(const struct hwi_master *master, const struct hwi_master_session *session,
                          char reason[HWI_TEXT_BYTES_MAX])
{
    const struct hwi_master_session *other = first_unreached(master, session);
    HWI_CHECK(other != NULL);
    unsigned long long id = other->peer;
    char more[32] = "";
    if (session->edges > 1) {
        snprintf(more, sizeof more, " and %u more", (unsigned)session->edges - 1);
    }
    int length =
        hwi_dials(other->peer, session->peer)
            ? snprintf(reason, HWI_TEXT_BYTES_MAX,
                       "member %llu%s could not connect to it at %s (HAWSER_ADVERTISE)", id, more,
                       session->address)
            : snprintf(reason, HWI_TEXT_BYTES_MAX, "it could not connect to member %llu at %s%s",
                       id, other->address, more);
    HWI_CHECK(length > 0); // cut where addresses are long
}

static void drop(struct hwi_master *master, struct hwi_master_session *session,
                 struct hwi_effects *effects)
{
    char reason[HWI_TEXT_BYTES_MAX];
    say_unreached(master, session, reason);
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *other = &master->sessions[i];
        if (other != session && other->proposed && hwi_master_is_broken(session, other)) {
            other->edges--;
            other->member_edges -= session->member;
        }
    }
    hwi_master_dismiss(master, session, session->member ? HWS_E_EVICTED : HWS_E_REFUSED, reason,
                       effects);
}

// Newcomers that some member cannot reach, all at once: each round takes its time.
static bool drop_newcomers(struct hwi_master *master, struct hwi_effects *effects)
{
    bool dropped = false;
    for (uint32_t i = master->session_count; master->crossed && i-- > 0;) {
        struct hwi_master_session *session = &master->sessions[i];
        if (session->proposed && !session->member && session->member_edges > 0) {
            drop(master, session, effects);
            dropped = true;
        }
    }
    return dropped;
}

// One member, or all newcomers that do not reach each other; true if it was somebody.
static bool drop_worst(struct hwi_master *master, struct hwi_effects *effects)
{
    struct hwi_master_session *session = worst(master);
    bool dropped = session != NULL, member = dropped && session->member;
    while (session != NULL && session->member == member) {
        drop(master, session, effects);
        session = member ? NULL : worst(master);
    }
    return dropped;
}

// Announced as soon as it is durable.
static void bring_into_force(struct hwi_master *master, struct hwi_effects *effects)
{
    hwi_master_seal(master, effects);
    if (master->config.durable) {
        hwi_master_store(master, effects);
    } else {
        hwi_master_durable(master, effects);
    }
}

void hwi_master_judge(struct hwi_master *master, struct hwi_effects *effects)
{
    bool all = master->ready_due == 0, broken = master->broken_edges > 0;
    if (master->reform_at_ns != HWI_NEVER) {
        return; // it will be replaced
    }
    for (uint32_t i = 0; all && broken && i < master->session_count; i++) {
        struct hwi_master_session *other = &master->sessions[i];
        other->blame += other->proposed ? edges_against(other) : 0;
    }
    if (broken && (drop_newcomers(master, effects) || (all && drop_worst(master, effects)))) {
        if (master->trial) {
            hwi_master_trial_fails(master);
        }
        hwi_master_sweep(master);
        hwi_master_reform(master, effects);
    } else if (all && master->trial) {
        hwi_master_trial_holds(master);
    } else if (all) {
        bring_into_force(master, effects);
    }
}

void hwi_master_proposal_expired(struct hwi_master *master, struct hwi_effects *effects)
{
    bool dropped = false;
    for (uint32_t i = master->session_count; i-- > 0;) {
        struct hwi_master_session *session = &master->sessions[i];
        bool member = master->trial && session->member; // lives, as its heartbeats say
        if (session->proposed && !session->ready && !member) {
            dropped |= hwi_master_dismiss(master, session, HWS_E_EVICTED,
                                          "it did not answer a proposed view in time", effects);
        }
    }
    if (dropped && master->trial) {
        hwi_master_trial_fails(master);
    }
    hwi_master_sweep(master);
    if (dropped) {
        hwi_master_reform(master, effects);
    } else if (master->trial) {
        master->proposal_until_ns = master->now_ns + master->config.propose_ms * HWI_NS_PER_MS;
    }
}
