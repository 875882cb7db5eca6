// SPDX-License-Identifier: MIT
// Members that were killed, froze, or were removed.
#include <inttypes.h>
#include <stdio.h>

#include <hawser/types.h>

#include "tools/explain/model.h"

// The member that reports that its stripes to `member` broke for good, before it was removed; since
// when.
static struct explain_peers who_lost(const struct explain_model *model,
                                     const struct explain_member *member, int64_t *first_ns)
{
    uint64_t peer = member->peer;
    int64_t out_ns = member->evicted_ns;
    struct explain_peers ends = {0};
    *first_ns = NEVER_NS;
    for (uint32_t i = 0; i < model->breakage_count; i++) {
        const struct explain_breakage *broken = &model->breakages[i];
        bool concerns = broken->a == peer || broken->b == peer;
        bool before = out_ns == NEVER_NS || broken->at_ns < out_ns; // then it is why they broke
        if (!concerns || !before || broken->mended_ns != NEVER_NS) {
            continue;
        }
        if (*first_ns == NEVER_NS || broken->at_ns < *first_ns) {
            *first_ns = broken->at_ns;
        }
        peers_add(&ends, broken->a == peer ? broken->b : broken->a);
    }
    return ends;
}

static bool was_member(const struct explain_model *model, uint64_t peer)
{
    for (uint32_t i = 0; i < model->view_count; i++) {
        if (peers_has(&model->views[i].members, peer)) {
            return true;
        }
    }
    return false;
}

static bool is_member(const struct explain_model *model, uint64_t peer)
{
    const struct explain_view *view = model_find_view(model, model->view);
    return view != NULL && peers_has(&view->members, peer);
}

// The reason for its removal, if one is known.
static const char *why_out(const struct explain_member *member)
{
    bool plain = member->evicted_status == HWS_E_EVICTED;
    return plain ? "silent or broken off" : hws_status_text((hws_status)member->evicted_status);
}

static void say_put_out(const struct explain_model *model, const struct explain_member *member,
                        int64_t since_ns, struct explain_finding *finding)
{
    const struct explain_view *view = model_view_without(model, member->peer, since_ns);
    finding->open = view == NULL;
    if (view != NULL && model->master >= 0) {
        finding_say(finding, "; the master removed it in view %" PRIu64, view->number);
        finding_show(finding, member->evicted_ns, "the master removed it: %s", why_out(member));
        finding_show(finding, view->announced_ns, "view %" PRIu64 " came into force without it",
                     view->number);
    } else if (view != NULL) {
        finding_say(finding, "; view %" PRIu64 " is without it", view->number);
    } else if (member->evicted_ns != NEVER_NS && !is_member(model, member->peer)) {
        finding->open = false; // a newcomer: no view changes for it
        finding_say(finding, "; the master removed it");
    } else if (member->evicted_ns != NEVER_NS) {
        finding_say(finding, "; the master removed it, and the next view is not in force yet");
    } else {
        finding_say(finding, "; the master has not removed it yet");
    }
}

// The facts in its own ring, if it is here.
static void show_own(const struct explain_model *model, const struct explain_member *member,
                     struct explain_finding *finding)
{
    if (member->process < 0) {
        return;
    }
    const struct explain_process *p = &model->processes[member->process];
    finding_show(finding, p->last_ns, "the last thing in its own ring");
    finding_show(finding, p->asked_ns, "its trainer made its last call");
}

static void say_gone(struct explain_model *model, struct explain_member *member,
                     const struct explain_peers *ends, int64_t since_ns)
{
    struct explain_finding *finding = finding_new(model, since_ns, true);
    bool master = member->unreachable_ns != NEVER_NS;
    finding_say(finding, "member %" PRIu64 " is gone: its connection%s to ", member->peer,
                ends->count + master > 1 ? "s" : "");
    if (ends->count) {
        finding_say(finding, "%s%s", print_peers(ends).text, master ? " and to " : "");
    }
    finding_say(finding, "%s broke %s ago", master ? "the master" : "",
                print_time(model->now_ns - since_ns).text);
    say_put_out(model, member, since_ns, finding);
    finding_show(finding, member->heard_ns, "the master heard it last: %s",
                 print_type(member->heard_type));
    if (ends->count) {
        finding_show(finding, since_ns, "its stripes broke at %s", print_peers(ends).text);
    }
    finding_show(finding, member->unreachable_ns, "the master found its connection gone");
    show_own(model, member, finding);
    finding_advise(finding,
                   "its process was killed or crashed%s, or its machine is gone: look at what %s "
                   "wrote last; started again it joins as a newcomer",
                   model->master < 0 ? ", or left (the master's ring would tell)" : "",
                   print_who(model, member->peer).text);
    model_explain(member, since_ns);
}

static void say_silent(struct explain_model *model, struct explain_member *member, int64_t until_ns)
{
    struct explain_finding *finding = finding_new(model, member->heard_ns, true);
    bool out = member->evicted_ns != NEVER_NS;
    finding_say(finding, "member %" PRIu64 " stopped speaking %s ago: its last message was %s",
                member->peer, print_time(model->now_ns - member->heard_ns).text,
                member->heard_type ? print_type(member->heard_type) : "not seen here");
    say_put_out(model, member, member->heard_ns, finding);
    finding_show(finding, member->heard_ns, "the master heard it last: %s",
                 print_type(member->heard_type));
    if (out) {
        finding_show(finding, member->evicted_ns, "it had said nothing for %s",
                     print_time(until_ns - member->heard_ns).text);
    }
    show_own(model, member, finding);
    finding_advise(finding,
                   "its process is stopped, or its machine or network is: look at %s; if it "
                   "lives it joins again as a newcomer",
                   print_who(model, member->peer).text);
    model_explain(member, member->heard_ns);
}

static void say_evicted(struct explain_model *model, struct explain_member *member)
{
    struct explain_finding *finding = finding_new(model, member->evicted_ns, false);
    finding_say(finding, "the master removed member %" PRIu64 " %s ago: %s", member->peer,
                print_time(model->now_ns - member->evicted_ns).text, why_out(member));
    finding_show(finding, member->evicted_ns, "the master removed it");
    finding_advise(finding, "hws_last_error of %s says the reason",
                   print_who(model, member->peer).text);
    model_explain(member, member->evicted_ns);
}

// A call failed after this: without that, a member that is gone may as well have left.
static bool harmed(const struct explain_model *model, int64_t at_ns)
{
    for (uint32_t i = 0; i < model->failure_count; i++) {
        if (model->failures[i].at_ns >= at_ns) {
            return true;
        }
    }
    return false;
}

// All of the others closed their stripes: it was removed first, and learnt of it last.
static bool lost_all(const struct explain_model *model, const struct explain_member *member,
                     uint32_t count)
{
    const struct explain_view *view = model_find_view(model, model->view);
    return model->master < 0 && member->process >= 0 && view != NULL &&
           count + 1 >= HWI_MAX(view->told, view->members.count);
}

// It left while others had an operation in flight with it, which cannot succeed without it.
static void judge_leaver(struct explain_model *model, struct explain_member *member)
{
    for (uint32_t i = 0; i < model->failure_count; i++) {
        const struct explain_failure *failed = &model->failures[i];
        const struct explain_view *view = model_find_view(model, failed->view);
        const struct explain_view *next = model_view_without(model, member->peer, member->left_ns);
        if (failed->status != HWS_E_MEMBER_LOST || failed->at_ns < member->left_ns ||
            view == NULL || !peers_has(&view->members, member->peer)) {
            continue;
        }
        struct explain_finding *finding = finding_new(model, member->left_ns, false);
        finding_say(finding,
                    "member %" PRIu64 " left the run %s ago, while others had an operation in "
                    "flight with it",
                    member->peer, print_time(model->now_ns - member->left_ns).text);
        finding_show(finding, member->left_ns, "its trainer called hws_close");
        finding_show(finding, failed->at_ns, "a call of member %" PRIu64 " failed: %s",
                     model->processes[failed->process].peer,
                     hws_status_text((hws_status)failed->status));
        if (next != NULL) {
            finding_show(finding, next->announced_ns, "view %" PRIu64 " came into force without it",
                         next->number);
        }
        finding_advise(finding, "members that leave do so between operations; the others call "
                                "hws_view and continue");
        model_explain(member, member->left_ns);
        return;
    }
}

static void judge(struct explain_model *model, struct explain_member *member)
{
    int64_t first_ns, silence_ns = model_silence(model);
    struct explain_peers ends = who_lost(model, member, &first_ns);
    uint32_t count = ends.count;
    int64_t master_ns =
        model->master >= 0 ? model->processes[model->master].last_ns : model->now_ns;
    bool out = member->evicted_ns != NEVER_NS;
    int64_t until_ns = out ? member->evicted_ns : HWI_MAX(master_ns, member->heard_ns);
    bool silent = member->heard_ns != NEVER_NS && until_ns - member->heard_ns > silence_ns;
    bool unknown = member->heard_ns == NEVER_NS && member->process < 0;
    bool alone = unknown && count > 0 && harmed(model, first_ns) &&
                 model_view_without(model, member->peer, first_ns) != NULL;
    bool unreachable = member->unreachable_ns != NEVER_NS && (count > 0 || out);
    if (unreachable || (count > 0 && (silent || alone))) {
        say_gone(model, member, &ends, count ? first_ns : member->unreachable_ns);
    } else if (silent && was_member(model, member->peer)) {
        say_silent(model, member, until_ns);
    } else if (out && (count == 0 || lost_all(model, member, count)) &&
               member->evicted_status != HWS_E_CLOSED) {
        say_evicted(model, member);
    }
    peers_free(&ends);
}

void rule_members(struct explain_model *model)
{
    for (uint32_t i = 0; i < model->member_count; i++) {
        struct explain_member *member = &model->members[i];
        if (member->left_ns != NEVER_NS) {
            judge_leaver(model, member);
        } else if (!member->explained) {
            judge(model, member);
        }
    }
}
