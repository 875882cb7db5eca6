// SPDX-License-Identifier: MIT
// The proposal comes into force.
#ifndef HAWSER_ACTORS_MASTER_SEAL_H
#define HAWSER_ACTORS_MASTER_SEAL_H

#include "actors/loop/step.h"

struct hwi_master;

// Every operation of the old view is decided, once; the new view is the one in force, and waits to
// be announced.
void hwi_master_seal(struct hwi_master *master, struct hwi_effects *effects);

#endif
