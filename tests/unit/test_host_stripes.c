// SPDX-License-Identifier: MIT
// A member's listener and stripes against a client that the test plays byte by byte.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "actors/wire/codec.h"
#include "tests/support/drain_all.h"
#include "tests/support/expect.h"
#include "tests/support/relay.h"
#include "transport/host/edge/edges.h"
#include "transport/host/edge/tcp/port.h"

static int dial(const char *text)
{
    struct hwi_address address;
    struct timeval wait = {.tv_sec = RELAY_WAIT_MS / 1000};
    assert_null(hwi_address_parse(text, HWI_ADDRESS_NUMERIC, &address));
    int fd = socket(address.storage.ss_family, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    assert_int_equal(connect(fd, (struct sockaddr *)&address.storage, address.bytes), 0);
    return fd;
}

static void put(int fd, const void *bytes, size_t count)
{
    assert_int_equal(send(fd, bytes, count, MSG_NOSIGNAL), count);
}

static void expect_closed(int fd)
{
    unsigned char byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    expect(got == 0 || (got < 0 && errno == ECONNRESET), "not closed: %zd, errno %d", got, errno);
    close(fd);
}

// The test plays peer 2, incarnation 22, which dials peer 1, incarnation 11.
static struct hwi_hello hello_of(uint64_t attempt, uint8_t lane, uint8_t index, uint8_t count)
{
    return (struct hwi_hello){.run = 7,
                              .from = 2,
                              .from_incarnation = 22,
                              .to = 1,
                              .to_incarnation = 11,
                              .attempt = attempt,
                              .lane = lane,
                              .index = index,
                              .count = count};
}

static int say_hello(struct relay *member, struct hwi_hello hello)
{
    unsigned char bytes[HWI_HELLO_BYTES];
    int fd = dial(relay_address(member));
    hwi_hello_write(&hello, bytes);
    put(fd, bytes, sizeof bytes);
    return fd;
}

static void hear_ack(int fd, uint64_t attempt)
{
    unsigned char ack[HWI_ACK_BYTES];
    assert_int_equal(recv(fd, ack, sizeof ack, MSG_WAITALL), sizeof ack);
    assert_true(hwi_ack_valid(ack, attempt));
}

static void expect_edge(struct relay *member)
{
    relay_edge(member, 1, 11, 2, 22, "127.0.0.1:1", false, 1);
}

// One stripe per lane: the smallest edge.
static void open_edge(struct relay *member, uint64_t attempt, int fds[HWI_LANES])
{
    for (uint8_t lane = 0; lane < HWI_LANES; lane++) {
        fds[lane] = say_hello(member, hello_of(attempt, lane, 0, 1));
    }
    for (uint8_t lane = 0; lane < HWI_LANES; lane++) {
        hear_ack(fds[lane], attempt);
    }
    assert_int_equal(relay_hear(member, HWI_MSG_edge_up).u.edge_up.peer, 2);
}

static struct relay *alone(void)
{
    return relay_member("127.0.0.1:1", NULL, 11);
}

static void a_connection_without_a_hello_is_closed(void **state)
{
    static const char lost[] = "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: somebody who is lost\r\n"
                               "Accept: */*\r\n\r\n";
    unsigned char bytes[HWI_HELLO_BYTES];
    struct hwi_hello hello = hello_of(1, 0, 0, 1);
    struct hwi_host_counters counters;
    (void)state;
    struct relay *member = alone();
    for (size_t at = 0; at < sizeof bytes; at += 8) {
        int fd = dial(relay_address(member));
        hwi_hello_write(&hello, bytes);
        bytes[at] ^= 0x40;
        put(fd, bytes, sizeof bytes);
        expect_closed(fd);
    }
    int fd = dial(relay_address(member));
    put(fd, lost, sizeof lost - 1);
    expect_closed(fd);
    struct hwi_msg close_msg = {.type = HWI_MSG_edge_close};
    relay_say(member, HWI_ROLE_PEER, &close_msg);
    expect_edge(member);
    int fds[HWI_LANES];
    open_edge(member, 1, fds);
    expect_edge(member); // up: answered at the end of a later turn
    relay_hear(member, HWI_MSG_edge_up);
    hwi_host_counters(relay_host(member), &counters);
    assert_int_equal(counters.stripes_refused, HWI_HELLO_BYTES / 8 + 1);
    close(fds[0]);
    close(fds[1]);
    relay_destroy(member);
}

// Header, payload and trailer of a `call`.
static size_t write_call(unsigned char *bytes, uint32_t granted)
{
    struct hwi_msg call = {.type = HWI_MSG_call, .u.call.granted = granted};
    unsigned char *payload;
    size_t length;
    assert_int_equal(hwi_encode(&call, &payload, &length), HWI_CODEC_OK);
    struct hwi_frame frame = {.kind = HWI_FRAME_MESSAGE, .payload_bytes = (uint32_t)length};
    uint64_t checksum = hwi_frame_checksum(payload, length);
    hwi_frame_write(&frame, bytes);
    memcpy(bytes + HWI_FRAME_HEADER_BYTES, payload, length);
    for (int i = 0; i < HWI_FRAME_TRAILER_BYTES; i++) {
        bytes[HWI_FRAME_HEADER_BYTES + length + (size_t)i] = (unsigned char)(checksum >> (8 * i));
    }
    free(payload);
    return HWI_FRAME_HEADER_BYTES + length + HWI_FRAME_TRAILER_BYTES;
}

static void frames_come_in_pieces_of_any_size(void **state)
{
    enum { FRAMES = 40 };
    unsigned char bytes[FRAMES * 512];
    int fds[HWI_LANES];
    (void)state;
    struct relay *member = alone();
    expect_edge(member);
    open_edge(member, 1, fds);
    size_t length = 0, step = 1;
    for (uint32_t i = 0; i < FRAMES; i++) {
        length += write_call(bytes + length, i);
    }
    for (size_t at = 0; at < length; at += step, step = step % 200 + 1) {
        put(fds[0], bytes + at, HWI_MIN(step, length - at));
    }
    for (uint32_t i = 0; i < FRAMES; i++) {
        assert_int_equal(relay_hear(member, HWI_MSG_call).u.call.granted, i);
    }
    close(fds[0]);
    close(fds[1]);
    relay_destroy(member);
}

static void expect_broken(struct relay *member, const unsigned char *bytes, size_t length,
                          uint64_t attempt)
{
    int fds[HWI_LANES];
    expect_edge(member);
    open_edge(member, attempt, fds);
    put(fds[0], bytes, length);
    struct hwi_msg down = relay_hear(member, HWI_MSG_edge_down);
    assert_int_equal(down.u.edge_down.peer, 2);
    expect(strlen(down.u.edge_down.reason) > 10, "%s", down.u.edge_down.reason);
    expect_closed(fds[0]);
    expect_closed(fds[1]); // one broken stripe takes all down
}

static void a_frame_that_is_none_takes_the_edge_down(void **state)
{
    unsigned char bytes[512];
    (void)state;
    struct relay *member = alone();
    size_t length = write_call(bytes, 1);
    bytes[0] ^= 1;
    expect_broken(member, bytes, length, 1);
    write_call(bytes, 1);
    bytes[length - 1] ^= 1; // the trailer
    expect_broken(member, bytes, length, 2);
    write_call(bytes, 1);
    bytes[HWI_FRAME_HEADER_BYTES] ^= 1; // the payload
    expect_broken(member, bytes, length, 3);
    relay_destroy(member);
}

static void half_a_frame_and_then_the_end(void **state)
{
    unsigned char bytes[512];
    int fds[HWI_LANES];
    (void)state;
    struct relay *member = alone();
    size_t length = write_call(bytes, 1);
    for (size_t part = 1; part < length; part += 13) {
        expect_edge(member);
        open_edge(member, part, fds);
        put(fds[0], bytes, part);
        close(fds[0]);
        relay_hear(member, HWI_MSG_edge_down);
        expect_closed(fds[1]);
    }
    relay_destroy(member);
}

static void a_later_attempt_takes_over(void **state)
{
    int old[HWI_LANES], stale, fds[HWI_LANES];
    (void)state;
    struct relay *member = alone();
    expect_edge(member);
    open_edge(member, 5, old);
    stale = say_hello(member, hello_of(4, 0, 0, 1)); // of an earlier one: only this is closed
    expect_closed(stale);
    fds[0] = say_hello(member, hello_of(6, 0, 0, 1));
    fds[1] = say_hello(member, hello_of(6, 1, 0, 1));
    relay_hear(member, HWI_MSG_edge_down);
    expect_closed(old[0]);
    expect_closed(old[1]);
    expect_edge(member);
    hear_ack(fds[0], 6);
    hear_ack(fds[1], 6);
    relay_hear(member, HWI_MSG_edge_up);
    close(fds[0]);
    close(fds[1]);
    relay_destroy(member);
}

static void a_dialler_that_gives_up_may_come_again(void **state)
{
    int fds[HWI_LANES];
    struct hwi_msg none;
    (void)state;
    struct relay *member = alone();
    expect_edge(member);
    fds[0] = say_hello(member, hello_of(1, 0, 0, 2));
    hear_ack(fds[0], 1);
    close(fds[0]);
    fds[0] = say_hello(member, hello_of(2, 0, 0, 2));
    hear_ack(fds[0], 2);
    fds[1] = say_hello(member, hello_of(2, 0, 0, 2)); // the same place again
    expect_closed(fds[1]);
    fds[1] = say_hello(member, hello_of(2, 1, 0, 3)); // another count
    expect_closed(fds[1]);
    open_edge(member, 3, fds); // the one left of attempt 2 is over
    expect(!relay_hear_within(member, HWI_MSG_edge_down, 0, &none), "down before it was up");
    close(fds[0]);
    close(fds[1]);
    relay_destroy(member);
}

static void hellos_for_others_wait_for_nothing(void **state)
{
    struct hwi_hello wrong[5];
    struct hwi_msg none;
    int fds[5];
    (void)state;
    struct relay *member = alone();
    expect_edge(member);
    for (int i = 0; i < 5; i++) {
        wrong[i] = hello_of(1, 0, 0, 1);
    }
    wrong[0].run = 8;
    wrong[1].from_incarnation = 23;
    wrong[2].to = 3;
    wrong[3].to_incarnation = 12;
    wrong[4].from = 1;
    for (int i = 0; i < 5; i++) {
        unsigned char byte;
        fds[i] = say_hello(member, wrong[i]);
        struct timeval wait = {.tv_usec = 10000};
        setsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        expect(recv(fds[i], &byte, 1, 0) < 0 && errno == EAGAIN, "hello %d was answered", i);
    }
    expect(!relay_hear_within(member, HWI_MSG_edge_up, 0, &none), "up");
    for (int i = 0; i < 5; i++) {
        close(fds[i]);
    }
    relay_destroy(member);
}

// ---- edges alone, on a clock of the test --------------------------------------------------------

static void no_deliver(void *user, struct hwi_addr from, struct hwi_addr to,
                       const struct hwi_msg *msg)
{
    (void)user, (void)from, (void)to, (void)msg;
}

static void no_kick(void *user, uint64_t peer, enum hwi_lane lane)
{
    (void)user, (void)peer, (void)lane;
}

static void no_broken(void *user, uint64_t peer, const char *why)
{
    (void)user, (void)peer, (void)why;
}

static const struct hwi_data_ops data_ops = {no_deliver, no_kick, no_broken};

static void carry(void *world, const struct hwi_envelope *envelope)
{
    (void)world, (void)envelope;
}

static const struct hwi_world_ops world_ops = {.carry = carry};

static struct hwi_msg heard; // by the peer

static void *create(const struct hwi_alloc *alloc)
{
    return hwi_new(alloc, 1);
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    (void)state, (void)effects;
    heard = *event->msg;
}

static void destroy(void *state)
{
    hwi_free(&hwi_alloc_libc, state);
}

static const struct hwi_actor_ops peer_ops = {
    .name = "peer", .role = HWI_ROLE_PEER, .create = create, .step = step, .destroy = destroy};

struct bench {
    int poller;
    struct hwi_drain *drain;
    struct hwi_data *data;
    struct hwi_edges edges;
    struct hwi_tcp *tcp;
    char address[HWI_ADDRESS_BYTES_MAX];
};

static void init_bench(struct bench *bench)
{
    struct hwi_address address;
    *bench = (struct bench){.poller = hwi_poller_create()};
    bench->drain = hwi_drain_create(&hwi_alloc_libc, &world_ops, NULL);
    hwi_drain_add(bench->drain, &peer_ops);
    bench->data = hwi_data_create(&hwi_alloc_libc, &data_ops, NULL);
    assert_null(hwi_address_parse("127.0.0.1:0", HWI_ADDRESS_NUMERIC, &address));
    assert_true(hwi_edges_init(&bench->edges, bench->poller, bench->drain, bench->data));
    bench->tcp = (struct hwi_tcp *)hwi_tcp_create(&bench->edges, &address);
    assert_true(hwi_edges_add(&bench->edges, &bench->tcp->kind));
    hwi_address_print(&address, bench->address);
}

static void fini_bench(struct bench *bench)
{
    hwi_edges_fini(&bench->edges);
    hwi_data_destroy(bench->data);
    hwi_drain_destroy(bench->drain);
    close(bench->poller);
}

// Handles what is ready until nothing is for 20 ms.
static void turn(struct bench *bench)
{
    struct hwi_ready ready[16];
    uint32_t count;
    while ((count = hwi_poller_wait(bench->poller, ready, 16, 20 * HWI_NS_PER_MS)) > 0) {
        for (uint32_t i = 0; i < count; i++) {
            hwi_edges_ready(&bench->edges, &ready[i]);
        }
        hwi_edges_settle(&bench->edges);
        hwi_edges_bury(&bench->edges);
    }
}

static void silent_connections_are_bounded_and_dropped(void **state)
{
    enum { SILENT = HWI_TCP_UNPROVEN_MAX + 20 };
    static int fds[SILENT];
    struct bench bench;
    (void)state;
    init_bench(&bench);
    assert_true(hwi_edges_next_deadline(&bench.edges) == HWI_NEVER);
    for (int i = 0; i < SILENT; i++) {
        fds[i] = dial(bench.address);
    }
    turn(&bench);
    assert_int_equal(bench.tcp->unproven_count, HWI_TCP_UNPROVEN_MAX);
    assert_int_equal(hwi_edges_refused(&bench.edges), SILENT - HWI_TCP_UNPROVEN_MAX);
    uint64_t deadline_ns = hwi_edges_next_deadline(&bench.edges);
    hwi_edges_expire(&bench.edges, deadline_ns - 1);
    assert_int_equal(bench.tcp->unproven_count, HWI_TCP_UNPROVEN_MAX);
    hwi_edges_expire(&bench.edges, deadline_ns + HWI_NS_PER_S);
    assert_int_equal(bench.tcp->unproven_count, 0);
    assert_int_equal(hwi_edges_refused(&bench.edges), SILENT);
    for (int i = 0; i < SILENT; i++) {
        close(fds[i]);
    }
    turn(&bench);
    assert_int_equal(bench.tcp->unproven_count, 0);
    fini_bench(&bench);
}

// Hellos before, between and after a crowd that says nothing: all find their edge.
static void silent_connections_keep_nobody_out(void **state)
{
    enum { SILENT = 2 * HWI_TCP_UNPROVEN_MAX, STRIPES = 2 };
    static int fds[SILENT];
    struct hwi_msg want = {.type = HWI_MSG_edge_open,
                           .u.edge_open = {.run = 7,
                                           .self = 1,
                                           .self_incarnation = 11,
                                           .peer = 2,
                                           .incarnation = 22,
                                           .stripes = STRIPES}};
    struct bench bench;
    int honest[HWI_LANES * STRIPES];
    (void)state;
    init_bench(&bench);
    for (uint8_t i = 0; i < HWI_LANES * STRIPES; i++) {
        unsigned char bytes[HWI_HELLO_BYTES];
        struct hwi_hello hello = hello_of(1, i / STRIPES, i % STRIPES, STRIPES);
        honest[i] = dial(bench.address);
        hwi_hello_write(&hello, bytes);
        put(honest[i], bytes, sizeof bytes);
        for (int j = 0; j < SILENT / (HWI_LANES * STRIPES); j++) {
            fds[i * SILENT / (HWI_LANES * STRIPES) + j] = dial(bench.address);
        }
    }
    turn(&bench);
    hwi_edges_open(&bench.edges, &want.u.edge_open);
    heard.type = 0;
    turn(&bench);
    drain_all(bench.drain, 1);
    assert_int_equal(heard.type, HWI_MSG_edge_up);
    for (int i = 0; i < HWI_LANES * STRIPES; i++) {
        hear_ack(honest[i], 1);
        close(honest[i]);
    }
    for (int i = 0; i < SILENT; i++) {
        close(fds[i]);
    }
    fini_bench(&bench);
}

static void dialling_a_silent_host_has_an_end(void **state)
{
    struct hwi_address address;
    struct hwi_msg_edge_open want = {.run = 7, .self = 1, .peer = 2, .dial = 1, .stripes = 2};
    struct bench bench;
    (void)state;
    init_bench(&bench);
    assert_null(hwi_address_parse("127.0.0.1:0", HWI_ADDRESS_NUMERIC, &address));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address.storage, address.bytes), 0);
    assert_int_equal(listen(fd, 16), 0);
    getsockname(fd, (struct sockaddr *)&address.storage, &address.bytes);
    hwi_address_print(&address, want.address);
    hwi_edges_open(&bench.edges, &want);
    turn(&bench);
    uint64_t deadline_ns = hwi_edges_next_deadline(&bench.edges);
    assert_true(deadline_ns != HWI_NEVER);
    hwi_edges_expire(&bench.edges, deadline_ns);
    assert_true(hwi_edges_next_deadline(&bench.edges) == HWI_NEVER);
    heard.type = 0;
    drain_all(bench.drain, 1);
    assert_int_equal(heard.type, HWI_MSG_edge_down);
    expect(strstr(heard.u.edge_down.reason, want.address) != NULL, "%s", heard.u.edge_down.reason);
    close(fd);
    fini_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_without_a_hello_is_closed),
        cmocka_unit_test(frames_come_in_pieces_of_any_size),
        cmocka_unit_test(a_frame_that_is_none_takes_the_edge_down),
        cmocka_unit_test(half_a_frame_and_then_the_end),
        cmocka_unit_test(a_later_attempt_takes_over),
        cmocka_unit_test(a_dialler_that_gives_up_may_come_again),
        cmocka_unit_test(hellos_for_others_wait_for_nothing),
        cmocka_unit_test(silent_connections_are_bounded_and_dropped),
        cmocka_unit_test(silent_connections_keep_nobody_out),
        cmocka_unit_test(dialling_a_silent_host_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
