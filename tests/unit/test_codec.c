// SPDX-License-Identifier: MIT
// The codec with messages of our own making: round trips, limits, older and newer builds, printing.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>
#include <xxhash.h>

#include "actors/wire/codec.h"
#include "tests/support/random_msg.h"

enum { LINE_BYTES = 1 << 18 };

static struct hwi_effects arena;
static char line_a[LINE_BYTES];
static char line_b[LINE_BYTES];

static int setup(void **state)
{
    (void)state;
    hwi_effects_init(&arena, &hwi_alloc_libc);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    hwi_effects_fini(&arena);
    return 0;
}

static void assert_same(const struct hwi_msg *a, const struct hwi_msg *b)
{
    unsigned char *bytes_a = NULL;
    unsigned char *bytes_b = NULL;
    size_t length_a = 0;
    size_t length_b = 0;
    assert_int_equal(hwi_encode(a, &bytes_a, &length_a), HWI_CODEC_OK);
    assert_int_equal(hwi_encode(b, &bytes_b, &length_b), HWI_CODEC_OK);
    assert_int_equal(length_a, length_b);
    assert_memory_equal(bytes_a, bytes_b, length_a);
    free(bytes_a);
    free(bytes_b);
    assert_int_equal(hwi_msg_hash(a), hwi_msg_hash(b));
    assert_int_equal(hwi_msg_print(a, line_a, sizeof line_a),
                     hwi_msg_print(b, line_b, sizeof line_b));
    assert_string_equal(line_a, line_b);
}

static void round_trip(const struct hwi_msg *msg)
{
    struct hwi_msg again;
    unsigned char *bytes = NULL;
    size_t length = 0;
    void *block = NULL;
    assert_int_equal(hwi_encode(msg, &bytes, &length), HWI_CODEC_OK);
    assert_int_equal(hwi_decode(bytes, length, &again, &block), HWI_CODEC_OK);
    free(bytes);
    assert_same(msg, &again);

    struct hwi_msg copy;
    void *copy_block = NULL;
    assert_true(hwi_msg_clone(&again, &copy, &copy_block));
    assert_int_equal(block == NULL, copy_block == NULL);
    free(block);
    assert_same(msg, &copy);
    free(copy_block);
}

// Into a buffer of ours: the same bytes, or a word that they do not fit; never a byte beyond.
static void check_into(const struct hwi_msg *msg)
{
    static unsigned char buffer[HWI_MESSAGE_BYTES_MAX];
    unsigned char *bytes = NULL;
    size_t length = 0, into = 0;
    assert_int_equal(hwi_encode(msg, &bytes, &length), HWI_CODEC_OK);
    assert_int_equal(hwi_encode_into(msg, buffer, length, &into), HWI_CODEC_OK);
    assert_int_equal(into, length);
    assert_memory_equal(buffer, bytes, length);
    assert_int_equal(hwi_msg_hash(msg), XXH3_64bits(bytes, length));
    buffer[length - 1] = 0xa5;
    assert_int_equal(hwi_encode_into(msg, buffer, length - 1, &into), HWI_CODEC_ROOM);
    assert_int_equal(buffer[length - 1], 0xa5);
    free(bytes);
}

static void encoding_into_a_buffer_gives_the_same_bytes(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        for (unsigned round = 0; round < 50 && hwi_layout_of(type) != NULL; round++) {
            struct hwi_msg msg;
            random_msg(&seed, type, round % 5 ? round % 5 : 300, &arena, &msg);
            check_into(&msg);
            hwi_effects_reset(&arena);
        }
    }
}

static void every_message_survives_the_round_trip(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        for (unsigned round = 0; round < 200 && hwi_layout_of(type) != NULL; round++) {
            struct hwi_msg msg;
            random_msg(&seed, type, round % 5, &arena, &msg);
            round_trip(&msg);
            hwi_effects_reset(&arena);
        }
    }
}

static void the_largest_view_fits(void **state)
{
    (void)state;
    struct hwi_member *members = hwi_effects_memory(&arena, HWI_MEMBERS_MAX * sizeof *members);
    for (uint32_t i = 0; i < HWI_MEMBERS_MAX; i++) {
        members[i] = (struct hwi_member){.peer = i, .incarnation = HWI_ID_MAX};
        memcpy(members[i].address, "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535", 47);
    }
    struct hwi_msg msg = {.type = HWI_MSG_propose};
    msg.u.propose.members = members;
    msg.u.propose.members_count = HWI_MEMBERS_MAX;
    round_trip(&msg);
    hwi_effects_reset(&arena);
}

static void the_bytes_are_these(void **state)
{
    (void)state;
    static const unsigned char expected[] = {
        0x99, 17, 0x94, 2, 4, 0xcd, 0x01, 0x00, 0, 0xce, 0, 1, 0, 0, 0xc4, 16, 8, 7,
        6,    5,  4,    3, 2, 1,    9,    0,    0, 0,    0, 0, 0, 0, 0xc4, 16, 0, 0,
        0,    0,  0,    0, 0, 0,    0,    0,    0, 0,    0, 0, 0, 0, 1,    0,  0, 0x90,
    };
    struct hwi_msg msg = {.type = HWI_MSG_sync_offer};
    msg.u.sync_offer.op = (struct hwi_op){.view = 2, .kind = HWI_KIND_SYNC, .tag = 256};
    msg.u.sync_offer.revision = 65536;
    msg.u.sync_offer.root = (struct hwi_hash){UINT64_C(0x0102030405060708), 9};
    msg.u.sync_offer.dirty = 1;
    unsigned char *bytes = NULL;
    size_t length = 0;
    assert_int_equal(hwi_encode(&msg, &bytes, &length), HWI_CODEC_OK);
    assert_int_equal(length, sizeof expected);
    assert_memory_equal(bytes, expected, length);
    free(bytes);
}

static void only_equal_messages_hash_equal(void **state)
{
    (void)state;
    struct hwi_id ids[2] = {{1}, {2}};
    struct hwi_msg a = {.type = HWI_MSG_ready};
    a.u.ready.broken = ids;
    a.u.ready.broken_count = 2;
    struct hwi_msg b = a;
    assert_int_equal(hwi_msg_hash(&a), hwi_msg_hash(&b));
    b.u.ready.broken_count = 1;
    assert_int_not_equal(hwi_msg_hash(&a), hwi_msg_hash(&b));
    b = (struct hwi_msg){.type = HWI_MSG_probe};
    assert_int_not_equal(hwi_msg_hash(&b),
                         hwi_msg_hash(&(struct hwi_msg){.type = HWI_MSG_register_again}));
}

static void the_schema_hash_is_of_the_table(void **state)
{
    (void)state;
    assert_int_not_equal(hwi_schema_hash(), 0);
    assert_int_equal(hwi_schema_hash(), hwi_schema_hash());
}

// ---- limits: of what is sent --------------------------------------------------------------------

static int encode_error(const struct hwi_msg *msg)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    int error = hwi_encode(msg, &bytes, &length);
    assert_true(error ? bytes == NULL : bytes != NULL);
    free(bytes);
    return error;
}

static void a_field_beyond_its_limit_is_not_encoded(void **state)
{
    (void)state;
    struct hwi_msg msg = {.type = HWI_MSG_welcome};
    msg.u.welcome.heartbeat_ms = 60000;
    assert_int_equal(encode_error(&msg), HWI_CODEC_OK);
    msg.u.welcome.heartbeat_ms = 60001;
    assert_int_equal(encode_error(&msg), HWI_CODEC_LIMIT);

    msg = (struct hwi_msg){.type = HWI_MSG_refused};
    memset(msg.u.refused.reason, 'x', sizeof msg.u.refused.reason);
    assert_int_equal(encode_error(&msg), HWI_CODEC_LIMIT);
    msg.u.refused.reason[sizeof msg.u.refused.reason - 1] = '\0';
    assert_int_equal(encode_error(&msg), HWI_CODEC_OK);

    struct hwi_block blocks[HWI_BLOCKS_WANTED_MAX + 1] = {{0}};
    msg = (struct hwi_msg){.type = HWI_MSG_blocks_want};
    msg.u.blocks_want.blocks = blocks;
    msg.u.blocks_want.blocks_count = HWI_BLOCKS_WANTED_MAX;
    assert_int_equal(encode_error(&msg), HWI_CODEC_OK);
    msg.u.blocks_want.blocks_count = HWI_BLOCKS_WANTED_MAX + 1;
    assert_int_equal(encode_error(&msg), HWI_CODEC_LIMIT);

    assert_int_equal(encode_error(&(struct hwi_msg){.type = 127}), HWI_CODEC_UNKNOWN);
    assert_int_equal(encode_error(&(struct hwi_msg){.type = 60000}), HWI_CODEC_UNKNOWN);
}

static void a_message_that_is_too_large_is_not_encoded(void **state)
{
    (void)state;
    struct hwi_past past[HWI_PAST_VIEWS_MAX] = {{0}};
    struct hwi_tally *tallies = hwi_effects_memory(&arena, HWI_TAGS_MAX * sizeof *tallies);
    for (uint32_t i = 0; i < HWI_TAGS_MAX; i++) {
        tallies[i] =
            (struct hwi_tally){1, UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT64_MAX};
    }
    struct hwi_msg msg = {.type = HWI_MSG_announce};
    msg.u.announce.past = past;
    msg.u.announce.past_count = HWI_PAST_VIEWS_MAX;
    for (uint32_t i = 0; i < HWI_PAST_VIEWS_MAX; i++) {
        past[i].tallies = tallies;
        past[i].tallies_count = i < 10 ? HWI_TAGS_MAX : 0;
    }
    round_trip(&msg);
    past[10].tallies_count = past[11].tallies_count = past[12].tallies_count = HWI_TAGS_MAX;
    past[13].tallies_count = past[14].tallies_count = past[15].tallies_count = HWI_TAGS_MAX;
    assert_int_equal(encode_error(&msg), HWI_CODEC_LIMIT);
    hwi_effects_reset(&arena);
}

// ---- limits, older and newer builds: of what is received ----------------------------------------

static msgpack_sbuffer buffer;
static msgpack_packer packer;

static void begin(uint16_t type, uint32_t fields)
{
    msgpack_sbuffer_clear(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    msgpack_pack_array(&packer, 1 + fields);
    msgpack_pack_uint16(&packer, type);
}

static void pack_zero(const struct hwi_field *field)
{
    static const char zero[16];
    if (field->kind == HWI_FIELD_HASH) {
        msgpack_pack_bin_with_body(&packer, zero, sizeof zero);
    } else if (field->kind == HWI_FIELD_STR) {
        msgpack_pack_str(&packer, 0);
    } else if (field->kind == HWI_FIELD_REC || field->kind == HWI_FIELD_LIST) {
        msgpack_pack_array(&packer, 0);
    } else {
        msgpack_pack_fix_uint8(&packer, 0);
    }
}

// Begins a message whose fields before `index` are zero; the test packs that one and ends there.
static void begin_at(uint16_t type, uint32_t index)
{
    begin(type, index + 1);
    for (uint32_t i = 0; i < index; i++) {
        pack_zero(&hwi_layout_of(type)->fields[i]);
    }
}

static int decode_error(void)
{
    struct hwi_msg msg;
    void *block = &msg;
    int error = hwi_decode((unsigned char *)buffer.data, buffer.size, &msg, &block);
    if (error) {
        assert_null(block);
    }
    free(block);
    return error;
}

static void try_string(uint16_t type, uint32_t index, size_t length, size_t nul, int expected)
{
    char text[256];
    memset(text, 'x', sizeof text);
    assert_true(length <= sizeof text);
    if (nul < length) {
        text[nul] = '\0';
    }
    begin_at(type, index);
    msgpack_pack_str_with_body(&packer, text, length);
    assert_int_equal(decode_error(), expected);
}

static void try_list(uint16_t type, uint32_t index, uint64_t count, int expected)
{
    begin_at(type, index);
    msgpack_pack_array(&packer, count);
    for (uint64_t i = 0; i < count; i++) {
        msgpack_pack_array(&packer, 0);
    }
    assert_int_equal(decode_error(), expected);
}

static void try_field_limits(uint16_t type, uint32_t index, const struct hwi_field *field)
{
    static const uint64_t room[] = {
        [HWI_FIELD_U8] = UINT8_MAX, [HWI_FIELD_U32] = UINT32_MAX, [HWI_FIELD_U64] = UINT64_MAX};
    if (field->kind <= HWI_FIELD_U64) {
        assert_true(field->limit <= room[field->kind]);
        begin_at(type, index);
        msgpack_pack_uint64(&packer, field->limit);
        assert_int_equal(decode_error(), HWI_CODEC_OK);
        begin_at(type, index);
        msgpack_pack_uint64(&packer, field->limit + 1);
        assert_int_equal(decode_error(),
                         field->limit == UINT64_MAX ? HWI_CODEC_OK : HWI_CODEC_LIMIT);
    } else if (field->kind == HWI_FIELD_I32) {
        begin_at(type, index);
        msgpack_pack_int64(&packer, INT32_MIN);
        assert_int_equal(decode_error(), HWI_CODEC_OK);
        begin_at(type, index);
        msgpack_pack_int64(&packer, (int64_t)INT32_MIN - 1);
        assert_int_equal(decode_error(), HWI_CODEC_LIMIT);
        begin_at(type, index);
        msgpack_pack_int64(&packer, (int64_t)INT32_MAX + 1);
        assert_int_equal(decode_error(), HWI_CODEC_LIMIT);
    } else if (field->kind == HWI_FIELD_HASH) {
        begin_at(type, index);
        msgpack_pack_bin_with_body(&packer, "fifteen bytes..", 15);
        assert_int_equal(decode_error(), HWI_CODEC_MALFORMED);
    } else if (field->kind == HWI_FIELD_STR) {
        try_string(type, index, field->limit - 1, SIZE_MAX, HWI_CODEC_OK);
        try_string(type, index, field->limit, SIZE_MAX, HWI_CODEC_LIMIT);
        try_string(type, index, 5, 4, HWI_CODEC_LIMIT);
        try_string(type, index, 5, 0, HWI_CODEC_LIMIT);
    } else if (field->kind == HWI_FIELD_LIST) {
        try_list(type, index, field->limit, HWI_CODEC_OK);
        try_list(type, index, field->limit + 1, HWI_CODEC_LIMIT);
    }
}

static void every_limit_of_the_table_holds(void **state)
{
    (void)state;
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        const struct hwi_layout *layout = hwi_layout_of(type);
        for (uint32_t i = 0; layout != NULL && i < layout->field_count; i++) {
            try_field_limits(type, i, &layout->fields[i]);
            begin_at(type, i);
            msgpack_pack_nil(&packer);
            assert_int_equal(decode_error(), HWI_CODEC_MALFORMED);
            begin_at(type, i);
            msgpack_pack_double(&packer, 1.0);
            assert_int_equal(decode_error(), HWI_CODEC_MALFORMED);
        }
    }
}

static void limits_hold_inside_nested_lists(void **state)
{
    (void)state;
    begin_at(HWI_MSG_announce, 4);
    msgpack_pack_array(&packer, 1); // past
    msgpack_pack_array(&packer, 2); // its view and tallies
    msgpack_pack_uint64(&packer, 7);
    msgpack_pack_array(&packer, 1);
    msgpack_pack_array(&packer, 1); // a tally's kind
    msgpack_pack_uint8(&packer, HWI_KIND_MAX + 1);
    assert_int_equal(decode_error(), HWI_CODEC_LIMIT);
}

static void a_bad_type_is_refused(void **state)
{
    (void)state;
    begin(127, 0);
    assert_int_equal(decode_error(), HWI_CODEC_UNKNOWN);
    begin(0, 0);
    assert_int_equal(decode_error(), HWI_CODEC_UNKNOWN);
    msgpack_sbuffer_clear(&buffer);
    msgpack_pack_array(&packer, 1);
    msgpack_pack_uint64(&packer, UINT64_C(0x100000000) + HWI_MSG_probe);
    assert_int_equal(decode_error(), HWI_CODEC_UNKNOWN);
    msgpack_sbuffer_clear(&buffer);
    msgpack_pack_array(&packer, 1);
    msgpack_pack_int8(&packer, -1);
    assert_int_equal(decode_error(), HWI_CODEC_MALFORMED);
    msgpack_sbuffer_clear(&buffer);
    msgpack_pack_array(&packer, 0);
    assert_int_equal(decode_error(), HWI_CODEC_MALFORMED);
    msgpack_sbuffer_clear(&buffer);
    msgpack_pack_uint8(&packer, HWI_MSG_probe);
    assert_int_equal(decode_error(), HWI_CODEC_MALFORMED);
    begin(HWI_MSG_probe, 0);
    msgpack_pack_nil(&packer); // left over
    assert_int_equal(decode_error(), HWI_CODEC_MALFORMED);
    msgpack_sbuffer_clear(&buffer);
    assert_int_equal(decode_error(), HWI_CODEC_MALFORMED);
}

static void fields_of_an_older_build_are_zero(void **state)
{
    (void)state;
    struct hwi_msg msg;
    void *block = NULL;
    memset(&msg, 0xee, sizeof msg);
    begin(HWI_MSG_commit, 1);
    msgpack_pack_uint64(&packer, 9);
    assert_int_equal(hwi_decode((unsigned char *)buffer.data, buffer.size, &msg, &block), 0);
    struct hwi_msg expected = {.type = HWI_MSG_commit, .u.commit.view = 9};
    assert_same(&msg, &expected);
    assert_null(block);

    begin(HWI_MSG_propose, 4);
    for (unsigned i = 0; i < 3; i++) {
        msgpack_pack_uint64(&packer, i);
    }
    msgpack_pack_array(&packer, 1);
    msgpack_pack_array(&packer, 1);
    msgpack_pack_uint64(&packer, 5);
    assert_int_equal(hwi_decode((unsigned char *)buffer.data, buffer.size, &msg, &block), 0);
    assert_int_equal(msg.u.propose.members_count, 1);
    assert_int_equal(msg.u.propose.members[0].peer, 5);
    assert_int_equal(msg.u.propose.members[0].incarnation, 0);
    assert_string_equal(msg.u.propose.members[0].address, "");
    free(block);
}

static void fields_of_a_newer_build_are_skipped(void **state)
{
    (void)state;
    struct hwi_msg msg;
    void *block = NULL;
    begin(HWI_MSG_edge_lost, 5);
    msgpack_pack_uint64(&packer, 3);
    msgpack_pack_uint64(&packer, 4);
    msgpack_pack_map(&packer, 1);
    msgpack_pack_str_with_body(&packer, "new", 3);
    msgpack_pack_array(&packer, 1);
    msgpack_pack_true(&packer);
    msgpack_pack_ext_with_body(&packer, "abc", 3, 1);
    msgpack_pack_float(&packer, 1.5f);
    assert_int_equal(hwi_decode((unsigned char *)buffer.data, buffer.size, &msg, &block), 0);
    struct hwi_msg expected = {.type = HWI_MSG_edge_lost};
    expected.u.edge_lost.view = 3;
    expected.u.edge_lost.peer = 4;
    assert_same(&msg, &expected);
    free(block);
}

// ---- printing -----------------------------------------------------------------------------------

static void assert_printed(const struct hwi_msg *msg, const char *expected)
{
    assert_int_equal(hwi_msg_print(msg, line_a, sizeof line_a), strlen(expected));
    assert_string_equal(line_a, expected);
}

static void messages_print_as_one_line(void **state)
{
    (void)state;
    struct hwi_msg msg = {.type = HWI_MSG_probe};
    assert_printed(&msg, "probe{}");
    msg.type = 31;
    assert_printed(&msg, "message 31");

    msg = (struct hwi_msg){.type = HWI_MSG_withdraw};
    msg.u.withdraw.op = (struct hwi_op){.view = 2, .kind = HWI_KIND_ALL_REDUCE, .tag = 7, .seq = 3};
    msg.u.withdraw.fault.status = -12;
    msg.u.withdraw.fault.signature_b.count = 120;
    assert_printed(&msg, "withdraw{op=all_reduce/7#3@v2 "
                         "fault={status=-12 signature_b={count=120}}}");

    struct hwi_id ids[] = {{1}, {0}, {12}};
    msg = (struct hwi_msg){.type = HWI_MSG_sync_go};
    msg.u.sync_go = (struct hwi_msg_sync_go){.sources = ids, .sources_count = 3};
    msg.u.sync_go.root = (struct hwi_hash){1, 2};
    assert_printed(&msg, "sync_go{root=00000000000000020000000000000001 sources=[1 0 12]}");

    struct hwi_member members[] = {{.peer = 1, .address = "10.0.0.1:7"}, {.peer = 2}};
    msg = (struct hwi_msg){.type = HWI_MSG_propose};
    msg.u.propose.members = members;
    msg.u.propose.members_count = 2;
    assert_printed(&msg, "propose{members=[{peer=1 address=\"10.0.0.1:7\"} {peer=2}]}");

    msg = (struct hwi_msg){.type = HWI_MSG_refused, .u.refused.reason = "a\"\x1b[2J\xff\\"};
    assert_printed(&msg, "refused{reason=\"a\\x22\\x1b[2J\\xff\\x5c\"}");
}

static void a_printed_line_is_cut_to_its_room(void **state)
{
    (void)state;
    char room[8] = "zzzzzzz";
    struct hwi_msg msg = {.type = HWI_MSG_edge_up, .u.edge_up.peer = 42};
    size_t whole = strlen("edge_up{peer=42}");
    assert_int_equal(hwi_msg_print(&msg, room, 5), whole);
    assert_memory_equal(room, "edge\0zz", 8);
    assert_int_equal(hwi_msg_print(&msg, room, 1), whole);
    assert_string_equal(room, "");
    assert_int_equal(hwi_msg_print(&msg, NULL, 0), whole);
}

static void addresses_print_role_and_id(void **state)
{
    (void)state;
    char text[64];
    hwi_addr_print(hwi_addr_of(HWI_ROLE_PEER, 0), text, sizeof text);
    assert_string_equal(text, "peer");
    hwi_addr_print(hwi_addr_of(HWI_ROLE_PEER, 0x3f2a), text, sizeof text);
    assert_string_equal(text, "peer:3f2a");
    hwi_addr_print(hwi_addr_of(HWI_ROLE_REDUCER, 12), text, sizeof text);
    assert_string_equal(text, "reducer:12");
    assert_int_equal(hwi_addr_print(hwi_addr_of(HWI_ROLE_MAX, 0), text, sizeof text), 1);
    assert_string_equal(text, "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_survives_the_round_trip),
        cmocka_unit_test(encoding_into_a_buffer_gives_the_same_bytes),
        cmocka_unit_test(the_largest_view_fits),
        cmocka_unit_test(the_bytes_are_these),
        cmocka_unit_test(only_equal_messages_hash_equal),
        cmocka_unit_test(the_schema_hash_is_of_the_table),
        cmocka_unit_test(a_field_beyond_its_limit_is_not_encoded),
        cmocka_unit_test(a_message_that_is_too_large_is_not_encoded),
        cmocka_unit_test(every_limit_of_the_table_holds),
        cmocka_unit_test(limits_hold_inside_nested_lists),
        cmocka_unit_test(a_bad_type_is_refused),
        cmocka_unit_test(fields_of_an_older_build_are_zero),
        cmocka_unit_test(fields_of_a_newer_build_are_skipped),
        cmocka_unit_test(messages_print_as_one_line),
        cmocka_unit_test(a_printed_line_is_cut_to_its_room),
        cmocka_unit_test(addresses_print_role_and_id),
    };
    msgpack_sbuffer_init(&buffer);
    int failures = cmocka_run_group_tests(tests, setup, teardown);
    msgpack_sbuffer_destroy(&buffer);
    return failures;
}
