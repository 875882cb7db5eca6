// SPDX-License-Identifier: MIT
// A member that votes has nothing else of that tag in flight; a member that admits or syncs has
// nothing at all: such a member holds up every other call that it should be part of. If another one
// is in such a call, neither ends. Both say so in their heartbeats, and what a heartbeat says stays
// true until the master itself decides the operation: a false alarm is not possible.
#include "actors/master/mismatch.h"

#include <hawser/types.h>

#include "actors/base/rows.h"
#include "actors/master/channel.h"
#include "actors/master/fault.h"
#include "actors/master/master.h"
#include "actors/master/propose.h"
#include "actors/master/session.h"

enum {
    ALL_GROUPS = HWI_GROUPS_MAX,
    CLAIMS_MAX = 512, // calls that hold others up, among which a mismatch is looked for
};

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

static int compare(const void *item, const void *wanted)
{
    const struct claim *a = item, *b = wanted;
    if (a->group != b->group) {
        return a->group < b->group ? -1 : 1;
    }
    if (a->tag != b->tag) {
        return a->tag < b->tag ? -1 : 1;
    }
    return (a->channel > b->channel) - (a->channel < b->channel);
}

// One claim of each kind suffices: a call that waits for one member of it waits for the others as
// well.
static void note(struct claims *claims, const struct claim *claim)
{
    uint32_t at = hwi_rows_place(claims->list, claims->count, sizeof *claim, compare, claim);
    bool known = at < claims->count && compare(&claims->list[at], claim) == 0;
    if (!known && claims->count < CLAIMS_MAX) {
        struct claim *noted = HWI_ROWS_OPEN(claims->list, &claims->count, at);
        *noted = *claim;
    }
}

// False if the operation is decided.
static bool read_claim(const struct hwi_master *master, const struct hwi_master_session *session,
                       const struct hwi_tally *tally, struct claim *claim)
{
    const struct hwi_master_channel *channel =
        hwi_master_channel(master, tally->kind, session->group, tally->tag);
    *claim = (struct claim){.group = session->group,
                            .tag = tally->tag,
                            .channel = hwi_channel_kind(tally->kind),
                            .kind = tally->kind,
                            .seq = channel == NULL ? 0 : channel->committed,
                            .peer = session->peer};
    return tally->entered > claim->seq;
}

// All claims that hold others up, as each group sees them, and all groups together.
static struct claims list_holders(const struct hwi_master *master, struct hwi_effects *effects)
{
    struct claims claims = {0};
    struct claim claim;
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *session = &master->sessions[i];
        for (uint32_t j = 0; j < session->tally_count && session->member; j++) {
            if (!holds_up(session->tallies[j].kind) ||
                !read_claim(master, session, &session->tallies[j], &claim)) {
                continue;
            }
            if (claims.list == NULL) {
                claims.list = hwi_effects_memory(effects, CLAIMS_MAX * sizeof *claims.list);
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
        struct claim wanted = {.group = claim->group,
                               .tag = holders[i].any_tag != 0 ? claim->tag : 0,
                               .channel = holders[i].channel};
        const struct claim *found =
            hwi_rows_find(claims->list, claims->count, sizeof wanted, compare, &wanted);
        if (found != NULL && found->channel != claim->channel && found->peer != claim->peer) {
            return found;
        }
    }
    return NULL;
}

static void tell(struct hwi_master *master, const struct claim *of, const struct claim *a,
                 const struct claim *b)
{
    const struct hwi_master_session *session = hwi_master_session_of_peer(master, of->peer);
    struct hwi_fault fault = {.status = HWS_E_MISMATCH,
                              .kind = of->channel,
                              .group = hwi_kind_is_run_wide(of->kind) ? 0 : session->group,
                              .tag = of->tag,
                              .seq = of->seq,
                              .peer_a = a->peer,
                              .peer_b = b->peer,
                              .signature_a = {.kind = a->kind},
                              .signature_b = {.kind = b->kind}};
    hwi_master_fault(master, &fault);
}

// True if the member is in a call that another member's call holds up: both get the fault.
static bool tell_held_up(struct hwi_master *master, const struct claims *claims,
                         const struct hwi_master_session *session)
{
    struct claim claim;
    for (uint32_t i = 0; i < session->tally_count && session->member; i++) {
        if (!read_claim(master, session, &session->tallies[i], &claim)) {
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

void hwi_master_end_mismatch(struct hwi_master *master, struct hwi_effects *effects)
{
    if (master->change || master->stage == HWI_STAGE_SEALING) {
        return; // the view changes, and that ends them
    }
    struct claims claims = list_holders(master, effects);
    for (uint32_t i = 0; i < master->session_count && claims.count > 0 && !master->change; i++) {
        master->change = tell_held_up(master, &claims, &master->sessions[i]);
    }
    if (master->change && hwi_master_may_reform(master)) {
        hwi_master_reform(master, effects);
    }
}
