// SPDX-License-Identifier: MIT
// The election of the shared state. Rules, in order: only whole states stand; if any member holds
// the run's state, only those stand (newcomers never outvote members); newest revision; content
// that most hold; lowest peer id.
#include "actors/master/master.h"

#include <hawser/types.h>

void hwi_master_synced(struct master *m)
{
    m->ever_synced = true;
    m->offers = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        s->synced |= s->member;
        m->offers += s->member && hwi_master_offered(m, s);
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

// How many of those that stand with the newest revision hold each content: open addressing by its
// hash, at most half full.
struct content {
    struct session *first; // of lowest peer id; NULL = free
    uint32_t holders;
};

static struct content *find_content(struct content *table, uint32_t size, struct hwi_hash root)
{
    uint32_t at = (uint32_t)root.lo & (size - 1);
    while (table[at].first != NULL && !hwi_hash_equal(table[at].first->offer.root, root)) {
        at = (at + 1) & (size - 1);
    }
    return &table[at];
}

static struct session *most_held(struct master *m, uint64_t revision, bool synced_only,
                                 struct hwi_effects *fx)
{
    uint32_t size = 2;
    while (size < 2 * m->member_count) {
        size *= 2;
    }
    struct content *table = hwi_effects_memory(fx, size * sizeof *table);
    struct content best = {0};
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        if (!stands(s, synced_only) || s->offer.revision != revision) {
            continue;
        }
        struct content *content = find_content(table, size, s->offer.root);
        content->first = content->first == NULL ? s : content->first;
        content->holders++;
        bool more = content->holders > best.holders ||
                    (content->holders == best.holders && content->first->peer < best.first->peer);
        best = more ? *content : best;
    }
    return best.first;
}

static struct session *choose(struct master *m, struct hwi_effects *fx)
{
    bool synced_only = m->ever_synced, any = false;
    uint64_t newest = 0;
    if (synced_only && !any_synced(m)) {
        return NULL;
    }
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *s = &m->sessions[i];
        any |= stands(s, synced_only);
        newest = stands(s, synced_only) ? HWI_MAX(newest, s->offer.revision) : newest;
    }
    return any ? most_held(m, newest, synced_only, fx) : NULL;
}

static void state_is_lost(struct master *m, struct hwi_effects *fx)
{
    const struct channel *c = hwi_master_channel_known(m, HWI_KIND_SYNC, 0);
    struct hwi_fault fault = {.status = HWS_E_STATE_LOST, .kind = HWI_KIND_SYNC};
    fault.seq = c != NULL ? c->committed : 0;
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

static struct hwi_msg_sync_plan plan(const struct master *m, struct hwi_effects *fx)
{
    struct hwi_msg_sync_plan made = {
        .op = {.view = m->view.number, .kind = HWI_KIND_SYNC, .seq = m->plan.count - 1},
        .revision = m->plan.revision,
        .root = m->plan.root,
        .sources = hwi_effects_memory(fx, m->member_count * sizeof *made.sources),
    };
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *t = &m->sessions[i];
        if (t->member && !t->offer.dirty && hwi_hash_equal(t->offer.root, m->plan.root)) {
            made.sources[made.sources_count++].value = t->peer;
        }
    }
    return made;
}

void hwi_master_tell_plan(struct master *m, struct session *s, struct hwi_effects *fx)
{
    struct hwi_msg_sync_plan made = plan(m, fx);
    *MASTER_TELL(s, fx, sync_plan) = made;
}

static uint32_t syncs_committed(const struct master *m)
{
    const struct channel *c = hwi_master_channel_known((struct master *)m, HWI_KIND_SYNC, 0);
    return c == NULL ? 0 : c->committed;
}

bool hwi_master_offered(const struct master *m, const struct session *s)
{
    return s->offer.count == syncs_committed(m) + 1;
}

void hwi_master_elect(struct master *m, struct hwi_effects *fx)
{
    if (m->plan.count > syncs_committed(m) || m->offers < m->member_count) {
        return; // decided, or not all have offered
    }
    struct session *best = choose(m, fx);
    if (best == NULL) {
        state_is_lost(m, fx);
        return;
    }
    if (put_out_other_layout(m, best->offer.layout, fx) ||
        put_out_newer(m, best->offer.revision, fx)) {
        return;
    }
    m->plan.count = syncs_committed(m) + 1;
    m->plan.revision = best->offer.revision;
    m->plan.root = best->offer.root;
    struct hwi_msg_sync_plan made = plan(m, fx); // one list for all addressees
    for (uint32_t i = 0; i < m->session_count; i++) {
        if (m->sessions[i].member) {
            *MASTER_TELL(&m->sessions[i], fx, sync_plan) = made;
        }
    }
}
