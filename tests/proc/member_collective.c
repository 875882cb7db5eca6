// SPDX-License-Identifier: MIT
// The member's other collectives, each checked element by element; and many at once.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/proc/member.h"

enum { OPS_MAX = 64, COUNTS_MAX = 64 };

// Small integers: every sum is exact.
static float value(uint64_t peer, uint64_t tag, size_t index)
{
    return (float)((peer * 7 + tag * 13 + index) % 251);
}

static void fill(float *buffer, size_t count, uint64_t peer, uint64_t tag)
{
    for (size_t i = 0; i < count; i++) {
        buffer[i] = value(peer, tag, i);
    }
}

// `count` elements from `first` on are those of the peer, from the beginning of its input.
static bool is_of(const float *buffer, size_t first, size_t count, uint64_t peer, uint64_t tag)
{
    size_t i = 0;
    while (i < count && buffer[first + i] == value(peer, tag, i)) {
        i++;
    }
    return i == count;
}

static bool is_sum(const float *buffer, const hws_result *result, uint64_t tag)
{
    for (size_t i = 0; i < result->count; i++) {
        float sum = 0;
        for (uint32_t rank = 0; rank < result->member_count; rank++) {
            sum += value(result->members[rank].value, tag, result->offset + i);
        }
        if (buffer[i] != sum) {
            return false;
        }
    }
    return true;
}

static const char *word(bool right)
{
    return right ? "right" : "wrong";
}

// Answers a request whose memory is not valid.
static float *take(size_t count)
{
    float *memory = malloc((count + 1) * sizeof *memory);
    if (memory == NULL) {
        answer(HWS_E_NO_MEMORY, now_ns(), NULL, "who=member");
    } else {
        fill(memory, count, 0, 0);
    }
    return memory;
}

static void tell(hws_status status, uint64_t began_ns, const hws_result *result, bool right)
{
    answer(status, began_ns, result, "sum=%s offset=%" PRIu64 " count=%" PRIu64, word(right),
           result->offset, result->count);
}

// scatter count= [room=] [inplace]
void do_scatter(struct member *m, const struct words *words)
{
    hws_result result = HWS_RESULT_INIT;
    hws_options options = words_options(words);
    size_t count = words_number(words, "count", 1000), room = words_number(words, "room", count);
    float *input = take(count), *output = words_flag(words, "inplace") ? input : take(room);
    if (input != NULL && output != NULL) {
        fill(input, count, m->self, options.tag);
        uint64_t began_ns = now_ns();
        hws_status status = hws_reduce_scatter(m->comm, input, count, output, room, HWS_F32,
                                               HWS_SUM, &options, &result);
        const float *part = output + (output == input ? result.offset : 0);
        bool right = status == HWS_OK ? is_sum(part, &result, options.tag)
                                      : is_of(input, 0, count, m->self, options.tag);
        tell(status, began_ns, &result, right);
    }
    if (output != input) {
        free(output);
    }
    free(input);
}

static bool is_gathered(const float *output, const size_t *counts, size_t count,
                        const hws_result *result, uint64_t tag)
{
    size_t at = 0;
    for (uint32_t rank = 0; rank < result->member_count; rank++) {
        size_t given = counts != NULL ? counts[rank] : count;
        if (!is_of(output, at, given, result->members[rank].value, tag)) {
            return false;
        }
        at += given;
    }
    return true;
}

// gather count= room= [unequal] [inplace: at the place of rank=]
void do_gather(struct member *m, const struct words *words)
{
    hws_result result = HWS_RESULT_INIT;
    hws_options options = words_options(words);
    size_t count = words_number(words, "count", 1000),
           room = words_number(words, "room", 8 * count);
    size_t counts[COUNTS_MAX], *given = words_flag(words, "unequal") ? counts : NULL;
    float *output = take(room), *own = take(count), *input = own;
    if (output != NULL && own != NULL) {
        if (words_flag(words, "inplace")) {
            input = output + words_number(words, "rank", 0) * count;
        }
        fill(input, count, m->self, options.tag);
        uint64_t began_ns = now_ns();
        hws_status status = hws_all_gather(m->comm, input, count, output, room, given, COUNTS_MAX,
                                           HWS_F32, &options, &result);
        bool right = status == HWS_OK ? is_gathered(output, given, count, &result, options.tag)
                                      : is_of(input, 0, count, m->self, options.tag);
        tell(status, began_ns, &result, right);
    }
    free(own);
    free(output);
}

// broadcast count= root= [inplace] [without: no input]
void do_broadcast(struct member *m, const struct words *words)
{
    hws_result result = HWS_RESULT_INIT;
    hws_options options = words_options(words);
    hws_peer_id root = {words_number(words, "root", 0)};
    size_t count = words_number(words, "count", 1000);
    float *output = take(count), *input = words_flag(words, "inplace") ? output : take(count);
    if (output != NULL && input != NULL) {
        fill(output, count, m->self, options.tag);
        fill(input, count, m->self, options.tag);
        const float *given = words_flag(words, "without") ? NULL : input;
        uint64_t began_ns = now_ns();
        hws_status status =
            hws_broadcast(m->comm, given, output, count, HWS_F32, root, &options, &result);
        uint64_t of = status == HWS_OK ? root.value : m->self;
        bool right = is_of(status == HWS_OK ? output : input, 0, count, of, options.tag);
        tell(status, began_ns, &result, right);
    }
    if (input != output) {
        free(input);
    }
    free(output);
}

// barrier [run]
void do_barrier(struct member *m, const struct words *words)
{
    hws_result result = HWS_RESULT_INIT;
    hws_options options = words_options(words);
    uint64_t began_ns = now_ns();
    options.scope = words_flag(words, "run") ? HWS_SCOPE_RUN : HWS_SCOPE_GROUP;
    hws_status status = hws_barrier(m->comm, &options, &result);
    answer(status, began_ns, &result, "%s", "");
}

// One of many at once, in place: a reduction or a broadcast of tag `tag`.
static hws_status start(struct member *m, uint64_t tag, uint64_t root, float *memory, size_t count,
                        hws_request **request)
{
    hws_op op = HWS_OP_INIT;
    op.what = tag % 2 ? HWS_ALL_REDUCE : HWS_BROADCAST;
    op.input = op.output = memory;
    op.count = count;
    op.dtype = HWS_F32;
    op.redop = HWS_SUM;
    op.root.value = root;
    op.options.tag = tag;
    op.options.timeout_ms = 60000;
    fill(memory, count, m->self, tag);
    return hws_start(m->comm, &op, request);
}

static bool is_right(uint64_t tag, uint64_t root, const float *memory, size_t count,
                     const hws_result *result)
{
    if (result->count != count) {
        return false;
    }
    return tag % 2 ? is_sum(memory, result, tag) : is_of(memory, 0, count, root, tag);
}

// many ops= count= root= [backwards]: tags 1..ops, of 1 to 4 times `count` elements, then waits for
// all.
void do_many(struct member *m, const struct words *words)
{
    float *memory[OPS_MAX] = {NULL};
    hws_request *requests[OPS_MAX] = {NULL};
    size_t ops = words_number(words, "ops", OPS_MAX), count = words_number(words, "count", 1000);
    uint64_t root = words_number(words, "root", 0), began_ns = now_ns();
    hws_result result = HWS_RESULT_INIT;
    hws_status status = HWS_OK;
    bool right = true;
    for (size_t i = 0; i < ops && i < OPS_MAX && status == HWS_OK; i++) {
        size_t tag = words_flag(words, "backwards") ? ops - i : i + 1;
        memory[tag - 1] = malloc(count * (1 + tag % 4) * sizeof(float));
        status = start(m, tag, root, memory[tag - 1], count * (1 + tag % 4), &requests[tag - 1]);
    }
    for (size_t i = 0; i < OPS_MAX; i++) {
        hws_status ended = HWS_OK;
        if (requests[i] != NULL) {
            ended = hws_wait(requests[i], UINT32_MAX, &result);
        }
        if (requests[i] != NULL && ended == HWS_OK) {
            right &= is_right(i + 1, root, memory[i], count * (1 + (i + 1) % 4), &result);
        }
        status = status == HWS_OK ? ended : status;
        free(memory[i]);
    }
    answer(status, began_ns, &result, "sum=%s", word(right));
}
