// SPDX-License-Identifier: MIT
// Suspects: sessions to which others lost their stripes are asked whether they live.
#ifndef HAWSER_ACTORS_MASTER_PROBE_H
#define HAWSER_ACTORS_MASTER_PROBE_H

#include "actors/master/session.h"

// Whether what `session` says of `other` counts: what a newcomer says of a member does that one no
// harm.
bool hwi_master_believes(const struct hwi_master_session *session,
                         const struct hwi_master_session *other);
// It is asked whether it lives, as soon as may be.
void hwi_master_suspect(struct hwi_master *master, struct hwi_master_session *other);
// Asks those whose stripes broke, or for whom a proposal waits: a dead one's connection is gone,
// and sending says so.
void hwi_master_probe(struct hwi_master *master, struct hwi_effects *effects);

#endif
