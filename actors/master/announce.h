// SPDX-License-Identifier: MIT
// Tells of the view in force: its members, and the disk.
#ifndef HAWSER_ACTORS_MASTER_ANNOUNCE_H
#define HAWSER_ACTORS_MASTER_ANNOUNCE_H

#include "actors/master/session.h"

void hwi_master_announce(const struct hwi_master *master,
                         struct hwi_effects *effects); // to all members
void hwi_master_announce_to(const struct hwi_master *master, struct hwi_master_session *session,
                            struct hwi_effects *effects);
// Makes durable the facts that another master of the run must know; `stored` follows.
void hwi_master_store(const struct hwi_master *master, struct hwi_effects *effects);

#endif
