// SPDX-License-Identifier: MIT
// Control links, submissions, time and the end of a host.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zmq.h>

#include <hawser/types.h>

#include "actors/base/bytes.h"
#include "actors/wire/codec.h"
#include "actors/wire/letter.h"
#include "tests/support/expect.h"
#include "tests/support/relay.h"

// A client of its own, without a host: `session` is its routing id.
struct raw {
    void *context, *socket;
    struct hwi_addr session; // what its routing id says, if that is a proper one
};

static struct raw connect_raw(struct relay *master, const void *session, size_t bytes)
{
    struct raw raw = {.context = zmq_ctx_new()};
    const unsigned char *name = session;
    if (bytes >= 9) {
        raw.session =
            hwi_addr_of(name[0] == 'T' ? HWI_ROLE_TOOL : HWI_ROLE_PEER, hwi_get_u64(name + 1));
    }
    char endpoint[HWI_ADDRESS_BYTES_MAX + 8];
    int zero = 0, wait_ms = RELAY_WAIT_MS;
    raw.socket = zmq_socket(raw.context, ZMQ_DEALER);
    zmq_setsockopt(raw.socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(raw.socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    if (bytes > 0) {
        assert_int_equal(zmq_setsockopt(raw.socket, ZMQ_ROUTING_ID, session, bytes), 0);
    }
    snprintf(endpoint, sizeof endpoint, "tcp://%s", relay_address(master));
    assert_int_equal(zmq_connect(raw.socket, endpoint), 0);
    return raw;
}

static void end_raw(struct raw *raw)
{
    zmq_close(raw->socket);
    zmq_ctx_term(raw->context);
}

// A letter of which one bit is flipped on its way; `bit` beyond its end = none.
static void say_flipped(struct raw *raw, const struct hwi_msg *msg, size_t bit)
{
    unsigned char letter[4096];
    size_t length;
    assert_int_equal(hwi_encode_into(msg, letter, sizeof letter - HWI_LETTER_SUM_BYTES, &length),
                     HWI_CODEC_OK);
    hwi_letter_sum(letter, length, raw->session, letter + length);
    length += HWI_LETTER_SUM_BYTES;
    if (bit < 8 * length) {
        letter[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_int_equal(zmq_send(raw->socket, letter, length, 0), length);
}

static void say_raw(struct raw *raw, const struct hwi_msg *msg)
{
    say_flipped(raw, msg, SIZE_MAX);
}

static uint16_t hear_raw(struct raw *raw)
{
    unsigned char bytes[4096];
    struct hwi_msg msg;
    void *block;
    int length = zmq_recv(raw->socket, bytes, sizeof bytes, 0);
    size_t body;
    expect(length > 0, "nothing came");
    assert_true(hwi_letter_open(bytes, (size_t)length, raw->session, &body));
    assert_int_equal(hwi_decode(bytes, body, &msg, &block), HWI_CODEC_OK);
    free(block);
    return msg.type;
}

static void say_registration(struct relay *member, uint64_t incarnation)
{
    struct hwi_msg msg = {.type = HWI_MSG_registration, .u.registration.incarnation = incarnation};
    relay_say(member, HWI_ROLE_PEER, &msg);
}

static void a_member_is_heard_and_answered(void **state)
{
    (void)state;
    struct relay *master = relay_master("127.0.0.1:0", NULL, false);
    struct relay *members[3];
    for (uint64_t i = 0; i < 3; i++) {
        members[i] = relay_member(relay_address(master), NULL, 100 + i);
        say_registration(members[i], 100 + i);
    }
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(relay_hear(members[i], HWI_MSG_welcome).u.welcome.peer, 100 + i);
        relay_hear(master, HWI_MSG_registration);
        relay_destroy(members[i]);
    }
    relay_destroy(master);
}

static void a_master_is_reached_by_name(void **state)
{
    (void)state;
    struct relay *v4 = relay_master("localhost:0", NULL, false);
    char by_name[HWI_ADDRESS_BYTES_MAX];
    snprintf(by_name, sizeof by_name, "localhost%s", strrchr(relay_address(v4), ':'));
    struct relay *member = relay_member(by_name, NULL, 5);
    say_registration(member, 5);
    relay_hear(member, HWI_MSG_welcome);
    relay_destroy(member);
    relay_destroy(v4);
}

static void a_member_may_come_first_and_a_master_again(void **state)
{
    char address[HWI_ADDRESS_BYTES_MAX];
    (void)state;
    // An address of this test alone: no other test takes its port while nobody listens.
    struct relay *first = relay_master("127.19.84.7:0", NULL, false);
    snprintf(address, sizeof address, "%s", relay_address(first));
    relay_destroy(first);
    struct relay *member = relay_member(address, NULL, 5);
    say_registration(member, 5); // waits for the connection
    struct relay *second = relay_master(address, NULL, false);
    relay_hear(member, HWI_MSG_welcome);
    relay_destroy(second);
    struct relay *third = relay_master(address, NULL, false);
    struct hwi_msg msg;
    for (int tries = 0; tries < 50 && !relay_hear_within(member, HWI_MSG_welcome, 100, &msg);
         tries++) {
        say_registration(member, 5); // one may have gone to a dying connection
    }
    assert_int_equal(msg.u.welcome.peer, 5);
    relay_destroy(member);
    relay_destroy(third);
}

static void a_tool_gets_the_status(void **state)
{
    struct hwi_msg want = {.type = HWI_MSG_status_want};
    (void)state;
    struct relay *master = relay_master("127.0.0.1:0", NULL, false);
    struct raw tool = connect_raw(master, "T12345678", 9);
    say_raw(&tool, &want);
    assert_int_equal(hear_raw(&tool), HWI_MSG_status);
    end_raw(&tool);
    relay_destroy(master);
}

// After it is answered, the host has seen all that `raw` sent before, and published its counters.
static void settle_raw(struct raw *raw)
{
    struct hwi_msg registration = {.type = HWI_MSG_registration, .u.registration.incarnation = 9};
    for (int i = 0; i < 2; i++) {
        say_raw(raw, &registration);
        assert_int_equal(hear_raw(raw), HWI_MSG_welcome);
    }
}

static uint64_t dropped_in(struct relay *relay)
{
    struct hwi_host_counters counters;
    hwi_host_counters(relay_host(relay), &counters);
    return counters.control_dropped_in;
}

static void messages_not_for_a_master_are_dropped(void **state)
{
    static const uint16_t types[] = {HWI_MSG_welcome,      HWI_MSG_status_want, HWI_MSG_call,
                                     HWI_MSG_master_start, HWI_MSG_view_file,   HWI_MSG_stored};
    static const char garbage[] = "\xdc\xff\xff\xff\xff not a message";
    struct hwi_msg none;
    (void)state;
    struct relay *master = relay_master("127.0.0.1:0", NULL, false);
    struct raw raw = connect_raw(master, "P12345678", 9);
    for (size_t i = 0; i < HWI_COUNT(types); i++) {
        struct hwi_msg msg = {.type = types[i]};
        say_raw(&raw, &msg);
    }
    zmq_send(raw.socket, garbage, sizeof garbage, 0);
    zmq_send(raw.socket, "", 0, 0);
    zmq_send(raw.socket, "a", 1, ZMQ_SNDMORE);
    zmq_send(raw.socket, "b", 1, ZMQ_SNDMORE);
    zmq_send(raw.socket, "c", 1, 0);
    settle_raw(&raw);
    assert_int_equal(dropped_in(master), HWI_COUNT(types) + 3);
    for (size_t i = 0; i < HWI_COUNT(types); i++) {
        expect(!relay_hear_within(master, types[i], 0, &none), "type %u was heard", types[i]);
    }
    end_raw(&raw);
    relay_destroy(master);
}

// The bytes of a vote, each bit of them flipped: none is heard as another vote.
static void a_flipped_bit_is_found_and_counted(void **state)
{
    struct hwi_msg vote = {.type = HWI_MSG_done};
    vote.u.done = (struct hwi_msg_done){
        .view = 7, .kind = HWI_KIND_AGREE, .count = 1, .redop = HWI_AGREE_MIN, .value = 7};
    struct hwi_host_counters counters;
    struct hwi_msg none;
    unsigned char bytes[256];
    size_t length;
    (void)state;
    struct relay *master = relay_master("127.0.0.1:0", NULL, false);
    struct raw raw = connect_raw(master, "P12345678", 9);
    assert_int_equal(hwi_encode_into(&vote, bytes, sizeof bytes, &length), HWI_CODEC_OK);
    size_t bits = 8 * (length + HWI_LETTER_SUM_BYTES);
    settle_raw(&raw);
    for (size_t bit = 0; bit < bits; bit++) {
        say_flipped(&raw, &vote, bit);
    }
    settle_raw(&raw);
    hwi_host_counters(relay_host(master), &counters);
    assert_int_equal(counters.control_damaged, bits);
    assert_int_equal(counters.control_dropped_in, bits);
    expect(!relay_hear_within(master, HWI_MSG_done, 0, &none), "a vote was heard");
    say_raw(&raw, &vote);
    assert_int_equal(relay_hear(master, HWI_MSG_done).u.done.value, 7);
    end_raw(&raw);
    relay_destroy(master);
}

// A vote that ZeroMQ hands out as another session's.
static void a_letter_for_another_session_is_not_heard(void **state)
{
    struct hwi_msg msg = {.type = HWI_MSG_status_want};
    (void)state;
    struct relay *master = relay_master("127.0.0.1:0", NULL, false);
    struct raw raw = connect_raw(master, "T12345678", 9);
    uint64_t own = raw.session.id;
    raw.session.id++;
    say_raw(&raw, &msg);
    raw.session = hwi_addr_of(HWI_ROLE_PEER, own);
    say_raw(&raw, &msg);
    raw.session = hwi_addr_of(HWI_ROLE_TOOL, own);
    say_raw(&raw, &msg);
    assert_int_equal(hear_raw(&raw), HWI_MSG_status);
    assert_int_equal(dropped_in(master), 2);
    end_raw(&raw);
    relay_destroy(master);
}

static void a_sender_without_a_session_is_not_heard(void **state)
{
    static const struct {
        const char *session;
        size_t bytes;
    } cases[] = {{NULL, 0},        {"P1234567", 8},          {"P123456789", 10},
                 {"X12345678", 9}, {"P\0\0\0\0\0\0\0\0", 9}, {"T12345678", 9}};
    struct hwi_msg registration = {.type = HWI_MSG_registration}, msg;
    (void)state;
    struct relay *master = relay_master("127.0.0.1:0", NULL, false);
    for (size_t i = 0; i < HWI_COUNT(cases); i++) {
        struct raw raw = connect_raw(master, cases[i].session, cases[i].bytes);
        say_raw(&raw, &registration);
        uint64_t limit_ns = hwi_host_now() + RELAY_WAIT_MS * HWI_NS_PER_MS;
        while (dropped_in(master) <= i && hwi_host_now() < limit_ns) {
            relay_hear_within(master, HWI_MSG_registration, 1, &msg);
        }
        assert_int_equal(dropped_in(master), i + 1);
        end_raw(&raw);
    }
    expect(!relay_hear_within(master, HWI_MSG_registration, 0, &msg), "one was heard");
    relay_destroy(master);
}

static void a_member_hears_its_master_only(void **state)
{
    struct hwi_msg msg = {.type = HWI_MSG_pong, .u.pong.sent = 5}, none;
    (void)state;
    struct relay *master = relay_master("127.0.0.1:0", NULL, false);
    struct relay *member = relay_member(relay_address(master), NULL, 5);
    say_registration(member, 5);
    relay_hear(member, HWI_MSG_welcome);
    relay_say(master, HWI_ROLE_MASTER, &msg);
    assert_int_equal(relay_hear(member, HWI_MSG_pong).u.pong.sent, 5);
    expect(!relay_hear_within(master, HWI_MSG_unreachable, 0, &none),
           "unreachable though it is here");
    relay_destroy(member);
    relay_destroy(master);
}

static void a_member_that_is_gone_is_unreachable(void **state)
{
    struct hwi_msg msg = {.type = HWI_MSG_pong, .u.pong.sent = 5}, heard;
    bool unreachable = false;
    (void)state;
    struct relay *master = relay_master("127.0.0.1:0", NULL, false);
    struct relay *member = relay_member(relay_address(master), NULL, 5);
    say_registration(member, 5);
    relay_hear(member, HWI_MSG_welcome);
    relay_destroy(member);
    for (int tries = 0; tries < 100 && !unreachable; tries++) {
        relay_say(master, HWI_ROLE_MASTER, &msg);
        unreachable = relay_hear_within(master, HWI_MSG_unreachable, 50, &heard);
    }
    assert_true(unreachable);
    relay_destroy(master);
}

static void nothing_is_heard_before_the_first_submission(void **state)
{
    struct hwi_msg start = {.type = HWI_MSG_master_start}, msg;
    char error[HWI_ERROR_BYTES_MAX];
    int status;
    (void)state;
    struct relay *master = relay_master_try("127.0.0.1:0", NULL, false, &status, error);
    struct relay *member = relay_member(relay_address(master), NULL, 5);
    say_registration(member, 5);
    expect(!relay_hear_within(master, HWI_MSG_registration, 50, &msg), "heard before master_start");
    relay_say(master, HWI_ROLE_MASTER, &start);
    relay_hear(master, HWI_MSG_registration);
    relay_destroy(member);
    relay_destroy(master);
}

static void a_wake_up_comes_in_time(void **state)
{
    (void)state;
    struct relay *member = relay_member("127.0.0.1:1", NULL, 5);
    uint64_t at_ns = hwi_host_now() + 30 * HWI_NS_PER_MS;
    struct hwi_msg wake = {.type = HWI_MSG_wake_at, .u.wake_at.at_ns = at_ns};
    relay_say(member, HWI_ROLE_PEER, &wake);
    relay_hear(member, HWI_MSG_woken);
    assert_true(hwi_host_now() >= at_ns);
    relay_destroy(member);
}

enum { SPEAKERS = 4, SENTENCES = 500 };

struct speaker {
    pthread_t thread;
    struct relay *member;
    uint32_t id;
};

// Says heartbeats that name the speaker and count up; the master relays them to the test.
static void *speak(void *user)
{
    struct speaker *speaker = user;
    for (uint32_t i = 0; i < SENTENCES; i++) {
        struct hwi_submission submission = {.to = {.role = HWI_ROLE_PEER}};
        submission.msg.type = HWI_MSG_heartbeat;
        submission.msg.u.heartbeat.view = speaker->id + 1;
        submission.msg.u.heartbeat.sent = i;
        while (hwi_host_submit(relay_host(speaker->member), &submission) == HWS_E_LIMIT)
            ;
    }
    return NULL;
}

static void submissions_of_each_thread_stay_in_order(void **state)
{
    struct speaker speakers[SPEAKERS];
    uint64_t next[SPEAKERS] = {0};
    (void)state;
    struct relay *master = relay_master("127.0.0.1:0", NULL, false);
    struct relay *member = relay_member(relay_address(master), NULL, 5);
    say_registration(member, 5);
    relay_hear(member, HWI_MSG_welcome);
    for (uint32_t i = 0; i < SPEAKERS; i++) {
        speakers[i] = (struct speaker){.member = member, .id = i};
        assert_int_equal(pthread_create(&speakers[i].thread, NULL, speak, &speakers[i]), 0);
    }
    for (uint32_t i = 0; i < SPEAKERS; i++) {
        pthread_join(speakers[i].thread, NULL);
    }
    // A flood beyond the link's queue is dropped and counted; nothing else is lost, nothing
    // reordered.
    struct hwi_host_counters counters = {0};
    uint32_t count = 0;
    struct hwi_msg msg;
    while (count + counters.control_dropped_out < SPEAKERS * SENTENCES) {
        bool here = relay_hear_within(master, HWI_MSG_heartbeat, RELAY_WAIT_MS, &msg);
        hwi_host_counters(relay_host(member), &counters);
        expect(here || count + counters.control_dropped_out == SPEAKERS * SENTENCES,
               "%u came, %u were dropped", count, (unsigned)counters.control_dropped_out);
        if (!here) {
            break;
        }
        uint64_t speaker = msg.u.heartbeat.view - 1;
        assert_true(speaker < SPEAKERS && msg.u.heartbeat.sent >= next[speaker]);
        next[speaker] = msg.u.heartbeat.sent + 1;
        count++;
    }
    relay_destroy(member);
    relay_destroy(master);
}

static void the_end_does_not_wait_for_a_master_that_is_not_there(void **state)
{
    (void)state;
    struct relay *member = relay_member("127.0.0.1:1", NULL, 5);
    for (int i = 0; i < 10; i++) {
        say_registration(member, 5);
    }
    uint64_t begin_ns = hwi_host_now();
    relay_destroy(member);
    assert_true(hwi_host_now() - begin_ns < 3 * HWI_NS_PER_S);
}

static void a_failed_check_in_an_actor_is_reported(void **state)
{
    struct hwi_msg poison = {.type = HWI_MSG_open};
    (void)state;
    struct relay *member = relay_member("127.0.0.1:1", NULL, 5);
    relay_say(member, HWI_ROLE_PEER, &poison);
    assert_string_equal(relay_hear(member, HWI_MSG_refused).u.refused.reason, "peer");
    relay_destroy(member);
}

// A data command that names nothing: the host ends, the process does not.
static void a_failed_check_in_the_data_port_ends_the_host(void **state)
{
    struct hwi_msg reduce = {.type = HWI_MSG_reduce};
    (void)state;
    struct relay *member = relay_member("127.0.0.1:1", NULL, 5);
    relay_say(member, HWI_ROLE_REDUCER, &reduce);
    assert_string_equal(relay_hear(member, HWI_MSG_refused).u.refused.reason, "host");
    struct hwi_submission submission = {.to = {.role = HWI_ROLE_PEER}, .msg = reduce};
    assert_int_equal(hwi_host_submit(relay_host(member), &submission), HWS_E_INTERNAL);
    relay_destroy(member);
}

static int try_member(const char *master, const char *listen, char *error)
{
    static const struct hwi_host_ops ops;
    struct hwi_host_config config = {.ops = &ops, .master = master, .listen = listen};
    struct hwi_host *host;
    return hwi_host_create(&config, &host, error);
}

static void addresses_that_cannot_be_used_are_reported(void **state)
{
    char error[HWI_ERROR_BYTES_MAX] = "";
    int status;
    (void)state;
    assert_int_equal(try_member("nonsense", "127.0.0.1:0", error), HWS_E_UNREACHABLE);
    expect(strstr(error, "nonsense") != NULL, "%s", error);
    assert_int_equal(try_member("127.0.0.1:1", "x:y", error), HWS_E_INVALID);
    expect(strstr(error, "x:y") != NULL, "%s", error);
    struct relay *master = relay_master("127.0.0.1:0", NULL, false);
    assert_int_equal(try_member("127.0.0.1:1", relay_address(master), error), HWS_E_SYSTEM);
    expect(strstr(error, relay_address(master)) != NULL && strstr(error, "in use") != NULL, "%s",
           error);
    assert_null(relay_master_try(relay_address(master), NULL, false, &status, error));
    assert_int_equal(status, HWS_E_SYSTEM);
    expect(strstr(error, relay_address(master)) != NULL && strstr(error, "in use") != NULL, "%s",
           error);
    relay_destroy(master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_is_heard_and_answered),
        cmocka_unit_test(a_master_is_reached_by_name),
        cmocka_unit_test(a_member_may_come_first_and_a_master_again),
        cmocka_unit_test(a_tool_gets_the_status),
        cmocka_unit_test(messages_not_for_a_master_are_dropped),
        cmocka_unit_test(a_sender_without_a_session_is_not_heard),
        cmocka_unit_test(a_flipped_bit_is_found_and_counted),
        cmocka_unit_test(a_letter_for_another_session_is_not_heard),
        cmocka_unit_test(a_member_hears_its_master_only),
        cmocka_unit_test(a_member_that_is_gone_is_unreachable),
        cmocka_unit_test(nothing_is_heard_before_the_first_submission),
        cmocka_unit_test(a_wake_up_comes_in_time),
        cmocka_unit_test(submissions_of_each_thread_stay_in_order),
        cmocka_unit_test(the_end_does_not_wait_for_a_master_that_is_not_there),
        cmocka_unit_test(a_failed_check_in_an_actor_is_reported),
        cmocka_unit_test(a_failed_check_in_the_data_port_ends_the_host),
        cmocka_unit_test(addresses_that_cannot_be_used_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
