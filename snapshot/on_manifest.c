// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

static bool is_wanted_page(const struct hwi_snapshot *snapshot, const struct hwi_msg_manifest *m)
{
    uint32_t size = hwi_manifest_page_size(&snapshot->manifest, m->first);
    return size > 0 && m->hashes_count == size && m->total == snapshot->manifest.block_count &&
           m->first / HWI_MANIFEST_PAGE_MAX < snapshot->fetch.pages_asked;
}

// The elected root covers all block hashes, so a manifest that gives it is the elected one, whoever
// sent it.
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

void hwi_snapshot_on_manifest(struct hwi_snapshot *snapshot, const struct hwi_event *event,
                              struct hwi_effects *effects)
{
    const struct hwi_msg_manifest *m = &event->msg->u.manifest;
    struct hwi_fetch *fetch = &snapshot->fetch;
    if (snapshot->phase != HWI_SNAPSHOT_LISTING || !hwi_op_equal(snapshot->op, m->op) ||
        event->from.id != fetch->sources[fetch->lister].peer) {
        return;
    }
    if (!is_wanted_page(snapshot, m)) {
        hwi_fetch_next_lister(snapshot, effects);
        return;
    }
    uint8_t *here = &fetch->page_here[m->first / HWI_MANIFEST_PAGE_MAX];
    if (*here) {
        return;
    }
    *here = 1;
    fetch->pages_here++;
    for (uint32_t i = 0; i < m->hashes_count; i++) {
        fetch->wanted[m->first + i] = m->hashes[i].hash;
    }
    if (fetch->pages_here == hwi_manifest_pages(&snapshot->manifest)) {
        judge_manifest(snapshot, effects);
    } else {
        hwi_fetch_ask_pages(snapshot, effects);
    }
}
