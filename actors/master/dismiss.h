// SPDX-License-Identifier: MIT
// Puts a session out of the run.
#ifndef HAWSER_ACTORS_MASTER_DISMISS_H
#define HAWSER_ACTORS_MASTER_DISMISS_H

#include "actors/master/session.h"

// Tells it why it is out: it is gone, with the members of its unit, and the caller sweeps. True if
// it was in the view or the proposal: then the caller reforms, too.
bool hwi_master_dismiss(struct hwi_master *master, struct hwi_master_session *session, int status,
                        const char *reason, struct hwi_effects *effects);
// The same, sweeps and reforms.
void hwi_master_put_out(struct hwi_master *master, struct hwi_master_session *session, int status,
                        const char *reason, struct hwi_effects *effects);

#endif
