// SPDX-License-Identifier: MIT
// Proposals: which view should be.
#ifndef HAWSER_ACTORS_MASTER_PROPOSE_H
#define HAWSER_ACTORS_MASTER_PROPOSE_H

#include "actors/master/session.h"

enum {
    HWI_MASTER_PROBE_MS = 50, // between two rounds of probes, and from a proposal to the first
};

// The view may have to change. Proposes the one that should be, if it is not the one in force: at
// once, in a large run a little later, so that many changes make one proposal.
void hwi_master_reform(struct hwi_master *master, struct hwi_effects *effects);
// Nothing is proposed that would replace the view in any case.
bool hwi_master_may_reform(const struct hwi_master *master);
void hwi_master_reform_now(struct hwi_master *master, struct hwi_effects *effects);
// The first view waits: a newcomer came with a state that was trained, and another may come with a
// newer one.
bool hwi_master_gathers(const struct hwi_master *master);
// It has waited long enough.
void hwi_master_gathered(struct hwi_master *master, struct hwi_effects *effects);
// To a member of the proposal that may not have heard it.
void hwi_master_propose_to(const struct hwi_master *master, struct hwi_master_session *session,
                           struct hwi_effects *effects);
// The data that waited for the disk is durable: the proposal is made, or the view announced.
void hwi_master_durable(struct hwi_master *master, struct hwi_effects *effects);

#endif
