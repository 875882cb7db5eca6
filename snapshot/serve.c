// SPDX-License-Identifier: MIT
#include "actors/base/place.h"
#include "snapshot/serve.h"

#include <string.h>

// Index of the reader, or of where it would be.
static uint32_t place_of(const struct hwi_snapshot *s, uint64_t peer)
{
    return HWI_PLACE(struct hwi_reader, peer, s->readers, s->reader_count, peer);
}

struct hwi_reader *hwi_serve_reader(struct hwi_snapshot *s, uint64_t peer, const struct hwi_op *op)
{
    bool open = s->phase == HWI_SNAPSHOT_HASHING || s->phase == HWI_SNAPSHOT_HASHED ||
                s->phase == HWI_SNAPSHOT_HOLDING;
    if (!open || !hwi_op_equal(s->op, *op) || !hwi_snapshot_is_member(s, peer))
        return NULL;
    uint32_t at = place_of(s, peer);
    if (at < s->reader_count && s->readers[at].peer == peer)
        return &s->readers[at];
    if (s->reader_count == s->reader_capacity) {
        uint32_t capacity = HWI_MAX(4u, 2 * s->reader_capacity);
        s->readers = hwi_resize(s->alloc, s->readers, capacity * sizeof *s->readers);
        s->reader_capacity = capacity;
    }
    struct hwi_reader *reader = &s->readers[at];
    memmove(reader + 1, reader, (s->reader_count++ - at) * sizeof *reader);
    *reader = (struct hwi_reader){.peer = peer};
    return reader;
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
            if (digests == NULL)
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
    hwi_free(s->alloc, s->readers);
    s->readers = NULL;
    s->reader_count = s->reader_capacity = 0;
}
