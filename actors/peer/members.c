// SPDX-License-Identifier: MIT
// The members of a view, as little of them as will do: a run of M members keeps M of these lists.
#include "actors/base/place.h"
#include "actors/peer/peer.h"

#include <string.h>

int64_t hwi_peer_rank(const struct members *m, uint64_t peer)
{
    if (m->count == 0 || peer < m->ids[0].value) {
        return -1;
    }
    // Ids ascend, so it is not higher than this; and there, if none between has left.
    uint32_t high = (uint32_t)HWI_MIN(peer - m->ids[0].value, m->count - 1);
    if (m->ids[high].value == peer) {
        return high;
    }
    uint32_t at = HWI_PLACE(struct hwi_id, value, m->ids, high, peer);
    return m->ids[at].value == peer ? (int64_t)at : -1;
}

struct hwi_id *hwi_peer_ids(const struct members *m, struct hwi_effects *fx)
{
    return hwi_effects_copy(fx, m->ids, m->count * sizeof *m->ids);
}

void hwi_peer_members_set(struct peer *p, struct members *to, uint64_t number,
                          const struct hwi_member *list, uint32_t count)
{
    to->ids = hwi_resize(p->alloc, to->ids, count * sizeof *to->ids);
    for (uint32_t i = 0; i < count; i++) {
        to->ids[i].value = list[i].peer;
    }
    to->number = number;
    to->count = count;
    int64_t rank = hwi_peer_rank(to, p->id);
    to->rank = rank < 0 ? count : (uint32_t)rank;
}

void hwi_peer_members_forget(struct peer *p, struct members *m)
{
    hwi_free(p->alloc, m->ids);
    *m = (struct members){0};
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
