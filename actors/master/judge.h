// SPDX-License-Identifier: MIT
// Decides which members are ready for the proposal and which are dropped from it.
#ifndef HAWSER_ACTORS_MASTER_JUDGE_H
#define HAWSER_ACTORS_MASTER_JUDGE_H

#include "actors/loop/step.h"

struct hwi_master;

// After a ready or a broken edge: the proposal comes into force, or some are dropped from it and it
// is made again.
void hwi_master_judge(struct hwi_master *master, struct hwi_effects *effects);
// Removes those that have not answered in time.
void hwi_master_proposal_expired(struct hwi_master *master, struct hwi_effects *effects);

#endif
