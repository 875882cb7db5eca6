// SPDX-License-Identifier: MIT
// Members called different things on one tag.
#include <inttypes.h>
#include <stdio.h>

#include <hawser/types.h>

#include "tools/explain/model.h"

enum { CALL_BYTES = 128 };

// The call, and its other differences from `other`, as far as a ring keeps them.
static void print_signature(uint64_t key, uint64_t other, char text[CALL_BYTES])
{
    static const char *const plans[] = {"by size", "one-shot", "direct", "?"};
    struct hwi_signature s = hwi_ring_signature(key), o = hwi_ring_signature(other);
    const char *between = s.kind == o.kind ? "" : " ";
    int n = snprintf(text, CALL_BYTES, "%s%s%s x ", s.kind == o.kind ? "" : print_call(s.kind),
                     between, hws_dtype_name((hws_dtype)s.dtype));
    n += s.unequal ? snprintf(text + n, CALL_BYTES - (size_t)n, "any count")
                   : snprintf(text + n, CALL_BYTES - (size_t)n, "%" PRIu64, s.count);
    if (s.redop) {
        n += snprintf(text + n, CALL_BYTES - (size_t)n, " %s", hws_redop_name((hws_redop)s.redop));
    }
    if (s.root && s.root != o.root) {
        n += snprintf(text + n, CALL_BYTES - (size_t)n, " from member %" PRIu64, s.root);
    }
    if (s.plan != o.plan) {
        snprintf(text + n, CALL_BYTES - (size_t)n, ", plan %s", plans[s.plan]);
    }
}

static int32_t failure_of(const struct explain_model *model, uint64_t view, uint8_t kind,
                          uint64_t tag)
{
    for (uint32_t i = 0; i < model->failure_count; i++) {
        const struct explain_failure *f = &model->failures[i];
        if (f->status == HWS_E_MISMATCH && hwi_channel_kind(f->kind) == kind && f->tag == tag &&
            (view == 0 || f->view == view)) {
            return (int32_t)i;
        }
    }
    return -1;
}

// Members that called what `a` called, or (`other`) something else.
static struct explain_peers who_called(const struct explain_channel *channel,
                                       const struct explain_part *a, bool other)
{
    struct explain_peers who = {0};
    for (uint32_t i = 0; i < channel->part_count; i++) {
        const struct explain_part *part = &channel->parts[i];
        if (part->signed_seq == a->signed_seq && (part->signature != a->signature) == other) {
            peers_add(&who, part->peer);
        }
    }
    return who;
}

// `a` is of the many if there are more of one kind; then the others are those that differ.
static void say_sides(const struct explain_channel *channel, struct hwi_op op,
                      const struct explain_part *a, const struct explain_part *b,
                      struct explain_finding *finding)
{
    char first[CALL_BYTES], second[CALL_BYTES];
    struct explain_peers many = who_called(channel, a, false), few = who_called(channel, a, true);
    print_signature(a->signature, b->signature, first);
    print_signature(b->signature, a->signature, second);
    if (many.count > few.count) {
        finding_say(finding,
                    "%s called something else than the others on %s: ", print_peers(&few).text,
                    print_op(op).text);
        finding_say(finding, "member %" PRIu64 " %s, %s %s", b->peer, second,
                    print_peers(&many).text, first);
    } else {
        finding_say(finding,
                    "members called different things on %s: member %" PRIu64 " %s, member %" PRIu64
                    " %s",
                    print_op(op).text, a->peer, first, b->peer, second);
    }
    peers_free(&many);
    peers_free(&few);
}

static void say(struct explain_model *model, const struct explain_channel *channel,
                const struct explain_part *a, const struct explain_part *b)
{
    struct hwi_op op = channel_op(channel, a->signed_seq - 1);
    op.kind = hwi_ring_signature(a->signature).kind;
    struct explain_finding *finding =
        finding_new(model, HWI_MAX(a->entered_ns, b->entered_ns), channel->view == model->view);
    say_sides(channel, op, a, b, finding);
    for (uint32_t i = 0; i < channel->part_count; i++) {
        const struct explain_part *part = &channel->parts[i];
        char call[CALL_BYTES];
        print_signature(part->signature, 0, call);
        if (part->signed_seq == a->signed_seq) {
            finding_show(finding, part->entered_ns, "member %" PRIu64 " called %s", part->peer,
                         call);
        }
    }
    int32_t failed = failure_of(model, channel->view, channel->kind, channel->tag);
    if (failed >= 0) {
        finding_show(finding, model->failures[failed].at_ns, "member %" PRIu64 "'s call failed: %s",
                     model->processes[model->failures[failed].process].peer,
                     hws_status_text(HWS_E_MISMATCH));
    }
    finding_advise(finding, "make the same call on all members: the same type, count and operation "
                            "in the same order on each tag");
}

// The first two that differ in the same operation.
static bool compare(struct explain_model *model, const struct explain_channel *channel)
{
    for (uint32_t i = 0; i < channel->part_count; i++) {
        const struct explain_part *a = &channel->parts[i];
        for (uint32_t j = i + 1; a->signed_seq > 0 && j < channel->part_count; j++) {
            const struct explain_part *b = &channel->parts[j];
            if (b->signed_seq == a->signed_seq && b->signature != a->signature) {
                struct explain_peers as = who_called(channel, a, false);
                struct explain_peers bs = who_called(channel, b, false);
                bool swap = as.count < bs.count; // as a row they are in the order of ids
                peers_free(&as);
                peers_free(&bs);
                say(model, channel, swap ? b : a, swap ? a : b);
                return true;
            }
        }
    }
    return false;
}

static uint64_t caller_of(const struct explain_model *model, const struct explain_failure *failure)
{
    return model->processes[failure->process].peer;
}

static bool same_call(const struct explain_failure *a, const struct explain_failure *b)
{
    return a->kind == b->kind && a->tag == b->tag;
}

// Members whose calls failed likewise: those of this call.
static struct explain_peers who_failed(const struct explain_model *model,
                                       const struct explain_failure *failure)
{
    struct explain_peers who = {0};
    for (uint32_t i = 0; i < model->failure_count; i++) {
        const struct explain_failure *f = &model->failures[i];
        if (f->status == HWS_E_MISMATCH && f->view == failure->view && same_call(f, failure)) {
            peers_add(&who, caller_of(model, f));
        }
    }
    return who;
}

// The first that failed likewise in another call; NULL = none that is known.
static const struct explain_failure *find_other(const struct explain_model *model,
                                                const struct explain_failure *failure)
{
    for (uint32_t i = 0; i < model->failure_count; i++) {
        const struct explain_failure *f = &model->failures[i];
        if (f->status == HWS_E_MISMATCH && f->view == failure->view && !same_call(f, failure)) {
            return f;
        }
    }
    return NULL;
}

static void say_call(const struct explain_peers *who, const struct explain_failure *failure,
                     struct explain_finding *finding)
{
    finding_say(finding, "%s %s", print_peers(who).text, print_call(failure->kind));
    if (failure->kind != HWI_KIND_ADMIT && failure->kind != HWI_KIND_SYNC) {
        finding_say(finding, " on tag %" PRIu64, failure->tag);
    }
}

// They waited for each other, each in its own call: the master has told them.
static void say_different(struct explain_model *model, const struct explain_failure *a,
                          const struct explain_failure *b)
{
    struct explain_finding *finding = finding_new(model, a->at_ns, false);
    struct explain_peers as = who_failed(model, a), bs = who_failed(model, b);
    if (as.count != bs.count) {
        finding_say(finding, "%s called something else than the others in view %" PRIu64 ": ",
                    print_peers(as.count < bs.count ? &as : &bs).text, a->view);
    } else {
        finding_say(finding, "members called different things in view %" PRIu64 ": ", a->view);
    }
    bool swap = as.count > bs.count; // those that differ come first
    say_call(swap ? &bs : &as, swap ? b : a, finding);
    finding_say(finding, ", ");
    say_call(swap ? &as : &bs, swap ? a : b, finding);
    peers_free(&as);
    peers_free(&bs);
    for (uint32_t i = 0; i < model->failure_count; i++) {
        const struct explain_failure *f = &model->failures[i];
        if (f->status == HWS_E_MISMATCH && f->view == a->view) {
            finding_show(finding, f->at_ns, "member %" PRIu64 "'s %s failed: %s",
                         caller_of(model, f), print_call(f->kind), hws_status_text(f->status));
        }
    }
    finding_advise(finding, "make the same calls on all members, in the same order on each tag; "
                            "hws_admit and hws_sync are made by all before anything else");
}

// Votes carry no signature that others see: only the reply says it.
static void say_vote(struct explain_model *model, const struct explain_failure *failure)
{
    struct hwi_op op = {failure->view, failure->kind, failure->tag, 0};
    struct explain_finding *finding = finding_new(model, failure->at_ns, false);
    const struct explain_channel *channel =
        model_channel(model, op, model->processes[failure->process].peer);
    op.seq = channel->committed;
    finding_say(finding, "members called different things on %s", print_op(op).text);
    finding_show(finding, failure->at_ns, "member %" PRIu64 "'s call failed: %s",
                 model->processes[failure->process].peer, hws_status_text(HWS_E_MISMATCH));
    finding_advise(finding, "make the same call on all members: hws_last_error names two of them");
}

void rule_mismatch(struct explain_model *model)
{
    bool found = false;
    for (uint32_t i = 0; i < model->channel_count; i++) {
        found |= compare(model, &model->channels[i]);
    }
    for (uint32_t i = 0; !found && i < model->failure_count; i++) {
        const struct explain_failure *failure = &model->failures[i];
        const struct explain_failure *other = find_other(model, failure);
        if (failure->status != HWS_E_MISMATCH) {
            continue;
        }
        if (other != NULL) {
            say_different(model, failure, other);
        } else {
            say_vote(model, failure);
        }
        return;
    }
}
