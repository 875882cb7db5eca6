// SPDX-License-Identifier: MIT
// Channels of the view in force: the operations with which each member is Done.
#ifndef HAWSER_ACTORS_MASTER_CHANNEL_H
#define HAWSER_ACTORS_MASTER_CHANNEL_H

#include "actors/master/session.h"

enum {
    HWI_MASTER_PENDINGS_MAX = 8, // changes of how many newcomers wait that a channel remembers
};

// One channel of the view in force: per member, how many of its operations are Done.
struct hwi_master_channel {
    uint8_t kind;   // a channel kind
    uint32_t group; // 0 if it spans the run
    uint64_t tag;
    uint32_t committed;
    uint32_t ahead;   // members whose count is above committed
    uint32_t count;   // seats that it spans
    uint32_t *counts; // by rank in the group, or in the view if it spans the run; owned
    uint8_t redop;    // a vote: how to fold, set by the first
    uint64_t folded;  // a vote: of those so far
    uint64_t value;   // a vote: the last result
    // How many newcomers waited, as told with the commits: the row is by operations, and its last
    // entry ends with the last commit. A member that missed some gets for each the number that the
    // others got; for operations older than the row it gets the first entry.
    struct hwi_master_pending {
        uint32_t until; // operations before it
        uint32_t count;
    } pendings[HWI_MASTER_PENDINGS_MAX];
    uint32_t pending_count;
};

// `kind` is any kind of the channel; `group` is that of a member which it spans. The result is
// valid until a channel is opened. NULL = no member is Done on it.
struct hwi_master_channel *hwi_master_channel(const struct hwi_master *master, uint8_t kind,
                                              uint32_t group, uint64_t tag);
// Makes it if it is not there. NULL = HWI_TAGS_MAX passed.
struct hwi_master_channel *hwi_master_channel_open(struct hwi_master *master, uint8_t kind,
                                                   uint32_t group, uint64_t tag);
void hwi_master_channels_clear(struct hwi_master *master);

bool hwi_master_spans(const struct hwi_master_channel *channel,
                      uint32_t group); // members of the group
// How many operations the one at this rank of the view, whom the channel spans, is Done with.
uint32_t *hwi_master_done(const struct hwi_master *master, const struct hwi_master_channel *channel,
                          uint32_t rank);
// A member's count, `*counted` of the channel's, rises to `count`. True if by now all members whom
// it spans are ahead of what is committed.
bool hwi_master_count(struct hwi_master_channel *channel, uint32_t *counted, uint32_t count);
// To a member that the channel spans and that heard of the first `heard` operations.
void hwi_master_tell_commit(const struct hwi_master *master,
                            const struct hwi_master_channel *channel, uint32_t heard,
                            struct hwi_master_session *session, struct hwi_effects *effects);

#endif
