// SPDX-License-Identifier: MIT
// A member that dies just before some event: what must hold for the others.
#ifndef HAWSER_TESTS_SUPPORT_DEATHS_H
#define HAWSER_TESTS_SUPPORT_DEATHS_H

#include "tests/support/scenario.h"

enum { DEATHS_MEMBERS = 3 };

// The time that detection, the next view and the second call may take together.
#define RECOVERY_NS (6 * HWI_NS_PER_S)

// One step by everybody that was there, some perhaps dying: the living got the same status, which
// is returned.
hws_status same_for_all(struct scenario *s, const struct call *call);

// Once for each member and each event of its actor `role` in this call: it dies just before that.
// The survivors all get OK or all the same error, and their next call succeeds.
void kill_before_every_event(enum hwi_role role, const struct call *call);

#endif
