// SPDX-License-Identifier: MIT
// Which statuses say that a member is out of its run.
#ifndef HAWSER_TOOLS_SWARM_ENDS_H
#define HAWSER_TOOLS_SWARM_ENDS_H

#include <hawser/types.h>
#include <stdbool.h>
#include <stdint.h>

// To open again helps it with class RUN; ahead of the run it would need another state.
static inline bool swarm_is_out(int32_t status)
{
    return status == HWS_E_AHEAD || hws_status_class((hws_status)status) == HWS_CLASS_RUN;
}

#endif
