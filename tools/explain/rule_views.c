// SPDX-License-Identifier: MIT
// Views that do not come: a proposal that waits, a run that has not begun, newcomers that wait.
#include <inttypes.h>

#include "tools/explain/model.h"

static bool is_member(const struct explain_model *model, uint64_t peer)
{
    const struct explain_view *view = model_find_view(model, model->view);
    return view != NULL && peers_has(&view->members, peer);
}

// The members that are not ready for it; false if another finding has the outcome of one of them.
static bool find_unready(const struct explain_model *model, const struct explain_view *view,
                         struct explain_peers *waits)
{
    for (uint32_t i = 0; i < view->members.count; i++) {
        uint64_t peer = view->members.ids[i];
        const struct explain_member *member = model_find_member(model, peer);
        if (peers_has(&view->ready, peer)) {
            continue;
        }
        if (member != NULL && (member->explained || member->left_ns != NEVER_NS)) {
            return false;
        }
        peers_add(waits, peer);
    }
    return true;
}

// To whom this process opens stripes that are not open yet.
static struct explain_peers find_unopened(const struct explain_process *p)
{
    struct explain_peers wanted = {0};
    for (uint32_t i = 0; i < p->ring->count; i++) {
        const struct hwi_ring_record *r = &p->ring->records[i];
        if (r->type == HWI_MSG_edge_open) {
            peers_add(&wanted, r->key);
        } else if (r->type == HWI_MSG_edge_up || r->type == HWI_MSG_edge_close) {
            peers_remove(&wanted, r->key);
        }
    }
    return wanted;
}

// The first that is not ready because stripes are missing: they lead to the member that is in the
// way.
static void say_unopened(const struct explain_model *model, const struct explain_peers *waits,
                         struct explain_finding *finding)
{
    bool said = false;
    for (uint32_t i = 0; i < waits->count && !said; i++) {
        const struct explain_member *member = model_find_member(model, waits->ids[i]);
        if (member == NULL || member->process < 0) {
            continue;
        }
        struct explain_peers wanted = find_unopened(&model->processes[member->process]);
        said = wanted.count > 0;
        if (said) {
            finding_say(finding, "; the stripes of member %" PRIu64 " to %s are not open",
                        member->peer, print_peers(&wanted).text);
        }
        peers_free(&wanted);
    }
}

static void say_proposal(struct explain_model *model, const struct explain_view *view,
                         const struct explain_peers *waits)
{
    struct explain_finding *finding = finding_new(model, view->proposed_ns, true);
    uint32_t newcomers = 0;
    for (uint32_t i = 0; i < waits->count; i++) {
        newcomers += !is_member(model, waits->ids[i]);
    }
    finding_say(finding, "view %" PRIu64 ", proposed %s ago, waits for ", view->number,
                print_time(model->now_ns - view->proposed_ns).text);
    if (waits->count == 0) {
        finding_say(finding, "the master to announce it");
    } else {
        finding_say(finding, "%s%s to be ready", print_peers(waits).text,
                    newcomers < waits->count ? ""
                    : newcomers == 1         ? ", a newcomer,"
                                             : ", newcomers,");
    }
    say_unopened(model, waits, finding);
    finding_show(finding, view->proposed_ns, "the master proposed view %" PRIu64, view->number);
    for (uint32_t i = 0; i < waits->count; i++) {
        const struct explain_member *member = model_find_member(model, waits->ids[i]);
        if (member != NULL) {
            finding_show(finding, member->heard_ns, "the master heard member %" PRIu64 " last",
                         member->peer);
        }
    }
    finding_advise(finding,
                   "a member is ready when its stripes to all others are open: see whether "
                   "their addresses can be reached from each other; a member that is not ready in "
                   "time is left out");
}

static void say_first(struct explain_model *model)
{
    uint32_t registered = 0;
    int64_t since_ns = model->now_ns;
    for (uint32_t i = 0; i < model->member_count; i++) {
        registered +=
            model->members[i].left_ns == NEVER_NS && model->members[i].evicted_ns == NEVER_NS;
    }
    for (uint32_t i = 0; i < model->process_count; i++) {
        since_ns = HWI_MIN(since_ns, model->processes[i].first_ns);
    }
    struct explain_finding *finding = finding_new(model, since_ns, true);
    finding_say(finding, "the run has no view yet: %u member%s registered", registered,
                registered == 1 ? " has" : "s have");
    if (model->first_members) {
        finding_say(finding, ", and the first view waits for %u", model->first_members);
    }
    if (model->gather_ms > 0) {
        finding_say(finding, "; it gathers newcomers for another %.1f s, as one came with a state",
                    model->gather_ms / 1000.0);
        finding_advise(finding, "wait, or name the number of members with --first-members");
        return;
    }
    finding_advise(finding, "start the others, or the master with fewer --first-members");
}

// No trouble as such, but what a newcomer wants to know.
static void say_newcomers(struct explain_model *model)
{
    struct explain_peers waits = {0};
    for (uint32_t i = 0; i < model->member_count; i++) {
        const struct explain_member *m = &model->members[i];
        if (m->beats > 4 && !is_member(model, m->peer) && m->evicted_ns == NEVER_NS &&
            m->left_ns == NEVER_NS && !m->explained) {
            peers_add(&waits, m->peer);
        }
    }
    if (waits.count == 0) {
        return;
    }
    struct explain_finding *finding = finding_new(model, model->now_ns, true);
    finding_say(finding, "%s %s to be admitted: the members have not called hws_admit",
                print_peers(&waits).text, waits.count == 1 ? "waits" : "wait");
    finding_advise(finding, "the members' trainers call hws_admit when hws_pending says that "
                            "newcomers wait");
    peers_free(&waits);
}

void rule_views(struct explain_model *model)
{
    const struct explain_view *proposal = model_proposal(model);
    struct explain_peers waits = {0};
    if (model->master_gone) {
        return;
    }
    bool told = proposal == NULL || find_unready(model, proposal, &waits);
    bool alone = model->view == 0 || !model_replaces_view(model);
    bool tried = waits.count == 0 && alone; // it waits for a vote
    if (proposal != NULL && !tried) {
        if (told && model->now_ns - proposal->proposed_ns >= model->patience_ns) {
            say_proposal(model, proposal, &waits);
        }
    } else if (model->view == 0 && (model->master >= 0 || model->input->status != NULL)) {
        say_first(model);
    } else if (model->view != 0 && model->master >= 0) {
        say_newcomers(model);
    }
    peers_free(&waits);
}
