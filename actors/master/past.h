// SPDX-License-Identifier: MIT
// Outcomes of earlier views, as long as a member may not have heard them.
#ifndef HAWSER_ACTORS_MASTER_PAST_H
#define HAWSER_ACTORS_MASTER_PAST_H

#include "actors/loop/step.h"

struct hwi_master;

// Decides every operation of the view in force, which is about to end. Returns its entry, whose
// number of newcomers is to be filled in (good until another is dropped); NULL = there was no view.
struct hwi_past *hwi_master_past_record(struct hwi_master *master, struct hwi_effects *effects);
void hwi_master_past_drop(struct hwi_master *master);  // the oldest
void hwi_master_past_prune(struct hwi_master *master); // those that all members have heard
// A list for a message, in the memory of the step's effects.
struct hwi_past *hwi_master_past_list(const struct hwi_master *master, struct hwi_effects *effects);

#endif
