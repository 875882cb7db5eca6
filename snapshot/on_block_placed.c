// SPDX-License-Identifier: MIT
#include <hawser/types.h>

#include "snapshot/snapshot.h"

static void finish_if_whole(struct hwi_snapshot *snapshot, uint64_t now_ns,
                            struct hwi_effects *effects)
{
    if (snapshot->fetch.missing > 0) {
        return;
    }
    struct hwi_hash root = hwi_manifest_root(&snapshot->manifest, snapshot->alloc, snapshot->held);
    HWI_CHECK(hwi_hash_equal(root, snapshot->root));
    snapshot->move_ns = now_ns - snapshot->since_ns;
    hwi_snapshot_hold(snapshot, effects);
}

// The source after the one that sent wrong bytes: so the block meets each source once.
static void try_next_source(struct hwi_snapshot *snapshot, struct hwi_want *want, uint32_t sender,
                            struct hwi_effects *effects)
{
    struct hwi_fetch *fetch = &snapshot->fetch;
    if (++want->failed == fetch->source_count) {
        hwi_snapshot_fault(snapshot, HWS_E_WITHDRAWN, fetch->sources[sender].peer, effects);
        return;
    }
    uint32_t next = (sender + 1) % fetch->source_count;
    want->retry_next = fetch->sources[next].retry;
    fetch->sources[next].retry = (uint32_t)(want - fetch->wants);
    hwi_fetch_refill(snapshot, next, false, effects);
}

void hwi_snapshot_on_block_placed(void *state, const struct hwi_event *event,
                                  struct hwi_effects *effects)
{
    struct hwi_snapshot *snapshot = state;
    const struct hwi_msg_block_placed *placed = &event->msg->u.block_placed;
    struct hwi_fetch *fetch = &snapshot->fetch;
    if (snapshot->phase != HWI_SNAPSHOT_FETCHING || !hwi_op_equal(snapshot->op, placed->op)) {
        return;
    }
    uint32_t sender = hwi_fetch_source(fetch, placed->from);
    struct hwi_want *want = hwi_fetch_want(fetch, placed->block);
    HWI_CHECK(sender != HWI_FETCH_NONE && want != NULL && want->asked == sender);
    want->asked = HWI_FETCH_SOURCES_MAX;
    fetch->sources[sender].in_flight--;
    snapshot->held[placed->block] = placed->hash;
    if (hwi_hash_equal(placed->hash, fetch->wanted[placed->block])) {
        fetch->sources[sender].good++;
        fetch->missing--;
        finish_if_whole(snapshot, event->now_ns, effects);
    } else {
        try_next_source(snapshot, want, sender, effects);
    }
    if (snapshot->phase == HWI_SNAPSHOT_FETCHING) {
        hwi_fetch_refill(snapshot, sender, true, effects);
    }
}
