// SPDX-License-Identifier: MIT
// The members of a view, as little of them as will do: a run of M members keeps M of these lists.
#include "actors/base/place.h"
#include "actors/peer/peer.h"

#include <string.h>

int64_t hwi_peer_rank(const struct hwi_peer_members *m, uint64_t id)
{
    if (m->count == 0 || id < m->ids[0].value) {
        return -1;
    }
    // Ids ascend, so it is not higher than this; and there, if none between has left.
    uint32_t high = (uint32_t)HWI_MIN(id - m->ids[0].value, m->count - 1);
    if (m->ids[high].value == id) {
        return high;
    }
    uint32_t at = HWI_PLACE(struct hwi_id, value, m->ids, high, id);
    return m->ids[at].value == id ? (int64_t)at : -1;
}

bool hwi_peer_is_ours_at(const struct hwi_peer_members *m, uint32_t rank)
{
    return m->ours == NULL || m->ours[rank] != 0;
}

bool hwi_peer_is_ours(const struct hwi_peer_members *m, uint64_t id)
{
    int64_t rank = hwi_peer_rank(m, id);
    return rank >= 0 && hwi_peer_is_ours_at(m, (uint32_t)rank);
}

struct hwi_id *hwi_peer_ids(const struct hwi_peer_members *m, bool run_wide,
                            struct hwi_effects *effects)
{
    if (run_wide || m->ours == NULL) {
        return hwi_effects_copy(effects, m->ids, m->count * sizeof *m->ids);
    }
    struct hwi_id *ids = hwi_effects_memory(effects, m->own_count * sizeof *ids);
    for (uint32_t i = 0, own = 0; i < m->count; i++) {
        if (m->ours[i] != 0) {
            ids[own++] = m->ids[i];
        }
    }
    return ids;
}

static void note_ours(struct hwi_peer *peer, struct hwi_peer_members *to,
                      const struct hwi_member *list)
{
    hwi_free(peer->alloc, to->ours);
    to->ours = to->own_count < to->count ? hwi_new(peer->alloc, to->count) : NULL;
    for (uint32_t i = 0; to->ours != NULL && i < to->count; i++) {
        to->ours[i] = list[i].group == peer->config.group;
    }
}

void hwi_peer_members_set(struct hwi_peer *peer, struct hwi_peer_members *to, uint64_t number,
                          const struct hwi_member *list, uint32_t count)
{
    to->ids = hwi_resize(peer->alloc, to->ids, count * sizeof *to->ids);
    to->number = number;
    to->count = count;
    to->rank = count;
    to->own_count = to->own_rank = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool ours = list[i].group == peer->config.group;
        to->ids[i].value = list[i].peer;
        to->rank = list[i].peer == peer->id ? i : to->rank;
        to->own_rank += ours && list[i].peer < peer->id;
        to->own_count += ours;
    }
    note_ours(peer, to, list);
}

void hwi_peer_members_forget(struct hwi_peer *peer, struct hwi_peer_members *m)
{
    hwi_free(peer->alloc, m->ids);
    hwi_free(peer->alloc, m->ours);
    *m = (struct hwi_peer_members){0};
}

bool hwi_peer_members_ordered(const struct hwi_member *list, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (list[i - 1].peer >= list[i].peer) {
            return false;
        }
    }
    return true;
}
