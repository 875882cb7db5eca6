// SPDX-License-Identifier: MIT
// Images of real states: whole, cut, damaged; read by people.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "actors/loop/image.h"
#include "actors/loop/player.h"
#include "tests/support/phases.h"
#include "tests/support/tape.h"

enum { DRAWS = 8, DAMAGES = 500 }; // of each image of each draw

static struct tape *tapes;

// ---- an allocator that counts, and fails on demand ------------------------------------------

struct counter {
    int64_t held;  // allocations
    uint64_t left; // calls that succeed
};

static void *count_resize(void *user, void *pointer, size_t bytes)
{
    struct counter *counter = user;
    if (bytes == 0) {
        counter->held--;
        free(pointer);
        return NULL;
    }
    if (counter->left == 0) {
        return NULL;
    }
    counter->left--;
    counter->held += pointer == NULL;
    return realloc(pointer, bytes);
}

// ---- real states --------------------------------------------------------------------------------

static int record(void **state)
{
    (void)state;
    tapes = tape_record(0);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    tape_fini();
    return 0;
}

static void the_loaded_state_is_the_saved_one(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < TAPES; i++) {
        const struct tape *tape = &tapes[i];
        void *state = hwi_image_load(tape->ops, tape->image, tape->length, &hwi_alloc_libc);
        assert_non_null(state);
        size_t length;
        unsigned char *again = hwi_image_save(tape->ops, state, &hwi_alloc_libc, &length);
        assert_int_equal(length, tape->length);
        assert_memory_equal(again, tape->image, length);
        char *text = hwi_image_print(tape->ops, state, &hwi_alloc_libc);
        assert_true(strlen(text) > 200);
        free(text);
        free(again);
        tape->ops->destroy(state);
    }
}

// An exact copy on the heap, so that a sanitizer sees a read beyond it.
static void *load_copy(const struct tape *tape, const unsigned char *bytes, size_t length)
{
    unsigned char *copy = malloc(length + 1);
    memcpy(copy + 1, bytes, length); // and nobody may count on alignment
    void *state = hwi_image_load(tape->ops, copy + 1, length, &hwi_alloc_libc);
    free(copy);
    return state;
}

static void a_part_of_an_image_is_none(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < TAPES; i++) {
        const struct tape *tape = &tapes[i];
        for (size_t length = 0; length < tape->length; length++) {
            assert_null(load_copy(tape, tape->image, length));
        }
        unsigned char *longer = calloc(1, tape->length + 1);
        memcpy(longer, tape->image, tape->length);
        assert_null(load_copy(tape, longer, tape->length + 1));
        free(longer);
    }
}

static void another_actors_image_is_none(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < TAPES; i++) {
        const struct tape *other = &tapes[(i + 1) % TAPES];
        assert_null(load_copy(&tapes[i], other->image, other->length));
    }
}

static uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void damage(unsigned char *bytes, size_t length, uint64_t *seed)
{
    uint64_t changes = 1 + draw(seed) % 3;
    for (uint64_t i = 0; i < changes; i++) {
        size_t at = (size_t)(draw(seed) % length), most = length - at;
        switch (draw(seed) % 3) {
        case 0:
            bytes[at] ^= (unsigned char)(1u << draw(seed) % 8);
            break;
        case 1:
            bytes[at] = (unsigned char)draw(seed);
            break;
        default:
            memset(bytes + at, draw(seed) % 2 ? 0xff : 0, HWI_MIN(most, (size_t)4));
        }
    }
}

// A damaged image that loads must survive the events that the true one would have heard: perhaps
// with failed checks, but without a step outside of its memory.
static bool try_damaged(const struct tape *tape, const unsigned char *bytes)
{
    struct hwi_player *player = hwi_player_create(tape->ops, &hwi_alloc_libc);
    bool loaded = hwi_player_load(player, bytes, tape->length);
    const struct hwi_trap *failed = NULL;
    for (uint32_t i = 0; loaded && failed == NULL && i < tape->count; i++) {
        hwi_player_step(player, &tape->events[i].event, &failed);
    }
    hwi_player_destroy(player);
    return loaded;
}

static void a_damaged_image_is_none_or_a_state(void **unused)
{
    (void)unused;
    uint64_t seed = 20240229;
    for (uint64_t number = 0; number < DRAWS; number++) {
        tapes = tape_record(number);
        for (uint32_t i = 0; i < TAPES; i++) {
            const struct tape *tape = &tapes[i];
            uint32_t loaded = 0;
            unsigned char *bytes = malloc(tape->length);
            for (uint32_t n = 0; n < DAMAGES; n++) {
                memcpy(bytes, tape->image, tape->length);
                damage(bytes, tape->length, &seed);
                loaded += try_damaged(tape, bytes);
            }
            assert_in_range(loaded, 1, DAMAGES - 1);
            free(bytes);
        }
    }
    tapes = tape_record(0);
}

static void memory_that_ends_is_no_image_and_no_leak(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < TAPES; i++) {
        const struct tape *tape = &tapes[i];
        void *state = NULL;
        struct counter created = {.left = UINT64_MAX};
        struct hwi_alloc made = {count_resize, &created};
        tape->ops->destroy(tape->ops->create(&made));
        assert_int_equal(created.held, 0);
        for (uint64_t calls = UINT64_MAX - created.left; state == NULL; calls++) {
            struct counter counter = {.left = calls};
            struct hwi_alloc alloc = {count_resize, &counter};
            assert_true(calls < 10000);
            state = hwi_image_load(tape->ops, tape->image, tape->length, &alloc);
            if (state == NULL) {
                assert_int_equal(counter.held, 0);
                continue;
            }
            size_t length;
            counter.left = 0;
            assert_null(hwi_image_save(tape->ops, state, &alloc, &length));
            assert_null(hwi_image_print(tape->ops, state, &alloc));
            tape->ops->destroy(state);
            assert_int_equal(counter.held, 0);
        }
    }
}

// ---- fields of every kind -----------------------------------------------------------------------

struct leaf {
    uint8_t kind;
    uint32_t index;
};

enum mood { CALM, WILD };

struct zoo {
    bool yes;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64, soon_ns, never_ns;
    int status;
    enum mood mood;
    struct hwi_hash hash;
    char text[HWI_TEXT_BYTES_MAX];
    struct hwi_op op;
    struct hwi_past past;
    struct leaf *leaves;
    uint32_t leaf_count;
    struct hwi_id here[3];
    uint32_t here_count;
    uint64_t *row;
    struct hwi_hash *hashes;
    uint32_t row_count;
};

static void *zoo_create(const struct hwi_alloc *alloc)
{
    return hwi_new(alloc, sizeof(struct zoo));
}

static void zoo_destroy(void *state)
{
    struct zoo *zoo = state;
    hwi_free(&hwi_alloc_libc, zoo->past.tallies);
    hwi_free(&hwi_alloc_libc, zoo->past.faults);
    hwi_free(&hwi_alloc_libc, zoo->leaves);
    hwi_free(&hwi_alloc_libc, zoo->row);
    hwi_free(&hwi_alloc_libc, zoo->hashes);
    hwi_free(&hwi_alloc_libc, zoo);
}

static void leaf_fields(struct hwi_image *image, void *item)
{
    struct leaf *leaf = item;
    hwi_image_kind(image, "kind", &leaf->kind);
    hwi_image_index(image, "index", &leaf->index);
}

static void inner_fields(struct hwi_image *image, void *item)
{
    struct zoo *zoo = item;
    hwi_image_u8(image, "u8", &zoo->u8);
    hwi_image_u16(image, "u16", &zoo->u16);
    hwi_image_u32(image, "u32", &zoo->u32);
    hwi_image_u64(image, "u64", &zoo->u64);
}

static void zoo_image(struct hwi_image *image, void *state)
{
    static const char *const moods[] = {[CALM] = "calm", [WILD] = "wild"};
    struct zoo *zoo = state;
    hwi_image_bool(image, "yes", &zoo->yes);
    hwi_image_struct(image, "inner", zoo, inner_fields);
    hwi_image_time(image, "soon", &zoo->soon_ns);
    hwi_image_time(image, "never", &zoo->never_ns);
    hwi_image_status(image, "status", &zoo->status);
    HWI_IMAGE_ENUM(image, "mood", zoo->mood, moods);
    hwi_image_hash(image, "hash", &zoo->hash);
    hwi_image_text(image, "text", zoo->text, sizeof zoo->text);
    HWI_IMAGE_RECORD(image, "op", op, &zoo->op);
    HWI_IMAGE_RECORD(image, "past", past, &zoo->past);
    HWI_IMAGE_LIST(image, "leaves", zoo->leaves, zoo->leaf_count, 100, leaf_fields);
    HWI_IMAGE_RECORDS_IN(image, "here", zoo->here, zoo->here_count, HWI_COUNT(zoo->here),
                         &hwi_layout_id);
    hwi_image_u32(image, "row_count", &zoo->row_count);
    HWI_IMAGE_ROW(image, "row", zoo->row, zoo->row_count);
    HWI_IMAGE_ROW(image, "hashes", zoo->hashes, zoo->row_count);
}

static const struct hwi_actor_ops zoo_ops = {.name = "zoo",
                                             .role = HWI_ROLE_TOOL,
                                             .create = zoo_create,
                                             .destroy = zoo_destroy,
                                             .image = zoo_image};

static struct zoo *full_zoo(void)
{
    struct zoo *zoo = zoo_create(&hwi_alloc_libc);
    *zoo = (struct zoo){.yes = true,
                        .u8 = 255,
                        .u16 = 65535,
                        .u32 = UINT32_MAX,
                        .u64 = UINT64_MAX,
                        .soon_ns = UINT64_C(1500000000),
                        .never_ns = HWI_NEVER,
                        .status = HWS_E_TIMEOUT,
                        .mood = WILD,
                        .hash = {.lo = 2, .hi = 1},
                        .text = "a \"sea\"\n",
                        .op = {.view = 2, .kind = HWI_KIND_ALL_REDUCE, .tag = 7, .seq = 3},
                        .past = {.view = 1, .tallies_count = 1},
                        .leaf_count = 3,
                        .here = {{5}, {6}},
                        .here_count = 2,
                        .row_count = 5};
    zoo->past.tallies = hwi_new(&hwi_alloc_libc, sizeof(struct hwi_tally));
    zoo->past.tallies[0] = (struct hwi_tally){.kind = HWI_KIND_AGREE, .heard = 4};
    zoo->leaves = hwi_new(&hwi_alloc_libc, 3 * sizeof(struct leaf));
    zoo->leaves[0] = (struct leaf){HWI_KIND_SYNC, 0};
    zoo->leaves[1] = (struct leaf){0, UINT32_MAX};
    zoo->leaves[2] = (struct leaf){HWI_KIND_ADMIT, UINT32_MAX};
    zoo->row = hwi_new(&hwi_alloc_libc, 5 * sizeof(uint64_t));
    memcpy(zoo->row, (uint64_t[]){9, 9, 9, 0, 1}, 5 * sizeof(uint64_t));
    zoo->hashes = hwi_new(&hwi_alloc_libc, 5 * sizeof(struct hwi_hash));
    zoo->hashes[4].lo = 1;
    return zoo;
}

static const char zoo_text[] =
    "yes: yes\n"
    "inner:\n"
    "  u8: 255\n"
    "  u16: 65535\n"
    "  u32: 4294967295\n"
    "  u64: 18446744073709551615\n"
    "soon: 1.500000000 s\n"
    "never: never\n"
    "status: HWS_E_TIMEOUT\n"
    "mood: wild\n"
    "hash: 00000000000000010000000000000002\n"
    "text: \"a \\x22sea\\x22\\x0a\"\n"
    "op: all_reduce/7#3@v2\n"
    "past: {view=1 tallies=[{kind=2 heard=4}]}\n"
    "leaves:\n"
    "  - kind: sync\n"
    "    index: 0\n"
    "  - {}\n"
    "  - kind: admit\n"
    "here: 5 6\n"
    "row_count: 5\n"
    "row: 9 (x3) 0 1\n"
    "hashes: 00000000000000000000000000000000 00000000000000000000000000000000 "
    "00000000000000000000000000000000 00000000000000000000000000000000 .. (5)\n";

static void every_field_is_printed_and_comes_back(void **unused)
{
    (void)unused;
    struct zoo *zoo = full_zoo();
    size_t length, again_length;
    unsigned char *bytes = hwi_image_save(&zoo_ops, zoo, &hwi_alloc_libc, &length);
    zoo_destroy(zoo);
    struct zoo *loaded = hwi_image_load(&zoo_ops, bytes, length, &hwi_alloc_libc);
    assert_non_null(loaded);
    char *text = hwi_image_print(&zoo_ops, loaded, &hwi_alloc_libc);
    assert_string_equal(text, zoo_text);
    unsigned char *again = hwi_image_save(&zoo_ops, loaded, &hwi_alloc_libc, &again_length);
    assert_int_equal(again_length, length);
    assert_memory_equal(again, bytes, length);
    zoo_destroy(loaded);
    free(text);
    free(again);
    free(bytes);
}

static void a_state_of_zeros_is_short(void **unused)
{
    (void)unused;
    struct zoo *zoo = zoo_create(&hwi_alloc_libc);
    char *text = hwi_image_print(&zoo_ops, zoo, &hwi_alloc_libc);
    assert_string_equal(text, "mood: calm\n");
    free(text);
    zoo_destroy(zoo);
}

// The state that a step leaves when it runs out of memory between a count and its list.
static void a_broken_state_is_not_saved(void **unused)
{
    (void)unused;
    struct zoo *zoo = zoo_create(&hwi_alloc_libc);
    size_t length;
    zoo->row_count = 1;
    assert_null(hwi_image_save(&zoo_ops, zoo, &hwi_alloc_libc, &length));
    assert_null(hwi_image_print(&zoo_ops, zoo, &hwi_alloc_libc));
    zoo->row_count = 0;
    zoo->leaf_count = 1;
    assert_null(hwi_image_save(&zoo_ops, zoo, &hwi_alloc_libc, &length));
    assert_null(hwi_image_print(&zoo_ops, zoo, &hwi_alloc_libc));
    zoo_destroy(zoo);
}

// Saves the full zoo, sets one byte, and says if it still loads.
static bool loads_with(size_t from_end, unsigned char value)
{
    struct zoo *zoo = full_zoo();
    zoo->row_count = 0; // so that the list counts are where the cases say
    size_t length;
    unsigned char *bytes = hwi_image_save(&zoo_ops, zoo, &hwi_alloc_libc, &length);
    zoo_destroy(zoo);
    bytes[length - from_end] = value;
    void *loaded = hwi_image_load(&zoo_ops, bytes, length, &hwi_alloc_libc);
    if (loaded != NULL) {
        zoo_destroy(loaded);
    }
    free(bytes);
    return loaded != NULL;
}

// From the end: row_count 4, two ids 8 each, their count 4, three leaves 5 each, their count 4.
static void values_beyond_their_limits_do_not_load(void **unused)
{
    (void)unused;
    assert_true(loads_with(4, 0));
    assert_false(loads_with(1, 0xff));              // a row longer than the bytes
    assert_false(loads_with(24, 4));                // more ids than there is room for
    assert_false(loads_with(24, 1));                // fewer: bytes are left over
    assert_false(loads_with(39, HWI_KIND_MAX + 1)); // a leaf's kind
    assert_false(loads_with(40, 0xff));             // leaves beyond their limit
    assert_false(loads_with(43, 4));                // one leaf too many
}

// ---- an actor's state as text -------------------------------------------------------------------

static void say(struct hwi_player *player, struct hwi_addr from, const struct hwi_msg *msg)
{
    struct hwi_event event = {5, from, msg};
    const struct hwi_trap *failed;
    hwi_player_step(player, &event, &failed);
    assert_null(failed);
}

static const char reducer_text[] =
    "now: 0.000000005 s\n"
    "view: 2\n"
    "world: 3\n"
    "self: 1\n"
    "members: 3 4 8\n"
    "ahead_bytes: 400 0 (x2)\n"
    "collectives:\n"
    "  - op: all_reduce/7#0@v2\n"
    "    signature: {kind=1 dtype=11 redop=1 count=100}\n"
    "    shape:\n"
    "      asked: auto\n"
    "      world: 3\n"
    "      bytes: 400\n"
    "      chunk_bytes: 400\n"
    "      chunks: 1\n"
    "      phases: 1\n"
    "      slots: 2\n"
    "    self: 1\n"
    "    state: running\n"
    "    laid: yes\n"
    "    request: 1\n"
    "    calls_due: 1\n"
    "    waits:\n"
    "      started: 0.000000005 s\n"
    "    stages:\n"
    "      - rows: 2\n"
    "        ledger:\n"
    "          count: 1\n"
    "          window: 1\n"
    "          due: 2\n"
    "          granted: 1\n"
    "          window:\n"
    "            - chunk: 0\n"
    "              missing: 1\n"
    "    edges:\n"
    "      - rank: 0\n"
    "        phases:\n"
    "          - open: 1\n"
    "          - {}\n"
    "      - rank: 2\n"
    "        called: yes\n"
    "        phases:\n"
    "          - granted: 1\n"
    "            open: 1\n"
    "          - {}\n"
    "early:\n"
    "  - peer: 8\n"
    "    view: 2\n"
    "    calls:\n"
    "      - {op=all_reduce/7#1@v2 signature={kind=1 dtype=11 redop=1 "
    "count=100} granted=1}\n";

static void a_reducer_can_be_read(void **unused)
{
    (void)unused;
    struct hwi_player *player = hwi_player_create(&hwi_reducer_ops, &hwi_alloc_libc);
    struct hwi_id members[] = {{3}, {4}, {8}};
    struct hwi_op op = {.view = 2, .kind = HWI_KIND_ALL_REDUCE, .tag = 7};
    struct hwi_signature signature = {
        .kind = HWI_KIND_ALL_REDUCE, .dtype = HWS_F32, .redop = HWS_SUM, .count = 100};
    struct hwi_msg msg = {.type = HWI_MSG_lane_view};
    msg.u.lane_view =
        (struct hwi_msg_lane_view){.view = 2, .self = 4, .members = members, .members_count = 3};
    say(player, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
    msg = (struct hwi_msg){.type = HWI_MSG_call};
    msg.u.call = (struct hwi_msg_call){.op = op, .signature = signature, .granted = 1};
    say(player, hwi_addr_of(HWI_ROLE_REDUCER, 8), &msg);
    msg.u.call.op.seq = 1;
    say(player, hwi_addr_of(HWI_ROLE_REDUCER, 8), &msg);
    msg = (struct hwi_msg){.type = HWI_MSG_op_start};
    msg.u.op_start = (struct hwi_msg_op_start){.op = op, .signature = signature, .request = 1};
    say(player, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
    msg = (struct hwi_msg){.type = HWI_MSG_chunk};
    msg.u.chunk = (struct hwi_msg_chunk){.op = op, .phase = PHASE_INPUTS, .from = 8};
    say(player, hwi_addr_of(HWI_ROLE_DATA, 0), &msg);
    char *text = hwi_image_print(&hwi_reducer_ops, hwi_player_state(player), &hwi_alloc_libc);
    assert_string_equal(text, reducer_text);
    free(text);
    hwi_player_destroy(player);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loaded_state_is_the_saved_one),
        cmocka_unit_test(a_part_of_an_image_is_none),
        cmocka_unit_test(another_actors_image_is_none),
        cmocka_unit_test(a_damaged_image_is_none_or_a_state),
        cmocka_unit_test(memory_that_ends_is_no_image_and_no_leak),
        cmocka_unit_test(every_field_is_printed_and_comes_back),
        cmocka_unit_test(a_state_of_zeros_is_short),
        cmocka_unit_test(a_broken_state_is_not_saved),
        cmocka_unit_test(values_beyond_their_limits_do_not_load),
        cmocka_unit_test(a_reducer_can_be_read),
    };
    return cmocka_run_group_tests(tests, record, forget);
}
