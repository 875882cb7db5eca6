// SPDX-License-Identifier: MIT
// A trial is a proposal that no vote has asked for: members and newcomers open the stripes between
// them while the view in force stays. A newcomer whose trial holds is *proven*, and only then do
// the members learn that it waits.
#ifndef HAWSER_ACTORS_MASTER_TRIAL_H
#define HAWSER_ACTORS_MASTER_TRIAL_H

#include "actors/master/master.h"
#include "actors/master/session.h"

// A newcomer is there that could be admitted and is not proven.
bool hwi_master_trial_wanted(const struct hwi_master *master);

// All of the trial are ready and reach each other: its newcomers are proven. The proposal stays
// open, and a vote brings it into force at once.
void hwi_master_trial_holds(struct hwi_master *master);

// In a trial a newcomer's word against a member that has not answered yet counts for nothing: the
// member may be dead. Members dial newcomers, and say by themselves whom they could not reach.
bool hwi_master_trial_doubts(const struct hwi_master *master,
                             const struct hwi_master_session *session,
                             const struct hwi_master_session *other);

// A trial has failed: the next one waits a little, and longer each time, so that a newcomer that
// comes back for ever costs little.
void hwi_master_trial_fails(struct hwi_master *master);

// The members have voted to admit: a trial that can do becomes the proposal that they voted for.
// False if it cannot: then another view must be proposed.
bool hwi_master_trial_adopt(struct hwi_master *master);

// Counts the proven newcomers anew, after sessions came, went or became members.
void hwi_master_trial_count(struct hwi_master *master);

#endif
