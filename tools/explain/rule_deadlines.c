// SPDX-License-Identifier: MIT
// Operations that a member gave up: at its deadline, or because it could not go on.
#include <inttypes.h>

#include <hawser/types.h>

#include "tools/explain/model.h"

// Members of the view that had not called (or, `done`, were not Done) when it was given up.
static void find_lacking(const struct explain_model *model, const struct explain_withdrawal *w,
                         bool done, struct explain_peers *lacking, bool *explained)
{
    const struct explain_view *view = model_find_view(model, w->op.view);
    for (uint32_t i = 0; i < model->channel_count && view != NULL; i++) {
        const struct explain_channel *c = &model->channels[i];
        if (!channel_is_of(model, c, w->op, w->peer)) {
            continue;
        }
        for (uint32_t j = 0; j < view->members.count; j++) {
            if (!channel_spans(model, c, view->members.ids[j])) {
                continue;
            }
            const struct explain_part *part = model_find_part(c, view->members.ids[j]);
            const struct explain_member *member = model_find_member(model, view->members.ids[j]);
            bool late =
                part != NULL && part->entered == w->op.seq + 1 && part->entered_ns > w->at_ns;
            bool called = part != NULL && part->entered > w->op.seq && !late;
            bool known = model_would_show(model, w->op.view, w->op.kind, view->members.ids[j]);
            bool lacked = done ? part == NULL || part->done <= w->op.seq : known && !called;
            if (lacked) {
                peers_add(lacking, view->members.ids[j]);
            }
            *explained |=
                lacked && member != NULL && member->explained && member->trouble_ns <= w->at_ns;
        }
    }
}

static void show_calls(const struct explain_model *model, const struct explain_withdrawal *w,
                       struct explain_finding *finding)
{
    for (uint32_t i = 0; i < model->channel_count; i++) {
        const struct explain_channel *c = &model->channels[i];
        if (!channel_is_of(model, c, w->op, w->peer)) {
            continue;
        }
        for (uint32_t j = 0; j < c->part_count; j++) {
            if (c->parts[j].entered == w->op.seq + 1) {
                finding_show(finding, c->parts[j].entered_ns, "peer %" PRIu64 " made the call",
                             c->parts[j].peer);
            }
        }
    }
}

// What those waited for who had not made the call, if it was something that others lacked.
static const struct explain_channel *find_crossing(const struct explain_model *model,
                                                   const struct explain_withdrawal *w,
                                                   const struct explain_peers *absent)
{
    const struct explain_channel *found = NULL;
    struct explain_peers present = {0};
    peers_add(&present, w->peer);
    for (uint32_t i = 0; i < model->channel_count && found == NULL; i++) {
        const struct explain_channel *c = &model->channels[i];
        if (channel_is_of(model, c, w->op, w->peer)) {
            found = model_crossing(model, c, absent, &present);
        }
    }
    peers_free(&present);
    return found;
}

static void say_missing(const struct explain_model *model, const struct explain_withdrawal *w,
                        const struct explain_peers *absent, struct explain_finding *finding)
{
    const struct explain_channel *crossing = find_crossing(model, w, absent);
    finding_say(finding, "%s had not made the call", print_peers(absent).text);
    if (crossing != NULL) {
        finding_say(finding, ", but waited in %s for peer %" PRIu64,
                    print_op(channel_op(crossing, crossing->committed)).text, w->peer);
    }
}

static void say_lacking(struct explain_model *model, const struct explain_withdrawal *w,
                        const struct explain_peers *absent, const struct explain_peers *slow)
{
    struct explain_finding *finding = finding_new(model, w->at_ns, false);
    finding_say(finding, "%s was given up %s ago at the deadline of peer %" PRIu64 ": ",
                print_op(w->op).text, print_time(model->now_ns - w->at_ns).text, w->peer);
    if (absent->count) {
        say_missing(model, w, absent, finding);
    } else if (slow->count) {
        finding_say(finding, "%s%s %s not Done",
                    model_has_witness(model, w->op.view) ? "all members had made the call, " : "",
                    print_peers(slow).text, slow->count == 1 ? "was" : "were");
    } else {
        finding_say(finding, "the master had not decided");
    }
    finding_show(finding, w->at_ns, "peer %" PRIu64 " withdrew: its deadline had passed", w->peer);
    show_calls(model, w, finding);
    if (absent->count) {
        finding_advise(finding,
                       "see what the trainer of %s did then, or allow more time "
                       "(HAWSER_TIMEOUT_MS)",
                       print_who(model, absent->ids[0]).text);
    } else {
        finding_advise(finding, "allow more time (HAWSER_TIMEOUT_MS), or look at the network");
    }
}

static void say_deadline(struct explain_model *model, const struct explain_withdrawal *w)
{
    struct explain_peers absent = {0}, slow = {0};
    bool explained = false;
    find_lacking(model, w, false, &absent, &explained);
    if (absent.count == 0) {
        find_lacking(model, w, true, &slow, &explained);
    }
    if (!explained) {
        say_lacking(model, w, &absent, &slow);
    }
    peers_free(&absent);
    peers_free(&slow);
}

static void say_given_up(struct explain_model *model, const struct explain_withdrawal *w)
{
    struct explain_finding *finding = finding_new(model, w->at_ns, false);
    finding_say(finding, "%s was given up %s ago by peer %" PRIu64 ": %s", print_op(w->op).text,
                print_time(model->now_ns - w->at_ns).text, w->peer,
                hws_status_text((hws_status)w->status));
    show_calls(model, w, finding);
    finding_show(finding, w->at_ns, "peer %" PRIu64 " withdrew", w->peer);
    finding_advise(finding, "hws_last_error of %s says more", print_who(model, w->peer).text);
}

void rule_deadlines(struct explain_model *model)
{
    for (uint32_t i = 0; i < model->withdrawal_count; i++) {
        const struct explain_withdrawal *w = &model->withdrawals[i];
        bool first = true; // others follow the first that gives up
        for (uint32_t j = 0; j < i; j++) {
            first &= model->withdrawals[j].op.view != w->op.view;
        }
        if (first && w->status == HWS_E_TIMEOUT) {
            say_deadline(model, w);
        } else if (first && w->status != HWS_E_MISMATCH) {
            say_given_up(model, w);
        }
    }
}
