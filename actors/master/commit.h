// SPDX-License-Identifier: MIT
// Operations are committed, and the members told.
#ifndef HAWSER_ACTORS_MASTER_COMMIT_H
#define HAWSER_ACTORS_MASTER_COMMIT_H

#include "actors/master/channel.h"

// The channel's first `count` operations are: more than were so far.
void hwi_master_commit(struct hwi_master *master, struct hwi_master_channel *channel,
                       uint32_t count, struct hwi_effects *effects);

#endif
