// SPDX-License-Identifier: MIT
// withdraw: an operation will not end on a member: it fails for all.
#include "actors/master/absent.h"
#include "actors/master/channel.h"
#include "actors/master/fault.h"
#include "actors/master/handlers.h"
#include "actors/master/master.h"
#include "actors/master/session.h"

void hwi_master_on_withdraw(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    struct hwi_master_session *session = hwi_master_session(master, event->from.id);
    const struct hwi_msg_withdraw *withdraw = &event->msg->u.withdraw;
    if (!session->member || withdraw->op.view != master->view.number) {
        return;
    }
    const struct hwi_master_channel *channel =
        hwi_master_channel(master, withdraw->op.kind, session->group, withdraw->op.tag);
    if (channel != NULL && withdraw->op.seq < channel->committed) {
        return; // committed meanwhile: the commit is on its way
    }
    struct hwi_fault fault = withdraw->fault;
    fault.kind = hwi_channel_kind(withdraw->op.kind);
    fault.group = hwi_kind_is_run_wide(withdraw->op.kind) ? 0 : session->group;
    fault.tag = withdraw->op.tag;
    fault.seq = withdraw->op.seq;
    hwi_master_ask_absent(master, &fault, effects);
    hwi_master_end_operation(master, &fault, effects);
}
