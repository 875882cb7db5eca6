// SPDX-License-Identifier: MIT
// Members that wait for each other in different calls. Whoever votes has nothing else of that tag
// in flight, whoever admits or syncs nothing at all: such a member holds up every other call that
// it should be part of. If another one is in such a call, neither ends. Both say so in their
// heartbeats, and what a heartbeat says stays true until the master itself decides the operation: a
// false alarm is not possible.
#include "actors/master/master.h"

#include <string.h>

#include <hawser/types.h>

enum { ALL_GROUPS = HWI_GROUPS_MAX };

// Some member is in an operation that is not decided.
struct claim {
    uint32_t group;  // that it is seen from: the member's, or ALL_GROUPS
    uint64_t tag;    // of its channel
    uint8_t channel; // channel kind
    uint8_t kind;    // what was called
    uint32_t seq;    // of the operation
    uint64_t peer;   // who is in it
};

struct claims {
    struct claim *list; // ordered by (group, tag, channel)
    uint32_t count;
};

static bool holds_up(uint8_t kind)
{
    return hwi_kind_is_alone(kind) || hwi_kind_is_agreement(kind);
}

static bool is_before(const struct claim *c, uint32_t group, uint64_t tag, uint8_t channel)
{
    if (c->group != group) {
        return c->group < group;
    }
    return c->tag < tag || (c->tag == tag && c->channel < channel);
}

static uint32_t place_of(const struct claims *claims, uint32_t group, uint64_t tag, uint8_t channel)
{
    uint32_t low = 0, high = claims->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool before = is_before(&claims->list[middle], group, tag, channel);
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

// One claim of each kind will do: who waits for one member of it waits for the others as well.
static void note(struct claims *claims, const struct claim *claim)
{
    uint32_t at = place_of(claims, claim->group, claim->tag, claim->channel);
    struct claim *here = &claims->list[at];
    bool known = at < claims->count && here->group == claim->group && here->tag == claim->tag &&
                 here->channel == claim->channel;
    if (!known && claims->count < HWI_MASTER_CLAIMS_MAX) {
        memmove(here + 1, here, (claims->count++ - at) * sizeof *here);
        *here = *claim;
    }
}

// False if the operation is decided.
static bool read_claim(struct hwi_master *master, const struct hwi_master_session *s,
                       const struct hwi_tally *t, struct claim *claim)
{
    const struct hwi_master_channel *c =
        hwi_master_channel_known(master, t->kind, s->group, t->tag);
    *claim = (struct claim){.group = s->group,
                            .tag = t->tag,
                            .channel = hwi_channel_kind(t->kind),
                            .kind = t->kind,
                            .seq = c == NULL ? 0 : c->committed,
                            .peer = s->peer};
    return t->entered > claim->seq;
}

// All claims that hold others up, as each group sees them, and all groups together.
static struct claims list_holders(struct hwi_master *master, struct hwi_effects *effects)
{
    struct claims claims = {0};
    struct claim claim;
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *s = &master->sessions[i];
        for (uint32_t j = 0; j < s->tally_count && s->member; j++) {
            if (!holds_up(s->tallies[j].kind) || !read_claim(master, s, &s->tallies[j], &claim)) {
                continue;
            }
            if (claims.list == NULL) {
                claims.list =
                    hwi_effects_memory(effects, (HWI_MASTER_CLAIMS_MAX + 1) * sizeof *claims.list);
            }
            note(&claims, &claim);
            if (hwi_kind_is_run_wide(claim.kind)) {
                claim.group = ALL_GROUPS;
                note(&claims, &claim);
            }
        }
    }
    return claims;
}

// A claim of another call, by another member, that holds this one up; NULL = none.
static const struct claim *holder_of(const struct claims *claims, const struct claim *claim)
{
    static const struct {
        uint64_t any_tag;
        uint8_t channel;
    } holders[] = {
        {0, HWI_KIND_ADMIT}, {0, HWI_KIND_SYNC}, {1, HWI_KIND_AGREE}, {1, HWI_KIND_AGREE_RUN}};
    for (size_t i = 0; i < HWI_COUNT(holders); i++) {
        uint64_t tag = holders[i].any_tag != 0 ? claim->tag : 0;
        uint32_t at = place_of(claims, claim->group, tag, holders[i].channel);
        const struct claim *found = &claims->list[at];
        if (at < claims->count && found->group == claim->group && found->tag == tag &&
            found->channel == holders[i].channel && found->channel != claim->channel &&
            found->peer != claim->peer) {
            return found;
        }
    }
    return NULL;
}

static void tell(struct hwi_master *master, const struct claim *of, const struct claim *a,
                 const struct claim *b)
{
    const struct hwi_master_session *s = hwi_master_session_of_peer(master, of->peer);
    struct hwi_fault fault = {.status = HWS_E_MISMATCH,
                              .kind = of->channel,
                              .group = hwi_kind_is_run_wide(of->kind) ? 0 : s->group,
                              .tag = of->tag,
                              .seq = of->seq,
                              .peer_a = a->peer,
                              .peer_b = b->peer,
                              .signature_a = {.kind = a->kind},
                              .signature_b = {.kind = b->kind}};
    hwi_master_fault(master, &fault);
}

// True if the member is in a call that another's holds up: both are told.
static bool is_held_up(struct hwi_master *master, const struct claims *claims,
                       const struct hwi_master_session *s)
{
    struct claim claim;
    for (uint32_t i = 0; i < s->tally_count && s->member; i++) {
        if (!read_claim(master, s, &s->tallies[i], &claim)) {
            continue;
        }
        const struct claim *holder = holder_of(claims, &claim);
        if (holder == NULL && hwi_kind_is_run_wide(claim.kind)) {
            claim.group = ALL_GROUPS;
            holder = holder_of(claims, &claim);
        }
        if (holder != NULL) {
            tell(master, &claim, holder, &claim);
            tell(master, holder, holder, &claim);
            return true;
        }
    }
    return false;
}

void hwi_master_find_mismatch(struct hwi_master *master, struct hwi_effects *effects)
{
    if (master->change || master->stage == HWI_STAGE_SEALING) {
        return; // the view changes, and that ends them
    }
    struct claims claims = list_holders(master, effects);
    for (uint32_t i = 0; i < master->session_count && claims.count > 0 && !master->change; i++) {
        master->change = is_held_up(master, &claims, &master->sessions[i]);
    }
    if (master->change && master->stage == HWI_STAGE_NONE) {
        hwi_master_reform(master, effects);
    }
}
