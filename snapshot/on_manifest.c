// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

static bool is_wanted_page(const struct hwi_snapshot *snapshot,
                           const struct hwi_msg_manifest *manifest)
{
    uint32_t size = hwi_manifest_page_size(&snapshot->manifest, manifest->first);
    return size > 0 && manifest->hashes_count == size &&
           manifest->total == snapshot->manifest.block_count &&
           manifest->first / HWI_MANIFEST_PAGE_MAX < snapshot->fetch.pages_asked;
}

// The elected root covers all block hashes, so a manifest that gives it is the elected one, from
// any sender.
static void judge_manifest(struct hwi_snapshot *snapshot, struct hwi_effects *effects)
{
    struct hwi_hash root =
        hwi_manifest_root(&snapshot->manifest, snapshot->alloc, snapshot->fetch.wanted);
    if (hwi_hash_equal(root, snapshot->root)) {
        hwi_fetch_share(snapshot, effects);
    } else {
        hwi_fetch_next_lister(snapshot, effects);
    }
}

void hwi_snapshot_on_manifest(void *state, const struct hwi_event *event,
                              struct hwi_effects *effects)
{
    struct hwi_snapshot *snapshot = state;
    const struct hwi_msg_manifest *manifest = &event->msg->u.manifest;
    struct hwi_fetch *fetch = &snapshot->fetch;
    if (snapshot->phase != HWI_SNAPSHOT_LISTING || !hwi_op_equal(snapshot->op, manifest->op) ||
        event->from.id != fetch->sources[fetch->lister].peer) {
        return;
    }
    if (!is_wanted_page(snapshot, manifest)) {
        hwi_fetch_next_lister(snapshot, effects);
        return;
    }
    uint8_t *here = &fetch->page_here[manifest->first / HWI_MANIFEST_PAGE_MAX];
    if (*here) {
        return;
    }
    *here = 1;
    fetch->pages_here++;
    for (uint32_t i = 0; i < manifest->hashes_count; i++) {
        fetch->wanted[manifest->first + i] = manifest->hashes[i].hash;
    }
    if (fetch->pages_here == hwi_manifest_pages(&snapshot->manifest)) {
        judge_manifest(snapshot, effects);
    } else {
        hwi_fetch_ask_pages(snapshot, effects);
    }
}
