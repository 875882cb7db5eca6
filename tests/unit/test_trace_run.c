// SPDX-License-Identifier: MIT
// A tool's side of a whole run's trace: rings that were promised, and what was lost on the way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/hawser/trace/run.c"
#include "tools/hawser/trace/source.c"

enum { MESSAGES_MAX = 16, RECORDS_MAX = 8 };

// The messages that arrive, in place of a link to a master.
static struct hwi_msg coming[MESSAGES_MAX];
static struct hwi_trace_record records[MESSAGES_MAX][RECORDS_MAX];
static uint32_t coming_count, coming_next;
static uint64_t clock_ns = HWI_NS_PER_S;

uint64_t now_ns(void)
{
    return clock_ns;
}

void make_printable(char *text)
{
    (void)text;
}

bool link_open(struct master_link *link, const char *address, char *error)
{
    (void)link;
    (void)address;
    (void)error;
    return true;
}

void link_close(struct master_link *link)
{
    (void)link;
}

bool link_send(struct master_link *link, const struct hwi_msg *msg)
{
    (void)link;
    (void)msg;
    return true;
}

bool link_receive(struct master_link *link, uint64_t deadline_ns, struct hwi_msg *msg, void **block)
{
    (void)link;
    if (coming_next == coming_count) {
        clock_ns = HWI_MAX(clock_ns, deadline_ns);
        return false;
    }
    *msg = coming[coming_next++];
    *block = NULL;
    return true;
}

static int setup(void **state)
{
    (void)state;
    coming_count = coming_next = 0;
    return 0;
}

static void tell(uint32_t rings)
{
    coming[coming_count++] =
        (struct hwi_msg){.type = HWI_MSG_trace_told, .u.trace_told = {.rings = rings}};
}

// Records `from` to `until`, the last not included, of a ring that is sent from `first` on.
static void send(uint64_t peer, uint64_t first, uint64_t from, uint64_t until, uint64_t next)
{
    struct hwi_trace_record *list = records[coming_count];
    struct hwi_msg *msg = &coming[coming_count++];
    *msg = (struct hwi_msg){.type = HWI_MSG_trace_batch};
    msg->u.trace_batch = (struct hwi_msg_trace_batch){.incarnation = peer,
                                                      .peer = peer,
                                                      .pid = 100 + peer,
                                                      .schema = hwi_schema_hash(),
                                                      .first = first,
                                                      .next = next,
                                                      .records = list,
                                                      .records_count = (uint32_t)(until - from)};
    for (uint64_t i = from; i < until; i++) {
        list[i - from] = (struct hwi_trace_record){.number = i, .type = HWI_MSG_pong};
    }
}

static uint32_t read_all(struct trace_source *source)
{
    struct trace_item items[64];
    uint32_t count = 0, more;
    while ((more = source->ops->read(source, items + count, 64 - count, 10)) > 0) {
        count += more;
    }
    return count;
}

static struct trace_source *open_source(void)
{
    char error[TRACE_ERROR_BYTES];
    struct trace_source *source = trace_open_run("nowhere:1", true, error);
    assert_non_null(source);
    return source;
}

static void a_trace_is_current_when_all_rings_have_come(void **state)
{
    (void)state;
    tell(2);
    send(0, 1, 1, 4, 4);
    struct trace_source *source = open_source();
    assert_int_equal(read_all(source), 3);
    assert_false(trace_is_current(source)); // the member's ring was promised
    assert_int_equal(trace_missing(source), 1);
    send(7, 1, 1, 3, 3);
    assert_int_equal(read_all(source), 2);
    assert_true(trace_is_current(source));
    assert_int_equal(trace_missing(source), 0);
    assert_int_equal(source->rings[0].lost + source->rings[1].lost, 0);
    source->ops->close(source);
}

static void the_missing_are_named(void **state)
{
    char text[TRACE_ERROR_BYTES];
    struct hwi_status_member members[12];
    struct hwi_msg_status status = {.members = members, .members_count = 3};
    (void)state;
    tell(4);
    send(0, 1, 1, 2, 2);
    send(2, 1, 1, 2, 2);
    for (uint32_t i = 0; i < 12; i++) {
        members[i] = (struct hwi_status_member){.peer = i + 1};
    }
    struct trace_source *source = open_source();
    read_all(source);
    trace_print_missing(source, NULL, text);
    assert_string_equal(text, "2 processes");
    trace_print_missing(source, &status, text);
    assert_string_equal(text, "members 1 and 3");
    status.members_count = 2;
    trace_print_missing(source, &status, text);
    assert_string_equal(text, "member 1");
    status.members_count = 12;
    trace_print_missing(source, &status, text);
    assert_string_equal(text, "members 1, 3, 4, 5, 6, 7, 8, 9 and 3 more");
    source->ops->close(source);
}

// A dropped batch is lost whether others came before it or after it, or neither.
static void dropped_messages_are_counted(void **state)
{
    (void)state;
    tell(3);
    send(0, 1, 4, 6, 9); // 1 to 3 were dropped,
    send(0, 1, 8, 9, 9); // and so were 6 and 7
    send(5, 101, 101, 104, 110);
    send(5, 101, 110, 110, 110); // nothing more to send: 104 to 109 were
    send(6, 1, 1, 3, 9);         // still on its way
    struct trace_source *source = open_source();
    assert_int_equal(read_all(source), 8);
    assert_int_equal(source->rings[0].lost, 5);
    assert_int_equal(source->rings[1].lost, 6);
    assert_true(source->rings[0].current);
    assert_true(source->rings[1].current);
    assert_false(source->rings[2].current);
    assert_int_equal(source->rings[2].lost, 0);
    assert_int_equal(source->rings[2].awaited, 6);
    source->ops->close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_trace_is_current_when_all_rings_have_come, setup),
        cmocka_unit_test_setup(the_missing_are_named, setup),
        cmocka_unit_test_setup(dropped_messages_are_counted, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
