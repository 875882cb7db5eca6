// SPDX-License-Identifier: MIT
#include "snapshot/serve.h"
#include "snapshot/snapshot.h"

// Since a sync of this view was committed, nobody came or went, and the trainer took one step at
// most: if all members say so, all took the same.
static bool is_as_it_was(const struct hwi_snapshot *snapshot, uint64_t revision)
{
    const struct hwi_synced *last = &snapshot->synced;
    return last->view != 0 && last->view == snapshot->view &&
           (revision == last->revision || revision == last->revision + 1);
}

static void begin(struct hwi_snapshot *snapshot, const struct hwi_msg_sync_start *start)
{
    HWI_CHECK(snapshot->phase == HWI_SNAPSHOT_IDLE);
    snapshot->phase = HWI_SNAPSHOT_HASHING;
    snapshot->op = start->op;
    snapshot->revision = start->revision;
    HWI_CHECK(snapshot->manifest.tensor_count > 0);
    snapshot->hash_ns = snapshot->move_ns = 0;
    hwi_serve_forget(snapshot);
}

// A second time for one sync: others could not go without hashes.
void hwi_snapshot_on_sync_start(void *state, const struct hwi_event *event,
                                struct hwi_effects *effects)
{
    struct hwi_snapshot *snapshot = state;
    const struct hwi_msg_sync_start *start = &event->msg->u.sync_start;
    bool again = snapshot->phase != HWI_SNAPSHOT_IDLE && snapshot->unhashed &&
                 hwi_op_equal(snapshot->op, start->op);
    if (again && snapshot->phase >= HWI_SNAPSHOT_STOPPED) {
        return;
    }
    if (!again) {
        begin(snapshot, start);
    }
    HWI_CHECK(start->op.view == snapshot->view);
    snapshot->hashes_asked = 0;
    snapshot->hashes_heard = 0;
    snapshot->since_ns = event->now_ns;
    snapshot->unhashed = start->verify && is_as_it_was(snapshot, start->revision);
    if (snapshot->unhashed) {
        snapshot->root = snapshot->synced.root;
        hwi_snapshot_say_hashed(snapshot, effects);
        return;
    }
    snapshot->phase = HWI_SNAPSHOT_HASHING;
    hwi_snapshot_hash(snapshot, event->now_ns, effects);
}
