// SPDX-License-Identifier: MIT
// The election of a group's shared state: docs/STATE.md has the rules as a table.
#ifndef HAWSER_ACTORS_MASTER_ELECT_H
#define HAWSER_ACTORS_MASTER_ELECT_H

#include "actors/master/group.h"

// All members of the group have offered: returns the member with the elected state. NULL = there is
// none, or a member was removed: the view changes, and the sync fails.
const struct hwi_master_session *hwi_master_elect(struct hwi_master *master,
                                                  const struct hwi_master_group *group,
                                                  struct hwi_effects *effects);

#endif
