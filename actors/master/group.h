// SPDX-License-Identifier: MIT
// The seats of the view in force, and the groups that they form.
#ifndef HAWSER_ACTORS_MASTER_GROUP_H
#define HAWSER_ACTORS_MASTER_GROUP_H

#include "actors/master/session.h"

// A place in the view in force. It stays when its session has gone.
struct hwi_master_seat {
    uint64_t peer;
    uint32_t group;
    uint32_t rank; // in the group
};

// A group that has members in the view in force, and what they know of their shared state. When all
// its members have died it is forgotten, and begins again with newcomers.
struct hwi_master_group {
    uint32_t number;
    uint32_t count;   // seats of the view
    uint32_t members; // sessions that are members
    bool ever_synced;
    uint32_t offers; // members that made an offer for the next sync
    uint32_t verify; // sequence + 1 of the last sync that must be hashed; 0 = none in this view
    struct {
        uint32_t count; // sequence + 1 of the sync that was planned; 0 = none in this view
        uint64_t revision;
        struct hwi_hash root;
        bool unhashed;
    } plan;
};

static inline bool hwi_master_is_of(const struct hwi_master_session *session,
                                    const struct hwi_master_group *group)
{
    return session->member && session->group == group->number;
}

// NULL = not in the view in force. Good until the next hwi_master_seat.
struct hwi_master_group *hwi_master_group(const struct hwi_master *master, uint32_t number);
// Index of a seat in the view in force; -1 = not in it.
int64_t hwi_master_rank(const struct hwi_master *master, uint64_t peer);
// The proposed members are members from now on, with seats, and no others. A group of whom somebody
// was a member before still knows whether it was ever synced.
void hwi_master_seat(struct hwi_master *master);

#endif
