// SPDX-License-Identifier: MIT
// A member that makes its calls last, again and again, while the others wait for it: the run works,
// at that member's pace.
#include <inttypes.h>

#include "tools/explain/model.h"

enum {
    OPERATIONS_LEAST = 8, // of one channel, before its pace is judged
    LAST_PERCENT = 80,    // of them it made its call last, ...
    WAITED_PERCENT = 50,  // ... and the others waited for it in this share of the time
    PATIENCE_PART = 100,  // the wait is at least this part of the patience: 10 ms of a second
};

// One operation's calls; made when the last member's has come.
static void settle(struct explain_pace *pace, const struct explain_arrivals *arrivals)
{
    pace->seen[pace->seen_count++ % EXPLAIN_PACE_SEEN] =
        (struct explain_last){.peer = arrivals->peer,
                              .at_ns = arrivals->last_ns,
                              .late_ns = arrivals->last_ns - arrivals->before_ns};
}

void pace_note(struct explain_channel *channel, uint64_t peer, uint32_t seq, uint32_t members,
               int64_t at_ns)
{
    if (channel->pace == NULL) {
        channel->pace = hwi_new(&hwi_alloc_libc, sizeof *channel->pace);
        *channel->pace = (struct explain_pace){0};
    }
    struct explain_arrivals *arrivals = &channel->pace->open[seq % EXPLAIN_PACE_OPEN];
    if (arrivals->seq != seq + 1) {
        *arrivals = (struct explain_arrivals){.seq = seq + 1, .last_ns = at_ns};
    }
    arrivals->count++;
    arrivals->before_ns = arrivals->last_ns;
    arrivals->last_ns = at_ns;
    arrivals->peer = peer;
    if (arrivals->count == members && members > 1) {
        settle(channel->pace, arrivals);
    }
}

// The channel's figures about the member that was last most recently.
struct straggler {
    const struct explain_channel *channel;
    uint64_t peer;
    uint32_t count, last; // operations seen, and those in which it was last
    int64_t since_ns, span_ns, waited_ns;
};

static struct straggler find(const struct explain_channel *channel)
{
    const struct explain_pace *pace = channel->pace;
    uint32_t count = HWI_MIN(pace->seen_count, (uint32_t)EXPLAIN_PACE_SEEN);
    struct straggler found = {.channel = channel, .count = count, .since_ns = INT64_MAX};
    int64_t until_ns = INT64_MIN;
    found.peer = pace->seen[(pace->seen_count - 1) % EXPLAIN_PACE_SEEN].peer;
    for (uint32_t i = 0; i < count; i++) {
        const struct explain_last *last = &pace->seen[i];
        found.since_ns = HWI_MIN(found.since_ns, last->at_ns - last->late_ns);
        until_ns = HWI_MAX(until_ns, last->at_ns);
        found.last += last->peer == found.peer;
        found.waited_ns += last->peer == found.peer ? last->late_ns : 0;
    }
    found.span_ns = until_ns - found.since_ns;
    return found;
}

static bool is_steady(const struct explain_model *model, const struct straggler *s)
{
    return s->count >= OPERATIONS_LEAST && s->last * 100 >= s->count * LAST_PERCENT &&
           s->waited_ns >= s->span_ns / 100 * WAITED_PERCENT &&
           s->waited_ns / s->last >= model->patience_ns / PATIENCE_PART;
}

static void say(struct explain_model *model, const struct straggler *s)
{
    bool now = s->channel->view == model->view;
    struct explain_finding *finding = finding_new(model, s->since_ns, now);
    struct hwi_op op = channel_op(s->channel, 0);
    finding->mild = true;
    finding_say(finding, "member %" PRIu64 " %s slow: in %u of the last %u operations ", s->peer,
                now ? "is" : "was", s->last, s->count);
    if (op.kind == HWI_KIND_SYNC || op.kind == HWI_KIND_ADMIT) {
        finding_say(finding, "(%s)", print_call(op.kind));
    } else {
        finding_say(finding, "on tag %" PRIu64 " (%s)", op.tag, print_call(op.kind));
    }
    finding_say(finding,
                " it made its call last, %s after all others, which %s for it %" PRId64
                " %% of the time",
                print_time(s->waited_ns / s->last).text, now ? "wait" : "waited",
                s->span_ns > 0 ? HWI_MIN(s->waited_ns * 100 / s->span_ns, 100) : 100);
    for (uint32_t i = 0; i < s->channel->part_count; i++) {
        const struct explain_part *part = &s->channel->parts[i];
        finding_show(finding, part->entered_ns, "the last such call of member %" PRIu64,
                     part->peer);
    }
    finding_advise(finding,
                   "see what %s does between its calls: a slower machine, a busy processor, more "
                   "data than the others; docs/TRAINING.md has modes that wait less often",
                   print_who(model, s->peer).text);
}

// In the newest view, and there for which the others waited longest.
static bool weighs_more(const struct straggler *a, const struct straggler *b)
{
    if (b->channel == NULL || a->channel->view != b->channel->view) {
        return b->channel == NULL || a->channel->view > b->channel->view;
    }
    return a->waited_ns > b->waited_ns;
}

// The member for which the others wait; what it does on other channels follows from that. At the
// end of a run the members leave one by one, so the view in which it was slow is no longer in
// force.
void rule_stragglers(struct explain_model *model)
{
    struct straggler worst = {0};
    for (uint32_t i = 0; i < model->channel_count; i++) {
        const struct explain_channel *channel = &model->channels[i];
        if (channel->pace == NULL || channel->pace->seen_count == 0) {
            continue;
        }
        struct straggler found = find(channel);
        const struct explain_member *member = model_find_member(model, found.peer);
        bool explained = member != NULL && member->explained;
        if (!explained && is_steady(model, &found) && weighs_more(&found, &worst)) {
            worst = found;
        }
    }
    if (worst.channel != NULL) {
        say(model, &worst);
    }
}
