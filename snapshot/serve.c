// SPDX-License-Identifier: MIT
#include "actors/base/rows.h"
#include "snapshot/serve.h"

struct hwi_reader *hwi_serve_reader(struct hwi_snapshot *snapshot, uint64_t peer,
                                    const struct hwi_op *op)
{
    bool open = snapshot->phase == HWI_SNAPSHOT_HASHING || snapshot->phase == HWI_SNAPSHOT_HASHED ||
                snapshot->phase == HWI_SNAPSHOT_HOLDING;
    if (!open || !hwi_op_equal(snapshot->op, *op) || !hwi_snapshot_is_member(snapshot, peer)) {
        return NULL;
    }
    uint32_t at =
        HWI_ROWS_PLACE(struct hwi_reader, peer, snapshot->readers, snapshot->reader_count, peer);
    if (at < snapshot->reader_count && snapshot->readers[at].peer == peer) {
        return &snapshot->readers[at];
    }
    struct hwi_reader *reader =
        HWI_ROWS_INSERT(snapshot->alloc, &snapshot->readers, &snapshot->reader_count,
                        &snapshot->reader_capacity, HWI_MEMBERS_MAX, at);
    reader->peer = peer;
    return reader;
}

static void send_page(struct hwi_snapshot *snapshot, uint64_t peer, uint32_t first,
                      struct hwi_digest *digests, struct hwi_effects *effects)
{
    struct hwi_msg_manifest *page =
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_SNAPSHOT, peer), manifest);
    page->op = snapshot->op;
    page->first = first;
    page->total = snapshot->manifest.block_count;
    page->hashes = digests;
    page->hashes_count = hwi_manifest_page_size(&snapshot->manifest, first);
}

static struct hwi_digest *list_digests(const struct hwi_snapshot *snapshot, uint32_t first,
                                       struct hwi_effects *effects)
{
    uint32_t count = hwi_manifest_page_size(&snapshot->manifest, first);
    struct hwi_digest *digests = hwi_effects_memory(effects, count * sizeof *digests);
    for (uint32_t i = 0; i < count; i++) {
        digests[i].hash = snapshot->held[first + i];
    }
    return digests;
}

void hwi_serve_page(struct hwi_snapshot *snapshot, struct hwi_reader *reader, uint32_t first,
                    struct hwi_effects *effects)
{
    if (hwi_manifest_page_size(&snapshot->manifest, first) == 0 ||
        reader->pages_served == hwi_manifest_pages(&snapshot->manifest)) {
        return;
    }
    reader->pages_served++;
    send_page(snapshot, reader->peer, first, list_digests(snapshot, first, effects), effects);
}

void hwi_serve_block(struct hwi_snapshot *snapshot, struct hwi_reader *reader, uint32_t block,
                     struct hwi_effects *effects)
{
    if (block >= snapshot->manifest.block_count ||
        reader->blocks_served == snapshot->manifest.block_count) {
        return;
    }
    reader->blocks_served++;
    struct hwi_piece piece = hwi_manifest_piece(&snapshot->manifest, block);
    struct hwi_msg_block_send *send = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_DATA, 0), block_send);
    send->op = snapshot->op;
    send->to = reader->peer;
    send->tensor = piece.tensor;
    send->offset = piece.offset;
    send->bytes = piece.bytes;
    send->block = block;
}

void hwi_serve_early(struct hwi_snapshot *snapshot, struct hwi_effects *effects)
{
    struct hwi_digest *digests = NULL; // all early readers want page 0: they share its list
    for (uint32_t i = 0; i < snapshot->reader_count; i++) {
        struct hwi_reader *reader = &snapshot->readers[i];
        if (reader->early_list) {
            if (digests == NULL) {
                digests = list_digests(snapshot, 0, effects);
            }
            reader->pages_served++;
            send_page(snapshot, reader->peer, 0, digests, effects);
        }
        for (uint32_t k = 0; k < reader->early_count; k++) {
            hwi_serve_block(snapshot, reader, reader->early_blocks[k], effects);
        }
    }
}

void hwi_serve_forget(struct hwi_snapshot *snapshot)
{
    hwi_free(snapshot->alloc, snapshot->readers);
    snapshot->readers = NULL;
    snapshot->reader_count = snapshot->reader_capacity = 0;
}
