// SPDX-License-Identifier: MIT
// The one answer to a request.
#include "actors/peer/peer.h"

#include <stdio.h>

struct hwi_msg_reply *hwi_peer_reply(struct hwi_peer *peer, uint64_t request, uint8_t kind,
                                     int status, const struct hwi_peer_members *view,
                                     struct hwi_effects *effects)
{
    static const struct hwi_peer_members nobody;
    bool run_wide = kind == HWI_KIND_NONE || hwi_kind_is_run_wide(kind);
    view = view == NULL ? &nobody : view;
    struct hwi_msg_reply *r = HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_TRAINER), reply);
    r->request = request;
    r->status = status;
    r->view = view->number;
    r->rank = run_wide ? view->rank : view->own_rank;
    r->pending = peer->pending;
    r->members = hwi_peer_ids(view, run_wide, effects);
    r->members_count = run_wide ? view->count : view->own_count;
    r->group = peer->config.group;
    r->group_count = view->groups;
    r->group_largest = view->largest;
    r->run_members = view->count;
    r->state_dirty = peer->state_dirty;
    r->lost = hwi_effects_copy(effects, peer->lost, peer->lost_count * sizeof *peer->lost);
    r->lost_count = peer->lost_count;
    if (peer->phase == HWI_PEER_PHASE_FINISHED) {
        snprintf(r->reason, sizeof r->reason, "%s", peer->finish_reason);
    }
    return r;
}
