// SPDX-License-Identifier: MIT
// The election of the shared state. Rules, in order: only whole states stand; if any member holds
// the run's state, only those stand (newcomers never outvote members); newest revision; content
// that most hold; lowest peer id.
#include "actors/master/master.h"

#include <hawser/types.h>

void hwi_master_synced(struct master *m)
{
    m->ever_synced = true;
    for (uint32_t i = 0; i < m->session_count; i++) {
        m->sessions[i].synced |= m->sessions[i].member;
    }
}

static bool any_synced(const struct master *m)
{
    for (uint32_t i = 0; i < m->session_count; i++) {
        if (m->sessions[i].member && m->sessions[i].synced) {
            return true;
        }
    }
    return false;
}

static bool stands(const struct session *s, bool synced_only)
{
    return s->member && !s->offer.dirty && (s->synced || !synced_only);
}

static uint32_t holders(const struct master *m, const struct session *s, bool synced_only)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *t = &m->sessions[i];
        count += stands(t, synced_only) && t->offer.revision == s->offer.revision &&
                 hwi_hash_equal(t->offer.root, s->offer.root);
    }
    return count;
}

static struct session *choose(struct master *m)
{
    bool synced_only = m->ever_synced;
    if (synced_only && !any_synced(m)) {
        return NULL;
    }
    struct session *best = NULL;
    uint32_t best_holders = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        if (!stands(s, synced_only) || (best != NULL && s->offer.revision < best->offer.revision)) {
            continue;
        }
        uint32_t count = holders(m, s, synced_only);
        if (best == NULL || s->offer.revision > best->offer.revision || count > best_holders) {
            best = s;
            best_holders = count;
        }
    }
    return best;
}

static void state_is_lost(struct master *m, struct hwi_effects *fx)
{
    struct hwi_fault fault = {.status = HWS_E_STATE_LOST, .kind = HWI_KIND_SYNC};
    hwi_master_fault(m, &fault);
    m->change = true;
    hwi_master_reform(m, fx);
}

// A member whose tensors are not the run's cannot stay; the others go on. True if one was put out.
static bool put_out_other_layout(struct master *m, struct hwi_hash layout, struct hwi_effects *fx)
{
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        if (s->member && !hwi_hash_equal(s->offer.layout, layout)) {
            hwi_master_put_out(
                m, s, HWS_E_LAYOUT,
                "its shared state has other tensors than the run's (names, types, sizes, order)",
                fx);
            return true;
        }
    }
    return false;
}

// A newcomer whose state is newer than the run's is sent away rather than overwritten.
static bool put_out_newer(struct master *m, uint64_t revision, struct hwi_effects *fx)
{
    for (uint32_t i = 0; i < m->session_count && m->ever_synced; i++) {
        struct session *s = &m->sessions[i];
        if (s->member && !s->synced && s->offer.revision > revision) {
            hwi_master_put_out(m, s, HWS_E_REFUSED,
                               "its shared state is newer than the run's and would be overwritten: "
                               "lower its revision to join",
                               fx);
            return true;
        }
    }
    return false;
}

void hwi_master_tell_plan(struct master *m, struct session *s, struct hwi_effects *fx)
{
    struct hwi_id *sources = hwi_effects_memory(fx, m->session_count * sizeof *sources);
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *t = &m->sessions[i];
        if (t->member && !t->offer.dirty && hwi_hash_equal(t->offer.root, m->plan.root)) {
            sources[count++].value = t->peer;
        }
    }
    struct hwi_msg_sync_plan *plan = MASTER_TELL(s, fx, sync_plan);
    plan->op =
        (struct hwi_op){.view = m->view.number, .kind = HWI_KIND_SYNC, .seq = m->plan.count - 1};
    plan->revision = m->plan.revision;
    plan->root = m->plan.root;
    plan->sources = sources;
    plan->sources_count = count;
}

void hwi_master_elect(struct master *m, struct hwi_effects *fx)
{
    const struct channel *c = hwi_master_channel_known(m, HWI_KIND_SYNC, 0);
    uint32_t committed = c == NULL ? 0 : c->committed;
    if (m->plan.count > committed) {
        return;
    }
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *s = &m->sessions[i];
        if (s->member && s->offer.count != committed + 1) {
            return; // not all have offered
        }
    }
    struct session *best = choose(m);
    if (best == NULL) {
        state_is_lost(m, fx);
        return;
    }
    if (put_out_other_layout(m, best->offer.layout, fx) ||
        put_out_newer(m, best->offer.revision, fx)) {
        return;
    }
    m->plan.count = committed + 1;
    m->plan.revision = best->offer.revision;
    m->plan.root = best->offer.root;
    for (uint32_t i = 0; i < m->session_count; i++) {
        if (m->sessions[i].member) {
            hwi_master_tell_plan(m, &m->sessions[i], fx);
        }
    }
}
