// SPDX-License-Identifier: MIT
// Openings and calls that have not begun: they wait for members, or for their turn.
#include <inttypes.h>

#include "tools/explain/model.h"

static void say_opening(struct explain_model *model, const struct explain_process *p)
{
    struct explain_finding *finding = finding_new(model, p->open_ns, true);
    finding_say(finding, "hws_open of process %" PRIu64 " has waited for %s", p->ring->owner.pid,
                print_time(p->as_of_ns - p->open_ns).text);
    if (p->master_ns == NEVER_NS) {
        finding_say(finding, ": it has heard nothing from the master");
    } else if (p->peer) {
        finding_say(finding, ": it is registered as member %" PRIu64 " and not admitted yet",
                    p->peer);
    }
    finding_show(finding, p->open_ns, "its trainer called hws_open");
    finding_show(finding, p->master_ns, "it heard the master last: %s", print_type(p->master_type));
    finding_advise(finding, p->master_ns == NEVER_NS
                                ? "see whether `hawser master` runs at the address it was given"
                                : "the first view waits for --first-members; a running one lets "
                                  "newcomers in when its members call hws_admit");
}

// True if the call has been entered in the view: then it is an operation.
static bool begun(const struct explain_model *model, const struct explain_process *p,
                  const struct explain_asked *asked)
{
    for (uint32_t i = 0; i < model->channel_count; i++) {
        const struct explain_channel *c = &model->channels[i];
        const struct explain_part *part = model_find_part(c, p->peer);
        const struct hwi_op op = {p->view, asked->kind, asked->tag, 0};
        if (channel_is_of(model, c, op, p->peer) && part != NULL &&
            part->entered_ns >= asked->at_ns) {
            return true;
        }
    }
    return false;
}

static void say_queued(struct explain_model *model, const struct explain_process *p,
                       const struct explain_asked *asked)
{
    const struct explain_view *view = model_find_view(model, p->view);
    uint32_t count = view != NULL ? HWI_MAX(view->told, view->members.count) : 0;
    struct explain_finding *finding = finding_new(model, asked->at_ns, true);
    finding_say(finding,
                "a call of member %" PRIu64 " on tag %" PRIu64 " has waited to begin for %s",
                p->peer, asked->tag, print_time(p->as_of_ns - asked->at_ns).text);
    finding_say(finding, ": view %" PRIu64 " has %u member%s", p->view, count,
                count == 1 ? "" : "s");
    finding_show(finding, asked->at_ns, "its trainer made the call");
    finding_advise(finding,
                   "it waits for HAWSER_MIN_MEMBERS members, or for an earlier call on its "
                   "tag; newcomers come in with hws_admit");
}

void rule_queued(struct explain_model *model)
{
    for (uint32_t i = 0; i < model->process_count; i++) {
        const struct explain_process *p = &model->processes[i];
        bool opening = p->open_ns != NEVER_NS && p->view == 0 &&
                       p->as_of_ns - p->open_ns >= model->patience_ns;
        if (p->master || model->report->count > 0) {
            continue;
        }
        if (opening && model->master < 0) {
            say_opening(model, p);
        }
        for (uint32_t j = 0; j < p->asked_count && p->view && model->report->count == 0; j++) {
            if (p->as_of_ns - p->asked[j].at_ns >= model->patience_ns && p->asked[j].kind &&
                !begun(model, p, &p->asked[j])) {
                say_queued(model, p, &p->asked[j]);
            }
        }
    }
}
