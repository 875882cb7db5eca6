// SPDX-License-Identifier: MIT
// The master cannot write its state file, on a full disk for example: until it can, no view changes
// and calls that wait for a change end with OUTCOME_UNKNOWN.
#include <inttypes.h>

#include "tools/explain/model.h"

// Why, as the master says it; empty = not known.
static const char *reason(const struct explain_model *model)
{
    const struct hwi_msg_status *status = model->input->status;
    if (status != NULL && status->trouble[0] != '\0') {
        return status->trouble;
    }
    return model->master >= 0 ? model->processes[model->master].ring->trouble : "";
}

static void say_since(const struct explain_model *model, struct explain_finding *finding)
{
    const struct explain_storing *s = &model->storing;
    if (finding->open && s->tries == 0) { // since when is not known
        finding_say(finding, "no view can change: the master ");
    } else if (finding->open) {
        finding_say(finding, "for %s no view could change: the master ",
                    print_time(model->now_ns - s->failed_ns).text);
    } else {
        finding_say(finding, "no view could change for %s, until %s ago: the master ",
                    print_time(s->healed_ns - s->failed_ns).text,
                    print_time(model->now_ns - s->healed_ns).text);
    }
    const char *why = reason(model);
    finding_say(finding, "%s", why[0] != '\0' ? why : "cannot write its state file");
}

void rule_store(struct explain_model *model)
{
    const struct explain_storing *s = &model->storing;
    if (s->failed_ns == NEVER_NS) {
        return;
    }
    struct explain_finding *finding = finding_new(model, s->failed_ns, s->healed_ns == NEVER_NS);
    finding->first = finding->open;
    say_since(model, finding);
    if (s->tries > 0) {
        finding_show(finding, s->failed_ns, "the first of %" PRIu32 " writes that failed",
                     s->tries);
    }
    finding_show(finding, s->healed_ns, "the state file was written again");
    finding_advise(finding, "make room on the disk of the master, or make its --state file "
                            "writable: it tries again each second, and the run continues; its log "
                            "has the file and the error");
}
