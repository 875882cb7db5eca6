// SPDX-License-Identifier: MIT
// The peer's table of calls and its channels: what is visited while calls end, what is found
// without being made, which numbers calls get.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actors/peer/calls.h"
#include "actors/peer/channels.h"
#include "actors/peer/fence.h"

#include <hawser/types.h>

enum { VIEW = 3, CALLS = 20, TAG = 9 };

static void *begin(void)
{
    struct hwi_peer *peer = hwi_peer_ops.create(&hwi_alloc_libc);
    peer->phase = HWI_PEER_PHASE_MEMBER;
    peer->view.number = VIEW;
    return peer;
}

static struct hwi_peer_call *add(struct hwi_peer *peer, uint64_t request, uint64_t tag)
{
    const struct hwi_msg_request message = {
        .request = request, .kind = HWI_KIND_ALL_REDUCE, .tag = tag, .timeout_ns = HWI_NS_PER_S};
    return hwi_peer_call_add(peer, &message);
}

static void fill(struct hwi_peer *peer)
{
    for (uint64_t i = 0; i < CALLS; i++) {
        add(peer, i, TAG);
    }
}

// Visits all calls and takes out those that `remove` names. Returns how many it met.
static uint32_t visit(struct hwi_peer *peer, bool (*remove)(uint64_t request))
{
    uint32_t visited = 0;
    struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        visited++;
        if (remove(call->request.request)) {
            hwi_peer_call_remove(peer, call);
        }
    }
    return visited;
}

static bool none(uint64_t request)
{
    (void)request;
    return false;
}

static bool all(uint64_t request)
{
    (void)request;
    return true;
}

static bool odd(uint64_t request)
{
    return request % 2 == 1;
}

static void calls_may_end_while_they_are_visited(void **state)
{
    struct hwi_peer *peer = begin();
    (void)state;
    assert_null(hwi_peer_call_first(peer));
    fill(peer);
    assert_int_equal(visit(peer, odd), CALLS);
    assert_int_equal(peer->call_count, CALLS / 2);
    assert_int_equal(visit(peer, none), CALLS / 2);
    assert_int_equal(visit(peer, all), CALLS / 2);
    assert_int_equal(peer->call_count, 0);
    assert_null(hwi_peer_call_first(peer));
    hwi_peer_ops.destroy(peer);
}

static void one_that_ends_others_does_not_meet_them_again(void **state)
{
    struct hwi_peer *peer = begin();
    (void)state;
    fill(peer);
    struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (struct hwi_peer_call *other = hwi_peer_call_next(peer, call); other != NULL;
         other = hwi_peer_call_next(peer, other)) {
        hwi_peer_call_remove(peer, other);
    }
    hwi_peer_call_remove(peer, call);
    assert_null(hwi_peer_call_next(peer, call));
    hwi_peer_ops.destroy(peer);
}

static void a_call_takes_the_first_free_place(void **state)
{
    struct hwi_peer *peer = begin();
    (void)state;
    fill(peer);
    visit(peer, odd);
    assert_ptr_equal(add(peer, 100, TAG), &peer->calls[1]);
    assert_ptr_equal(add(peer, 101, TAG), &peer->calls[3]);
    assert_int_equal(visit(peer, none), CALLS / 2 + 2);
    hwi_peer_ops.destroy(peer);
}

static void a_deadline_does_not_pass_the_end_of_time(void **state)
{
    struct hwi_peer *peer = begin();
    const struct hwi_msg_request longest = {.timeout_ns = UINT64_MAX};
    (void)state;
    peer->now_ns = 5;
    assert_true(add(peer, 1, TAG)->deadline_ns == 5 + HWI_NS_PER_S);
    assert_true(hwi_peer_call_add(peer, &longest)->deadline_ns == HWI_NEVER / 2);
    hwi_peer_ops.destroy(peer);
}

static void looking_for_a_channel_makes_none(void **state)
{
    struct hwi_peer *peer = begin();
    (void)state;
    assert_null(hwi_peer_channel_find(peer, HWI_KIND_BROADCAST, TAG));
    assert_int_equal(peer->channel_count, 0);
    struct hwi_peer_channel *channel = hwi_peer_channel_open(peer, HWI_KIND_BROADCAST, TAG);
    assert_ptr_equal(hwi_peer_channel_find(peer, HWI_KIND_ALL_REDUCE, TAG), channel);
    assert_ptr_equal(hwi_peer_channel_open(peer, HWI_KIND_ALL_REDUCE, TAG), channel);
    assert_null(hwi_peer_channel_find(peer, HWI_KIND_AGREE, TAG));
    hwi_peer_ops.destroy(peer);
}

static void channels_are_limited(void **state)
{
    struct hwi_peer *peer = begin();
    (void)state;
    for (uint32_t i = HWI_TAGS_MAX; i-- > 0;) {
        assert_non_null(hwi_peer_channel_open(peer, HWI_KIND_AGREE, i));
    }
    assert_null(hwi_peer_channel_open(peer, HWI_KIND_AGREE, HWI_TAGS_MAX));
    for (uint32_t i = 0; i < HWI_TAGS_MAX; i++) {
        assert_true(peer->channels[i].tag == i);
    }
    hwi_peer_ops.destroy(peer);
}

static void a_number_counts_those_that_wait_before(void **state)
{
    struct hwi_peer *peer = begin();
    (void)state;
    add(peer, 1, TAG);
    add(peer, 2, TAG + 1);
    uint32_t last = (uint32_t)(add(peer, 3, TAG) - peer->calls);
    assert_int_equal(hwi_peer_number_of(peer, &peer->calls[last]), 1);
    assert_int_equal(peer->channel_count, 0);
    hwi_peer_channel_open(peer, HWI_KIND_ALL_REDUCE, TAG)->entered = 7;
    assert_int_equal(hwi_peer_number_of(peer, &peer->calls[last]), 8);
    hwi_peer_take_number(peer, &peer->calls[last]);
    assert_int_equal(peer->calls[last].op.seq, 8);
    assert_int_equal(hwi_peer_channel_find(peer, HWI_KIND_ALL_REDUCE, TAG)->entered, 7);
    hwi_peer_ops.destroy(peer);
}

static void the_fence_opens_to_retry_and_only_passing_acknowledges(void **state)
{
    struct hwi_peer *peer = begin();
    struct hwi_peer_call *call = add(peer, 1, TAG);
    (void)state;
    assert_false(hwi_peer_fence_open(peer, call));
    call->request.retry = 1;
    assert_true(hwi_peer_fence_open(peer, call));
    assert_int_equal(peer->fence.acked, 0); // a question
    hwi_peer_fence_pass(peer, call);
    assert_int_equal(peer->fence.acked, VIEW);
    call->request.retry = 0;
    assert_true(hwi_peer_fence_open(peer, call));
    hwi_peer_ops.destroy(peer);
}

static void a_failure_holds_the_fence_until_it_is_lifted(void **state)
{
    struct hwi_peer *peer = begin();
    struct hwi_peer_call *call = add(peer, 1, TAG);
    const struct hwi_msg_request uncollected = {.kind = HWI_KIND_NONE},
                                 collected = {.collected = 1};
    (void)state;
    hwi_peer_fence_acknowledge(peer);
    assert_false(hwi_peer_fence_stops(peer, &uncollected));
    call->attempts = 1;
    call->status = HWS_E_TIMEOUT;
    call->request.async = 1;
    hwi_peer_fence_ended(peer, call);
    hwi_peer_call_remove(peer, call);
    assert_true(hwi_peer_fence_stops(peer, &collected));
    assert_int_equal(hwi_peer_fence_lift(peer, &uncollected), HWS_E_BUSY);
    assert_int_equal(hwi_peer_fence_lift(peer, &collected), HWS_OK);
    assert_false(hwi_peer_fence_stops(peer, &collected));
    assert_true(hwi_peer_fence_stops(peer, &uncollected));
    hwi_peer_ops.destroy(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_may_end_while_they_are_visited),
        cmocka_unit_test(one_that_ends_others_does_not_meet_them_again),
        cmocka_unit_test(a_call_takes_the_first_free_place),
        cmocka_unit_test(a_deadline_does_not_pass_the_end_of_time),
        cmocka_unit_test(looking_for_a_channel_makes_none),
        cmocka_unit_test(channels_are_limited),
        cmocka_unit_test(a_number_counts_those_that_wait_before),
        cmocka_unit_test(the_fence_opens_to_retry_and_only_passing_acknowledges),
        cmocka_unit_test(a_failure_holds_the_fence_until_it_is_lifted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
