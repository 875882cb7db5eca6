// SPDX-License-Identifier: MIT
#include "collectives/reducer/late.h"

#include "collectives/reducer/copy.h"
#include "collectives/reducer/feed.h"
#include "collectives/reducer/grant.h"
#include "collectives/reducer/layout.h"
#include "collectives/reducer/reducer.h"

void hwi_late_begin(struct hwi_reducer *reducer, struct hwi_collective *collective,
                    struct hwi_effects *effects)
{
    if (collective->laid || collective->calls_due > 0 ||
        collective->state > HWI_COLLECTIVE_RUNNING) {
        return;
    }
    hwi_layout_make(reducer, collective, true, effects);
    if (!collective->laid) {
        return;
    }
    hwi_grant_late(reducer, collective, effects);
    hwi_collective_copy(collective, reducer->now_ns, effects);
    hwi_feed_all(reducer, collective, effects);
}
