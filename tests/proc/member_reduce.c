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

static bool sum_is_right(const struct reduction *r, const hws_result *result)
{
    float period[PERIOD] = {0};
    for (uint32_t rank = 0; rank < result->member_count; rank++) {
        add_period(period, result->members[rank].value, r->tag);
    }
    return holds(r->output, r->count, period);
}

static bool input_is_right(const struct member *m, const struct reduction *r)
{
    float period[PERIOD] = {0};
    add_period(period, m->self, r->tag);
    return holds(r->input, r->count, period);
}

static bool prepare(const struct member *m, const struct words *words, struct reduction *r)
{
    memset(r, 0, sizeof *r);
    r->tag = words_number(words, "tag", 0);
    r->count = words_number(words, "count", 1000);
    r->input = malloc(r->count * sizeof *r->input);
    r->output = words_flag(words, "inplace") ? r->input : malloc(r->count * sizeof *r->output);
    if (r->input == NULL || r->output == NULL) {
        return false;
    }
    fill(r->input, r->count, m->self, r->tag);
    return true;
}

static void let_go(struct reduction *r)
{
    if (r->output != r->input) {
        free(r->output);
    }
    free(r->input);
}

// Checks what the call left behind, answers, frees.
static void conclude(struct member *m, struct reduction *r, hws_status status,
                     const hws_result *result)
{
    if (status == HWS_OK) {
        answer(status, r->began_ns, result, "sum=%s hash=%016" PRIx64,
               sum_is_right(r, result) ? "right" : "wrong",
               (uint64_t)XXH3_64bits(r->output, r->count * sizeof *r->output));
    } else {
        answer(status, r->began_ns, result, "restored=%s", input_is_right(m, r) ? "yes" : "no");
    }
    let_go(r);
}

void do_reduce(struct member *m, const struct words *words)
{
    struct reduction r;
    hws_result result = HWS_RESULT_INIT;
    hws_options options = words_options(words);
    if (!prepare(m, words, &r)) {
        answer(HWS_E_NO_MEMORY, now_ns(), NULL, "who=member");
        return;
    }
    r.began_ns = now_ns();
    hws_status status =
        hws_all_reduce(m->comm, r.input, r.output, r.count, HWS_F32, HWS_SUM, &options, &result);
    conclude(m, &r, status, &result);
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
        struct reduction r;
        if (!prepare(m, words, &r)) {
            status = HWS_E_NO_MEMORY;
            break;
        }
        r.began_ns = now_ns();
        status = hws_all_reduce(m->comm, r.input, r.output, r.count, HWS_F32, HWS_SUM, &options,
                                &result);
        uint64_t took_ns = now_ns() - r.began_ns;
        slowest_ns = took_ns > slowest_ns ? took_ns : slowest_ns;
        right = status == HWS_OK ? sum_is_right(&r, &result) : input_is_right(m, &r);
        let_go(&r);
    }
    answer(status, began_ns, &result, "calls=%" PRIu64 " slowest_ms=%.1f sum=%s", made,
           (double)slowest_ns / 1e6, right ? "right" : "wrong");
}

void do_start(struct member *m, const struct words *words)
{
    struct reduction *r = &m->started[m->started_count];
    hws_options options = words_options(words);
    uint64_t began_ns = now_ns();
    if (m->started_count == STARTED_MAX || !prepare(m, words, r)) {
        answer(HWS_E_LIMIT, began_ns, NULL, "who=member");
        return;
    }
    r->began_ns = now_ns();
    hws_status status = hws_all_reduce_async(m->comm, r->input, r->output, r->count, HWS_F32,
                                             HWS_SUM, &options, &r->request);
    answer(status, began_ns, NULL, "%s", ""); // the buffers are lent: nobody looks at them now
    if (status == HWS_OK) {
        m->started_count++;
    } else {
        let_go(r);
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
    struct reduction r = m->started[0];
    if (m->started_count == 0) {
        answer(HWS_E_INVALID, now_ns(), NULL, "who=member");
        return;
    }
    uint32_t timeout_ms = (uint32_t)words_number(words, "for_ms", UINT32_MAX);
    hws_status status = hws_wait(r.request, timeout_ms, &result);
    if (status == HWS_E_PENDING) {
        answer(status, r.began_ns, NULL, "%s", "");
        return;
    }
    memmove(m->started, m->started + 1, (size_t)--m->started_count * sizeof *m->started);
    conclude(m, &r, status, &result);
}
