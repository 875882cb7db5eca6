// SPDX-License-Identifier: MIT
// The snapshot actor: one event in, effects out.
#include "snapshot/snapshot.h"

#include <hawser/types.h>

static const struct hwi_handlers handlers = {
#define HEARD_BY_SNAPSHOT(message) HWI_HANDLES(message, hwi_snapshot_on_##message)
#include "actors/loop/handlers.h"
};

static void *create(const struct hwi_alloc *alloc)
{
    struct hwi_snapshot *snapshot = hwi_new(alloc, sizeof *snapshot);
    snapshot->alloc = alloc;
    return snapshot;
}

static void destroy(void *state)
{
    struct hwi_snapshot *snapshot = state;
    hwi_fetch_forget(&snapshot->fetch, snapshot->alloc);
    hwi_manifest_fini(&snapshot->manifest, snapshot->alloc);
    hwi_free(snapshot->alloc, snapshot->held);
    hwi_free(snapshot->alloc, snapshot->members);
    hwi_free(snapshot->alloc, snapshot->readers);
    hwi_free(snapshot->alloc, snapshot);
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    hwi_dispatch(&handlers, state, event, effects);
}

static void failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    (void)now_ns;
    struct hwi_snapshot *snapshot = state;
    // The requests of the failed step were dropped: no answer to them will come.
    snapshot->hashes_asked = snapshot->hashes_heard;
    if (snapshot->phase != HWI_SNAPSHOT_IDLE) {
        hwi_snapshot_fault(snapshot, HWS_E_INTERNAL, 0, effects);
    }
}

const struct hwi_actor_ops hwi_snapshot_ops = {
    .name = "snapshot",
    .role = HWI_ROLE_SNAPSHOT,
    .create = create,
    .step = step,
    .failed = failed,
    .destroy = destroy,
    .image = hwi_snapshot_image,
};
