// SPDX-License-Identifier: MIT
#include "actors/master/propose.h"

#include <stdio.h>

#include "actors/master/announce.h"
#include "actors/master/broken.h"
#include "actors/master/channel.h"
#include "actors/master/commit.h"
#include "actors/master/group.h"
#include "actors/master/master.h"
#include "actors/master/trial.h"
#include "actors/master/unit.h"

enum {
    SESSIONS_PER_MS = 64, // of the time from a change to the proposal it calls for
};

// Every surviving member has voted to admit.
static bool admit_voted(const struct hwi_master *master)
{
    const struct hwi_master_channel *channel = hwi_master_channel(master, HWI_KIND_ADMIT, 0, 0);
    if (channel == NULL || channel->ahead < master->member_count) {
        return false;
    }
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *session = &master->sessions[i];
        if (session->member &&
            channel->counts[hwi_master_rank(master, session->peer)] <= channel->committed) {
            return false;
        }
    }
    return true;
}

bool hwi_master_gathers(const struct hwi_master *master)
{
    return master->member_count == 0 && master->gather_until_ns != 0 &&
           master->gather_until_ns != HWI_NEVER;
}

// The first sync elects the newest state of those that are in the first view: where a newcomer
// comes with a state that was trained, another may be about to come with a newer one.
static void gather(struct hwi_master *master)
{
    bool trained = false;
    for (uint32_t i = 0; master->member_count == 0 && i < master->session_count; i++) {
        trained |= !master->sessions[i].gone && master->sessions[i].revision > 0;
    }
    if (!trained || master->config.gather_ms == 0) {
        master->gather_until_ns = HWI_NEVER;
    } else if (master->gather_until_ns == HWI_NEVER) {
        master->gather_until_ns = master->now_ns + master->config.gather_ms * HWI_NS_PER_MS;
    }
}

void hwi_master_gathered(struct hwi_master *master, struct hwi_effects *effects)
{
    master->gather_until_ns = 0;
    hwi_master_reform(master, effects);
}

// Newcomers come in when the members voted for it, or when there are no members.
static bool newcomers_wanted(const struct hwi_master *master)
{
    if (master->member_count == 0) {
        return hwi_master_waiting(master) >= master->config.first_members &&
               !hwi_master_gathers(master);
    }
    return admit_voted(master);
}

// A vote admits those that are proven. Without any, and without members, all that are here.
static bool may_enter(const struct hwi_master *master, const struct hwi_master_session *session)
{
    bool all = master->trial || master->member_count == 0 || master->proven == 0;
    return (all || session->proven) && hwi_master_admissible(master, session);
}

static bool belongs(const struct hwi_master *master, const struct hwi_master_session *session,
                    bool newcomers)
{
    return session->member || (newcomers && may_enter(master, session));
}

// True if the view that should be is the one in force.
static bool unchanged(const struct hwi_master *master, bool newcomers)
{
    for (uint32_t i = 0; newcomers && i < master->session_count; i++) {
        if (!master->sessions[i].member && may_enter(master, &master->sessions[i])) {
            return false;
        }
    }
    return !master->change;
}

// Another view should be than the one in force.
static bool other_view_wanted(const struct hwi_master *master)
{
    bool newcomers = newcomers_wanted(master);
    return master->member_count == 0 ? newcomers : !unchanged(master, newcomers);
}

static struct hwi_msg_propose proposition(const struct hwi_master *master,
                                          struct hwi_effects *effects)
{
    struct hwi_msg_propose made = {.view = master->proposal,
                                   .timeout_ms = master->config.propose_ms};
    made.members = hwi_effects_memory(effects, master->session_count * sizeof *made.members);
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *session = &master->sessions[i];
        if (session->proposed) {
            struct hwi_member *member = &made.members[made.members_count++];
            *member = (struct hwi_member){.peer = session->peer,
                                          .incarnation = session->incarnation,
                                          .group = session->group};
            snprintf(member->address, sizeof member->address, "%s", session->address);
        }
    }
    return made;
}

static void tell(struct hwi_master_session *session, const struct hwi_msg_propose *made,
                 struct hwi_effects *effects)
{
    struct hwi_msg_propose *p = HWI_MASTER_TELL(session, effects, propose);
    *p = *made;
    p->incarnation = session->incarnation;
}

void hwi_master_propose_to(const struct hwi_master *master, struct hwi_master_session *session,
                           struct hwi_effects *effects)
{
    struct hwi_msg_propose made = proposition(master, effects);
    tell(session, &made, effects);
}

static void open_proposal(struct hwi_master *master, struct hwi_effects *effects)
{
    bool newcomers = master->trial || newcomers_wanted(master);
    master->stage = HWI_STAGE_OPEN;
    master->admitting = newcomers && !master->trial && master->member_count > 0;
    master->proposal_until_ns = master->now_ns + master->config.propose_ms * HWI_NS_PER_MS;
    master->probe_at_ns =
        HWI_MIN(master->probe_at_ns, master->now_ns + HWI_MASTER_PROBE_MS * HWI_NS_PER_MS);
    master->proposed_count = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        session->proposed = belongs(master, session, newcomers);
        session->ready = false;
        session->place = master->proposed_count;
        master->proposed_count += session->proposed;
    }
    master->ready_due = master->proposed_count;
    struct hwi_msg_propose made = proposition(master, effects); // one list for all addressees
    for (uint32_t i = 0; i < master->session_count; i++) {
        if (master->sessions[i].proposed) {
            tell(&master->sessions[i], &made, effects);
        }
    }
}

static void close_proposal(struct hwi_master *master)
{
    master->stage = HWI_STAGE_NONE;
    master->reform_at_ns = HWI_NEVER;
    master->admitting = false;
    master->trial = false;
    if (master->proposal == 0) {
        return;
    }
    master->proposal = 0;
    master->broken_edges = 0;
    master->crossed = false;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        session->proposed = false;
        hwi_master_broken_forget(master, session);
    }
}

// The members' vote is answered although nobody came in.
static void answer_admit(struct hwi_master *master, struct hwi_effects *effects)
{
    struct hwi_master_channel *channel = hwi_master_channel(master, HWI_KIND_ADMIT, 0, 0);
    if (channel != NULL && channel->ahead == master->view.count) {
        hwi_master_commit(master, channel, channel->committed + 1, effects);
    }
}

static void forget_late(struct hwi_master *master)
{
    for (uint32_t i = 0; master->any_late && i < master->session_count; i++) {
        hwi_master_late(master, &master->sessions[i], false);
    }
    master->any_late = false;
}

// Nothing is proposed: a vote that led to no other view is answered. Without members the run begins
// again with the newcomers, whenever they came.
static void settle(struct hwi_master *master, bool wanted, struct hwi_effects *effects)
{
    bool members = master->member_count > 0;
    if (!wanted || !members) {
        forget_late(master);
    }
    if (!wanted && members) {
        answer_admit(master, effects);
    }
}

// In a large run the notices of one cause come over some time, and each proposal says all members
// to all members. Nothing for a small run.
static uint64_t hold_ns(const struct hwi_master *master)
{
    uint64_t hold_ms = master->session_count / SESSIONS_PER_MS;
    return HWI_MIN(hold_ms, master->config.propose_ms / 4) * HWI_NS_PER_MS;
}

bool hwi_master_may_reform(const struct hwi_master *master)
{
    return master->stage == HWI_STAGE_NONE || (master->stage == HWI_STAGE_OPEN && master->trial);
}

void hwi_master_reform(struct hwi_master *master, struct hwi_effects *effects)
{
    if (master->stage == HWI_STAGE_SEALING) {
        master->again = true;
        return;
    }
    if (master->stage == HWI_STAGE_BURNING) {
        return; // the members are looked up when the number is durable
    }
    if (hold_ns(master) > 0) {
        master->reform_at_ns = HWI_MIN(master->reform_at_ns, master->now_ns + hold_ns(master));
        return;
    }
    hwi_master_reform_now(master, effects);
}

void hwi_master_reform_now(struct hwi_master *master, struct hwi_effects *effects)
{
    close_proposal(master);
    hwi_master_trial_count(master);
    gather(master);
    bool wanted = other_view_wanted(master);
    settle(master, wanted, effects);
    master->trial = !wanted && hwi_master_trial_wanted(master);
    if (master->trial && master->now_ns < master->trial_from_ns) {
        master->trial = false;
        master->reform_at_ns = master->trial_from_ns;
    }
    if (!wanted && !master->trial) {
        return;
    }
    master->proposal = ++master->highest;
    if (master->config.durable) {
        master->stage = HWI_STAGE_BURNING;
        hwi_master_store(master, effects);
    } else {
        open_proposal(master, effects);
    }
}

// The number of the proposal is used up, even if it fails.
static void burned(struct hwi_master *master, struct hwi_effects *effects)
{
    master->trial = false;
    bool wanted = other_view_wanted(master);
    settle(master, wanted, effects);
    master->trial = !wanted && hwi_master_trial_wanted(master);
    if (wanted || master->trial) {
        open_proposal(master, effects);
    } else {
        close_proposal(master); // what called for it is over
    }
}

void hwi_master_durable(struct hwi_master *master, struct hwi_effects *effects)
{
    if (master->stage == HWI_STAGE_BURNING) {
        burned(master, effects);
    } else if (master->stage == HWI_STAGE_SEALING) {
        master->stage = HWI_STAGE_NONE;
        hwi_master_announce(master, effects);
        if (master->again || hwi_master_trial_wanted(master)) {
            master->again = false;
            hwi_master_reform(master, effects);
        }
    }
}
