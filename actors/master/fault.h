// SPDX-License-Identifier: MIT
// Why operations of the view in force fail.
#ifndef HAWSER_ACTORS_MASTER_FAULT_H
#define HAWSER_ACTORS_MASTER_FAULT_H

#include "actors/loop/step.h"

struct hwi_master;

// Reports a fault with the next view; of several faults of one operation, the first. Faults beyond
// HWI_OPS_MAX are dropped, and the operation's members get no reason.
void hwi_master_fault(struct hwi_master *master, const struct hwi_fault *fault);
// The same, and the view changes so that all members learn it.
void hwi_master_end_operation(struct hwi_master *master, const struct hwi_fault *fault,
                              struct hwi_effects *effects);

#endif
