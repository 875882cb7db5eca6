// SPDX-License-Identifier: MIT
#include "tools/hawser/common/dropped.h"

#include <string.h>

void dropped_list(const struct hwi_counters *counters, struct dropped list[DROPPED_KINDS])
{
    const struct dropped all[DROPPED_KINDS] = {
        {"control_dropped", counters->control_dropped},
        {"control_damaged", counters->control_damaged},
        {"control_unsent", counters->control_unsent},
        {"stripes_refused", counters->stripes_refused},
        {"undeliverable", counters->undeliverable},
        {"journal_lost", counters->journal_lost},
        {"trace_lost", counters->trace_lost},
    };
    memcpy(list, all, sizeof all);
}
