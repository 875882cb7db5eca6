// SPDX-License-Identifier: MIT
#include "snapshot/serve.h"
#include "snapshot/snapshot.h"

// Since a sync of this view was committed, nobody came or went, and the trainer took one step at
// most: if all members say so, all took the same.
static bool is_as_it_was(const struct hwi_snapshot *s, uint64_t revision)
{
    const struct hwi_synced *last = &s->synced;
    return last->view != 0 && last->view == s->view &&
           (revision == last->revision || revision == last->revision + 1);
}

static void begin(struct hwi_snapshot *s, const struct hwi_msg_sync_start *m)
{
    HWI_CHECK(s->phase == HWI_SNAPSHOT_IDLE);
    s->phase = HWI_SNAPSHOT_HASHING;
    s->op = m->op;
    s->revision = m->revision;
    HWI_CHECK(s->manifest.tensor_count > 0);
    s->hash_ns = s->move_ns = 0;
    hwi_serve_forget(s);
}

// A second time for one sync: others could not go without hashes.
void hwi_snapshot_on_sync_start(struct hwi_snapshot *s, const struct hwi_event *event,
                                struct hwi_effects *fx)
{
    const struct hwi_msg_sync_start *m = &event->msg->u.sync_start;
    bool again = s->phase != HWI_SNAPSHOT_IDLE && s->unhashed && hwi_op_equal(s->op, m->op);
    if (again && s->phase >= HWI_SNAPSHOT_STOPPED)
        return;
    if (!again)
        begin(s, m);
    HWI_CHECK(m->op.view == s->view);
    s->hashes_asked = 0;
    s->hashes_heard = 0;
    s->since_ns = event->now_ns;
    s->unhashed = m->verify && is_as_it_was(s, m->revision);
    if (s->unhashed) {
        s->root = s->synced.root;
        hwi_snapshot_say_hashed(s, fx);
        return;
    }
    s->phase = HWI_SNAPSHOT_HASHING;
    hwi_snapshot_hash(s, event->now_ns, fx);
}
