// SPDX-License-Identifier: MIT
// Stripes that broke between two members that both live.
#include <inttypes.h>

#include <hawser/types.h>

#include "tools/explain/model.h"

// Its end has another reason: it left, it is gone, it was removed before.
static bool ended(const struct explain_model *model, uint64_t peer, int64_t at_ns)
{
    const struct explain_member *member = model_find_member(model, peer);
    if (member == NULL) {
        return true;
    }
    bool left = member->left_ns != NEVER_NS && member->left_ns <= at_ns + (int64_t)HWI_NS_PER_S;
    bool out = member->evicted_ns != NEVER_NS && member->evicted_ns <= at_ns;
    bool unknown = member->process < 0 && member->heard_ns == NEVER_NS;
    return left || out || member->explained ||
           (unknown && model_view_without(model, peer, at_ns) != NULL); // it may have left
}

static const struct explain_view *view_after(const struct explain_model *model, int64_t at_ns)
{
    for (uint32_t i = 0; i < model->view_count; i++) {
        if (model->views[i].announced_ns != NEVER_NS && model->views[i].announced_ns >= at_ns) {
            return &model->views[i];
        }
    }
    return NULL;
}

static void say_consequence(struct explain_model *model, const struct explain_breakage *broken,
                            struct explain_finding *finding)
{
    const struct explain_view *view = view_after(model, broken->at_ns);
    const uint64_t ends[] = {broken->a, broken->b};
    if (view == NULL) {
        return;
    }
    finding->open = false;
    finding_show(finding, view->announced_ns, "view %" PRIu64 " came into force", view->number);
    for (uint32_t i = 0; i < HWI_COUNT(ends); i++) {
        struct explain_member *member = model_find_member(model, ends[i]);
        if (member != NULL && member->evicted_ns != NEVER_NS &&
            member->evicted_ns >= broken->at_ns) {
            finding_say(finding, "; member %" PRIu64 " was removed from the run for it", ends[i]);
            finding_show(finding, member->evicted_ns, "the master removed member %" PRIu64,
                         ends[i]);
            model_explain(member, broken->at_ns);
            return;
        }
    }
    finding_say(finding, "; the operations in flight ended with view %" PRIu64, view->number);
    if (peers_has(&view->members, broken->a) && peers_has(&view->members, broken->b)) {
        finding_say(finding, ", which has both again");
    }
}

static void show_withdrawals(const struct explain_model *model,
                             const struct explain_breakage *broken, struct explain_finding *finding)
{
    for (uint32_t i = 0; i < model->withdrawal_count; i++) {
        const struct explain_withdrawal *w = &model->withdrawals[i];
        if ((w->peer == broken->a || w->peer == broken->b) && w->at_ns >= broken->at_ns &&
            w->at_ns < broken->at_ns + (int64_t)HWI_NS_PER_S) {
            finding_show(finding, w->at_ns, "member %" PRIu64 " withdrew from %s", w->peer,
                         print_op(w->op).text);
        }
    }
}

static void say_broken(struct explain_model *model, const struct explain_breakage *broken)
{
    struct explain_finding *finding = finding_new(model, broken->at_ns, true);
    finding_say(finding,
                "the stripes between member %" PRIu64 " and member %" PRIu64 " broke %s ago",
                broken->a, broken->b, print_time(model->now_ns - broken->at_ns).text);
    if (broken->sides & 1) {
        finding_show(finding, broken->at_ns,
                     "member %" PRIu64 " lost its stripes to member %" PRIu64, broken->a,
                     broken->b);
    }
    if (broken->sides & 2) {
        finding_show(finding, broken->at_ns,
                     "member %" PRIu64 " lost its stripes to member %" PRIu64, broken->b,
                     broken->a);
    }
    finding_show(finding, broken->mended_ns, "they were open again");
    show_withdrawals(model, broken, finding);
    say_consequence(model, broken, finding);
    finding_advise(finding, "look at the network between %s and", print_who(model, broken->a).text);
    finding_advise(finding, " %s: both speak to the master, and not to each other",
                   print_who(model, broken->b).text);
}

void rule_edges(struct explain_model *model)
{
    for (uint32_t i = 0; i < model->breakage_count; i++) {
        const struct explain_breakage *broken = &model->breakages[i];
        if (!ended(model, broken->a, broken->at_ns) && !ended(model, broken->b, broken->at_ns)) {
            say_broken(model, broken);
        }
    }
}
