// SPDX-License-Identifier: MIT
#include "snapshot/serve.h"
#include "snapshot/snapshot.h"

void hwi_snapshot_on_manifest_want(struct hwi_snapshot *s, const struct hwi_event *event,
                                   struct hwi_effects *fx)
{
    const struct hwi_msg_manifest_want *m = &event->msg->u.manifest_want;
    struct hwi_reader *reader = hwi_serve_reader(s, event->from.id, &m->op);
    if (reader == NULL)
        return;
    if (s->phase == HWI_SNAPSHOT_HOLDING)
        hwi_serve_page(s, reader, m->first, fx);
    else if (m->first == 0)
        reader->early_list = true;
}
