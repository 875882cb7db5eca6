// SPDX-License-Identifier: MIT
#include "snapshot/fetch.h"

#include <hawser/types.h>

#include "actors/base/rows.h"
#include "snapshot/snapshot.h"

// Receivers begin at different sources, so that no source serves all manifests.
static void pick_sources(struct hwi_snapshot *snapshot, const struct hwi_id *sources,
                         uint32_t count)
{
    struct hwi_fetch *fetch = &snapshot->fetch;
    for (uint32_t i = 0; i < count && fetch->source_count < HWI_FETCH_SOURCES_MAX; i++) {
        uint64_t peer = sources[(snapshot->self % count + i) % count].value;
        bool other = peer != snapshot->self && hwi_snapshot_is_member(snapshot, peer);
        if (!other || hwi_fetch_source(fetch, peer) != HWI_FETCH_NONE) {
            continue;
        }
        fetch->sources[fetch->source_count++] =
            (struct hwi_source){.peer = peer, .retry = HWI_FETCH_NONE};
    }
}

void hwi_fetch_begin(struct hwi_snapshot *snapshot, const struct hwi_id *sources, uint32_t count,
                     struct hwi_effects *effects)
{
    struct hwi_fetch *fetch = &snapshot->fetch;
    pick_sources(snapshot, sources, count);
    if (fetch->source_count == 0) {
        hwi_snapshot_fault(snapshot, HWS_E_WITHDRAWN, 0, effects);
        return;
    }
    fetch->wanted =
        hwi_new(snapshot->alloc, snapshot->manifest.block_count * sizeof *fetch->wanted);
    fetch->page_here = hwi_new(snapshot->alloc, hwi_manifest_pages(&snapshot->manifest));
    snapshot->phase = HWI_SNAPSHOT_LISTING;
    hwi_fetch_ask_pages(snapshot, effects);
}

void hwi_fetch_ask_pages(struct hwi_snapshot *snapshot, struct hwi_effects *effects)
{
    struct hwi_fetch *fetch = &snapshot->fetch;
    uint32_t pages = hwi_manifest_pages(&snapshot->manifest);
    // A source that has not heard the plan yet remembers one want: more wait until it answers.
    uint32_t window = fetch->pages_here == 0 ? 1 : HWI_FETCH_PAGES;
    while (fetch->pages_asked < pages && fetch->pages_asked - fetch->pages_here < window) {
        uint64_t peer = fetch->sources[fetch->lister].peer;
        struct hwi_msg_manifest_want *want =
            HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_SNAPSHOT, peer), manifest_want);
        want->op = snapshot->op;
        want->first = fetch->pages_asked++ * HWI_MANIFEST_PAGE_MAX;
    }
}

void hwi_fetch_next_lister(struct hwi_snapshot *snapshot, struct hwi_effects *effects)
{
    struct hwi_fetch *fetch = &snapshot->fetch;
    if (fetch->lister + 1 == fetch->source_count) {
        hwi_snapshot_fault(snapshot, HWS_E_WITHDRAWN, fetch->sources[fetch->lister].peer, effects);
        return;
    }
    fetch->lister++;
    fetch->pages_asked = 0;
    fetch->pages_here = 0;
    for (uint32_t i = 0; i < hwi_manifest_pages(&snapshot->manifest); i++) {
        fetch->page_here[i] = 0;
    }
    hwi_fetch_ask_pages(snapshot, effects);
}

static void list_wants(struct hwi_snapshot *snapshot)
{
    struct hwi_fetch *fetch = &snapshot->fetch;
    uint32_t count = 0;
    for (uint32_t i = 0; i < snapshot->manifest.block_count; i++) {
        count += !hwi_hash_equal(snapshot->held[i], fetch->wanted[i]);
    }
    HWI_CHECK(count > 0); // the roots differ and the layouts do not
    fetch->wants = hwi_new(snapshot->alloc, count * sizeof *fetch->wants);
    for (uint32_t i = 0; i < snapshot->manifest.block_count; i++) {
        if (hwi_hash_equal(snapshot->held[i], fetch->wanted[i])) {
            continue;
        }
        fetch->wants[fetch->want_count++] =
            (struct hwi_want){.block = i, .asked = HWI_FETCH_SOURCES_MAX};
    }
    fetch->missing = count;
}

void hwi_fetch_share(struct hwi_snapshot *snapshot, struct hwi_effects *effects)
{
    struct hwi_fetch *fetch = &snapshot->fetch;
    list_wants(snapshot);
    snapshot->phase = HWI_SNAPSHOT_FETCHING;
    uint64_t count = fetch->want_count;
    for (uint32_t i = 0; i < fetch->source_count; i++) {
        fetch->sources[i].next = (uint32_t)(count * i / fetch->source_count);
        fetch->sources[i].end = (uint32_t)(count * (i + 1) / fetch->source_count);
    }
    for (uint32_t i = 0; i < fetch->source_count; i++) {
        hwi_fetch_refill(snapshot, i, false, effects);
    }
}

static void steal_half(struct hwi_fetch *fetch, struct hwi_source *thief)
{
    struct hwi_source *victim = thief;
    for (uint32_t i = 0; i < fetch->source_count; i++) {
        struct hwi_source *source = &fetch->sources[i];
        if (source->end - source->next > victim->end - victim->next) {
            victim = source;
        }
    }
    thief->end = victim->end;
    thief->next = victim->end - (victim->end - victim->next + 1) / 2;
    victim->end = thief->next;
}

// The want that this source is asked for next; HWI_FETCH_NONE if there is nothing left for it.
static uint32_t take_want(struct hwi_fetch *fetch, struct hwi_source *source, bool steal)
{
    if (source->retry != HWI_FETCH_NONE) {
        uint32_t index = source->retry;
        source->retry = fetch->wants[index].retry_next;
        return index;
    }
    if (source->next == source->end && steal) {
        steal_half(fetch, source);
    }
    return source->next == source->end ? HWI_FETCH_NONE : source->next++;
}

static void place_block(const struct hwi_snapshot *snapshot, uint64_t peer, uint32_t block,
                        struct hwi_effects *effects)
{
    struct hwi_piece piece = hwi_manifest_piece(&snapshot->manifest, block);
    struct hwi_msg_block_place *place =
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_DATA, 0), block_place);
    place->op = snapshot->op;
    place->from = peer;
    place->tensor = piece.tensor;
    place->offset = piece.offset;
    place->bytes = piece.bytes;
    place->block = block;
}

void hwi_fetch_refill(struct hwi_snapshot *snapshot, uint32_t index, bool steal,
                      struct hwi_effects *effects)
{
    struct hwi_fetch *fetch = &snapshot->fetch;
    struct hwi_source *source = &fetch->sources[index];
    struct hwi_block blocks[HWI_FETCH_WINDOW];
    uint32_t count = 0;
    while (source->in_flight < HWI_FETCH_WINDOW) {
        uint32_t taken = take_want(fetch, source, steal);
        if (taken == HWI_FETCH_NONE) {
            break;
        }
        struct hwi_want *want = &fetch->wants[taken];
        want->asked = (uint16_t)index;
        source->in_flight++;
        blocks[count++].index = want->block;
        place_block(snapshot, source->peer, want->block, effects);
    }
    if (count == 0) {
        return;
    }
    struct hwi_block *list = hwi_effects_memory(effects, count * sizeof *list);
    for (uint32_t i = 0; i < count; i++) {
        list[i] = blocks[i];
    }
    struct hwi_msg_blocks_want *ask =
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_SNAPSHOT, source->peer), blocks_want);
    ask->op = snapshot->op;
    ask->blocks = list;
    ask->blocks_count = count;
}

uint32_t hwi_fetch_source(const struct hwi_fetch *fetch, uint64_t peer)
{
    for (uint32_t i = 0; i < fetch->source_count; i++) {
        if (fetch->sources[i].peer == peer) {
            return i;
        }
    }
    return HWI_FETCH_NONE;
}

static int compare_block(const void *item, const void *wanted)
{
    const struct hwi_want *want = item;
    const uint32_t *block = wanted;
    return (want->block > *block) - (want->block < *block);
}

struct hwi_want *hwi_fetch_want(const struct hwi_fetch *fetch, uint32_t block)
{
    return hwi_rows_find(fetch->wants, fetch->want_count, sizeof *fetch->wants, compare_block,
                         &block);
}

uint32_t hwi_fetch_givers(const struct hwi_fetch *fetch)
{
    uint32_t givers = 0;
    for (uint32_t i = 0; i < fetch->source_count; i++) {
        givers += fetch->sources[i].good > 0;
    }
    return givers;
}

void hwi_fetch_forget(struct hwi_fetch *fetch, const struct hwi_alloc *alloc)
{
    hwi_free(alloc, fetch->page_here);
    hwi_free(alloc, fetch->wanted);
    hwi_free(alloc, fetch->wants);
    *fetch = (struct hwi_fetch){0};
}
