// SPDX-License-Identifier: MIT
// A scenario's calls and replies.
#include "tests/support/tensors.h"

// Longer than any call of a test may take: deadline, grace and detection.
#define PATIENCE_NS (100 * HWI_NS_PER_S)

// ---- calls

uint64_t make_call(struct scenario *scenario, uint32_t node, const struct call *call)
{
    expect(scenario->call_count < SCENARIO_CALLS_MAX, "too many calls for one scenario");
    struct made_call *made = &scenario->calls[scenario->call_count++];
    *made = (struct made_call){.call = *call, .node = node};
    struct call *with = &made->call;
    with->timeout_ms = with->timeout_ms != 0 ? with->timeout_ms : 10000;
    with->kind = with->kind != 0 ? with->kind : HWI_KIND_ALL_REDUCE;
    with->value = with->unequal ? with->count : with->value; // for the check
    if (hwi_channel_kind(with->kind) == HWI_KIND_ALL_REDUCE) {
        tensors_give(scenario, made);
    }
    struct trainer_call asked = {
        .kind = with->kind,
        .dtype = with->dtype,
        .redop = with->redop,
        .retry = with->retry,
        .plan = with->plan,
        .tag = with->tag,
        .count = with->count,
        .value = with->value,
        .input = made->input,
        .output = made->output,
        .timeout_ms = with->timeout_ms,
        .strategy = with->strategy,
        .verify = with->verify,
        .unequal = with->unequal,
        .room = with->room,
        .root = with->kind == HWI_KIND_BROADCAST ? scenario->peers[with->root] : 0,
    };
    made->request = trainer_call(scenario->sim, node, &asked);
    return made->request;
}

uint64_t all_reduce(struct scenario *scenario, uint32_t node, uint32_t step, uint64_t count)
{
    return make_call(scenario, node, &(struct call){.step = step, .count = count});
}

uint64_t agree(struct scenario *scenario, uint32_t node, uint32_t step, uint64_t value)
{
    return make_call(
        scenario, node,
        &(struct call){
            .kind = HWI_KIND_AGREE, .step = step, .redop = HWI_AGREE_MIN, .value = value});
}

uint64_t admit(struct scenario *scenario, uint32_t node)
{
    return make_call(scenario, node, &(struct call){.kind = HWI_KIND_ADMIT});
}

uint64_t sync_state(struct scenario *scenario, uint32_t node, uint32_t step, uint64_t revision)
{
    return make_call(scenario, node,
                     &(struct call){.kind = HWI_KIND_SYNC, .step = step, .value = revision});
}

// ---- replies

const struct hwi_msg_reply *reply_of(struct scenario *scenario, uint32_t node, uint64_t request)
{
    bool replied = hwi_sim_until(scenario->sim, node, request, PATIENCE_NS);
    expect(replied, "member %u: request %llu was never answered", node,
           (unsigned long long)request);
    const struct hwi_msg_reply *reply = hwi_sim_reply(scenario->sim, node, request);
    scenario->out[node] |= hws_status_class((hws_status)reply->status) == HWS_CLASS_RUN;
    return reply;
}

const struct hwi_msg_reply *expect_status(struct scenario *scenario, uint32_t node,
                                          uint64_t request, hws_status status)
{
    const struct hwi_msg_reply *reply = reply_of(scenario, node, request);
    expect(reply->status == status, "member %u: request %llu gave %s, not %s", node,
           (unsigned long long)request, hws_status_name(reply->status), hws_status_name(status));
    return reply;
}

const struct hwi_msg_reply *acknowledge(struct scenario *scenario, uint32_t node)
{
    return expect_status(scenario, node, trainer_view(scenario->sim, node), HWS_OK);
}

static bool names(const struct hwi_msg_reply *reply, uint64_t peer)
{
    for (uint32_t i = 0; i < reply->members_count; i++) {
        if (reply->members[i].value == peer) {
            return true;
        }
    }
    return false;
}

void expect_members(struct scenario *scenario, const struct hwi_msg_reply *reply, uint32_t count,
                    const uint32_t *nodes)
{
    expect(reply->members_count == count, "the reply names %u members, not %u",
           reply->members_count, count);
    for (uint32_t i = 0; i < count; i++) {
        expect(names(reply, scenario->peers[nodes[i]]), "the reply does not name member %u",
               nodes[i]);
    }
}

// ---- everybody

void everybody(struct scenario *scenario, const struct call *call)
{
    uint64_t requests[SCENARIO_NODES_MAX];
    for (uint32_t node = 0; node < scenario->nodes; node++) {
        requests[node] = is_up(scenario, node) ? make_call(scenario, node, call) : UINT64_MAX;
    }
    for (uint32_t node = 0; node < scenario->nodes; node++) {
        if (requests[node] != UINT64_MAX) {
            expect_status(scenario, node, requests[node], HWS_OK);
        }
    }
}

void everybody_all_reduces(struct scenario *scenario, uint32_t step, uint64_t count)
{
    everybody(scenario, &(struct call){.step = step, .count = count});
}

void everybody_acknowledges(struct scenario *scenario)
{
    for (uint32_t node = 0; node < scenario->nodes; node++) {
        if (is_up(scenario, node)) {
            acknowledge(scenario, node);
        }
    }
}

void everybody_admits(struct scenario *scenario)
{
    everybody(scenario, &(struct call){.kind = HWI_KIND_ADMIT});
}
