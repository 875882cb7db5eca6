// SPDX-License-Identifier: MIT
#include "snapshot/serve.h"

struct hwi_reader *hwi_serve_reader(struct hwi_snapshot *s, uint64_t peer, const struct hwi_op *op)
{
    bool open = s->phase == HWI_SNAPSHOT_HASHING || s->phase == HWI_SNAPSHOT_HASHED ||
                s->phase == HWI_SNAPSHOT_HOLDING;
    if (!open || !hwi_op_equal(s->op, *op))
        return NULL;
    for (uint32_t i = 0; i < s->reader_count; i++) {
        if (s->readers[i].peer == peer)
            return &s->readers[i];
    }
    return NULL;
}

static void send_page(struct hwi_snapshot *s, uint64_t peer, uint32_t first,
                      struct hwi_digest *digests, struct hwi_effects *fx)
{
    struct hwi_msg_manifest *page = HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_SNAPSHOT, peer), manifest);
    page->op = s->op;
    page->first = first;
    page->total = s->manifest.block_count;
    page->hashes = digests;
    page->hashes_count = hwi_manifest_page_size(&s->manifest, first);
}

static struct hwi_digest *list_digests(const struct hwi_snapshot *s, uint32_t first,
                                       struct hwi_effects *fx)
{
    uint32_t count = hwi_manifest_page_size(&s->manifest, first);
    struct hwi_digest *digests = hwi_effects_memory(fx, count * sizeof *digests);
    for (uint32_t i = 0; i < count; i++)
        digests[i].hash = s->held[first + i];
    return digests;
}

void hwi_serve_page(struct hwi_snapshot *s, struct hwi_reader *reader, uint32_t first,
                    struct hwi_effects *fx)
{
    if (hwi_manifest_page_size(&s->manifest, first) == 0 ||
        reader->pages_served == hwi_manifest_pages(&s->manifest))
        return;
    reader->pages_served++;
    send_page(s, reader->peer, first, list_digests(s, first, fx), fx);
}

void hwi_serve_block(struct hwi_snapshot *s, struct hwi_reader *reader, uint32_t block,
                     struct hwi_effects *fx)
{
    if (block >= s->manifest.block_count || reader->blocks_served == s->manifest.block_count)
        return;
    reader->blocks_served++;
    struct hwi_piece piece = hwi_manifest_piece(&s->manifest, block);
    struct hwi_msg_block_send *send = HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_DATA, 0), block_send);
    send->op = s->op;
    send->to = reader->peer;
    send->tensor = piece.tensor;
    send->offset = piece.offset;
    send->bytes = piece.bytes;
    send->block = block;
}

void hwi_serve_early(struct hwi_snapshot *s, struct hwi_effects *fx)
{
    struct hwi_digest *digests = NULL; // all early readers want page 0: they share its list
    for (uint32_t i = 0; i < s->reader_count; i++) {
        struct hwi_reader *reader = &s->readers[i];
        if (reader->early_list) {
            if (!digests)
                digests = list_digests(s, 0, fx);
            reader->pages_served++;
            send_page(s, reader->peer, 0, digests, fx);
        }
        for (uint32_t k = 0; k < reader->early_count; k++)
            hwi_serve_block(s, reader, reader->early_blocks[k], fx);
    }
}

void hwi_serve_forget(struct hwi_snapshot *s)
{
    for (uint32_t i = 0; i < s->reader_count; i++)
        s->readers[i] = (struct hwi_reader){.peer = s->readers[i].peer};
}
