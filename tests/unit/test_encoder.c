// SPDX-License-Identifier: MIT
// The encoder of a step's messages: the bytes of hwi_encode, and a long list that several of them
// share is walked once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/wire/codec.h"
#include "tests/support/random_msg.h"

static void assert_as_encoded_alone(struct hwi_encoder *encoder, const struct hwi_msg *msg)
{
    unsigned char *expected = NULL;
    const unsigned char *bytes = NULL;
    size_t expected_length = 0, length = 0;
    assert_int_equal(hwi_encode(msg, &expected, &expected_length), HWI_CODEC_OK);
    assert_int_equal(hwi_encoder_encode(encoder, msg, &bytes, &length), HWI_CODEC_OK);
    assert_int_equal(length, expected_length);
    assert_memory_equal(bytes, expected, length);
    free(expected);
}

static void each_message_has_the_bytes_it_has_alone(void **state)
{
    (void)state;
    struct hwi_effects arena;
    struct hwi_encoder encoder = {0};
    uint64_t seed = 5;
    hwi_effects_init(&arena, &hwi_alloc_libc);
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        for (unsigned round = 0; round < 20 && hwi_layout_of(type) != NULL; round++) {
            struct hwi_msg msg;
            random_msg(&seed, type, round % 2 ? round : 300, &arena, &msg);
            assert_as_encoded_alone(&encoder, &msg);
            assert_as_encoded_alone(&encoder, &msg); // its lists are remembered now
            hwi_encoder_forget(&encoder);
            hwi_effects_reset(&arena);
        }
    }
    hwi_encoder_fini(&encoder);
    hwi_effects_fini(&arena);
}

enum { MEMBERS = HWI_ENCODED_LIST_LONG };

static struct hwi_msg announcement(struct hwi_member *members, uint32_t count, uint64_t to)
{
    struct hwi_msg msg = {.type = HWI_MSG_announce};
    msg.u.announce.incarnation = to;
    msg.u.announce.members = members;
    msg.u.announce.members_count = count;
    return msg;
}

// A list is known by its place: changed behind the encoder's back it keeps its first bytes, which
// shows that nobody walked it again.
static void the_members_of_a_view_are_encoded_once_for_all_addressees(void **state)
{
    (void)state;
    static struct hwi_member members[MEMBERS];
    struct hwi_encoder encoder = {0};
    struct hwi_msg first = announcement(members, MEMBERS, 1);
    struct hwi_msg second = announcement(members, MEMBERS, 2);
    struct hwi_msg shorter = announcement(members, MEMBERS - 1, 2);
    const unsigned char *bytes = NULL;
    unsigned char *expected = NULL;
    size_t length = 0, expected_length = 0;
    assert_int_equal(hwi_encoder_encode(&encoder, &first, &bytes, &length), HWI_CODEC_OK);
    assert_int_equal(hwi_encode(&second, &expected, &expected_length), HWI_CODEC_OK);
    members[MEMBERS / 2].peer = 77;
    assert_int_equal(hwi_encoder_encode(&encoder, &second, &bytes, &length), HWI_CODEC_OK);
    assert_int_equal(length, expected_length);
    assert_memory_equal(bytes, expected, length); // its own addressee, the members as they were
    assert_as_encoded_alone(&encoder, &shorter);  // another list: its count differs
    hwi_encoder_forget(&encoder);
    assert_as_encoded_alone(&encoder, &second);
    free(expected);
    hwi_encoder_fini(&encoder);
}

static void a_message_that_is_refused_leaves_nothing_behind(void **state)
{
    (void)state;
    static struct hwi_member members[MEMBERS];
    struct hwi_encoder encoder = {0};
    struct hwi_msg msg = announcement(members, MEMBERS, 1);
    const unsigned char *bytes = NULL;
    size_t length = 0;
    members[MEMBERS - 1].group = HWI_GROUPS_MAX;
    assert_int_equal(hwi_encoder_encode(&encoder, &msg, &bytes, &length), HWI_CODEC_LIMIT);
    assert_int_equal(hwi_encoder_encode(&encoder, &msg, &bytes, &length), HWI_CODEC_LIMIT);
    members[MEMBERS - 1].group = 0;
    assert_as_encoded_alone(&encoder, &msg);
    hwi_encoder_fini(&encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_has_the_bytes_it_has_alone),
        cmocka_unit_test(the_members_of_a_view_are_encoded_once_for_all_addressees),
        cmocka_unit_test(a_message_that_is_refused_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
