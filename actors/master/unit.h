// SPDX-License-Identifier: MIT
// Units: processes that are admitted together, when all of them have registered, and removed
// together.
#ifndef HAWSER_ACTORS_MASTER_UNIT_H
#define HAWSER_ACTORS_MASTER_UNIT_H

#include "actors/master/session.h"

// A unit of which some process is registered.
struct hwi_master_unit {
    char name[HWI_NAME_BYTES_MAX];
    uint32_t size;
    uint32_t here;   // its sessions
    uint32_t late;   // those of them that are late
    uint32_t proven; // those of them that a trial has proven
};

// A newcomer cannot be of the unit that it names: why, as a sentence.
bool hwi_master_unit_refuses(const struct hwi_master *master,
                             const struct hwi_msg_registration *registration,
                             char reason[HWI_TEXT_BYTES_MAX]);
// It may be proposed: it came in time, and so did all of its unit.
bool hwi_master_admissible(const struct hwi_master *master,
                           const struct hwi_master_session *session);

// Its unit; NULL = none. Good until units come or go.
struct hwi_master_unit *hwi_master_unit(const struct hwi_master *master,
                                        const struct hwi_master_session *session);

// A session of a unit has come, has gone.
void hwi_master_unit_enter(struct hwi_master *master, const struct hwi_master_session *session);
void hwi_master_unit_leave(struct hwi_master *master, const struct hwi_master_session *session);
// Sets `late`.
void hwi_master_late(struct hwi_master *master, struct hwi_master_session *session, bool late);

#endif
