// SPDX-License-Identifier: MIT
// The rules reduce the candidates one by one; a member that cannot adopt the elected state is
// removed.
#include "actors/master/elect.h"

#include <stdio.h>

#include <hawser/state.h>
#include <hawser/types.h>

#include "actors/master/dismiss.h"
#include "actors/master/fault.h"
#include "actors/master/master.h"
#include "actors/master/propose.h"
#include "actors/master/shape.h"
#include "actors/master/sync.h"

enum { REASON_BYTES = HWI_TEXT_BYTES_MAX };

// Members that are still in the running, ordered by peer id.
struct field {
    struct hwi_master_session **all;
    uint32_t count;
};

// It came to the run's state from outside, and has no vote on it.
static bool is_newcomer(const struct hwi_master_session *session,
                        const struct hwi_master_group *group)
{
    return group->ever_synced && !session->synced;
}

static struct field list_whole(struct hwi_master *master, const struct hwi_master_group *group,
                               struct hwi_effects *effects)
{
    struct field field = {.all = hwi_effects_memory(effects, group->members * sizeof *field.all)};
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        if (hwi_master_is_of(session, group) && !session->offer.dirty &&
            !is_newcomer(session, group)) {
            field.all[field.count++] = session;
        }
    }
    return field;
}

typedef bool (*keep_fn)(const struct hwi_master_session *session,
                        const struct hwi_master_session *like);

static bool may_send(const struct hwi_master_session *session,
                     const struct hwi_master_session *like)
{
    (void)like;
    return session->offer.strategy != HWS_SYNC_RECEIVE_ONLY;
}

static bool sends_only(const struct hwi_master_session *session,
                       const struct hwi_master_session *like)
{
    (void)like;
    return session->offer.strategy == HWS_SYNC_SEND_ONLY;
}

static bool has_root(const struct hwi_master_session *session,
                     const struct hwi_master_session *like)
{
    return hwi_hash_equal(session->offer.root, like->offer.root);
}

static bool has_layout(const struct hwi_master_session *session,
                       const struct hwi_master_session *like)
{
    return hwi_hash_equal(session->offer.layout, like->offer.layout);
}

static bool has_revision(const struct hwi_master_session *session,
                         const struct hwi_master_session *like)
{
    return session->offer.revision == like->offer.revision;
}

static void sift(struct field *field, keep_fn keep, const struct hwi_master_session *like)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < field->count; i++) {
        if (keep(field->all[i], like)) {
            field->all[kept++] = field->all[i];
        }
    }
    field->count = kept;
}

static bool any(const struct field *field, keep_fn is)
{
    uint32_t i = 0;
    while (i < field->count && !is(field->all[i], NULL)) {
        i++;
    }
    return i < field->count;
}

static struct hwi_master_session *newest(const struct field *field)
{
    struct hwi_master_session *found = field->all[0];
    for (uint32_t i = 1; i < field->count; i++) {
        bool newer = field->all[i]->offer.revision > found->offer.revision;
        found = newer ? field->all[i] : found;
    }
    return found;
}

// How many have one layout, or hold one content: open addressing by its hash, at most half full.
struct party {
    struct hwi_master_session *first; // of lowest peer id; NULL = free
    uint32_t size;
    uint64_t newest; // revision
};

typedef struct hwi_hash (*hash_fn)(const struct hwi_master_session *session);

static struct hwi_hash layout_of(const struct hwi_master_session *session)
{
    return session->offer.layout;
}

static struct hwi_hash root_of(const struct hwi_master_session *session)
{
    return session->offer.root;
}

static struct party *find_party(struct party *table, uint32_t size, hash_fn of,
                                const struct hwi_master_session *session)
{
    uint32_t at = (uint32_t)of(session).lo & (size - 1);
    while (table[at].first != NULL && !hwi_hash_equal(of(table[at].first), of(session))) {
        at = (at + 1) & (size - 1);
    }
    return &table[at];
}

static bool beats(const struct party *a, const struct party *b)
{
    if (b->first == NULL || a->size != b->size) {
        return a->size > b->size;
    }
    return a->newest != b->newest ? a->newest > b->newest : a->first->peer < b->first->peer;
}

// One of the largest party: of the largest ones the one with the newest revision, then the one of
// the lowest peer id.
static struct hwi_master_session *most(const struct field *field, hash_fn of,
                                       struct hwi_effects *effects)
{
    uint32_t size = 2;
    while (size < 2 * field->count) {
        size *= 2;
    }
    struct party *table = hwi_effects_memory(effects, size * sizeof *table);
    struct party best = {0};
    for (uint32_t i = 0; i < field->count; i++) {
        struct hwi_master_session *session = field->all[i];
        struct party *party = find_party(table, size, of, session);
        party->first = party->first == NULL ? session : party->first;
        party->newest = HWI_MAX(party->newest, session->offer.revision);
        party->size++;
        best = beats(party, &best) ? *party : best;
    }
    return best.first;
}

// The sync fails for all of the group.
static void fail(struct hwi_master *master, const struct hwi_master_group *group, int status,
                 uint64_t peer_a, uint64_t peer_b, struct hwi_effects *effects)
{
    struct hwi_fault fault = {.status = status,
                              .kind = HWI_KIND_SYNC,
                              .group = group->number,
                              .seq = hwi_master_syncs_committed(master, group->number),
                              .peer_a = peer_a,
                              .peer_b = peer_b};
    hwi_master_fault(master, &fault);
    master->change = true;
    hwi_master_reform(master, effects);
}

// Why it cannot adopt the elected state; HWS_OK = it can.
static int objection(const struct hwi_master *master, const struct hwi_master_group *group,
                     const struct hwi_master_session *winner,
                     const struct hwi_master_session *session, char reason[REASON_BYTES])
{
    if (!has_layout(session, winner)) {
        hwi_master_shape_compare(master, session->offer.layout, winner, reason);
        return HWS_E_LAYOUT;
    }
    if (is_newcomer(session, group) && session->offer.revision > winner->offer.revision) {
        snprintf(reason, REASON_BYTES, "its revision is %llu, the run's is %llu",
                 (unsigned long long)session->offer.revision,
                 (unsigned long long)winner->offer.revision);
        return HWS_E_AHEAD;
    }
    if (is_newcomer(session, group) && sends_only(session, NULL) && !has_root(session, winner)) {
        snprintf(reason, REASON_BYTES,
                 "a newcomer cannot outvote members: a send-only newcomer can join a run only with "
                 "the state that "
                 "the run holds");
        return HWS_E_REFUSED;
    }
    return HWS_OK;
}

// True if a member was removed: the others meet again in the next view.
static bool put_out(struct hwi_master *master, const struct hwi_master_group *group,
                    const struct hwi_master_session *winner, struct hwi_effects *effects)
{
    bool out = false;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        char reason[REASON_BYTES];
        int status = hwi_master_is_of(session, group)
                         ? objection(master, group, winner, session, reason)
                         : HWS_OK;
        if (status != HWS_OK) {
            hwi_master_dismiss(master, session, status, reason, effects);
            out = true;
        }
    }
    if (out) {
        hwi_master_sweep(master);
        hwi_master_reform(master, effects);
    }
    return out;
}

// A send-only member that does not hold the elected state; NULL = none.
static const struct hwi_master_session *opponent(const struct hwi_master *master,
                                                 const struct hwi_master_group *group,
                                                 const struct hwi_master_session *winner)
{
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *session = &master->sessions[i];
        if (hwi_master_is_of(session, group) && sends_only(session, NULL) &&
            !has_root(session, winner)) {
            return session;
        }
    }
    return NULL;
}

const struct hwi_master_session *hwi_master_elect(struct hwi_master *master,
                                                  const struct hwi_master_group *group,
                                                  struct hwi_effects *effects)
{
    struct field field = list_whole(master, group, effects);
    if (field.count == 0) {
        fail(master, group, HWS_E_STATE_LOST, 0, 0, effects);
        return NULL;
    }
    sift(&field, may_send, NULL);
    if (field.count == 0) {
        fail(master, group, HWS_E_CONFLICT, 0, 0, effects);
        return NULL;
    }
    sift(&field, has_layout, most(&field, layout_of, effects));
    if (any(&field, sends_only)) {
        sift(&field, sends_only, NULL);
    }
    sift(&field, has_revision, newest(&field));
    const struct hwi_master_session *winner = most(&field, root_of, effects);
    if (put_out(master, group, winner, effects)) {
        return NULL;
    }
    const struct hwi_master_session *other = opponent(master, group, winner);
    if (other != NULL) {
        fail(master, group, HWS_E_CONFLICT, winner->peer, other->peer, effects);
        return NULL;
    }
    return winner;
}
