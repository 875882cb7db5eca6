// SPDX-License-Identifier: MIT
// Proposals: which view should be, who is ready for it, who is dropped from it.
#include "actors/master/master.h"

#include <stdio.h>

#include <hawser/types.h>

// Every surviving member has voted to admit.
static bool admit_voted(struct hwi_master *master)
{
    const struct hwi_master_channel *c = hwi_master_channel_known(master, HWI_KIND_ADMIT, 0, 0);
    if (c == NULL || c->ahead < master->member_count) {
        return false;
    }
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *s = &master->sessions[i];
        if (s->member && c->counts[hwi_master_rank(master, s->peer)] <= c->committed) {
            return false;
        }
    }
    return true;
}

// Newcomers come in when the members voted for it, or when there are no members.
static bool newcomers_wanted(struct hwi_master *master)
{
    if (master->member_count == 0) {
        return hwi_master_waiting(master) >= master->config.min_members;
    }
    return admit_voted(master);
}

static bool belongs(const struct hwi_master *master, const struct hwi_master_session *s,
                    bool newcomers)
{
    return s->member || (newcomers && hwi_master_admissible(master, s));
}

// True if the view that should be is the one in force.
static bool unchanged(const struct hwi_master *master, bool newcomers)
{
    for (uint32_t i = 0; newcomers && i < master->session_count; i++) {
        if (!master->sessions[i].member && hwi_master_admissible(master, &master->sessions[i])) {
            return false;
        }
    }
    return !master->change;
}

static struct hwi_msg_propose proposition(const struct hwi_master *master,
                                          struct hwi_effects *effects)
{
    struct hwi_msg_propose made = {.view = master->proposal,
                                   .timeout_ms = master->config.propose_ms};
    made.members = hwi_effects_memory(effects, master->session_count * sizeof *made.members);
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *s = &master->sessions[i];
        if (s->proposed) {
            struct hwi_member *member = &made.members[made.members_count++];
            *member = (struct hwi_member){.peer = s->peer,
                                          .incarnation = s->incarnation,
                                          .synced = s->synced,
                                          .group = s->group};
            snprintf(member->address, sizeof member->address, "%s", s->address);
        }
    }
    return made;
}

static void tell(struct hwi_master_session *s, const struct hwi_msg_propose *made,
                 struct hwi_effects *effects)
{
    struct hwi_msg_propose *p = HWI_MASTER_TELL(s, effects, propose);
    *p = *made;
    p->incarnation = s->incarnation;
}

void hwi_master_propose_to(struct hwi_master *master, struct hwi_master_session *s,
                           struct hwi_effects *effects)
{
    struct hwi_msg_propose made = proposition(master, effects);
    tell(s, &made, effects);
}

static void open_proposal(struct hwi_master *master, struct hwi_effects *effects)
{
    bool newcomers = newcomers_wanted(master);
    master->stage = HWI_STAGE_OPEN;
    master->admitting = newcomers && master->member_count > 0;
    master->proposal_until_ns = master->now_ns + master->config.propose_ms * HWI_NS_PER_MS;
    master->probe_at_ns =
        HWI_MIN(master->probe_at_ns, master->now_ns + HWI_MASTER_PROBE_MS * HWI_NS_PER_MS);
    master->proposed_count = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *s = &master->sessions[i];
        s->proposed = belongs(master, s, newcomers);
        s->ready = false;
        s->place = master->proposed_count;
        master->proposed_count += s->proposed;
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
    if (master->proposal == 0) {
        return;
    }
    master->proposal = 0;
    master->broken_edges = 0;
    master->crossed = false;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *s = &master->sessions[i];
        s->proposed = false;
        hwi_free(master->alloc, s->broken);
        s->broken = NULL;
        s->broken_count = s->edges = s->member_edges = 0;
    }
}

// The members' vote is answered although nobody came in.
static void answer_admit(struct hwi_master *master, struct hwi_effects *effects)
{
    struct hwi_master_channel *c = hwi_master_channel_known(master, HWI_KIND_ADMIT, 0, 0);
    if (c != NULL && c->ahead == master->view.count) {
        hwi_master_commit(master, c, c->committed + 1, effects);
    }
}

static void forget_late(struct hwi_master *master)
{
    for (uint32_t i = 0; master->any_late && i < master->session_count; i++) {
        hwi_master_late(master, &master->sessions[i], false);
    }
    master->any_late = false;
}

// True if another view should be than the one in force. If not, a vote that led to none is
// answered.
static bool other_view_wanted(struct hwi_master *master, struct hwi_effects *effects)
{
    if (master->member_count == 0) {
        forget_late(master); // the run begins again with the newcomers
        return newcomers_wanted(master);
    }
    if (unchanged(master, newcomers_wanted(master))) {
        forget_late(master);
        answer_admit(master, effects);
        return false;
    }
    return true;
}

// In a large run the notices of one cause come over some time, and each proposal says all members
// to all members. Nothing for a small run.
static uint64_t hold_ns(const struct hwi_master *master)
{
    uint64_t hold_ms = master->session_count / HWI_MASTER_HOLD_SESSIONS;
    return HWI_MIN(hold_ms, master->config.propose_ms / 4) * HWI_NS_PER_MS;
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
    if (!other_view_wanted(master, effects)) {
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

void hwi_master_stored(struct hwi_master *master, struct hwi_effects *effects)
{
    if (master->stage == HWI_STAGE_BURNING && other_view_wanted(master, effects)) {
        open_proposal(master, effects);
    } else if (master->stage == HWI_STAGE_BURNING) {
        close_proposal(master); // what called for it is over
    } else if (master->stage == HWI_STAGE_SEALING) {
        master->stage = HWI_STAGE_NONE;
        hwi_master_announce(master, effects);
        if (master->again) {
            master->again = false;
            hwi_master_reform(master, effects);
        }
    }
}

static bool named(const struct hwi_master_session *s, const struct hwi_master_session *t)
{
    uint32_t word = t->place / 64;
    return word < s->broken_count && (s->broken[word] >> (t->place % 64) & 1) != 0;
}

static bool is_broken(const struct hwi_master_session *s, const struct hwi_master_session *t)
{
    return named(s, t) || named(t, s);
}

uint32_t hwi_master_broken_words(const struct hwi_master *master)
{
    return (master->proposed_count + 63) / 64;
}

void hwi_master_broken(struct hwi_master *master, struct hwi_master_session *s,
                       struct hwi_master_session *t)
{
    if (s == t || is_broken(s, t)) {
        return;
    }
    if (s->broken == NULL) {
        s->broken_count = hwi_master_broken_words(master);
        s->broken = hwi_new(master->alloc, s->broken_count * sizeof *s->broken);
    }
    s->broken[t->place / 64] |= UINT64_C(1) << (t->place % 64);
    s->edges++;
    t->edges++;
    s->member_edges += t->member;
    t->member_edges += s->member;
    master->broken_edges++;
    master->crossed |= s->member != t->member;
}

// Broken edges that speak against it: never a member's to a newcomer.
static uint32_t edges_against(const struct hwi_master_session *s)
{
    return s->member ? s->member_edges : s->edges;
}

// Whom to drop so that the rest can reach each other: never a member because of a newcomer.
static struct hwi_master_session *worst(struct hwi_master *master)
{
    struct hwi_master_session *found = NULL;
    uint32_t most = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *s = &master->sessions[i];
        uint32_t edges = s->proposed ? edges_against(s) : 0;
        uint32_t weight = edges + s->blame; // of two, the one that failed with others before
        bool newcomer_first = found != NULL && found->member && !s->member;
        bool member_last = found != NULL && !found->member && s->member;
        if (edges > 0 && !member_last && (newcomer_first || weight >= most)) {
            found = s;
            most = weight;
        }
    }
    return found;
}

static void drop(struct hwi_master *master, struct hwi_master_session *s,
                 struct hwi_effects *effects)
{
    char reason[HWI_TEXT_BYTES_MAX];
    snprintf(reason, sizeof reason,
             "no stripes could be opened between it and %u members of view %llu",
             (unsigned)s->edges, (unsigned long long)master->proposal);
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *t = &master->sessions[i];
        if (t != s && t->proposed && is_broken(s, t)) {
            t->edges--;
            t->member_edges -= s->member;
        }
    }
    hwi_master_dismiss(master, s, HWS_E_EVICTED, reason, effects);
}

// Newcomers that some member cannot reach, all at once: each round takes its time.
static bool drop_newcomers(struct hwi_master *master, struct hwi_effects *effects)
{
    bool dropped = false;
    for (uint32_t i = master->session_count; master->crossed && i-- > 0;) {
        struct hwi_master_session *s = &master->sessions[i];
        if (s->proposed && !s->member && s->member_edges > 0) {
            drop(master, s, effects);
            dropped = true;
        }
    }
    return dropped;
}

// One member, or all newcomers that do not reach each other; true if it was somebody.
static bool drop_worst(struct hwi_master *master, struct hwi_effects *effects)
{
    struct hwi_master_session *s = worst(master);
    bool dropped = s != NULL, member = dropped && s->member;
    while (s != NULL && s->member == member) {
        drop(master, s, effects);
        s = member ? NULL : worst(master);
    }
    return dropped;
}

void hwi_master_judge(struct hwi_master *master, struct hwi_effects *effects)
{
    bool all = master->ready_due == 0, broken = master->broken_edges > 0;
    if (master->reform_at_ns != HWI_NEVER) {
        return; // it will be replaced
    }
    for (uint32_t i = 0; all && broken && i < master->session_count; i++) {
        struct hwi_master_session *t = &master->sessions[i];
        t->blame += t->proposed ? edges_against(t) : 0;
    }
    if (broken && (drop_newcomers(master, effects) || (all && drop_worst(master, effects)))) {
        hwi_master_sweep(master);
        hwi_master_reform(master, effects);
    } else if (all) {
        hwi_master_seal(master, effects);
    }
}

void hwi_master_proposal_expired(struct hwi_master *master, struct hwi_effects *effects)
{
    bool dropped = false;
    for (uint32_t i = master->session_count; i-- > 0;) {
        struct hwi_master_session *s = &master->sessions[i];
        if (s->proposed && !s->ready) {
            dropped |= hwi_master_dismiss(master, s, HWS_E_EVICTED,
                                          "it did not answer a proposed view in time", effects);
        }
    }
    hwi_master_sweep(master);
    if (dropped) {
        hwi_master_reform(master, effects);
    }
}
