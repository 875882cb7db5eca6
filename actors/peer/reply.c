// SPDX-License-Identifier: MIT
#include "actors/peer/link.h"
#include "actors/peer/members.h"
#include "actors/peer/reply.h"
#include "actors/peer/sync.h"

#include <stdio.h>
#include <string.h>

#include <hawser/types.h>

struct hwi_msg_reply *hwi_peer_reply(const struct hwi_peer *peer, uint64_t request, uint8_t kind,
                                     int status, const struct hwi_peer_members *view,
                                     struct hwi_effects *effects)
{
    static const struct hwi_peer_members nobody;
    bool run_wide = kind == HWI_KIND_NONE || hwi_kind_is_run_wide(kind);
    view = view == NULL ? &nobody : view;
    struct hwi_msg_reply *reply = HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_TRAINER), reply);
    reply->request = request;
    reply->status = status;
    reply->view = view->number;
    reply->rank = run_wide ? view->rank : view->own_rank;
    reply->pending = peer->pending;
    reply->min_members = status == HWS_E_TOO_FEW ? peer->min_members : 0;
    reply->members = hwi_peer_ids(view, run_wide, effects);
    reply->members_count = run_wide ? view->count : view->own_count;
    reply->group = peer->config.group;
    reply->group_count = view->groups;
    reply->group_largest = view->largest;
    reply->run_members = view->count;
    reply->state_dirty = hwi_peer_sync_cut(peer);
    reply->lost = hwi_effects_copy(effects, peer->lost, peer->lost_count * sizeof *peer->lost);
    reply->lost_count = peer->lost_count;
    if (status != HWS_OK) {
        memcpy(reply->trouble, peer->trouble, sizeof reply->trouble);
    }
    if (peer->phase == HWI_PEER_PHASE_FINISHED) {
        snprintf(reply->reason, sizeof reply->reason, "%s", peer->finish_reason);
    }
    return reply;
}
