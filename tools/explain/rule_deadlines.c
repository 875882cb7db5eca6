// SPDX-License-Identifier: MIT
// Operations that a member gave up: at its deadline, or because it could not continue.
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
                finding_show(finding, c->parts[j].entered_ns, "member %" PRIu64 " made the call",
                             c->parts[j].peer);
            }
        }
    }
}

// The other call in which the members waited that had not made this one.
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

// Members that have made the channel's call number `seq`.
static struct explain_peers who_entered(const struct explain_channel *channel, uint32_t seq)
{
    struct explain_peers who = {0};
    for (uint32_t i = 0; i < channel->part_count; i++) {
        if (channel->parts[i].entered > seq) {
            peers_add(&who, channel->parts[i].peer);
        }
    }
    return who;
}

// Two calls in which members waited for each other.
struct sides {
    struct hwi_op there;         // the other call; kind 0 = there is none
    struct explain_peers here;   // waited in the call that was given up
    struct explain_peers absent; // waited in the other one
};

static struct sides find_sides(const struct explain_model *model,
                               const struct explain_withdrawal *w,
                               const struct explain_peers *absent)
{
    struct sides sides = {0};
    const struct explain_channel *crossing = find_crossing(model, w, absent);
    for (uint32_t i = 0; i < model->channel_count; i++) {
        if (channel_is_of(model, &model->channels[i], w->op, w->peer)) {
            sides.here = who_entered(&model->channels[i], w->op.seq);
        }
    }
    peers_add(&sides.here, w->peer);
    if (crossing == NULL) {
        return sides;
    }
    sides.there = channel_op(crossing, crossing->committed);
    struct explain_peers others = who_entered(crossing, crossing->committed);
    for (uint32_t i = 0; i < others.count; i++) {
        if (peers_has(absent, others.ids[i])) {
            peers_add(&sides.absent, others.ids[i]);
        }
    }
    peers_free(&others);
    return sides;
}

static void free_sides(struct sides *sides)
{
    peers_free(&sides->here);
    peers_free(&sides->absent);
}

// The many made one call and the few another one: the few are the ones that differ, even if the
// many gave up first.
static void say_differ(struct explain_model *model, const struct explain_withdrawal *w,
                       const struct sides *sides)
{
    struct explain_finding *finding = finding_new(model, w->at_ns, false);
    bool one = sides->here.count == 1, odd = sides->here.count < sides->absent.count;
    if (odd) {
        finding_say(finding, "%s made another call than the others: %s waited in %s while ",
                    print_peers(&sides->here).text, one ? "it" : "they", print_op(w->op).text);
        finding_say(finding, "%s waited in %s for %s", print_peers(&sides->absent).text,
                    print_op(sides->there).text, one ? "it" : "them");
    } else {
        finding_say(finding, "members made different calls: %s waited in %s, %s in %s",
                    print_peers(&sides->here).text, print_op(w->op).text,
                    print_peers(&sides->absent).text, print_op(sides->there).text);
    }
    finding_say(finding, "; the deadline of member %" PRIu64 " ended it %s ago", w->peer,
                print_time(model->now_ns - w->at_ns).text);
    finding_show(finding, w->at_ns, "member %" PRIu64 " withdrew: its deadline had passed",
                 w->peer);
    show_calls(model, w, finding);
    finding_advise(finding, "all members make the same calls, in the same order on each tag: see ");
    if (odd) {
        finding_advise(finding, "how %s came to its call",
                       print_who(model, sides->here.ids[0]).text);
    } else {
        finding_advise(finding, "where %s and", print_who(model, sides->here.ids[0]).text);
        finding_advise(finding, " %s part", print_who(model, sides->absent.ids[0]).text);
    }
}

static void say_missing(const struct explain_peers *absent, const struct sides *sides,
                        const struct explain_withdrawal *w, struct explain_finding *finding)
{
    finding_say(finding, "%s had not made the call", print_peers(absent).text);
    if (sides->there.kind != 0) {
        finding_say(finding, ", but waited in %s for member %" PRIu64, print_op(sides->there).text,
                    w->peer);
    }
}

static bool has_ring(const struct explain_model *model, const struct explain_peers *peers)
{
    bool has = false;
    for (uint32_t i = 0; i < peers->count && !has; i++) {
        const struct explain_member *member = model_find_member(model, peers->ids[i]);
        has = member != NULL && member->process >= 0;
    }
    return has;
}

// The few that did not call are those to look at; the many are so only if their rings show it.
static void advise(const struct explain_model *model, const struct explain_peers *absent,
                   const struct explain_peers *here, struct explain_finding *finding)
{
    if (absent->count == 0) {
        finding_advise(finding, "allow more time (HAWSER_TIMEOUT_MS), or look at the network");
    } else if (absent->count <= here->count || has_ring(model, absent)) {
        finding_advise(finding,
                       "see what the trainer of %s did then, or allow more time "
                       "(HAWSER_TIMEOUT_MS)",
                       print_who(model, absent->ids[0]).text);
    } else {
        finding_advise(finding, "see where the calls of %s and", print_peers(here).text);
        finding_advise(finding, " %s part, or allow more time (HAWSER_TIMEOUT_MS)",
                       print_peers(absent).text);
    }
}

// Not in any ring that is here: then there is no finding.
static bool knows_done(const struct explain_model *model, const struct explain_peers *slow)
{
    return model->master >= 0 || has_ring(model, slow);
}

static void say_slow(const struct explain_model *model, const struct explain_withdrawal *w,
                     const struct explain_peers *slow, struct explain_finding *finding)
{
    if (slow->count == 0) {
        finding_say(finding, "the master had not decided");
    } else if (!knows_done(model, slow)) {
        finding_say(finding, "these rings do not say what it waited for");
    } else {
        finding_say(finding, "%s%s %s not Done",
                    model_has_witness(model, w->op.view) ? "all members had made the call, " : "",
                    print_peers(slow).text, slow->count == 1 ? "was" : "were");
    }
}

static void say_lacking(struct explain_model *model, const struct explain_withdrawal *w,
                        const struct explain_peers *absent, const struct explain_peers *slow,
                        const struct sides *sides)
{
    struct explain_finding *finding = finding_new(model, w->at_ns, false);
    finding_say(finding, "%s was given up %s ago at the deadline of member %" PRIu64 ": ",
                print_op(w->op).text, print_time(model->now_ns - w->at_ns).text, w->peer);
    if (absent->count) {
        say_missing(absent, sides, w, finding);
    } else {
        say_slow(model, w, slow, finding);
    }
    finding_show(finding, w->at_ns, "member %" PRIu64 " withdrew: its deadline had passed",
                 w->peer);
    show_calls(model, w, finding);
    advise(model, absent, &sides->here, finding);
}

static void say_deadline(struct explain_model *model, const struct explain_withdrawal *w)
{
    struct explain_peers absent = {0}, slow = {0};
    bool explained = false;
    find_lacking(model, w, false, &absent, &explained);
    if (absent.count == 0) {
        find_lacking(model, w, true, &slow, &explained);
    }
    struct sides sides = find_sides(model, w, &absent);
    if (!explained && sides.there.kind != 0 && sides.here.count <= sides.absent.count) {
        say_differ(model, w, &sides);
    } else if (!explained) {
        say_lacking(model, w, &absent, &slow, &sides);
    }
    free_sides(&sides);
    peers_free(&absent);
    peers_free(&slow);
}

static void say_given_up(struct explain_model *model, const struct explain_withdrawal *w)
{
    struct explain_finding *finding = finding_new(model, w->at_ns, false);
    finding_say(finding, "%s was given up %s ago by member %" PRIu64 ": %s", print_op(w->op).text,
                print_time(model->now_ns - w->at_ns).text, w->peer,
                hws_status_text((hws_status)w->status));
    show_calls(model, w, finding);
    finding_show(finding, w->at_ns, "member %" PRIu64 " withdrew", w->peer);
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
