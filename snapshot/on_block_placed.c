// SPDX-License-Identifier: MIT
#include <hawser/types.h>

#include "snapshot/snapshot.h"

static void finish_if_whole(struct hwi_snapshot *s, uint64_t now_ns, struct hwi_effects *fx)
{
    if (s->fetch.missing > 0)
        return;
    struct hwi_hash root = hwi_manifest_root(&s->manifest, s->alloc, s->held);
    HWI_CHECK(hwi_hash_equal(root, s->root));
    s->move_ns = now_ns - s->since_ns;
    hwi_snapshot_hold(s, fx);
}

// The source after the one that sent wrong bytes: so the block meets each source once.
static void try_next_source(struct hwi_snapshot *s, struct hwi_want *want, uint32_t sender,
                            struct hwi_effects *fx)
{
    struct hwi_fetch *fetch = &s->fetch;
    if (++want->failed == fetch->source_count) {
        hwi_snapshot_fault(s, HWS_E_WITHDRAWN, fetch->sources[sender].peer, fx);
        return;
    }
    uint32_t next = (sender + 1) % fetch->source_count;
    want->retry_next = fetch->sources[next].retry;
    fetch->sources[next].retry = (uint32_t)(want - fetch->wants);
    hwi_fetch_refill(s, next, false, fx);
}

void hwi_snapshot_on_block_placed(struct hwi_snapshot *s, const struct hwi_event *event,
                                  struct hwi_effects *fx)
{
    const struct hwi_msg_block_placed *m = &event->msg->u.block_placed;
    struct hwi_fetch *fetch = &s->fetch;
    if (s->phase != HWI_SNAPSHOT_FETCHING || !hwi_op_equal(s->op, m->op))
        return;
    uint32_t sender = hwi_fetch_source(fetch, m->from);
    struct hwi_want *want = hwi_fetch_want(fetch, m->block);
    HWI_CHECK(sender != HWI_FETCH_NONE && want != NULL && want->asked == sender);
    want->asked = HWI_FETCH_SOURCES_MAX;
    fetch->sources[sender].in_flight--;
    s->held[m->block] = m->hash;
    if (hwi_hash_equal(m->hash, fetch->wanted[m->block])) {
        fetch->sources[sender].good++;
        fetch->missing--;
        finish_if_whole(s, event->now_ns, fx);
    } else {
        try_next_source(s, want, sender, fx);
    }
    if (s->phase == HWI_SNAPSHOT_FETCHING)
        hwi_fetch_refill(s, sender, true, fx);
}
