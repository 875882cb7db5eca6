// SPDX-License-Identifier: MIT
// The member's all-reduces: every result and every restored buffer is checked, element by element.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/proc/member.h"

// Small integers that repeat: every sum is exact, so one period tells what the whole buffer must
// hold.
enum { PERIOD = 251 };

static float value(uint64_t peer, uint64_t tag, size_t index)
{
    return (float)((peer * 7 + tag * 13 + index) % PERIOD);
}

static void add_period(float period[PERIOD], uint64_t peer, uint64_t tag)
{
    for (size_t i = 0; i < PERIOD; i++) {
        period[i] += value(peer, tag, i);
    }
}

static void fill(float *buffer, size_t count, uint64_t peer, uint64_t tag)
{
    float period[PERIOD] = {0};
    add_period(period, peer, tag);
    for (size_t i = 0; i < count; i += PERIOD) {
        memcpy(buffer + i, period, (count - i < PERIOD ? count - i : PERIOD) * sizeof *buffer);
    }
}

static bool holds(const float *buffer, size_t count, const float period[PERIOD])
{
    for (size_t i = 0; i < count; i += PERIOD) {
        if (memcmp(buffer + i, period,
                   (count - i < PERIOD ? count - i : PERIOD) * sizeof *buffer) != 0) {
            return false;
        }
    }
    return true;
}

static bool sum_is_right(const struct operation *op, const hws_result *result)
{
    float period[PERIOD] = {0};
    for (uint32_t rank = 0; rank < result->member_count; rank++) {
        add_period(period, result->members[rank].value, op->tag);
    }
    return holds(op->output, op->count, period);
}

static bool input_is_right(const struct member *m, const struct operation *op)
{
    float period[PERIOD] = {0};
    add_period(period, m->self, op->tag);
    return holds(op->input, op->count, period);
}

static bool prepare(const struct member *m, const struct words *words, struct operation *op)
{
    memset(op, 0, sizeof *op);
    op->tag = words_number(words, "tag", 0);
    op->count = words_number(words, "count", 1000);
    op->input = malloc(op->count * sizeof *op->input);
    op->output = words_flag(words, "inplace") ? op->input : malloc(op->count * sizeof *op->output);
    if (op->input == NULL || op->output == NULL) {
        return false;
    }
    fill(op->input, op->count, m->self, op->tag);
    return true;
}

static void let_go(struct operation *op)
{
    if (op->output != op->input) {
        free(op->output);
    }
    free(op->input);
}

// Checks what the call left behind, answers, frees.
static void conclude(struct member *m, struct operation *op, hws_status status,
                     const hws_result *result)
{
    if (status == HWS_OK) {
        answer(status, op->began_ns, result, "sum=%s hash=%016" PRIx64,
               sum_is_right(op, result) ? "right" : "wrong",
               (uint64_t)XXH3_64bits(op->output, op->count * sizeof *op->output));
    } else {
        answer(status, op->began_ns, result, "restored=%s", input_is_right(m, op) ? "yes" : "no");
    }
    let_go(op);
}

void do_reduce(struct member *m, const struct words *words)
{
    struct operation op;
    hws_result result = HWS_RESULT_INIT;
    hws_options options = words_options(words);
    if (!prepare(m, words, &op)) {
        answer(HWS_E_NO_MEMORY, now_ns(), NULL, "who=member");
        return;
    }
    op.began_ns = now_ns();
    hws_status status =
        hws_all_reduce(m->comm, op.input, op.output, op.count, HWS_F32, HWS_SUM, &options, &result);
    conclude(m, &op, status, &result);
}

// `calls` reductions one after another, each checked; stops at the first that is not right.
void do_loop(struct member *m, const struct words *words)
{
    hws_result result = HWS_RESULT_INIT;
    hws_options options = words_options(words);
    hws_status status = HWS_OK;
    uint64_t calls = words_number(words, "calls", 100), made = 0, slowest_ns = 0,
             began_ns = now_ns();
    bool right = true;
    for (; made < calls && status == HWS_OK && right; made++) {
        struct operation op;
        if (!prepare(m, words, &op)) {
            status = HWS_E_NO_MEMORY;
            break;
        }
        op.began_ns = now_ns();
        status = hws_all_reduce(m->comm, op.input, op.output, op.count, HWS_F32, HWS_SUM, &options,
                                &result);
        uint64_t took_ns = now_ns() - op.began_ns;
        slowest_ns = took_ns > slowest_ns ? took_ns : slowest_ns;
        right = status == HWS_OK ? sum_is_right(&op, &result) : input_is_right(m, &op);
        let_go(&op);
    }
    answer(status, began_ns, &result, "calls=%" PRIu64 " slowest_ms=%.1f sum=%s", made,
           (double)slowest_ns / 1e6, right ? "right" : "wrong");
}

void do_start(struct member *m, const struct words *words)
{
    struct operation *op = &m->started[m->started_count];
    hws_options options = words_options(words);
    uint64_t began_ns = now_ns();
    if (m->started_count == STARTED_MAX || !prepare(m, words, op)) {
        answer(HWS_E_LIMIT, began_ns, NULL, "who=member");
        return;
    }
    op->began_ns = now_ns();
    hws_status status = hws_all_reduce_async(m->comm, op->input, op->output, op->count, HWS_F32,
                                             HWS_SUM, &options, &op->request);
    answer(status, began_ns, NULL, "%s", ""); // the buffers are lent: nobody looks at them now
    if (status == HWS_OK) {
        m->started_count++;
    } else {
        let_go(op);
    }
}

// Cancels the oldest started one.
void do_cancel(struct member *m, const struct words *words)
{
    (void)words;
    hws_status status = hws_cancel(m->started[0].request);
    answer(status, now_ns(), NULL, "%s", "");
}

// Waits for the oldest started one; its milliseconds count from the start.
void do_wait(struct member *m, const struct words *words)
{
    hws_result result = HWS_RESULT_INIT;
    struct operation op = m->started[0];
    if (m->started_count == 0) {
        answer(HWS_E_INVALID, now_ns(), NULL, "who=member");
        return;
    }
    uint32_t timeout_ms = (uint32_t)words_number(words, "for_ms", UINT32_MAX);
    hws_status status = hws_wait(op.request, timeout_ms, &result);
    if (status == HWS_E_PENDING) {
        answer(status, op.began_ns, NULL, "%s", "");
        return;
    }
    memmove(m->started, m->started + 1, (size_t)--m->started_count * sizeof *m->started);
    conclude(m, &op, status, &result);
}
