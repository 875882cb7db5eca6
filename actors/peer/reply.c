// SPDX-License-Identifier: MIT
// The one answer to a request.
#include "actors/peer/peer.h"

#include <stdio.h>

struct hwi_msg_reply *hwi_peer_reply(struct peer *p, uint64_t request, int status,
                                     const struct members *view, struct hwi_effects *fx)
{
    static const struct members nobody;
    view = view == NULL ? &nobody : view;
    struct hwi_msg_reply *r = HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_TRAINER), reply);
    r->request = request;
    r->status = status;
    r->view = view->number;
    r->rank = view->rank;
    r->pending = p->pending;
    r->members = hwi_peer_ids(view, fx);
    r->members_count = view->count;
    r->lost = hwi_effects_copy(fx, p->lost, p->lost_count * sizeof *p->lost);
    r->lost_count = p->lost_count;
    if (p->phase == PHASE_FINISHED) {
        snprintf(r->reason, sizeof r->reason, "%s", p->finish_reason);
    }
    return r;
}
