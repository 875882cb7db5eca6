// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/expect.h"
#include "transport/os/listen.h"
#include "transport/host/edge/tcp/hello.h"
#include "transport/host/edge/tcp/socket.h"
#include "transport/host/host.h"

static void parses_and_prints(void **state)
{
    static const struct {
        const char *text, *printed;
        uint16_t port;
    } cases[] = {
        {"127.0.0.1:4000", "127.0.0.1:4000", 4000},
        {"10.1.2.3:0", "10.1.2.3:0", 0},
        {"[::1]:65535", "[::1]:65535", 65535},
        {"*:80", "0.0.0.0:80", 80},
        {":80", "0.0.0.0:80", 80},
        {"[2001:db8::7]:1", "[2001:db8::7]:1", 1},
    };
    (void)state;
    for (size_t i = 0; i < HWI_COUNT(cases); i++) {
        struct hwi_address address;
        char printed[HWI_ADDRESS_BYTES_MAX];
        const char *wrong = hwi_address_parse(cases[i].text, HWI_ADDRESS_NUMERIC, &address);
        expect(wrong == NULL, "%s: %s", cases[i].text, wrong != NULL ? wrong : "");
        hwi_address_print(&address, printed);
        assert_string_equal(printed, cases[i].printed);
        assert_int_equal(hwi_address_port(&address), cases[i].port);
    }
}

static void refuses_what_is_no_address(void **state)
{
    static const char *const cases[] = {
        "",
        ":",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "::1:4",
        "[::1]",
        "[::1:4",
        "[zz]:4",
        "[]:4",
        "localhost:4",
        "127.0.0.1:000004",
        "1.2.3.4.5:6",
    };
    (void)state;
    for (size_t i = 0; i < HWI_COUNT(cases); i++) {
        struct hwi_address address;
        expect(hwi_address_parse(cases[i], HWI_ADDRESS_NUMERIC, &address) != NULL,
               "\"%s\" was taken", cases[i]);
    }
}

static void refuses_an_endless_name(void **state)
{
    struct hwi_address address;
    char name[1000];
    (void)state;
    memset(name, 'a', sizeof name);
    memcpy(name + sizeof name - 4, ":12", 4);
    assert_non_null(hwi_address_parse(name, HWI_ADDRESS_NAME, &address));
}

static void resolves_names(void **state)
{
    struct hwi_address address;
    char text[HWI_ADDRESS_BYTES_MAX];
    (void)state;
    const char *wrong = hwi_address_parse("localhost:77", HWI_ADDRESS_NAME, &address);
    expect(wrong == NULL, "localhost: %s", wrong);
    hwi_address_print(&address, text);
    expect(strcmp(text, "127.0.0.1:77") == 0 || strcmp(text, "[::1]:77") == 0, "%s", text);
}

static struct hwi_address numeric(const char *text)
{
    struct hwi_address address;
    assert_null(hwi_address_parse(text, HWI_ADDRESS_NUMERIC, &address));
    return address;
}

static void knows_hosts_apart(void **state)
{
    struct hwi_address one = numeric("10.0.0.1:1"), again = numeric("10.0.0.1:2");
    struct hwi_address other = numeric("10.0.0.2:1"), six = numeric("[2001:db8::1]:1");
    struct hwi_address six_again = numeric("[2001:db8::1]:9"),
                       six_other = numeric("[2001:db8::2]:1");
    (void)state;
    assert_true(hwi_address_same_host(&one, &again) && !hwi_address_same_host(&one, &other));
    assert_true(hwi_address_same_host(&six, &six_again));
    assert_false(hwi_address_same_host(&six, &six_other) || hwi_address_same_host(&one, &six));
}

static void knows_kinds_of_addresses(void **state)
{
    struct hwi_address any4 = numeric("0.0.0.0:1"), any6 = numeric("[::]:1");
    struct hwi_address loop4 = numeric("127.8.0.1:1"), loop6 = numeric("[::1]:1");
    struct hwi_address local;
    (void)state;
    assert_true(hwi_address_is_wildcard(&any4) && hwi_address_is_wildcard(&any6));
    assert_false(hwi_address_is_wildcard(&loop4) || hwi_address_is_wildcard(&loop6));
    assert_true(hwi_address_is_loopback(&loop4) && hwi_address_is_loopback(&loop6));
    assert_false(hwi_address_is_loopback(&any4) || hwi_address_is_loopback(&any6));
    loop4 = numeric("127.0.0.1:4000");
    assert_true(hwi_address_toward(&loop4, &local));
    assert_true(hwi_address_is_loopback(&local));
    assert_int_equal(hwi_address_port(&local), 0);
}

static const struct hwi_hello hello = {
    .run = 1,
    .from = 2,
    .from_incarnation = UINT64_C(0x1122334455667788),
    .to = 3,
    .to_incarnation = 4,
    .attempt = 5,
    .lane = 1,
    .index = 6,
    .count = 7,
};

static void hello_comes_back(void **state)
{
    unsigned char bytes[HWI_HELLO_BYTES];
    struct hwi_hello read;
    (void)state;
    hwi_hello_write(&hello, bytes);
    assert_true(hwi_hello_read(bytes, &read));
    unsigned char again[HWI_HELLO_BYTES];
    hwi_hello_write(&read, again);
    assert_memory_equal(bytes, again, sizeof bytes);
    assert_true(read.from_incarnation == hello.from_incarnation && read.index == hello.index);
}

static void hello_with_any_flipped_bit_is_refused(void **state)
{
    unsigned char bytes[HWI_HELLO_BYTES];
    struct hwi_hello read;
    (void)state;
    hwi_hello_write(&hello, bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        expect(!hwi_hello_read(bytes, &read), "bit %zu does not matter", bit);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

static void hello_beyond_limits_is_refused(void **state)
{
    struct hwi_hello wrong[] = {hello, hello, hello, hello};
    unsigned char bytes[HWI_HELLO_BYTES];
    struct hwi_hello read;
    (void)state;
    wrong[0].lane = 2;
    wrong[1].index = wrong[1].count;
    wrong[2].count = HWI_STRIPES_MAX + 1;
    wrong[3].index = wrong[3].count = 0;
    for (size_t i = 0; i < HWI_COUNT(wrong); i++) {
        hwi_hello_write(&wrong[i], bytes);
        expect(!hwi_hello_read(bytes, &read), "hello %zu was taken", i);
    }
}

static void ack_is_of_one_attempt(void **state)
{
    unsigned char bytes[HWI_ACK_BYTES];
    (void)state;
    hwi_ack_write(9, bytes);
    assert_true(hwi_ack_valid(bytes, 9));
    assert_false(hwi_ack_valid(bytes, 8));
    bytes[17] ^= 1;
    assert_false(hwi_ack_valid(bytes, 9));
}

static void listens_at_an_interface_or_a_range(void **state)
{
    static const struct {
        const char *text, *printed;
        uint16_t last;
    } cases[] = {
        {"127.0.0.1:4000", "127.0.0.1:4000", 0}, {"127.0.0.1:5000-5010", "127.0.0.1:5000", 5010},
        {"[::1]:5000-5000", "[::1]:5000", 5000}, {"lo", "127.0.0.1:0", 0},
        {"lo:7000", "127.0.0.1:7000", 0},        {"lo:1-65535", "127.0.0.1:1", 65535},
        {"*:80-90", "0.0.0.0:80", 90},
    };
    (void)state;
    for (size_t i = 0; i < HWI_COUNT(cases); i++) {
        struct hwi_address address;
        char why[HWI_LISTEN_WHY_BYTES] = "", printed[HWI_ADDRESS_BYTES_MAX];
        expect(hwi_listen_parse(cases[i].text, &address, why), "%s: %s", cases[i].text, why);
        hwi_address_print(&address, printed);
        assert_string_equal(printed, cases[i].printed);
        assert_int_equal(address.port_last, cases[i].last);
    }
}

static void refuses_to_listen_nowhere(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"127.0.0.1:10-9", "HOST:FIRST-LAST"}, {"127.0.0.1:0-9", "HOST:FIRST-LAST"},
        {"127.0.0.1:9-65536", "FIRST-LAST"},   {"127.0.0.1:1-2-3", "HOST:FIRST-LAST"},
        {"lo:-5", "INTERFACE:PORT"},           {"nosuch0", "interface of this host: "},
        {"", "interface of this host: "},      {"127.0.0.1:5000-", "HOST:FIRST-LAST"},
    };
    (void)state;
    for (size_t i = 0; i < HWI_COUNT(cases); i++) {
        struct hwi_address address;
        char why[HWI_LISTEN_WHY_BYTES] = "";
        expect(!hwi_listen_parse(cases[i].text, &address, why), "\"%s\" was taken", cases[i].text);
        expect(strstr(why, cases[i].why) != NULL, "\"%s\": %s", cases[i].text, why);
    }
}

// The first port of the range is taken.
static void takes_the_first_free_port(void **state)
{
    struct hwi_address taken = numeric("127.0.0.1:0"), address;
    (void)state;
    int first = hwi_socket_listen(&taken);
    assert_true(first >= 0);
    address = numeric("127.0.0.1:0");
    uint16_t port = hwi_address_port(&taken);
    hwi_address_set_port(&address, port);
    assert_int_equal(hwi_socket_listen(&address), -1);
    assert_int_equal(errno, EADDRINUSE);
    address.port_last = UINT16_MAX;
    int second = hwi_socket_listen(&address);
    assert_true(second >= 0);
    assert_true(hwi_address_port(&address) > port);
    close(second);
    close(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listens_at_an_interface_or_a_range),
        cmocka_unit_test(refuses_to_listen_nowhere),
        cmocka_unit_test(takes_the_first_free_port),
        cmocka_unit_test(parses_and_prints),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(refuses_an_endless_name),
        cmocka_unit_test(resolves_names),
        cmocka_unit_test(knows_hosts_apart),
        cmocka_unit_test(knows_kinds_of_addresses),
        cmocka_unit_test(hello_comes_back),
        cmocka_unit_test(hello_with_any_flipped_bit_is_refused),
        cmocka_unit_test(hello_beyond_limits_is_refused),
        cmocka_unit_test(ack_is_of_one_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
