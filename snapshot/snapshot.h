// SPDX-License-Identifier: MIT
// The snapshot actor's state: hashes the shared state, serves it, fetches what is missing. It never
// touches the tensors: it names blocks, and the data port hashes, sends and places them.
#ifndef HAWSER_SNAPSHOT_SNAPSHOT_H
#define HAWSER_SNAPSHOT_SNAPSHOT_H

#include "actors/loop/dispatch.h"
#include "snapshot/fetch.h"
#include "snapshot/manifest.h"

enum {
    HWI_HASH_WINDOW = 8, // hashes asked of the data port and not answered
};

// How far the open sync is. Only IDLE has none.
enum hwi_snapshot_phase {
    HWI_SNAPSHOT_IDLE = 0,
    HWI_SNAPSHOT_HASHING,   // the state's blocks
    HWI_SNAPSHOT_HASHED,    // told the peer; waits for sync_go
    HWI_SNAPSHOT_LISTING,   // fetches the elected block hashes
    HWI_SNAPSHOT_FETCHING,  // fetches the blocks that differ
    HWI_SNAPSHOT_HOLDING,   // holds the elected state: Done, and serves it
    HWI_SNAPSHOT_STOPPED,   // gave up, or its view is gone; waits for op_end
    HWI_SNAPSHOT_ENDING,    // decided; waits for hashes still asked of the data port
    HWI_SNAPSHOT_QUIESCING, // waits for quiesced
};

// A member, and what it asked for in the open sync.
struct hwi_reader {
    uint64_t peer;
    uint32_t pages_served;                   // an honest member asks for each page once, ...
    uint32_t blocks_served;                  // ... and for each block once
    uint32_t early_blocks[HWI_FETCH_WINDOW]; // wanted before our sync_go came
    uint8_t early_count;
    bool early_list; // its manifest_want for block 0 came before our sync_go
};

struct hwi_snapshot {
    const struct hwi_alloc *alloc; // borrowed
    uint64_t view;
    uint64_t self;
    uint64_t *members; // the view's, ascending; owned
    uint32_t member_count;
    struct hwi_reader *readers; // those that asked for something, ordered by peer id; owned
    uint32_t reader_count, reader_capacity;

    struct hwi_manifest manifest;
    struct hwi_hash *held; // hashes of our blocks as last heard; owned
    // The last sync of this layout that was committed; view 0 = none yet
    struct hwi_synced {
        uint64_t view, revision;
        struct hwi_hash root; // of the last one that was hashed
    } synced;

    enum hwi_snapshot_phase phase;
    struct hwi_op op;  // the open sync
    uint64_t revision; // ours; the elected one from sync_go on
    bool unhashed;     // view and revision told that it is as it was: `root` is the last one's
    uint32_t hashes_asked;
    uint32_t hashes_heard;
    struct hwi_hash root;      // ours after hashing; the elected one from sync_go on
    uint64_t since_ns;         // when the hashing, or the fetching, began
    uint64_t hash_ns, move_ns; // how long they took
    struct hwi_fetch fetch;
};

// One handler per message that it receives, each in a separate file.
#define HEARD_BY_SNAPSHOT(message) HWI_HANDLER(hwi_snapshot_on_##message);
#include "actors/loop/handlers.h"

// sync.c
bool hwi_snapshot_is_member(const struct hwi_snapshot *snapshot, uint64_t peer);
// Asks the data port for hashes up to the window; once all are heard, tells the peer.
void hwi_snapshot_hash(struct hwi_snapshot *snapshot, uint64_t now_ns, struct hwi_effects *effects);
// Tells the peer what is held.
void hwi_snapshot_say_hashed(struct hwi_snapshot *snapshot, struct hwi_effects *effects);
// The elected state is here: tells the peer and serves it from now on.
void hwi_snapshot_hold(struct hwi_snapshot *snapshot, struct hwi_effects *effects);
// The open sync cannot be Done here; `peer` is who is to blame, 0 = nobody. Nothing more until
// op_end.
void hwi_snapshot_fault(struct hwi_snapshot *snapshot, int32_t status, uint64_t peer,
                        struct hwi_effects *effects);
// Lets go of the state's memory at the data port, once it is not hashing.
void hwi_snapshot_quiesce(struct hwi_snapshot *snapshot, struct hwi_effects *effects);

// state.c: its fields.
void hwi_snapshot_image(struct hwi_image *image, void *state);

#endif
