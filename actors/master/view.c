// SPDX-License-Identifier: MIT
// Proposals: which view should be, who is ready for it, who is dropped from it.
#include "actors/master/master.h"

#include <stdio.h>

#include <hawser/types.h>

static bool any_member(const struct master *m)
{
    for (uint32_t i = 0; i < m->session_count; i++) {
        if (m->sessions[i].member) {
            return true;
        }
    }
    return false;
}

// Every surviving member has voted to admit.
static bool admit_voted(struct master *m)
{
    const struct channel *c = hwi_master_channel_known(m, HWI_KIND_ADMIT, 0);
    if (c == NULL) {
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
    if (!any_member(m)) {
        return hwi_master_waiting(m) >= m->config.min_members;
    }
    return admit_voted(m);
}

static bool belongs(const struct session *s, bool newcomers)
{
    return s->member || (newcomers && !s->late);
}

// True if the view that should be is the one in force.
static bool unchanged(const struct master *m, bool newcomers)
{
    for (uint32_t i = 0; i < m->session_count; i++) {
        if (!m->sessions[i].member && belongs(&m->sessions[i], newcomers)) {
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
            *member = (struct hwi_member){
                .peer = s->peer, .incarnation = s->incarnation, .synced = s->synced};
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
    m->proposal_until_ns = m->now_ns + m->config.propose_ms * HWI_NS_PER_MS;
    m->probe_at_ns = HWI_MIN(m->probe_at_ns, m->now_ns + MASTER_PROBE_MS * HWI_NS_PER_MS);
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        s->proposed = belongs(s, newcomers);
        s->ready = false;
        s->broken_count = 0;
    }
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
    m->proposal = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        m->sessions[i].proposed = false;
    }
}

// The members' vote is answered although nobody came in.
static void answer_admit(struct master *m, struct hwi_effects *fx)
{
    struct channel *c = hwi_master_channel_known(m, HWI_KIND_ADMIT, 0);
    if (c != NULL && c->ahead == m->view.count) {
        hwi_master_commit(m, c, c->committed + 1, fx);
    }
}

bool hwi_master_admitting(struct master *m)
{
    return m->stage == STAGE_OPEN && any_member(m) && admit_voted(m);
}

static void forget_late(struct master *m)
{
    for (uint32_t i = 0; i < m->session_count; i++) {
        m->sessions[i].late = false;
    }
}

// True if another view should be than the one in force. If not, a vote that led to none is
// answered.
static bool other_view_wanted(struct master *m, struct hwi_effects *fx)
{
    if (!any_member(m)) {
        m->ever_synced = false; // the run begins again with the newcomers
        forget_late(m);
        return newcomers_wanted(m);
    }
    if (unchanged(m, newcomers_wanted(m))) {
        forget_late(m);
        answer_admit(m, fx);
        return false;
    }
    return true;
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

static bool names(const struct session *s, uint64_t peer)
{
    for (uint32_t i = 0; i < s->broken_count; i++) {
        if (s->broken[i] == peer) {
            return true;
        }
    }
    return false;
}

void hwi_master_broken(struct master *m, struct session *s, uint64_t peer)
{
    if (!names(s, peer)) {
        s->broken = hwi_resize(m->alloc, s->broken, (s->broken_count + 1) * sizeof *s->broken);
        s->broken[s->broken_count++] = peer;
    }
}

// Broken edges of `s` in the proposal, counted only towards members if `members_only`.
static uint32_t broken_edges(const struct master *m, const struct session *s, bool members_only)
{
    uint32_t edges = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *t = &m->sessions[i];
        bool counts = t != s && t->proposed && (t->member || !members_only);
        edges += counts && (names(s, t->peer) || names(t, s->peer));
    }
    return edges;
}

// Whom to drop so that the rest can reach each other: never a member because of a newcomer.
static struct session *worst(struct master *m)
{
    struct session *found = NULL;
    uint32_t most = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        uint32_t edges = s->proposed ? broken_edges(m, s, s->member) : 0;
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

static bool drop(struct master *m, struct session *s, struct hwi_effects *fx)
{
    char reason[HWI_TEXT_BYTES_MAX];
    snprintf(reason, sizeof reason,
             "no stripes could be opened between it and %u members of view %llu",
             (unsigned)broken_edges(m, s, false), (unsigned long long)m->proposal);
    return hwi_master_dismiss(m, s, HWS_E_EVICTED, reason, fx);
}

// Newcomers that some member cannot reach, all at once: each round takes its time.
static bool drop_newcomers(struct master *m, struct hwi_effects *fx)
{
    bool dropped = false;
    for (uint32_t i = m->session_count; i-- > 0;) {
        struct session *s = &m->sessions[i];
        if (s->proposed && !s->member && broken_edges(m, s, true) > 0) {
            dropped |= drop(m, s, fx);
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
    bool all = true, broken = false;
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *s = &m->sessions[i];
        all &= !s->proposed || s->ready;
        broken |= s->proposed && s->broken_count > 0;
    }
    for (uint32_t i = 0; all && broken && i < m->session_count; i++) {
        struct session *t = &m->sessions[i];
        t->blame += t->proposed ? broken_edges(m, t, t->member) : 0;
    }
    if (broken && (drop_newcomers(m, fx) || (all && drop_worst(m, fx)))) {
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
    if (dropped) {
        hwi_master_reform(m, fx);
    }
}
