// SPDX-License-Identifier: MIT
// The receiver's side of a sync: the elected block hashes from one source, then the blocks that
// differ from all sources at once, a share for each; a source that is done with its share takes
// from the longest share left.
#ifndef HAWSER_SNAPSHOT_FETCH_H
#define HAWSER_SNAPSHOT_FETCH_H

#include "actors/loop/step.h"

enum {
    HWI_FETCH_SOURCES_MAX = 64, // sources used by one receiver; which ones depends on its peer id
    HWI_FETCH_PAGES = 8,        // manifest pages asked for and not here
    HWI_FETCH_WINDOW = 4,       // blocks asked of one source and not here; both sides rely on it
};

#define HWI_FETCH_NONE UINT32_MAX

// A block that differs. It goes round the sources, once each, until its hash is right.
struct hwi_want {
    uint32_t block;
    uint32_t retry_next; // on the same source's list of retries
    uint16_t asked;      // index of the source it is asked of; HWI_FETCH_SOURCES_MAX = none
    uint16_t failed;     // sources that sent wrong bytes
};

struct hwi_source {
    uint64_t peer;
    uint32_t next; // its share not yet asked for: wants[next..end)
    uint32_t end;
    uint32_t retry; // wants that others sent wrong; HWI_FETCH_NONE = none
    uint32_t in_flight;
    uint32_t good; // blocks that came whole
};

struct hwi_fetch {
    struct hwi_source sources[HWI_FETCH_SOURCES_MAX];
    uint32_t source_count;
    uint32_t lister; // the source asked for the manifest
    uint32_t pages_asked;
    uint32_t pages_here;
    uint8_t *page_here;      // one per page; owned
    struct hwi_hash *wanted; // elected hashes, one per block; owned
    struct hwi_want *wants;  // in the order of blocks; owned
    uint32_t want_count;
    uint32_t missing; // wants that are not good yet
};

struct hwi_snapshot;

// Takes up to HWI_FETCH_SOURCES_MAX of `sources` (borrowed until return), beginning at one chosen
// by own id, and asks the first for the manifest. Those that are not other members are left out;
// with none left it is a fault.
void hwi_fetch_begin(struct hwi_snapshot *snapshot, const struct hwi_id *sources, uint32_t count,
                     struct hwi_effects *effects);
// Asks the lister for pages: the first alone, then up to the window.
void hwi_fetch_ask_pages(struct hwi_snapshot *snapshot, struct hwi_effects *effects);
// The lister's manifest is wrong: asks the next source, a fault after the last.
void hwi_fetch_next_lister(struct hwi_snapshot *snapshot, struct hwi_effects *effects);
// The manifest is proven: shares out the blocks that differ and asks for the first ones.
void hwi_fetch_share(struct hwi_snapshot *snapshot, struct hwi_effects *effects);
// Asks source `index` for blocks up to the window; with `steal` also from others' shares.
void hwi_fetch_refill(struct hwi_snapshot *snapshot, uint32_t index, bool steal,
                      struct hwi_effects *effects);
// Index of the source with this id; HWI_FETCH_NONE if it is none.
uint32_t hwi_fetch_source(const struct hwi_fetch *fetch, uint64_t peer);
// The want of this block; NULL if the block is not wanted.
struct hwi_want *hwi_fetch_want(const struct hwi_fetch *fetch, uint32_t block);
// Sources that blocks came from.
uint32_t hwi_fetch_givers(const struct hwi_fetch *fetch);
// Leaves *fetch all zero.
void hwi_fetch_forget(struct hwi_fetch *fetch, const struct hwi_alloc *alloc);

#endif
