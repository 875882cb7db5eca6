// SPDX-License-Identifier: MIT
// One look at a run as a table: pure, so that tests read it.
#ifndef HAWSER_TOOLS_HAWSER_TOP_TABLE_H
#define HAWSER_TOOLS_HAWSER_TOP_TABLE_H

#include <stdio.h>

#include "actors/wire/msg.h"

// Writes how the run stands; rates are those between `before` and `now`, `ns` apart. `before` is
// NULL at the first look: then there are none. Borrowed until return.
void top_write(FILE *out, const struct hwi_msg_status *before, const struct hwi_msg_status *now,
               uint64_t ns);

#endif
