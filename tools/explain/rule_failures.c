// SPDX-License-Identifier: MIT
// Calls that failed for a reason that no other rule has found.
#include <inttypes.h>
#include <stdio.h>

#include <hawser/types.h>

#include "tools/explain/model.h"

static void say(struct explain_model *model, const struct explain_failure *failure, const char *why)
{
    const struct explain_process *p = &model->processes[failure->process];
    struct explain_finding *finding = finding_new(model, failure->at_ns, false);
    finding_say(finding, "a call of member %" PRIu64 " failed %s ago: %s%s", p->peer,
                print_time(model->now_ns - failure->at_ns).text,
                hws_status_text((hws_status)failure->status), why);
    finding_show(finding, failure->at_ns, "%s in view %" PRIu64,
                 hws_status_name((hws_status)failure->status), failure->view);
    finding_advise(finding, "hws_last_error of %s says what to do", print_who(model, p->peer).text);
}

static bool always_told(int32_t status)
{
    return status == HWS_E_INTERNAL || status == HWS_E_STATE_LOST || status == HWS_E_LAYOUT ||
           status == HWS_E_REFUSED || status == HWS_E_CONFLICT || status == HWS_E_AHEAD;
}

void rule_failures(struct explain_model *model)
{
    bool found = model->report->count > 0;
    for (uint32_t i = 0; i < model->failure_count; i++) {
        if (always_told(model->failures[i].status)) {
            say(model, &model->failures[i], "");
            return;
        }
    }
    if (!found && model->failure_count) {
        say(model, &model->failures[0], "; what led to it is not in these rings");
    }
}
