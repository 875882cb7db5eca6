// SPDX-License-Identifier: MIT
// The snapshot's fields, for images.
#include "actors/loop/image.h"
#include "snapshot/snapshot.h"

static void reader_fields(struct hwi_image *image, void *item)
{
    struct hwi_reader *reader = item;
    hwi_image_u64(image, "peer", &reader->peer);
    hwi_image_u32(image, "pages_served", &reader->pages_served);
    hwi_image_u32(image, "blocks_served", &reader->blocks_served);
    hwi_image_u8(image, "early_count", &reader->early_count);
    hwi_image_require(image, reader->early_count <= HWI_FETCH_WINDOW);
    hwi_image_row_in(image, "early_blocks", reader->early_blocks, sizeof reader->early_blocks[0],
                     HWI_FETCH_WINDOW);
    hwi_image_bool(image, "early_list", &reader->early_list);
}

// ---- the state's blocks -------------------------------------------------------------------------

static void span_fields(struct hwi_image *image, void *item)
{
    struct hwi_tensor_span *span = item;
    HWI_IMAGE_RECORD(image, "tensor", tensor, &span->tensor);
}

static void manifest_fields(struct hwi_image *image, void *item)
{
    struct hwi_manifest *manifest = item;
    hwi_image_hash(image, "layout", &manifest->layout);
    HWI_IMAGE_LIST(image, "tensors", manifest->spans, manifest->tensor_count, HWI_TENSORS_MAX,
                   span_fields);
    if (image->mode == HWI_IMAGE_LOAD) {
        hwi_image_require(image, hwi_manifest_number(manifest));
    }
}

static void synced_fields(struct hwi_image *image, void *item)
{
    struct hwi_synced *synced = item;
    hwi_image_u64(image, "view", &synced->view);
    hwi_image_u64(image, "revision", &synced->revision);
    hwi_image_hash(image, "root", &synced->root);
}

// ---- a fetch ------------------------------------------------------------------------------------

static void source_fields(struct hwi_image *image, void *item)
{
    struct hwi_source *source = item;
    hwi_image_u64(image, "peer", &source->peer);
    hwi_image_u32(image, "next", &source->next);
    hwi_image_u32(image, "end", &source->end);
    hwi_image_index(image, "retry", &source->retry);
    hwi_image_u32(image, "in_flight", &source->in_flight);
    hwi_image_u32(image, "good", &source->good);
}

static void want_fields(struct hwi_image *image, void *item)
{
    struct hwi_want *want = item;
    hwi_image_index(image, "block", &want->block);
    hwi_image_index(image, "retry_next", &want->retry_next);
    hwi_image_u16(image, "asked", &want->asked);
    hwi_image_u16(image, "failed", &want->failed);
}

static bool is_want(const struct hwi_fetch *fetch, uint32_t index)
{
    return index == HWI_FETCH_NONE || index < fetch->want_count;
}

// The fields that the fetch uses as indexes are valid.
static bool is_whole(const struct hwi_fetch *fetch, const struct hwi_manifest *manifest)
{
    bool whole = fetch->lister < HWI_MAX(fetch->source_count, 1u);
    for (uint32_t i = 0; i < fetch->source_count; i++) {
        const struct hwi_source *source = &fetch->sources[i];
        whole = whole && source->next <= source->end && source->end <= fetch->want_count;
        whole = whole && is_want(fetch, source->retry);
    }
    for (uint32_t i = 0; i < fetch->want_count; i++) {
        whole = whole && fetch->wants[i].block < manifest->block_count;
        whole = whole && is_want(fetch, fetch->wants[i].retry_next);
    }
    return whole;
}

static void fetch_fields(struct hwi_image *image, void *item)
{
    struct hwi_snapshot *snapshot = item;
    struct hwi_fetch *fetch = &snapshot->fetch;
    HWI_IMAGE_LIST_IN(image, "sources", fetch->sources, fetch->source_count, HWI_FETCH_SOURCES_MAX,
                      source_fields);
    bool begun = fetch->source_count > 0;
    hwi_image_u32(image, "lister", &fetch->lister);
    hwi_image_u32(image, "pages_asked", &fetch->pages_asked);
    hwi_image_u32(image, "pages_here", &fetch->pages_here);
    HWI_IMAGE_ROW(image, "page_here", fetch->page_here,
                  begun ? hwi_manifest_pages(&snapshot->manifest) : 0);
    HWI_IMAGE_ROW(image, "wanted", fetch->wanted, begun ? snapshot->manifest.block_count : 0);
    HWI_IMAGE_LIST(image, "wants", fetch->wants, fetch->want_count, snapshot->manifest.block_count,
                   want_fields);
    hwi_image_u32(image, "missing", &fetch->missing);
    if (image->mode == HWI_IMAGE_LOAD && !image->failed) {
        hwi_image_require(image, is_whole(fetch, &snapshot->manifest));
    }
}

// Phases that go through lists have them, and what is heard was asked for.
static bool is_possible(const struct hwi_snapshot *snapshot)
{
    const struct hwi_fetch *fetch = &snapshot->fetch;
    bool open = snapshot->phase != HWI_SNAPSHOT_IDLE;
    bool fetching =
        snapshot->phase == HWI_SNAPSHOT_LISTING || snapshot->phase == HWI_SNAPSHOT_FETCHING;
    bool may_fetch = snapshot->phase >= HWI_SNAPSHOT_LISTING;
    bool may_want = snapshot->phase >= HWI_SNAPSHOT_FETCHING;
    bool hashes = open ? snapshot->hashes_heard <= snapshot->hashes_asked
                       : snapshot->hashes_heard == snapshot->hashes_asked;
    return (!open || snapshot->hashes_asked <= snapshot->manifest.block_count) && hashes &&
           (!fetching || fetch->source_count > 0) && (may_fetch || fetch->source_count == 0) &&
           (may_want || fetch->want_count == 0);
}

void hwi_snapshot_image(struct hwi_image *image, void *state)
{
    static const char *const phases[] = {
        [HWI_SNAPSHOT_IDLE] = "idle",           [HWI_SNAPSHOT_HASHING] = "hashing",
        [HWI_SNAPSHOT_HASHED] = "hashed",       [HWI_SNAPSHOT_LISTING] = "listing",
        [HWI_SNAPSHOT_FETCHING] = "fetching",   [HWI_SNAPSHOT_HOLDING] = "holding",
        [HWI_SNAPSHOT_STOPPED] = "stopped",     [HWI_SNAPSHOT_ENDING] = "ending",
        [HWI_SNAPSHOT_QUIESCING] = "quiescing",
    };
    struct hwi_snapshot *snapshot = state;
    HWI_IMAGE_ENUM(image, "phase", snapshot->phase, phases);
    hwi_image_u64(image, "view", &snapshot->view);
    hwi_image_u64(image, "self", &snapshot->self);
    hwi_image_u32(image, "member_count", &snapshot->member_count);
    hwi_image_require(image, snapshot->member_count <= HWI_MEMBERS_MAX);
    HWI_IMAGE_ROW(image, "members", snapshot->members, snapshot->member_count);
    HWI_IMAGE_LIST(image, "readers", snapshot->readers, snapshot->reader_count, HWI_MEMBERS_MAX,
                   reader_fields);
    snapshot->reader_capacity = HWI_MAX(snapshot->reader_capacity, snapshot->reader_count);
    hwi_image_struct(image, "manifest", &snapshot->manifest, manifest_fields);
    HWI_IMAGE_ROW(image, "held", snapshot->held, snapshot->manifest.block_count);
    hwi_image_struct(image, "synced", &snapshot->synced, synced_fields);
    HWI_IMAGE_RECORD(image, "op", op, &snapshot->op);
    hwi_image_u64(image, "revision", &snapshot->revision);
    hwi_image_bool(image, "unhashed", &snapshot->unhashed);
    hwi_image_u32(image, "hashes_asked", &snapshot->hashes_asked);
    hwi_image_u32(image, "hashes_heard", &snapshot->hashes_heard);
    hwi_image_hash(image, "root", &snapshot->root);
    hwi_image_time(image, "since", &snapshot->since_ns);
    hwi_image_time(image, "hash", &snapshot->hash_ns);
    hwi_image_time(image, "move", &snapshot->move_ns);
    hwi_image_struct(image, "fetch", snapshot, fetch_fields);
    hwi_image_require(image, is_possible(snapshot));
}
