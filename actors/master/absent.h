// SPDX-License-Identifier: MIT
// Members that had not made a call which another member gave up.
#ifndef HAWSER_ACTORS_MASTER_ABSENT_H
#define HAWSER_ACTORS_MASTER_ABSENT_H

#include "actors/loop/step.h"

struct hwi_master;

// A call was given up: members that are not known to have made it are asked what they are in.
void hwi_master_ask_absent(const struct hwi_master *master, const struct hwi_fault *fault,
                           struct hwi_effects *effects);
// Each fault of a call that was given up names a member that had not made it, by what the members
// said last.
void hwi_master_name_absent(struct hwi_master *master);

#endif
