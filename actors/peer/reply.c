// SPDX-License-Identifier: MIT
// The one answer to a request.
#include "actors/peer/peer.h"

#include <stdio.h>

struct hwi_msg_reply *hwi_peer_reply(struct peer *p, uint64_t request, uint8_t kind, int status,
                                     const struct members *view, struct hwi_effects *fx)
{
    static const struct members nobody;
    bool run_wide = kind == HWI_KIND_NONE || hwi_kind_is_run_wide(kind);
    view = view == NULL ? &nobody : view;
    struct hwi_msg_reply *r = HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_TRAINER), reply);
    r->request = request;
    r->status = status;
    r->view = view->number;
    r->rank = run_wide ? view->rank : view->own_rank;
    r->pending = p->pending;
    r->members = hwi_peer_ids(view, run_wide, fx);
    r->members_count = run_wide ? view->count : view->own_count;
    r->group = p->config.group;
    r->group_count = view->groups;
    r->group_largest = view->largest;
    r->run_members = view->count;
    r->state_dirty = p->state_dirty;
    r->lost = hwi_effects_copy(fx, p->lost, p->lost_count * sizeof *p->lost);
    r->lost_count = p->lost_count;
    if (p->phase == PHASE_FINISHED) {
        snprintf(r->reason, sizeof r->reason, "%s", p->finish_reason);
    }
    return r;
}
