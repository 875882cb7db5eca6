// SPDX-License-Identifier: MIT
// The master, or the way to it, is gone.
#include <inttypes.h>

#include <hawser/types.h>

#include "tools/explain/model.h"

// This member spoke to the master again and again and heard nothing, until now or until it left.
static bool unheard(const struct explain_model *model, const struct explain_process *p)
{
    const struct explain_member *member = p->peer ? model_find_member(model, p->peer) : NULL;
    int64_t until_ns = p->last_ns;
    if (p->master || p->unanswered < 2) {
        return false;
    }
    if (member != NULL && member->left_ns != NEVER_NS) {
        until_ns = HWI_MIN(until_ns, member->left_ns);
    }
    if (member != NULL && member->evicted_ns != NEVER_NS) {
        until_ns = HWI_MIN(until_ns, member->evicted_ns);
    }
    return until_ns - p->unanswered_ns > model_silence(model);
}

static int32_t failure_after(const struct explain_model *model, int64_t at_ns, int32_t status)
{
    for (uint32_t i = 0; i < model->failure_count; i++) {
        if (model->failures[i].status == status && model->failures[i].at_ns >= at_ns) {
            return (int32_t)i;
        }
    }
    return -1;
}

static void show_unknown(const struct explain_model *model, struct explain_finding *finding)
{
    int32_t index = failure_after(model, finding->at_ns, HWS_E_OUTCOME_UNKNOWN);
    if (index < 0) {
        return;
    }
    const struct explain_failure *failure = &model->failures[index];
    uint64_t peer = model->processes[failure->process].peer;
    finding_say(finding, "; a call of member %" PRIu64 " returned OUTCOME_UNKNOWN", peer);
    finding_show(finding, failure->at_ns, "member %" PRIu64 ": %s", peer,
                 hws_status_text(HWS_E_OUTCOME_UNKNOWN));
}

// Nobody hears the master.
static void say_gone(struct explain_model *model, const struct explain_peers *peers,
                     int64_t since_ns)
{
    struct explain_finding *finding = finding_new(model, since_ns, true);
    model->master_gone = true;
    finding_say(finding, "the master has not answered for %s: %s %s to it and hear%s nothing",
                print_time(model->now_ns - since_ns).text, print_peers(peers).text,
                peers->count == 1 ? "speaks" : "speak", peers->count == 1 ? "s" : "");
    show_unknown(model, finding);
    for (uint32_t i = 0; i < model->process_count; i++) {
        const struct explain_process *p = &model->processes[i];
        if (p->master) {
            finding_show(finding, p->last_ns, "the master's process did something last");
        } else if (unheard(model, p) && p->master_ns != NEVER_NS) {
            finding_show(finding, p->master_ns, "member %" PRIu64 " heard the master last: %s",
                         p->peer, print_type(p->master_type));
        }
    }
    finding_advise(finding, "see whether `hawser master` still runs and can be reached; started "
                            "again with its --state file it takes the run up where it was");
}

// Others hear it.
static void say_cut(struct explain_model *model, const struct explain_process *p)
{
    struct explain_finding *finding = finding_new(model, p->unanswered_ns, true);
    finding_say(finding,
                "member %" PRIu64 " has not heard the master for %s, and others do: the link "
                "between the two is cut",
                p->peer, print_time(model->now_ns - p->unanswered_ns).text);
    show_unknown(model, finding);
    finding_show(finding, p->master_ns, "member %" PRIu64 " heard the master last: %s", p->peer,
                 print_type(p->master_type));
    finding_show(finding, p->unanswered_ns, "member %" PRIu64 " spoke to it, and %u times since",
                 p->peer, p->unanswered - 1);
    struct explain_member *member = p->peer ? model_find_member(model, p->peer) : NULL;
    if (member != NULL) {
        finding_show(finding, member->heard_ns, "the master heard member %" PRIu64 " last: %s",
                     p->peer, print_type(member->heard_type));
        model_explain(member, p->unanswered_ns);
    }
    finding_advise(finding, "look at the network between %s and the master",
                   print_who(model, p->peer).text);
}

// It was started again, and members of the time before are out.
static void say_restarted(struct explain_model *model)
{
    struct explain_peers out = {0};
    bool before = false;
    for (uint32_t i = 0; i < model->view_count; i++) {
        before |= model->views[i].announced_ns != NEVER_NS &&
                  model->views[i].announced_ns < model->started_ns;
    }
    for (uint32_t i = 0; before && i < model->member_count; i++) {
        struct explain_member *member = &model->members[i];
        if (member->evicted_ns == NEVER_NS || member->evicted_ns < model->started_ns ||
            member->heard_ns > member->evicted_ns) {
            continue;
        }
        model_explain(member, model->started_ns);
        peers_add(&out, member->peer);
    }
    if (out.count == 0) {
        return;
    }
    struct explain_finding *finding = finding_new(model, model->started_ns, false);
    finding_say(finding, "the master was started again %s ago and removed %s",
                print_time(model->now_ns - model->started_ns).text, print_peers(&out).text);
    finding_show(finding, model->started_ns, "the master started");
    finding_advise(finding, "they close and open again; see why the master ended");
    peers_free(&out);
}

void rule_master(struct explain_model *model)
{
    if (model->started_ns != NEVER_NS) {
        say_restarted(model);
    }
    struct explain_peers unheard_by = {0};
    uint32_t count = 0, others = 0;
    int64_t since_ns = NEVER_NS;
    for (uint32_t i = 0; i < model->process_count; i++) {
        const struct explain_process *p = &model->processes[i];
        if (!p->master && unheard(model, p)) {
            peers_add(&unheard_by, p->peer);
            count++;
            since_ns = HWI_MAX(since_ns, p->unanswered_ns);
        } else if (!p->master && p->as_of_ns - p->last_ns < model_silence(model)) {
            others += p->master_ns != NEVER_NS;
        }
    }
    if (count > 0 && others == 0) {
        say_gone(model, &unheard_by, since_ns);
    }
    for (uint32_t i = 0; others > 0 && i < model->process_count; i++) {
        if (unheard(model, &model->processes[i])) {
            say_cut(model, &model->processes[i]);
        }
    }
    peers_free(&unheard_by);
}
