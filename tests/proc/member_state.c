// SPDX-License-Identifier: MIT
// The member's shared state: three tensors of unequal sizes, so that blocks end in odd places.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/proc/member.h"

struct tensor {
    const char *name;
    hws_dtype dtype;
    unsigned char *data;
    size_t bytes;
};

enum { TENSORS = 3, COUNTERS = 3 };

// splitmix64: bytes that do not compress.
static void fill_random(unsigned char *data, size_t bytes, uint64_t *seed)
{
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t x = (*seed += UINT64_C(0x9e3779b97f4a7c15));
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        x ^= x >> 31;
        memcpy(data + i, &x, bytes - i < 8 ? bytes - i : 8);
    }
}

// Of all bytes, computed without Hawser.
static uint64_t hash_of(const struct member *m)
{
    uint64_t hash = 0;
    for (int i = 0; i < TENSORS && m->tensors != NULL; i++) {
        hash = XXH3_64bits_withSeed(m->tensors[i].data, m->tensors[i].bytes, hash);
    }
    return hash;
}

static void answer_state(struct member *m, hws_status status, uint64_t began_ns,
                         const hws_result *result)
{
    hws_result none = HWS_RESULT_INIT;
    const hws_result *times = result != NULL ? result : &none;
    answer(status, began_ns, result,
           "revision=%" PRIu64 " hash=%016" PRIx64 " hash_us=%" PRIu64 " move_us=%" PRIu64,
           hws_state_revision(m->state), hash_of(m), times->hash_us, times->move_us);
}

static hws_status add_tensor(hws_state *state, struct tensor *tensor, uint64_t *seed)
{
    tensor->data = calloc(1, tensor->bytes);
    if (tensor->data == NULL) {
        return HWS_E_NO_MEMORY;
    }
    if (seed != NULL) {
        fill_random(tensor->data, tensor->bytes, seed);
    }
    return hws_state_add(state, tensor->name, tensor->dtype, tensor->data,
                         tensor->bytes / hws_dtype_bytes(tensor->dtype));
}

// Of `bytes` in all; random bytes from `seed`, or zeros without one; with `own` the moments may
// differ. Once in a member's life.
void do_state(struct member *m, const struct words *words)
{
    static struct tensor tensors[TENSORS] = {{"weights", HWS_F32, NULL, 0},
                                             {"moments", HWS_U8, NULL, 0},
                                             {"counters", HWS_U64, NULL, 8 * COUNTERS}};
    uint64_t began_ns = now_ns(), seed = words_number(words, "seed", 0);
    size_t bytes = words_number(words, "bytes", 1 << 20);
    tensors[0].bytes = bytes / 8 * 5 / 4 * 4;
    tensors[1].bytes = bytes - tensors[0].bytes - tensors[2].bytes;
    hws_status status = hws_state_create(&m->state);
    for (int i = 0; i < TENSORS && status == HWS_OK; i++) {
        status = add_tensor(m->state, &tensors[i], seed != 0 ? &seed : NULL);
    }
    if (status == HWS_OK && words_flag(words, "own")) {
        status = hws_state_may_differ(m->state, "moments");
    }
    m->tensors = status == HWS_OK ? tensors : NULL;
    answer_state(m, status, began_ns, NULL);
}

static void turn_over(struct member *m, size_t offset)
{
    int i = 0;
    while (i < TENSORS - 1 && offset >= m->tensors[i].bytes) {
        offset -= m->tensors[i++].bytes;
    }
    if (offset < m->tensors[i].bytes) {
        m->tensors[i].data[offset] ^= 0xff;
    }
}

// Turns one byte over, or `times` bytes, each `stride` behind the other; counted through all
// tensors.
void do_touch(struct member *m, const struct words *words)
{
    size_t offset = words_number(words, "offset", 0), stride = words_number(words, "stride", 0);
    for (uint64_t times = words_number(words, "times", 1); times > 0; times--, offset += stride) {
        turn_over(m, offset);
    }
    answer_state(m, HWS_OK, now_ns(), NULL);
}

void do_revision(struct member *m, const struct words *words)
{
    hws_status status = hws_state_set_revision(m->state, words_number(words, "to", 0));
    answer_state(m, status, now_ns(), NULL);
}

// `strategy` is a number; `lazy` hashes only where that is needed.
void do_sync(struct member *m, const struct words *words)
{
    uint64_t strategy = words_number(words, "strategy", HWS_SYNC_ENFORCE);
    hws_result result = HWS_RESULT_INIT;
    hws_options options = words_options(words);
    uint64_t began_ns = now_ns();
    options.verify = words_flag(words, "lazy") ? HWS_VERIFY_WHEN_CHANGED : HWS_VERIFY_ALWAYS;
    hws_status status = hws_sync(m->comm, m->state, (hws_strategy)strategy, &options, &result);
    answer_state(m, status, began_ns, &result);
}
