// SPDX-License-Identifier: MIT
// The source's side of a sync: answers what members ask for, each thing at most once.
#ifndef HAWSER_SNAPSHOT_SERVE_H
#define HAWSER_SNAPSHOT_SERVE_H

#include "snapshot/snapshot.h"

// The member with this id, if its request for `op` is to be served now or kept for sync_go; NULL if
// it is to be ignored: another operation, a stranger, or nothing to give.
struct hwi_reader *hwi_serve_reader(struct hwi_snapshot *snapshot, uint64_t peer,
                                    const struct hwi_op *op);
// Sends the hashes from block `first` on (any value: not the start of a page is ignored).
void hwi_serve_page(struct hwi_snapshot *snapshot, struct hwi_reader *reader, uint32_t first,
                    struct hwi_effects *effects);
// Has a block sent (any value: one that does not exist is ignored).
void hwi_serve_block(struct hwi_snapshot *snapshot, struct hwi_reader *reader, uint32_t block,
                     struct hwi_effects *effects);
// Serves what was asked for before sync_go came.
void hwi_serve_early(struct hwi_snapshot *snapshot, struct hwi_effects *effects);
// Nobody has asked for anything yet.
void hwi_serve_forget(struct hwi_snapshot *snapshot);

#endif
