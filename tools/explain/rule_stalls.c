// SPDX-License-Identifier: MIT
// A process that stood still for a while and continued: operations that ended meanwhile ended for
// that reason.
#include <inttypes.h>

#include <hawser/types.h>

#include "tools/explain/model.h"

// Something was given up or failed while it stood still, or when it continued.
static bool did_harm(const struct explain_model *model, const struct explain_process *p)
{
    int64_t until_ns = p->resumed_ns + (int64_t)HWI_NS_PER_S;
    for (uint32_t i = 0; i < model->withdrawal_count; i++) {
        int64_t at_ns = model->withdrawals[i].at_ns;
        if (at_ns >= p->stalled_ns && at_ns <= until_ns) {
            return true;
        }
    }
    for (uint32_t i = 0; i < model->failure_count; i++) {
        int64_t at_ns = model->failures[i].at_ns;
        if (model->failures[i].status != HWS_E_MISMATCH && at_ns >= p->stalled_ns &&
            at_ns <= until_ns) {
            return true;
        }
    }
    return false;
}

// First of all causes until the run has continued after it.
static void say_stalled(struct explain_model *model, const struct explain_process *p)
{
    bool on = model->commit_ns > p->resumed_ns + (int64_t)HWI_NS_PER_S;
    struct explain_finding *finding = finding_new(model, p->stalled_ns, !on);
    const struct hwi_ring_owner *owner = &p->ring->owner;
    if (p->master) {
        finding_say(finding, "the master's process");
    } else {
        finding_say(finding, "the process of member %" PRIu64, p->peer);
    }
    finding_say(finding, " stood still for %s, until %s ago, and then continued",
                print_time(p->resumed_ns - p->stalled_ns).text,
                print_time(model->now_ns - p->resumed_ns).text);
    finding_show(finding, p->stalled_ns, "the last thing it did before");
    finding_show(finding, p->resumed_ns, "it continued");
    for (uint32_t i = 0; i < model->withdrawal_count; i++) {
        if (model->withdrawals[i].at_ns >= p->stalled_ns) {
            finding_show(finding, model->withdrawals[i].at_ns,
                         "member %" PRIu64 " withdrew from %s", model->withdrawals[i].peer,
                         print_op(model->withdrawals[i].op).text);
        }
    }
    finding_advise(finding,
                   "see what held process %" PRIu64 " up: a signal, a debugger, a machine that "
                   "slept or had no processor left for it",
                   owner->pid);
}

void rule_stalls(struct explain_model *model)
{
    for (uint32_t i = 0; i < model->process_count; i++) {
        const struct explain_process *p = &model->processes[i];
        struct explain_member *member = p->peer ? model_find_member(model, p->peer) : NULL;
        if (p->stalled_ns == NEVER_NS || p->resumed_ns - p->stalled_ns <= model_silence(model) ||
            (member != NULL && member->explained) || !did_harm(model, p)) {
            continue;
        }
        say_stalled(model, p);
        if (member != NULL) {
            model_explain(member, p->stalled_ns);
        }
    }
}
