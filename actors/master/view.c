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
    struct channel *c = hwi_master_channel(m, HWI_KIND_ADMIT, 0);
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
    return s->member || (newcomers && !s->failed);
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

void hwi_master_propose_to(struct master *m, struct session *s, struct hwi_effects *fx)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        count += m->sessions[i].proposed;
    }
    struct hwi_member *members = hwi_effects_memory(fx, count * sizeof *members);
    for (uint32_t i = 0, n = 0; i < m->session_count; i++) {
        const struct session *t = &m->sessions[i];
        if (t->proposed) {
            members[n] = (struct hwi_member){.peer = t->peer, .incarnation = t->incarnation,
                                             .synced = t->synced};
            snprintf(members[n++].address, sizeof members->address, "%s", t->address);
        }
    }
    struct hwi_msg_propose *p = MASTER_TELL(s, fx, propose);
    p->view = m->proposal;
    p->incarnation = s->incarnation;
    p->timeout_ms = m->config.propose_ms;
    p->members = members;
    p->members_count = count;
}

static void open_proposal(struct master *m, struct hwi_effects *fx)
{
    bool newcomers = newcomers_wanted(m);
    m->stage = STAGE_OPEN;
    m->proposal_until_ns = m->now_ns + m->config.propose_ms * HWI_NS_PER_MS;
    m->probe_at_ns = HWI_MIN(m->probe_at_ns, m->now_ns + MASTER_PROBE_MS * HWI_NS_PER_MS);
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        s->proposed = belongs(s, newcomers);
        s->ready = false;
        s->broken_count = 0;
        count += s->proposed;
    }
    struct hwi_member *shared = NULL;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        if (!s->proposed) {
            continue;
        }
        hwi_master_propose_to(m, s, fx);
        struct hwi_msg_propose *p = &fx->items[fx->count - 1].msg.u.propose;
        shared = shared == NULL ? p->members : shared;
        p->members = shared; // one list for all addressees
    }
    if (count == 0) {
        m->stage = STAGE_NONE;
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
    struct channel *c = hwi_master_channel(m, HWI_KIND_ADMIT, 0);
    if (c != NULL && c->ahead == m->view.count) {
        hwi_master_commit(m, c, c->committed + 1, fx);
    }
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
    if (!any_member(m)) {
        m->ever_synced = false; // the run begins again with the newcomers
        if (!newcomers_wanted(m)) {
            return;
        }
    } else if (unchanged(m, newcomers_wanted(m))) {
        answer_admit(m, fx);
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
    if (m->stage == STAGE_BURNING) {
        open_proposal(m, fx);
    } else if (m->stage == STAGE_SEALING) {
        m->stage = STAGE_NONE;
        for (uint32_t i = 0; i < m->session_count; i++) {
            if (m->sessions[i].member) {
                hwi_master_announce_to(m, &m->sessions[i], fx);
            }
        }
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
        bool newcomer_first = found != NULL && found->member && !s->member;
        bool member_last = found != NULL && !found->member && s->member;
        if (edges > 0 && !member_last && (newcomer_first || edges >= most)) {
            found = s;
            most = edges;
        }
    }
    return found;
}

static void drop(struct master *m, struct session *s, struct hwi_effects *fx)
{
    char reason[HWI_TEXT_BYTES_MAX];
    snprintf(reason, sizeof reason, "no stripes could be opened between it and %u members of view %llu",
             (unsigned)broken_edges(m, s, false), (unsigned long long)m->proposal);
    hwi_master_put_out(m, s, HWS_E_EVICTED, reason, fx);
}

void hwi_master_judge(struct master *m, struct hwi_effects *fx)
{
    bool all = true, broken = false;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        if (s->proposed && !s->member && broken_edges(m, s, true) > 0) {
            drop(m, s, fx);
            return;
        }
        all &= !s->proposed || s->ready;
        broken |= s->proposed && s->broken_count > 0;
    }
    if (!all) {
        return;
    }
    struct session *s = broken ? worst(m) : NULL;
    if (s != NULL) {
        drop(m, s, fx);
    } else {
        hwi_master_seal(m, fx);
    }
}

void hwi_master_proposal_expired(struct master *m, struct hwi_effects *fx)
{
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        if (s->proposed && !s->ready) {
            hwi_master_put_out(m, s, HWS_E_EVICTED, "it did not answer a proposed view in time", fx);
            return; // put_out proposed again
        }
    }
}
