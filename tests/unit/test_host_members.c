// SPDX-License-Identifier: MIT
// Two members' hosts over real sockets: edges, messages and chunks on their stripes; over TCP and
// over socket pairs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/expect.h"
#include "tests/support/pair_edge.h"
#include "tests/support/phases.h"
#include "tests/support/relay.h"
#include "transport/os/address.h"
#include "transport/host/edge/tcp/socket.h"

enum { STRIPES = 3 };

struct pair {
    struct relay *master; // only to be connected to
    struct relay *a, *b;  // peers 1 and 2, incarnations 11 and 22; b dials
};

static struct pair make_pair(const char *listen)
{
    struct pair pair = {.master = relay_master(listen, NULL, false)};
    pair.a = relay_member(relay_address(pair.master), listen, 11);
    pair.b = relay_member(relay_address(pair.master), listen, 22);
    return pair;
}

static void end_pair(struct pair *pair)
{
    relay_destroy(pair->a);
    relay_destroy(pair->b);
    relay_destroy(pair->master);
}

static void expect_edge(struct pair *pair)
{
    relay_edge(pair->a, 1, 11, 2, 22, relay_address(pair->b), false, STRIPES);
}

static void dial_edge(struct pair *pair)
{
    relay_edge(pair->b, 2, 22, 1, 11, relay_address(pair->a), true, STRIPES);
}

static void hear_up(struct relay *relay, uint64_t peer)
{
    assert_int_equal(relay_hear(relay, HWI_MSG_edge_up).u.edge_up.peer, peer);
}

static void open_pair(struct pair *pair)
{
    expect_edge(pair);
    dial_edge(pair);
    hear_up(pair->a, 2);
    hear_up(pair->b, 1);
}

static void say_call(struct relay *from, uint64_t to, uint32_t granted)
{
    struct hwi_msg call = {.type = HWI_MSG_call};
    call.u.call.signature.count = to;
    call.u.call.granted = granted;
    relay_say(from, HWI_ROLE_REDUCER, &call);
}

static void close_edge(struct relay *relay, uint64_t peer)
{
    struct hwi_msg close = {.type = HWI_MSG_edge_close, .u.edge_close.peer = peer};
    relay_say(relay, HWI_ROLE_PEER, &close);
}

static const char *hear_down(struct relay *relay, uint64_t peer, struct hwi_msg *msg)
{
    *msg = relay_hear(relay, HWI_MSG_edge_down);
    assert_int_equal(msg->u.edge_down.peer, peer);
    return msg->u.edge_down.reason;
}

static void speak_both_ways(struct pair *pair)
{
    enum { CALLS = 100 };
    for (uint32_t i = 0; i < CALLS; i++) {
        say_call(pair->a, 2, i);
        say_call(pair->b, 1, CALLS + i);
    }
    uint64_t sum_a = 0, sum_b = 0;
    for (uint32_t i = 0; i < CALLS; i++) {
        sum_b += relay_hear(pair->b, HWI_MSG_call).u.call.granted;
        sum_a += relay_hear(pair->a, HWI_MSG_call).u.call.granted;
    }
    assert_int_equal(sum_b, CALLS * (CALLS - 1) / 2);
    assert_int_equal(sum_a, CALLS * (CALLS - 1) / 2 + CALLS * CALLS);
}

static void messages_pass_over(const char *listen)
{
    struct pair pair = make_pair(listen);
    open_pair(&pair);
    speak_both_ways(&pair);
    end_pair(&pair);
}

static void messages_pass_over_ipv4(void **state)
{
    (void)state;
    messages_pass_over("127.0.0.1:0");
}

static void messages_pass_over_ipv6(void **state)
{
    struct hwi_address address;
    (void)state;
    assert_null(hwi_address_parse("[::1]:0", HWI_ADDRESS_NUMERIC, &address));
    int fd = hwi_socket_listen(&address);
    if (fd < 0) {
        skip(); // a machine without IPv6
    }
    close(fd);
    messages_pass_over("[::1]:0");
}

static void a_wildcard_member_can_be_dialled(void **state)
{
    (void)state;
    struct pair pair = {.master = relay_master("0.0.0.0:0", NULL, false)};
    pair.a = relay_member(relay_address(pair.master), "*:0", 11);
    pair.b = relay_member(relay_address(pair.master), "0.0.0.0:0", 22);
    open_pair(&pair);
    speak_both_ways(&pair);
    end_pair(&pair);
}

static void a_dialler_may_come_early(void **state)
{
    struct hwi_msg none;
    (void)state;
    struct pair pair = make_pair("127.0.0.1:0");
    dial_edge(&pair);
    expect(!relay_hear_within(pair.b, HWI_MSG_edge_up, 50, &none), "up although nobody expects it");
    expect_edge(&pair);
    hear_up(pair.a, 2);
    hear_up(pair.b, 1);
    speak_both_ways(&pair);
    end_pair(&pair);
}

static void an_edge_that_is_up_says_so_again(void **state)
{
    (void)state;
    struct pair pair = make_pair("127.0.0.1:0");
    open_pair(&pair);
    open_pair(&pair);
    speak_both_ways(&pair);
    end_pair(&pair);
}

static void closing_is_heard_by_the_other_side_only(void **state)
{
    struct hwi_msg msg;
    (void)state;
    struct pair pair = make_pair("127.0.0.1:0");
    open_pair(&pair);
    close_edge(pair.b, 1);
    expect(strlen(hear_down(pair.a, 2, &msg)) > 0, "no reason");
    open_pair(&pair);
    expect(!relay_hear_within(pair.b, HWI_MSG_edge_down, 0, &msg), "b heard of its own close");
    expect(!relay_hear_within(pair.a, HWI_MSG_edge_down, 0, &msg), "a heard of it twice");
    speak_both_ways(&pair);
    end_pair(&pair);
}

static void the_end_of_a_process_is_heard(void **state)
{
    struct hwi_msg msg;
    (void)state;
    struct pair pair = make_pair("127.0.0.1:0");
    open_pair(&pair);
    relay_destroy(pair.b);
    hear_down(pair.a, 2, &msg);
    pair.b = relay_member(relay_address(pair.master), NULL, 22);
    open_pair(&pair);
    end_pair(&pair);
}

static void another_incarnation_replaces_an_edge(void **state)
{
    struct hwi_msg msg;
    (void)state;
    struct pair pair = make_pair("127.0.0.1:0");
    open_pair(&pair);
    relay_edge(pair.b, 2, 22, 1, 12, relay_address(pair.a), true, STRIPES);
    hear_down(pair.a, 2, &msg);
    relay_edge(pair.a, 1, 12, 2, 22, relay_address(pair.b), false, STRIPES);
    hear_up(pair.a, 2);
    hear_up(pair.b, 1);
    speak_both_ways(&pair);
    end_pair(&pair);
}

static void an_edge_that_is_lost_on_one_side_is_dialled_again(void **state)
{
    struct hwi_msg msg;
    (void)state;
    struct pair pair = make_pair("127.0.0.1:0");
    open_pair(&pair);
    close_edge(pair.b, 1);
    dial_edge(&pair); // may come before the news of the close
    hear_down(pair.a, 2, &msg);
    expect_edge(&pair);
    hear_up(pair.a, 2);
    hear_up(pair.b, 1);
    end_pair(&pair);
}

static void dialling_nobody_fails_at_once(void **state)
{
    struct hwi_address address;
    char text[HWI_ADDRESS_BYTES_MAX];
    struct hwi_msg msg;
    (void)state;
    struct pair pair = make_pair("127.0.0.1:0");
    assert_null(hwi_address_parse("127.0.0.1:0", HWI_ADDRESS_NUMERIC, &address));
    int fd = hwi_socket_listen(&address);
    hwi_address_print(&address, text);
    close(fd); // now nobody listens there
    relay_edge(pair.b, 2, 22, 1, 11, text, true, STRIPES);
    const char *reason = hear_down(pair.b, 1, &msg);
    expect(strstr(reason, "refused") != NULL && strstr(reason, text) != NULL, "%s", reason);
    relay_edge(pair.b, 2, 22, 1, 11, "a.name:4000", true, STRIPES);
    reason = hear_down(pair.b, 1, &msg);
    expect(strstr(reason, "a.name") != NULL, "%s", reason);
    end_pair(&pair);
}

// ---- chunks -------------------------------------------------------------------------------------

enum {
    CHUNK_BYTES = 64 << 10,
    CHUNKS = 100,
    ROUNDS = 40,
    TENSOR_BYTES = CHUNKS * CHUNK_BYTES - 4, // the last chunk is shorter
};

static struct hwi_op op = {.view = 1, .kind = HWI_KIND_ALL_REDUCE, .tag = 3};

static void give_memory(struct relay *relay, float *input, float *output)
{
    struct hwi_submission submission = {.to = {.role = HWI_ROLE_REDUCER},
                                        .buffers = {.input = hwi_location_of(input),
                                                    .output = hwi_location_of(output),
                                                    .input_bytes = TENSOR_BYTES,
                                                    .output_bytes = TENSOR_BYTES}};
    submission.msg.type = HWI_MSG_request;
    submission.msg.u.request.request = 1;
    assert_int_equal(hwi_host_submit(relay_host(relay), &submission), 0);
    struct hwi_msg view = {.type = HWI_MSG_data_view, .u.data_view.view = 1};
    relay_say(relay, HWI_ROLE_REDUCER, &view);
    struct hwi_msg memory = {.type = HWI_MSG_op_memory};
    memory.u.op_memory = (struct hwi_msg_op_memory){.op = op,
                                                    .request = 1,
                                                    .dtype = HWS_F32,
                                                    .redop = HWS_SUM,
                                                    .bytes = TENSOR_BYTES,
                                                    .chunk_bytes = CHUNK_BYTES};
    relay_say(relay, HWI_ROLE_REDUCER, &memory);
}

static void place_output(struct relay *relay, uint64_t from)
{
    struct hwi_msg place = {.type = HWI_MSG_place};
    place.u.place = (struct hwi_msg_place){
        .op = op, .phase = PHASE_INPUTS, .from = from, .chunks = CHUNKS, .granted = CHUNKS};
    relay_say(relay, HWI_ROLE_REDUCER, &place);
}

static void send_input(struct relay *relay, uint64_t to)
{
    struct hwi_msg send = {.type = HWI_MSG_send};
    send.u.send =
        (struct hwi_msg_send){.op = op, .phase = PHASE_INPUTS, .to = to, .chunks = CHUNKS};
    relay_say(relay, HWI_ROLE_REDUCER, &send);
}

// When `other` hears it, all that `relay` was told before is done.
static void let_know(struct relay *relay, struct relay *other, uint64_t id)
{
    say_call(relay, id, 0);
    relay_hear(other, HWI_MSG_call);
}

static void quiesce(struct relay *relay)
{
    struct hwi_msg msg = {.type = HWI_MSG_quiesce, .u.quiesce = {.op = op}};
    relay_say(relay, HWI_ROLE_REDUCER, &msg);
    relay_hear(relay, HWI_MSG_quiesced);
}

static float *filled(float first)
{
    float *floats = malloc(TENSOR_BYTES);
    for (size_t i = 0; i < TENSOR_BYTES / sizeof(float); i++) {
        floats[i] = first + (float)i;
    }
    return floats;
}

static void hear_chunks(struct relay *relay)
{
    bool here[CHUNKS] = {false};
    for (uint32_t i = 0; i < CHUNKS; i++) {
        uint32_t chunk = relay_hear(relay, HWI_MSG_chunk).u.chunk.chunk;
        expect(chunk < CHUNKS && !here[chunk], "chunk %u came twice", chunk);
        here[chunk] = true;
    }
}

// Both send their whole tensor to the other at once.
static void chunks_cross(void **state)
{
    float *in_a = filled(0.5f), *out_a = filled(-1), *in_b = filled(7.25f), *out_b = filled(-1);
    struct hwi_data_stats stats;
    (void)state;
    struct pair pair = make_pair("127.0.0.1:0");
    open_pair(&pair);
    op.seq = 0;
    give_memory(pair.a, in_a, out_a);
    give_memory(pair.b, in_b, out_b);
    place_output(pair.a, 2);
    place_output(pair.b, 1);
    let_know(pair.a, pair.b, 2);
    let_know(pair.b, pair.a, 1);
    send_input(pair.a, 2);
    send_input(pair.b, 1);
    hear_chunks(pair.a);
    hear_chunks(pair.b);
    quiesce(pair.a);
    quiesce(pair.b);
    assert_memory_equal(out_a, in_b, TENSOR_BYTES);
    assert_memory_equal(out_b, in_a, TENSOR_BYTES);
    hwi_host_stats(relay_host(pair.a), &stats);
    assert_int_equal(stats.bytes_received, TENSOR_BYTES);
    end_pair(&pair);
    free(in_a);
    free(in_b);
    free(out_a);
    free(out_b);
}

// Quiesce in the midst of a transfer: what is half sent becomes padding, and the stripes go on.
static void stripes_survive_a_quiesce(void **state)
{
    float *in = filled(0.5f), *out = filled(-1), *in_b = filled(0), *out_b = filled(0);
    struct hwi_msg msg;
    (void)state;
    struct pair pair = make_pair("127.0.0.1:0");
    open_pair(&pair);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        op.seq = round;
        give_memory(pair.a, in, out);
        give_memory(pair.b, in_b, out_b);
        place_output(pair.b, 1);
        let_know(pair.b, pair.a, 1);
        send_input(pair.a, 2);
        if (round % 2) {
            relay_hear(pair.b, HWI_MSG_chunk);
        }
        quiesce(round % 4 < 2 ? pair.a : pair.b);
        quiesce(round % 4 < 2 ? pair.b : pair.a);
        memset(in_b, 0xab, TENSOR_BYTES); // the caller has its memory back
        memset(out_b, 0xcd, TENSOR_BYTES);
        say_call(pair.a, 2, round);
        assert_int_equal(relay_hear(pair.b, HWI_MSG_call).u.call.granted, round);
    }
    expect(!relay_hear_within(pair.b, HWI_MSG_edge_down, 0, &msg), "%s", msg.u.edge_down.reason);
    end_pair(&pair);
    free(in);
    free(out);
    free(in_b);
    free(out_b);
}

// ---- every kind of edges

// The duties of an edge of any kind.
#define STORIES                                                                                    \
    cmocka_unit_test(messages_pass_over_ipv4), cmocka_unit_test(a_dialler_may_come_early),         \
        cmocka_unit_test(an_edge_that_is_up_says_so_again),                                        \
        cmocka_unit_test(closing_is_heard_by_the_other_side_only),                                 \
        cmocka_unit_test(the_end_of_a_process_is_heard),                                           \
        cmocka_unit_test(another_incarnation_replaces_an_edge),                                    \
        cmocka_unit_test(an_edge_that_is_lost_on_one_side_is_dialled_again),                       \
        cmocka_unit_test(chunks_cross), cmocka_unit_test(stripes_survive_a_quiesce)

static int pairs_only(void **state)
{
    (void)state;
    hwi_host_edge_kind(pair_edge_all);
    return 0;
}

static int not_pairs(void **state)
{
    (void)state;
    hwi_host_edge_kind(NULL);
    return pair_edge_counts().ups == 0;
}

int main(void)
{
    const struct CMUnitTest over_tcp[] = {
        STORIES,
        cmocka_unit_test(messages_pass_over_ipv6),
        cmocka_unit_test(a_wildcard_member_can_be_dialled),
        cmocka_unit_test(dialling_nobody_fails_at_once),
    };
    const struct CMUnitTest over_pairs[] = {STORIES};
    return cmocka_run_group_tests(over_tcp, NULL, NULL) +
           cmocka_run_group_tests(over_pairs, pairs_only, not_pairs);
}
