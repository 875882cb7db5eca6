// SPDX-License-Identifier: MIT
// Members that wait for each other in different calls.
#ifndef HAWSER_ACTORS_MASTER_MISMATCH_H
#define HAWSER_ACTORS_MASTER_MISMATCH_H

#include "actors/loop/step.h"

struct hwi_master;

// If some do, in different calls of one tag, the view changes, and each member gets the names of
// two of them.
void hwi_master_end_mismatch(struct hwi_master *master, struct hwi_effects *effects);

#endif
