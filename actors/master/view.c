// SPDX-License-Identifier: MIT
// Proposals: which view should be, who is ready for it, who is dropped from it.
#include "actors/master/master.h"

#include <stdio.h>

#include <hawser/types.h>

// Every surviving member has voted to admit.
static bool admit_voted(struct master *m)
{
    const struct channel *c = hwi_master_channel_known(m, HWI_KIND_ADMIT, 0, 0);
    if (c == NULL || c->ahead < m->member_count) {
        return false;
    }
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        if (s->member && c->counts[hwi_master_rank(m, s->peer)] <= c->committed) {
            return false;
        }
    }
    return true;
}

// Newcomers come in when the members voted for it, or when there are no members.
static bool newcomers_wanted(struct master *m)
{
    if (m->member_count == 0) {
        return hwi_master_waiting(m) >= m->config.min_members;
    }
    return admit_voted(m);
}

static bool belongs(const struct master *m, const struct session *s, bool newcomers)
{
    return s->member || (newcomers && hwi_master_admissible(m, s));
}

// True if the view that should be is the one in force.
static bool unchanged(const struct master *m, bool newcomers)
{
    for (uint32_t i = 0; newcomers && i < m->session_count; i++) {
        if (!m->sessions[i].member && hwi_master_admissible(m, &m->sessions[i])) {
            return false;
        }
    }
    return !m->change;
}

static struct hwi_msg_propose proposition(const struct master *m, struct hwi_effects *fx)
{
    struct hwi_msg_propose made = {.view = m->proposal, .timeout_ms = m->config.propose_ms};
    made.members = hwi_effects_memory(fx, m->session_count * sizeof *made.members);
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *s = &m->sessions[i];
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

static void tell(struct session *s, const struct hwi_msg_propose *made, struct hwi_effects *fx)
{
    struct hwi_msg_propose *p = MASTER_TELL(s, fx, propose);
    *p = *made;
    p->incarnation = s->incarnation;
}

void hwi_master_propose_to(struct master *m, struct session *s, struct hwi_effects *fx)
{
    struct hwi_msg_propose made = proposition(m, fx);
    tell(s, &made, fx);
}

static void open_proposal(struct master *m, struct hwi_effects *fx)
{
    bool newcomers = newcomers_wanted(m);
    m->stage = STAGE_OPEN;
    m->admitting = newcomers && m->member_count > 0;
    m->proposal_until_ns = m->now_ns + m->config.propose_ms * HWI_NS_PER_MS;
    m->probe_at_ns = HWI_MIN(m->probe_at_ns, m->now_ns + MASTER_PROBE_MS * HWI_NS_PER_MS);
    m->proposed_count = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        s->proposed = belongs(m, s, newcomers);
        s->ready = false;
        s->place = m->proposed_count;
        m->proposed_count += s->proposed;
    }
    m->ready_due = m->proposed_count;
    struct hwi_msg_propose made = proposition(m, fx); // one list for all addressees
    for (uint32_t i = 0; i < m->session_count; i++) {
        if (m->sessions[i].proposed) {
            tell(&m->sessions[i], &made, fx);
        }
    }
}

static void close_proposal(struct master *m)
{
    m->stage = STAGE_NONE;
    m->reform_at_ns = HWI_NEVER;
    m->admitting = false;
    if (m->proposal == 0) {
        return;
    }
    m->proposal = 0;
    m->broken_edges = 0;
    m->crossed = false;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        s->proposed = false;
        hwi_free(m->alloc, s->broken);
        s->broken = NULL;
        s->broken_count = s->edges = s->member_edges = 0;
    }
}

// The members' vote is answered although nobody came in.
static void answer_admit(struct master *m, struct hwi_effects *fx)
{
    struct channel *c = hwi_master_channel_known(m, HWI_KIND_ADMIT, 0, 0);
    if (c != NULL && c->ahead == m->view.count) {
        hwi_master_commit(m, c, c->committed + 1, fx);
    }
}

static void forget_late(struct master *m)
{
    for (uint32_t i = 0; m->any_late && i < m->session_count; i++) {
        hwi_master_late(m, &m->sessions[i], false);
    }
    m->any_late = false;
}

// True if another view should be than the one in force. If not, a vote that led to none is
// answered.
static bool other_view_wanted(struct master *m, struct hwi_effects *fx)
{
    if (m->member_count == 0) {
        forget_late(m); // the run begins again with the newcomers
        return newcomers_wanted(m);
    }
    if (unchanged(m, newcomers_wanted(m))) {
        forget_late(m);
        answer_admit(m, fx);
        return false;
    }
    return true;
}

// In a large run the notices of one cause come over some time, and each proposal says all members
// to all members. Nothing for a small run.
static uint64_t hold_ns(const struct master *m)
{
    uint64_t hold_ms = m->session_count / MASTER_HOLD_SESSIONS;
    return HWI_MIN(hold_ms, m->config.propose_ms / 4) * HWI_NS_PER_MS;
}

void hwi_master_reform(struct master *m, struct hwi_effects *fx)
{
    if (m->stage == STAGE_SEALING) {
        m->again = true;
        return;
    }
    if (m->stage == STAGE_BURNING) {
        return; // the members are looked up when the number is durable
    }
    if (hold_ns(m) > 0) {
        m->reform_at_ns = HWI_MIN(m->reform_at_ns, m->now_ns + hold_ns(m));
        return;
    }
    hwi_master_reform_now(m, fx);
}

void hwi_master_reform_now(struct master *m, struct hwi_effects *fx)
{
    close_proposal(m);
    if (!other_view_wanted(m, fx)) {
        return;
    }
    m->proposal = ++m->highest;
    if (m->config.durable) {
        m->stage = STAGE_BURNING;
        hwi_master_store(m, fx);
    } else {
        open_proposal(m, fx);
    }
}

void hwi_master_stored(struct master *m, struct hwi_effects *fx)
{
    if (m->stage == STAGE_BURNING && other_view_wanted(m, fx)) {
        open_proposal(m, fx);
    } else if (m->stage == STAGE_BURNING) {
        close_proposal(m); // what called for it is over
    } else if (m->stage == STAGE_SEALING) {
        m->stage = STAGE_NONE;
        hwi_master_announce(m, fx);
        if (m->again) {
            m->again = false;
            hwi_master_reform(m, fx);
        }
    }
}

static bool named(const struct session *s, const struct session *t)
{
    uint32_t word = t->place / 64;
    return word < s->broken_count && (s->broken[word] >> (t->place % 64) & 1) != 0;
}

static bool is_broken(const struct session *s, const struct session *t)
{
    return named(s, t) || named(t, s);
}

uint32_t hwi_master_broken_words(const struct master *m)
{
    return (m->proposed_count + 63) / 64;
}

void hwi_master_broken(struct master *m, struct session *s, struct session *t)
{
    if (s == t || is_broken(s, t)) {
        return;
    }
    if (s->broken == NULL) {
        s->broken_count = hwi_master_broken_words(m);
        s->broken = hwi_new(m->alloc, s->broken_count * sizeof *s->broken);
    }
    s->broken[t->place / 64] |= UINT64_C(1) << (t->place % 64);
    s->edges++;
    t->edges++;
    s->member_edges += t->member;
    t->member_edges += s->member;
    m->broken_edges++;
    m->crossed |= s->member != t->member;
}

// Broken edges that speak against it: never a member's to a newcomer.
static uint32_t edges_against(const struct session *s)
{
    return s->member ? s->member_edges : s->edges;
}

// Whom to drop so that the rest can reach each other: never a member because of a newcomer.
static struct session *worst(struct master *m)
{
    struct session *found = NULL;
    uint32_t most = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
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

static void drop(struct master *m, struct session *s, struct hwi_effects *fx)
{
    char reason[HWI_TEXT_BYTES_MAX];
    snprintf(reason, sizeof reason,
             "no stripes could be opened between it and %u members of view %llu",
             (unsigned)s->edges, (unsigned long long)m->proposal);
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *t = &m->sessions[i];
        if (t != s && t->proposed && is_broken(s, t)) {
            t->edges--;
            t->member_edges -= s->member;
        }
    }
    hwi_master_dismiss(m, s, HWS_E_EVICTED, reason, fx);
}

// Newcomers that some member cannot reach, all at once: each round takes its time.
static bool drop_newcomers(struct master *m, struct hwi_effects *fx)
{
    bool dropped = false;
    for (uint32_t i = m->session_count; m->crossed && i-- > 0;) {
        struct session *s = &m->sessions[i];
        if (s->proposed && !s->member && s->member_edges > 0) {
            drop(m, s, fx);
            dropped = true;
        }
    }
    return dropped;
}

// One member, or all newcomers that do not reach each other; true if it was somebody.
static bool drop_worst(struct master *m, struct hwi_effects *fx)
{
    struct session *s = worst(m);
    bool dropped = s != NULL, member = dropped && s->member;
    while (s != NULL && s->member == member) {
        drop(m, s, fx);
        s = member ? NULL : worst(m);
    }
    return dropped;
}

void hwi_master_judge(struct master *m, struct hwi_effects *fx)
{
    bool all = m->ready_due == 0, broken = m->broken_edges > 0;
    if (m->reform_at_ns != HWI_NEVER) {
        return; // it will be replaced
    }
    for (uint32_t i = 0; all && broken && i < m->session_count; i++) {
        struct session *t = &m->sessions[i];
        t->blame += t->proposed ? edges_against(t) : 0;
    }
    if (broken && (drop_newcomers(m, fx) || (all && drop_worst(m, fx)))) {
        hwi_master_sweep(m);
        hwi_master_reform(m, fx);
    } else if (all) {
        hwi_master_seal(m, fx);
    }
}

void hwi_master_proposal_expired(struct master *m, struct hwi_effects *fx)
{
    bool dropped = false;
    for (uint32_t i = m->session_count; i-- > 0;) {
        struct session *s = &m->sessions[i];
        if (s->proposed && !s->ready) {
            dropped |= hwi_master_dismiss(m, s, HWS_E_EVICTED,
                                          "it did not answer a proposed view in time", fx);
        }
    }
    hwi_master_sweep(m);
    if (dropped) {
        hwi_master_reform(m, fx);
    }
}
