// SPDX-License-Identifier: MIT
#include "actors/base/rows.h"
#include "actors/peer/members.h"

#include <string.h>

int64_t hwi_peer_rank(const struct hwi_peer_members *members, uint64_t id)
{
    if (members->count == 0 || id < members->ids[0].value) {
        return -1;
    }
    // Ids ascend, so it is not higher than this; and there, if none between has left.
    uint32_t high = (uint32_t)HWI_MIN(id - members->ids[0].value, members->count - 1);
    if (members->ids[high].value == id) {
        return high;
    }
    const struct hwi_id *found = HWI_ROWS_FIND(struct hwi_id, value, members->ids, high, id);
    return found != NULL ? found - members->ids : -1;
}

bool hwi_peer_is_ours_at(const struct hwi_peer_members *members, uint32_t rank)
{
    return members->ours == NULL || members->ours[rank] != 0;
}

bool hwi_peer_is_ours(const struct hwi_peer_members *members, uint64_t id)
{
    int64_t rank = hwi_peer_rank(members, id);
    return rank >= 0 && hwi_peer_is_ours_at(members, (uint32_t)rank);
}

struct hwi_id *hwi_peer_ids(const struct hwi_peer_members *members, bool run_wide,
                            struct hwi_effects *effects)
{
    if (run_wide || members->ours == NULL) {
        return hwi_effects_copy(effects, members->ids, members->count * sizeof *members->ids);
    }
    struct hwi_id *ids = hwi_effects_memory(effects, members->own_count * sizeof *ids);
    for (uint32_t i = 0, own = 0; i < members->count; i++) {
        if (members->ours[i] != 0) {
            ids[own++] = members->ids[i];
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

void hwi_peer_members_forget(struct hwi_peer *peer, struct hwi_peer_members *members)
{
    hwi_free(peer->alloc, members->ids);
    hwi_free(peer->alloc, members->ours);
    *members = (struct hwi_peer_members){0};
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

bool hwi_peer_too_few(const struct hwi_peer *peer)
{
    return peer->view.count < peer->min_members;
}
