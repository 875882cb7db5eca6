// SPDX-License-Identifier: MIT
// The codec with bytes of an enemy's making: it refuses or decodes something valid, and takes
// memory in proportion to the bytes.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "actors/wire/check.h"
#include "actors/wire/codec.h"
#include "tests/support/random_msg.h"

// ---- every allocation of the process is counted -------------------------------------------------

#if defined(__has_feature)
#define UNDER_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#else
#define UNDER_SANITIZER 0
#endif

// Seen from the libraries too, although the build hides symbols.
#define EXPORTED __attribute__((visibility("default")))

static volatile size_t allocated; // or the compiler would know that malloc leaves it alone

#if UNDER_SANITIZER
EXPORTED void __sanitizer_malloc_hook(const volatile void *pointer, size_t bytes);
EXPORTED void __sanitizer_free_hook(const volatile void *pointer);

void __sanitizer_malloc_hook(const volatile void *pointer, size_t bytes)
{
    (void)pointer;
    allocated += bytes;
}

void __sanitizer_free_hook(const volatile void *pointer)
{
    (void)pointer;
}
#else
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *pointer, size_t bytes);

EXPORTED void *malloc(size_t bytes)
{
    allocated += bytes;
    return __libc_malloc(bytes);
}

EXPORTED void *calloc(size_t count, size_t bytes)
{
    allocated += count * bytes;
    return __libc_calloc(count, bytes);
}

EXPORTED void *realloc(void *pointer, size_t bytes)
{
    allocated += bytes;
    return __libc_realloc(pointer, bytes);
}
#endif

// ---- trying bytes -------------------------------------------------------------------------------

// The unpacker takes 24 bytes for each byte at most, in blocks that double; an empty record in a
// list is one byte that becomes a struct.
enum { ALLOCATED_PER_BYTE_MAX = 200, ALLOCATED_BASE_MAX = 32 << 10 };

// Decodes; whatever is accepted must be a valid message. Returns the error.
static int try_bytes(const unsigned char *bytes, size_t length)
{
    struct hwi_msg msg;
    void *block = &msg;
    size_t before = allocated;
    int error = hwi_decode(bytes, length, &msg, &block);
    size_t taken = allocated - before;
    assert_true(taken <= ALLOCATED_BASE_MAX + ALLOCATED_PER_BYTE_MAX * length);
    if (error) {
        assert_null(block);
        return error;
    }
    unsigned char *again = NULL;
    size_t again_length = 0;
    assert_int_equal(hwi_encode(&msg, &again, &again_length), HWI_CODEC_OK);
    free(again);
    free(block);
    return HWI_CODEC_OK;
}

struct sample {
    unsigned char *bytes;
    size_t length;
};

static struct sample samples[HWI_MSG_TYPE_MAX];

static int make_samples(void **state)
{
    (void)state;
    uint64_t seed = 3;
    struct hwi_effects arena;
    struct hwi_msg msg;
    hwi_effects_init(&arena, &hwi_alloc_libc);
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        if (hwi_layout_of(type) == NULL) {
            continue;
        }
        random_msg(&seed, type, 2, &arena, &msg);
        assert_int_equal(hwi_encode(&msg, &samples[type].bytes, &samples[type].length), 0);
        hwi_effects_reset(&arena);
    }
    hwi_effects_fini(&arena);
    return 0;
}

static int drop_samples(void **state)
{
    (void)state;
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        free(samples[type].bytes);
    }
    return 0;
}

// ---- the tests ----------------------------------------------------------------------------------

static void allocations_are_counted(void **state)
{
    (void)state;
    size_t before = allocated;
    void *volatile memory = malloc(12345);
    free(memory);
    assert_int_equal(allocated - before, 12345);
}

static void a_cut_message_is_refused_at_every_byte(void **state)
{
    (void)state;
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        for (size_t length = 0; length < samples[type].length; length++) {
            unsigned char *cut = malloc(length + 1); // its own block, so that reading on is found
            memcpy(cut, samples[type].bytes, length);
            cut = realloc(cut, length ? length : 1);
            assert_int_equal(try_bytes(cut, length), HWI_CODEC_MALFORMED);
            free(cut);
        }
    }
}

static void every_change_of_one_byte_is_survived(void **state)
{
    (void)state;
    size_t refused = 0;
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        const struct sample *sample = &samples[type];
        for (size_t i = 0; i < sample->length; i++) {
            unsigned char kept = sample->bytes[i];
            for (unsigned change = 1; change < 256; change += i < 40 ? 1 : 7) {
                sample->bytes[i] = kept ^ (unsigned char)change;
                refused += try_bytes(sample->bytes, sample->length) != HWI_CODEC_OK;
            }
            sample->bytes[i] = kept;
        }
    }
    assert_true(refused > 0);
}

static void random_mutations_are_survived(void **state)
{
    (void)state;
    uint64_t seed = 4;
    unsigned char bytes[8192];
    for (unsigned round = 0; round < 200000;) {
        const struct sample *sample = &samples[random_next(&seed) % HWI_MSG_TYPE_MAX];
        const struct sample *other = &samples[random_next(&seed) % HWI_MSG_TYPE_MAX];
        if (!sample->length || !other->length || sample->length + other->length > sizeof bytes) {
            continue;
        }
        size_t length = sample->length;
        memcpy(bytes, sample->bytes, length);
        for (uint64_t changes = random_next(&seed) % 4; changes; changes--) {
            bytes[random_next(&seed) % length] = (unsigned char)random_next(&seed);
        }
        if (random_next(&seed) % 8 == 0) { // the end of another message from somewhere on
            size_t at = random_next(&seed) % length;
            size_t from = random_next(&seed) % other->length;
            memcpy(bytes + at, other->bytes + from, other->length - from);
            length = at + other->length - from;
        }
        try_bytes(bytes, length);
        round++;
    }
}

static void counts_without_bytes_cost_nothing(void **state)
{
    (void)state;
    unsigned char bomb[155];
    static const unsigned char counts[][5] = {
        {0xdd, 0x0f, 0xff, 0xff, 0xff}, {0xdf, 0x07, 0xff, 0xff, 0xff}, {0xdd, 0, 0, 0, 150},
        {0xdd, 0xff, 0xff, 0xff, 0xff}, {0xdf, 0xff, 0xff, 0xff, 0xff}, {0xdc, 0, 150, 0xdc, 0},
    };
    for (unsigned kind = 0; kind < HWI_COUNT(counts); kind++) {
        for (size_t i = 0; i < sizeof bomb; i++) {
            bomb[i] = counts[kind][i % 5];
        }
        struct hwi_msg msg;
        void *block;
        size_t before = allocated;
        assert_int_equal(hwi_decode(bomb, sizeof bomb, &msg, &block), HWI_CODEC_MALFORMED);
        assert_int_equal(allocated, before);
    }
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[64];
    memset(bytes, 0x91, sizeof bytes);
    for (size_t depth = 1; depth < sizeof bytes; depth++) {
        bytes[depth] = 0xc0;
        assert_int_equal(hwi_msgpack_check(bytes, depth + 1),
                         depth < HWI_CODEC_DEPTH_MAX ? HWI_CODEC_OK : HWI_CODEC_LIMIT);
        bytes[depth] = 0x91;
    }
}

static void put_count(unsigned char *at, unsigned char head, uint32_t count)
{
    at[0] = head;
    for (unsigned i = 0; i < 4; i++) {
        at[1 + i] = (unsigned char)(count >> (24 - 8 * i));
    }
}

// The most that one message can make the unpacker take: a field of a newer build, full of nils.
static void the_largest_message_takes_bounded_memory(void **state)
{
    (void)state;
    size_t length = HWI_MESSAGE_BYTES_MAX;
    unsigned char *bytes = malloc(length + 1);
    memset(bytes, 0xc0, length + 1);
    bytes[0] = 0x92;
    bytes[1] = HWI_MSG_probe;
    put_count(bytes + 2, 0xdd, (uint32_t)length - 7);
    assert_int_equal(try_bytes(bytes, length), HWI_CODEC_LIMIT);

    uint32_t most = HWI_CODEC_VALUES_MAX - 3;
    put_count(bytes + 2, 0xdd, most);
    size_t before = allocated;
    assert_int_equal(try_bytes(bytes, 7 + (size_t)most), HWI_CODEC_OK);
    assert_true(allocated - before > 16 << 20); // or the library's allocations are not counted
    assert_true(allocated - before < 64 << 20);

    put_count(bytes + 2, 0xdd, most + 1);
    assert_int_equal(try_bytes(bytes, 8 + (size_t)most), HWI_CODEC_LIMIT);

    before = allocated;
    assert_int_equal(try_bytes(bytes, length + 1), HWI_CODEC_LIMIT);
    assert_int_equal(allocated, before);
    free(bytes);
}

// Our walk and the library must agree on what one whole value is.
static void the_walk_agrees_with_msgpack(void **state)
{
    (void)state;
    uint64_t seed = 5;
    unsigned whole = 0;
    for (unsigned round = 0; round < 300000; round++) {
        unsigned char bytes[24];
        size_t length = 1 + random_next(&seed) % sizeof bytes;
        for (size_t i = 0; i < length; i++) {
            uint64_t number = random_next(&seed);
            bytes[i] = (unsigned char)(number & 0x100 ? 0xc0 + number % 32 : number);
            if (bytes[i] >= 0xdc && bytes[i] <= 0xdf) {
                bytes[i] = 0; // large counts: the library would take the memory
            }
            if (i && number & 0x600) {
                bytes[i] = (unsigned char)(number >> 16 & 3); // short: so that some are whole
            }
        }
        msgpack_unpacked value;
        size_t offset = 0;
        msgpack_unpacked_init(&value);
        msgpack_unpack_return got =
            msgpack_unpack_next(&value, (const char *)bytes, length, &offset);
        bool valid = got == MSGPACK_UNPACK_SUCCESS && offset == length;
        msgpack_unpacked_destroy(&value);
        int checked = hwi_msgpack_check(bytes, length);
        assert_int_equal(checked, valid ? HWI_CODEC_OK : HWI_CODEC_MALFORMED);
        whole += valid;
    }
    assert_true(whole > 1000);
}

static void large_counts_that_are_kept_are_whole(void **state)
{
    (void)state;
    static unsigned char bytes[5 + 2 * 70000];
    memset(bytes, 0x01, sizeof bytes);
    put_count(bytes, 0xdd, 70000);
    assert_int_equal(hwi_msgpack_check(bytes, 5 + 70000), HWI_CODEC_OK);
    assert_int_equal(hwi_msgpack_check(bytes, 4 + 70000), HWI_CODEC_MALFORMED);
    put_count(bytes, 0xdf, 70000);
    assert_int_equal(hwi_msgpack_check(bytes, 5 + 2 * 70000), HWI_CODEC_OK);
    assert_int_equal(hwi_msgpack_check(bytes, 4 + 2 * 70000), HWI_CODEC_MALFORMED);
    put_count(bytes, 0xdb, 70000);
    assert_int_equal(hwi_msgpack_check(bytes, 5 + 70000), HWI_CODEC_OK);
    assert_int_equal(hwi_msgpack_check(bytes, 6 + 70000), HWI_CODEC_MALFORMED);
    memcpy(bytes, "\xdc\x01\x00", 3);
    assert_int_equal(hwi_msgpack_check(bytes, 3 + 256), HWI_CODEC_OK);
    memcpy(bytes, "\xde\x01\x00", 3);
    assert_int_equal(hwi_msgpack_check(bytes, 3 + 512), HWI_CODEC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_counted),
        cmocka_unit_test(a_cut_message_is_refused_at_every_byte),
        cmocka_unit_test(every_change_of_one_byte_is_survived),
        cmocka_unit_test(random_mutations_are_survived),
        cmocka_unit_test(counts_without_bytes_cost_nothing),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(the_largest_message_takes_bounded_memory),
        cmocka_unit_test(the_walk_agrees_with_msgpack),
        cmocka_unit_test(large_counts_that_are_kept_are_whole),
    };
    return cmocka_run_group_tests(tests, make_samples, drop_samples);
}
