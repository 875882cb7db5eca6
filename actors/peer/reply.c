// SPDX-License-Identifier: MIT
// The one answer to a request.
#include "actors/peer/peer.h"

#include <stdio.h>
#include <string.h>

struct hwi_msg_reply *hwi_peer_reply(struct peer *p, uint64_t request, int status,
                                     const struct members *view, struct hwi_effects *fx)
{
    struct hwi_id *members = NULL, *lost = hwi_effects_memory(fx, p->lost_count * sizeof *lost);
    uint32_t count = view == NULL ? 0 : view->count;
    members = hwi_effects_memory(fx, count * sizeof *members);
    for (uint32_t i = 0; i < count; i++) {
        members[i].value = view->list[i].peer;
    }
    if (p->lost_count > 0) {
        memcpy(lost, p->lost, p->lost_count * sizeof *lost);
    }
    struct hwi_msg_reply *r = HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_TRAINER), reply);
    r->request = request;
    r->status = status;
    r->view = view == NULL ? 0 : view->number;
    r->rank = view == NULL ? 0 : view->rank;
    r->pending = p->pending;
    r->members = members;
    r->members_count = count;
    r->lost = lost;
    r->lost_count = p->lost_count;
    if (p->phase == PHASE_FINISHED) {
        snprintf(r->reason, sizeof r->reason, "%s", p->finish_reason);
    }
    return r;
}
