// SPDX-License-Identifier: MIT
// Checks for every call of every scenario, whatever happened in it.
#include "tests/support/tensors.h"

#include <stdlib.h>
#include <string.h>

static uint32_t node_of(const struct scenario *scenario, uint64_t peer)
{
    for (uint32_t node = 0; node < scenario->nodes; node++) {
        if (scenario->peers[node] == peer) {
            return node;
        }
    }
    expect(false, "a reply names peer %llu, whom nobody knows", (unsigned long long)peer);
    return 0;
}

static const struct hwi_msg_reply *reply_to(const struct scenario *scenario,
                                            const struct made_call *made)
{
    return hwi_sim_reply(scenario->sim, made->node, made->request);
}

static void check_result(const struct scenario *scenario, const struct made_call *made,
                         const struct hwi_msg_reply *reply)
{
    uint32_t nodes[SCENARIO_NODES_MAX];
    for (uint32_t rank = 0; rank < reply->members_count; rank++) {
        nodes[rank] = node_of(scenario, reply->members[rank].value);
    }
    tensors_check_result(made, reply, nodes);
}

// ---- agreement

static bool together(const struct scenario *scenario, const struct made_call *a,
                     const struct made_call *b)
{
    bool spans = hwi_kind_is_run_wide(a->call.kind) ||
                 scenario->groups[a->node] == scenario->groups[b->node];
    return a->call.kind == b->call.kind && a->call.step == b->call.step &&
           a->call.tag == b->call.tag && spans;
}

// `member` may be where it is although somebody got OK in `view`: OK there too, not answered yet,
// or finished.
static bool consistent(const struct scenario *scenario, const struct made_call *ok, uint64_t view,
                       uint32_t member)
{
    bool called = false;
    for (uint32_t i = 0; i < scenario->call_count; i++) {
        const struct made_call *made = &scenario->calls[i];
        if (made->node != member || !together(scenario, made, ok)) {
            continue;
        }
        const struct hwi_msg_reply *reply = reply_to(scenario, made);
        called = true;
        if (reply == NULL || (reply->status == HWS_OK && reply->view == view) ||
            hws_status_class(reply->status) == HWS_CLASS_RUN) {
            return true;
        }
    }
    return !called && !hwi_sim_alive(scenario->sim, member);
}

static void check_agreement(const struct scenario *scenario, const struct made_call *made,
                            const struct hwi_msg_reply *reply)
{
    for (uint32_t rank = 0; rank < reply->members_count; rank++) {
        uint32_t member = node_of(scenario, reply->members[rank].value);
        expect(consistent(scenario, made, reply->view, member),
               "member %u got OK for step %u in view %llu, and member %u did not", made->node,
               made->call.step, (unsigned long long)reply->view, member);
    }
}

// Everybody with OK for one step in one view was told the same.
static void check_same(const struct scenario *scenario, const struct made_call *made,
                       const struct hwi_msg_reply *reply)
{
    for (uint32_t i = 0; i < scenario->call_count; i++) {
        const struct made_call *other = &scenario->calls[i];
        const struct hwi_msg_reply *theirs = reply_to(scenario, other);
        if (!together(scenario, made, other) || theirs == NULL || theirs->status != HWS_OK ||
            theirs->view != reply->view || other->node == made->node) {
            continue;
        }
        expect(theirs->value == reply->value && theirs->pending == reply->pending &&
                   hwi_hash_equal(theirs->root, reply->root),
               "members %u and %u were told different things for step %u in view %llu", made->node,
               other->node, made->call.step, (unsigned long long)reply->view);
    }
}

// ---- all calls

static void wait_for_reply(struct scenario *scenario, const struct made_call *made)
{
    if (hwi_sim_alive(scenario->sim, made->node) && !scenario->frozen[made->node]) {
        reply_of(scenario, made->node, made->request);
    }
}

static void check_call(const struct scenario *scenario, const struct made_call *made)
{
    const struct hwi_msg_reply *reply = reply_to(scenario, made);
    if (reply == NULL) {
        return;
    }
    expect(reply->status != HWS_E_INTERNAL, "member %u, request %llu: an internal error: %s",
           made->node, (unsigned long long)made->request, reply->reason);
    bool ok = reply->status == HWS_OK;
    bool moves = hwi_channel_kind(made->call.kind) == HWI_KIND_ALL_REDUCE;
    if (moves && !ok) {
        tensors_check_failed(made);
    }
    if (ok && made->call.kind != HWI_KIND_ADMIT) {
        check_agreement(scenario, made, reply);
        check_same(scenario, made, reply);
    }
    if (ok && moves) {
        check_result(scenario, made, reply);
    }
}

void check_calls(struct scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->call_count; i++) {
        wait_for_reply(scenario, &scenario->calls[i]);
    }
    for (uint32_t i = 0; i < scenario->call_count; i++) {
        check_call(scenario, &scenario->calls[i]);
    }
}
