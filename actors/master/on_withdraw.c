// SPDX-License-Identifier: MIT
// withdraw: an operation will not end on a member: it fails for all.
#include "actors/master/channel.h"
#include "actors/master/fault.h"
#include "actors/master/handlers.h"
#include "actors/master/master.h"
#include "actors/master/session.h"

void hwi_master_on_withdraw(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    struct hwi_master_session *s = hwi_master_session(master, event->from.id);
    const struct hwi_msg_withdraw *w = &event->msg->u.withdraw;
    if (!s->member || w->op.view != master->view.number) {
        return;
    }
    const struct hwi_master_channel *c =
        hwi_master_channel(master, w->op.kind, s->group, w->op.tag);
    if (c != NULL && w->op.seq < c->committed) {
        return; // committed meanwhile: the commit is on its way
    }
    struct hwi_fault fault = w->fault;
    fault.kind = hwi_channel_kind(w->op.kind);
    fault.group = hwi_kind_is_run_wide(w->op.kind) ? 0 : s->group;
    fault.tag = w->op.tag;
    fault.seq = w->op.seq;
    hwi_master_end_operation(master, &fault, effects);
}
