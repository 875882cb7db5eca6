// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

static bool is_wanted_page(const struct hwi_snapshot *s, const struct hwi_msg_manifest *m)
{
    uint32_t size = hwi_manifest_page_size(&s->manifest, m->first);
    return size > 0 && m->hashes_count == size && m->total == s->manifest.block_count &&
           m->first / HWI_MANIFEST_PAGE_MAX < s->fetch.pages_asked;
}

// The elected root covers all block hashes, so a manifest that gives it is the elected one, whoever
// sent it.
static void judge_manifest(struct hwi_snapshot *s, struct hwi_effects *fx)
{
    struct hwi_hash root = hwi_manifest_root(&s->manifest, s->alloc, s->fetch.wanted);
    if (hwi_hash_equal(root, s->root))
        hwi_fetch_share(s, fx);
    else
        hwi_fetch_next_lister(s, fx);
}

void hwi_snapshot_on_manifest(struct hwi_snapshot *s, const struct hwi_event *event,
                              struct hwi_effects *fx)
{
    const struct hwi_msg_manifest *m = &event->msg->u.manifest;
    struct hwi_fetch *fetch = &s->fetch;
    if (s->phase != HWI_SNAPSHOT_LISTING || !hwi_op_equal(s->op, m->op) ||
        event->from.id != fetch->sources[fetch->lister].peer)
        return;
    if (!is_wanted_page(s, m)) {
        hwi_fetch_next_lister(s, fx);
        return;
    }
    uint8_t *here = &fetch->page_here[m->first / HWI_MANIFEST_PAGE_MAX];
    if (*here)
        return;
    *here = 1;
    fetch->pages_here++;
    for (uint32_t i = 0; i < m->hashes_count; i++)
        fetch->wanted[m->first + i] = m->hashes[i].hash;
    if (fetch->pages_here == hwi_manifest_pages(&s->manifest))
        judge_manifest(s, fx);
    else
        hwi_fetch_ask_pages(s, fx);
}
