// SPDX-License-Identifier: MIT
// Syncs, each group's own: offers, and what was elected.
#ifndef HAWSER_ACTORS_MASTER_SYNC_H
#define HAWSER_ACTORS_MASTER_SYNC_H

#include "actors/master/group.h"

uint32_t hwi_master_syncs_committed(const struct hwi_master *master,
                                    uint32_t group); // in this view
bool hwi_master_offered(const struct hwi_master *master,
                        const struct hwi_master_session *session); // for the next sync
// The operation of the view's sync number `count`, from 1.
struct hwi_op hwi_master_sync_op(const struct hwi_master *master, uint32_t count);

// A sync committed: all members of the group hold the state.
void hwi_master_synced(struct hwi_master *master, struct hwi_master_group *group);
// The state elected in this view, if any.
void hwi_master_tell_plan(const struct hwi_master *master, struct hwi_master_session *session,
                          struct hwi_effects *effects);
void hwi_master_tell_plan_to_all(const struct hwi_master *master,
                                 const struct hwi_master_group *group,
                                 struct hwi_effects *effects); // the group's members

#endif
