// SPDX-License-Identifier: MIT
// Operations in flight: the members that have not made the call or are not Done, and what they do
// meanwhile.
#include <inttypes.h>
#include <string.h>

#include <hawser/types.h>

#include "tools/explain/model.h"

// The members that an operation waits for.
struct waits {
    struct hwi_op op;
    const struct explain_channel *channel;
    int64_t since_ns;
    struct explain_peers absent, working, present; // present: made the call
    struct explain_peers unsure;                   // the rings do not say whether they are Done
    uint32_t nameless; // members of the view that these rings do not name
    bool excused;      // one of them is explained already
};

static uint8_t lane_of(uint8_t kind)
{
    return hwi_channel_kind(kind) == HWI_KIND_ALL_REDUCE ? HWI_ROLE_REDUCER
           : kind == HWI_KIND_SYNC                       ? HWI_ROLE_SNAPSHOT
                                                         : HWI_ROLE_PEER;
}

static const struct explain_process *process_of(const struct explain_model *model, uint64_t peer)
{
    const struct explain_member *member = model_find_member(model, peer);
    return member != NULL && member->process >= 0 ? &model->processes[member->process] : NULL;
}

// True if some ring here would show that this member is Done.
static bool would_show_done(const struct explain_model *model, uint64_t peer)
{
    return process_of(model, peer) != NULL || model->master >= 0 || model->input->status != NULL;
}

static bool excused(const struct explain_model *model, uint64_t peer)
{
    const struct explain_member *member = model_find_member(model, peer);
    return member != NULL && (member->explained || member->left_ns != NEVER_NS);
}

static void sort_out(const struct explain_model *model, struct waits *w, uint64_t peer)
{
    const struct explain_part *part = model_find_part(w->channel, peer);
    bool called = part != NULL && part->entered > w->op.seq;
    if (called && part->entered == w->op.seq + 1 && part->entered_ns != NEVER_NS) {
        w->since_ns =
            w->since_ns == NEVER_NS ? part->entered_ns : HWI_MIN(w->since_ns, part->entered_ns);
    }
    if (called) {
        peers_add(&w->present, peer);
    }
    if (part != NULL && part->done > w->op.seq) {
        return;
    }
    if (excused(model, peer)) {
        w->excused = true;
    } else if (!called && (model->input->status != NULL ||
                           model_would_show(model, w->op.view, w->op.kind, peer))) {
        peers_add(&w->absent, peer);
    } else if (would_show_done(model, peer)) {
        peers_add(&w->working, peer);
    } else {
        peers_add(&w->unsure, peer);
    }
}

static struct waits waits_of(const struct explain_model *model,
                             const struct explain_channel *channel)
{
    struct waits w = {
        .channel = channel, .since_ns = NEVER_NS, .op = channel_op(channel, channel->committed)};
    const struct explain_view *view = model_find_view(model, channel->view);
    for (uint32_t i = 0; view != NULL && i < view->members.count; i++) {
        if (channel_spans(model, channel, view->members.ids[i])) {
            sort_out(model, &w, view->members.ids[i]);
        }
    }
    if (view != NULL && view->told > view->members.count) {
        w.nameless = view->told - view->members.count;
    }
    return w;
}

// ---- evidence ----------------------------------------------------------------------------------

static void show_calls(const struct waits *w, struct explain_finding *finding)
{
    for (uint32_t i = 0; i < w->channel->part_count; i++) {
        const struct explain_part *part = &w->channel->parts[i];
        if (part->entered == w->op.seq + 1) {
            finding_show(finding, part->entered_ns, "member %" PRIu64 " made the call", part->peer);
        }
    }
}

static void show_trainer(const struct explain_process *p, struct explain_finding *finding)
{
    if (p != NULL && p->asked_ns != NEVER_NS) {
        finding_show(finding, p->asked_ns,
                     "the last call of member %" PRIu64 "'s trainer: %s, tag %" PRIu64, p->peer,
                     print_call(p->asked_kind), p->asked_tag);
    }
}

static void show_heard(const struct explain_model *model, uint64_t peer,
                       struct explain_finding *finding)
{
    const struct explain_member *member = model_find_member(model, peer);
    if (member != NULL && member->heard_ns != NEVER_NS && member->heard_type) {
        finding_show(finding, member->heard_ns, "the master heard member %" PRIu64 " last: %s",
                     peer, print_type(member->heard_type));
    }
}

// ---- nobody made it ----------------------------------------------------------------------------

// The other activity of the member that is waited for.
static void say_idle(const struct explain_model *model, const struct waits *w,
                     struct explain_finding *finding)
{
    static const char *const names[HWI_ROLE_MAX] = {
        [HWI_ROLE_REDUCER] = "reducer", [HWI_ROLE_SNAPSHOT] = "snapshot actor"};
    const struct explain_process *p = process_of(model, w->absent.ids[0]);
    uint8_t lane = lane_of(w->op.kind);
    if (p == NULL) {
        return;
    }
    const struct explain_asked *other = p->asked_count ? &p->asked[0] : NULL;
    if (other != NULL) {
        finding_say(finding, "; it waits in %s on tag %" PRIu64 " for %s", print_call(other->kind),
                    other->tag, print_time(p->as_of_ns - other->at_ns).text);
    } else if (names[lane] == NULL && p->asked_ns != NEVER_NS) {
        finding_say(finding, "; its trainer has called nothing for %s",
                    print_time(p->as_of_ns - p->asked_ns).text);
    } else if (names[lane] != NULL && p->acted_ns[lane] != NEVER_NS) {
        finding_say(finding, "; its %s has been idle for %s", names[lane],
                    print_time(p->as_of_ns - p->acted_ns[lane]).text);
    } else if (names[lane] != NULL) {
        finding_say(finding, "; its %s has done nothing yet", names[lane]);
    }
}

static void free_waits(struct waits *w)
{
    peers_free(&w->absent);
    peers_free(&w->working);
    peers_free(&w->present);
    peers_free(&w->unsure);
}

// The members among those waited for that made the other call.
static void say_there(const struct waits *w, const struct waits *other,
                      struct explain_finding *finding)
{
    struct explain_peers there = {0};
    for (uint32_t i = 0; i < w->absent.count; i++) {
        if (peers_has(&other->present, w->absent.ids[i])) {
            peers_add(&there, w->absent.ids[i]);
        }
    }
    if (there.count == w->absent.count) {
        finding_say(finding, ", which wait%s", there.count == 1 ? "s" : "");
    } else {
        finding_say(finding, ", of which %s wait%s", print_peers(&there).text,
                    there.count == 1 ? "s" : "");
    }
    peers_free(&there);
}

// Where as many made the one call as the other, nothing says which of them is wrong.
static void advise_crossing(const struct explain_model *model, const struct waits *w,
                            const struct waits *other, struct explain_finding *finding)
{
    finding_advise(finding, "their trainers do not make the same calls: see ");
    if (w->present.count > other->present.count) {
        finding_advise(finding, "how %s came to its call, and the others to theirs",
                       print_who(model, w->absent.ids[0]).text);
    } else {
        finding_advise(finding, "where %s and", print_who(model, w->present.ids[0]).text);
        finding_advise(finding, " %s part", print_who(model, w->absent.ids[0]).text);
    }
}

// They wait for each other on two channels: told once, from the side of the many.
static void say_crossing(struct explain_model *model, const struct waits *w,
                         const struct explain_channel *channel)
{
    struct waits other = waits_of(model, channel);
    bool first = w->present.count > other.present.count ||
                 (w->present.count == other.present.count && w->channel < channel);
    if (first) {
        struct explain_finding *finding =
            finding_new(model, HWI_MAX(w->since_ns, other.since_ns), true);
        finding_say(finding, "%s wait%s in %s for %s", print_peers(&w->present).text,
                    w->present.count == 1 ? "s" : "", print_op(w->op).text,
                    print_peers(&w->absent).text);
        say_there(w, &other, finding);
        bool same = strcmp(print_peers(&w->present).text, print_peers(&other.absent).text) == 0;
        finding_say(finding, " in %s for %s", print_op(other.op).text,
                    !same                   ? print_peers(&other.absent).text
                    : w->present.count == 1 ? "it"
                                            : "them");
        for (uint32_t i = 0; i < w->absent.count; i++) {
            show_trainer(process_of(model, w->absent.ids[i]), finding);
        }
        for (uint32_t i = 0; i < w->present.count; i++) {
            show_trainer(process_of(model, w->present.ids[i]), finding);
        }
        advise_crossing(model, w, &other, finding);
    }
    free_waits(&other);
}

// The few that did not call are those to look at; the many are so only if their rings show it.
static void advise_absent(const struct explain_model *model, const struct waits *w,
                          struct explain_finding *finding)
{
    bool seen = w->absent.count <= w->present.count;
    for (uint32_t i = 0; i < w->absent.count; i++) {
        seen |= process_of(model, w->absent.ids[i]) != NULL;
    }
    if (seen) {
        finding_advise(
            finding, "see what the trainer of %s does: ", print_who(model, w->absent.ids[0]).text);
    } else {
        finding_advise(finding, "see where the calls of %s and", print_peers(&w->present).text);
        finding_advise(finding, " %s part: ", print_peers(&w->absent).text);
    }
    finding_advise(finding, "all members have to make the same calls, in the same order on each "
                            "tag");
}

static void say_absent(struct explain_model *model, const struct waits *w)
{
    const struct explain_channel *crossing =
        model_crossing(model, w->channel, &w->absent, &w->present);
    if (crossing != NULL) {
        say_crossing(model, w, crossing);
        return;
    }
    struct explain_finding *finding = finding_new(model, w->since_ns, true);
    finding_say(finding, "%s waits for %s, which %s not made the call", print_op(w->op).text,
                print_peers(&w->absent).text, w->absent.count == 1 ? "has" : "have");
    if (w->absent.count == 1) {
        say_idle(model, w, finding);
    }
    for (uint32_t i = 0; i < w->absent.count; i++) {
        show_trainer(process_of(model, w->absent.ids[i]), finding);
        show_heard(model, w->absent.ids[i], finding);
    }
    show_calls(w, finding);
    advise_absent(model, w, finding);
}

// ---- all made it -------------------------------------------------------------------------------

// How far the operation is on one member, from its own ring.
struct progress {
    uint32_t chunks, blocks, hashed;
    int64_t last_ns; // the last of them
    uint64_t from;
    bool offered;
};

static struct progress progress_of(const struct explain_process *p, struct hwi_op op)
{
    struct progress found = {.last_ns = NEVER_NS};
    for (uint32_t i = 0; i < p->ring->count; i++) {
        const struct hwi_ring_record *r = &p->ring->records[i];
        struct hwi_op named;
        if (hwi_ring_is_sent(r)) {
            continue;
        }
        bool ours = hwi_ring_op(r, &named) && hwi_op_equal(named, op);
        bool piece = r->type == HWI_MSG_chunk || r->type == HWI_MSG_block_placed;
        found.offered |= ours && r->type == HWI_MSG_state_hashed;
        found.offered &= !ours || r->type != HWI_MSG_sync_start; // asked for hashes after all
        found.hashed += op.kind == HWI_KIND_SYNC && r->type == HWI_MSG_block_hashed;
        if (!ours || !piece) {
            continue;
        }
        found.chunks += r->type == HWI_MSG_chunk;
        found.blocks += r->type == HWI_MSG_block_placed;
        found.last_ns = model_time(p, r->handled);
        found.from = r->key >> 32;
    }
    return found;
}

static void say_sync(const struct explain_process *p, const struct progress *progress,
                     struct explain_finding *finding)
{
    if (!progress->offered) {
        finding_say(finding, ", which is still hashing its state");
    } else if (progress->blocks) {
        finding_say(
            finding,
            ", which fetches the state: %u blocks came, the last %s ago from member %" PRIu64,
            progress->blocks, print_time(p->as_of_ns - progress->last_ns).text, progress->from);
    } else {
        finding_say(finding, ", which has its state hashed and no block fetched");
    }
}

static void say_reduce(const struct explain_process *p, const struct progress *progress,
                       struct explain_finding *finding)
{
    if (progress->chunks) {
        finding_say(finding,
                    ", which made the call: %u chunks came to it, the last %s ago from "
                    "member %" PRIu64,
                    progress->chunks, print_time(p->as_of_ns - progress->last_ns).text,
                    progress->from);
    } else {
        finding_say(finding, ", which made the call; no chunk has come to it");
    }
}

// Those that are not Done have made the call, as far as the rings say.
static bool all_called(const struct waits *w)
{
    bool all = true;
    for (uint32_t i = 0; i < w->working.count; i++) {
        all &= peers_has(&w->present, w->working.ids[i]);
    }
    return all;
}

static void say_working(struct explain_model *model, const struct waits *w)
{
    struct explain_finding *finding = finding_new(model, w->since_ns, true);
    const struct explain_process *p = process_of(model, w->working.ids[0]);
    finding_say(finding, "%s waits for %s", print_op(w->op).text, print_peers(&w->working).text);
    if (p != NULL && w->working.count == 1) {
        struct progress progress = progress_of(p, w->op);
        if (w->op.kind == HWI_KIND_SYNC) {
            say_sync(p, &progress, finding);
        } else {
            say_reduce(p, &progress, finding);
        }
        finding_show(finding, progress.last_ns, "the last piece came to member %" PRIu64, p->peer);
    } else if (all_called(w)) {
        finding_say(finding, ": all members made the call, and %s not Done",
                    w->working.count == 1 ? "it is" : "they are");
    } else {
        finding_say(finding, ", which %s not Done", w->working.count == 1 ? "is" : "are");
    }
    show_calls(w, finding);
    show_heard(model, w->working.ids[0], finding);
    finding_advise(finding,
                   "it may only be slow: see whether pieces keep coming (hawser trace), and look "
                   "at the network to %s",
                   print_who(model, w->working.ids[0]).text);
}

// These rings say what some members did, and not what the others do.
static void say_unsure(struct explain_model *model, const struct waits *w)
{
    struct explain_finding *finding = finding_new(model, w->since_ns, true);
    bool called = !w->nameless;
    for (uint32_t i = 0; i < w->unsure.count; i++) {
        called &= peers_has(&w->present, w->unsure.ids[i]);
    }
    finding_say(finding, "%s waits: ", print_op(w->op).text);
    if (called) {
        finding_say(finding,
                    "all members made the call, and these rings do not say whether %s %s "
                    "Done",
                    print_peers(&w->unsure).text, w->unsure.count == 1 ? "is" : "are");
    } else {
        finding_say(finding, "%s made the call, and these rings do not say whether the others did",
                    print_peers(&w->present).text);
    }
    show_calls(w, finding);
    finding_advise(finding, "ask the others too, or all at once: hawser explain with the master's "
                            "address");
}

static void say_decision(struct explain_model *model, const struct waits *w)
{
    struct explain_finding *finding = finding_new(model, w->since_ns, true);
    finding_say(finding, "%s waits for the master's decision: all members are Done",
                print_op(w->op).text);
    show_calls(w, finding);
    finding_advise(finding, "look at the master: hawser status");
}

// The master's own word, if it is here: a commit may be among records that were lost.
static bool denied(const struct explain_model *model, const struct explain_channel *channel)
{
    const struct hwi_msg_status *status = model->input->status;
    bool listed = status == NULL || status->view != channel->view;
    for (uint32_t i = 0; !listed && i < status->ops_count; i++) {
        const struct hwi_status_op *op = &status->ops[i];
        listed = hwi_channel_kind(op->kind) == channel->kind && op->group == channel->group &&
                 op->tag == channel->tag;
    }
    return !listed;
}

static void say(struct explain_model *model, const struct waits *w)
{
    bool change = model->master_gone || model_replaces_view(model); // it waits for that
    if (w->absent.count) {
        say_absent(model, w);
    } else if (w->working.count) {
        say_working(model, w);
    } else if (!change && (w->unsure.count || w->nameless)) {
        say_unsure(model, w);
    } else if (!change) {
        say_decision(model, w);
    }
}

static void judge(struct explain_model *model, const struct explain_channel *channel)
{
    uint32_t entered = 0;
    for (uint32_t i = 0; i < channel->part_count; i++) {
        entered = HWI_MAX(entered, channel->parts[i].entered);
    }
    if (entered <= channel->committed || denied(model, channel)) {
        return;
    }
    struct waits w = waits_of(model, channel);
    if (w.since_ns == NEVER_NS) {
        w.since_ns = model->now_ns - model->patience_ns; // told by the status only
    }
    if (model->now_ns - w.since_ns >= model->patience_ns && !w.excused) {
        say(model, &w);
    }
    free_waits(&w);
}

void rule_operations(struct explain_model *model)
{
    for (uint32_t i = 0; i < model->channel_count; i++) {
        if (model->channels[i].view == model->view) {
            judge(model, &model->channels[i]);
        }
    }
}
