// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

static void say_hashed(struct hwi_snapshot *s, struct hwi_effects *fx)
{
    s->root = hwi_manifest_root(&s->manifest, s->alloc, s->held);
    s->phase = HWI_SNAPSHOT_HASHED;
    struct hwi_msg_state_hashed *say = HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_PEER, 0), state_hashed);
    say->op = s->op;
    say->revision = s->revision;
    say->root = s->root;
    say->layout = s->manifest.layout;
}

void hwi_snapshot_on_block_hashed(struct hwi_snapshot *s, const struct hwi_event *event,
                                  struct hwi_effects *fx)
{
    const struct hwi_msg_block_hashed *m = &event->msg->u.block_hashed;
    if (s->hashes_heard == s->hashes_asked)
        return; // asked for before a check failed
    HWI_CHECK(m->block < s->hashes_asked);
    s->held[m->block] = m->hash;
    s->hashes_heard++;
    if (s->phase == HWI_SNAPSHOT_ENDING)
        hwi_snapshot_quiesce(s, fx);
    if (s->phase != HWI_SNAPSHOT_HASHING)
        return;
    hwi_snapshot_ask_hashes(s, fx);
    if (s->hashes_heard == s->manifest.block_count)
        say_hashed(s, fx);
}
