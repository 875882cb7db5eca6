// SPDX-License-Identifier: MIT
// One member of the kill test with batches: what each operation of a batch holds must be the sum
// over exactly the members that its result names, of this step and of this place in the batch.
#include <hawser/hawser.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/proc/kills.h"

enum {
    OPS = 24,
    TAGS = 6,
    WINDOW = 8,
    PERIOD = 61,
    COUNT_MAX = PERIOD * 4000, // elements of the largest
};

struct member {
    struct kills_page *page;
    hws_comm *comm;
    uint64_t self; // own peer id
    uint64_t step; // UINT64_MAX = not told yet
    bool told;     // since the membership changed, all members have the same
    uint32_t pending;
    float *inputs[OPS], *outputs[OPS];
    hws_op ops[OPS];
    hws_status statuses[OPS];
    hws_result results[OPS];
};

static size_t count_of(uint64_t place)
{
    return PERIOD * (1 + place * 1663 % 4000);
}

// A member gives its id, at one place of each period; so a sum tells whose parts are in it, and
// that they are of this step and operation.
static void add_period(float period[PERIOD], uint64_t peer, uint64_t step, uint64_t place)
{
    period[(peer + 7 * step + place) % PERIOD] += (float)peer;
}

static void fill(float *buffer, const float period[PERIOD], uint64_t place)
{
    for (size_t i = 0; i < count_of(place); i += PERIOD) {
        memcpy(buffer + i, period, PERIOD * sizeof *buffer);
    }
}

static bool holds(const float *buffer, const float period[PERIOD], uint64_t place)
{
    for (size_t i = 0; i < count_of(place); i += PERIOD) {
        if (memcmp(buffer + i, period, PERIOD * sizeof *buffer) != 0) {
            return false;
        }
    }
    return true;
}

static void prepare(struct member *m)
{
    const hws_op op = HWS_OP_INIT;
    const hws_result result = HWS_RESULT_INIT;
    for (uint64_t i = 0; i < OPS; i++) {
        float period[PERIOD] = {0};
        add_period(period, m->self, m->step, i);
        fill(m->inputs[i], period, i);
        m->ops[i] = op;
        m->ops[i].what = HWS_ALL_REDUCE;
        m->ops[i].input = m->inputs[i];
        m->ops[i].output = i % 2 == 0 ? m->inputs[i] : m->outputs[i];
        m->ops[i].count = count_of(i);
        m->ops[i].dtype = HWS_F32;
        m->ops[i].redop = HWS_SUM;
        m->ops[i].options.tag = i % TAGS;
        m->results[i] = result;
    }
}

static void check_sum(struct member *m, uint64_t place)
{
    struct kills_page *page = m->page;
    const hws_result *result = &m->results[place];
    const float *output = m->ops[place].output;
    float period[PERIOD] = {0};
    for (uint32_t rank = 0; rank < result->member_count; rank++) {
        add_period(period, result->members[rank].value, m->step, place);
    }
    atomic_fetch_add(&page->committed, 1);
    atomic_fetch_add(&page->retried, result->attempts > 1);
    atomic_fetch_add(&page->wrong_sums, !holds(output, period, place));
    uint64_t slot = atomic_load(&page->logged);
    page->ops[slot % KILLS_OPS_LOGGED] =
        (struct kills_op){.view = result->view.value,
                          .place = m->step * OPS + place,
                          .hash = XXH3_64bits(output, count_of(place) * sizeof(float))};
    atomic_store(&page->logged, slot + 1);
}

static void check_restored(struct member *m, uint64_t place)
{
    float period[PERIOD] = {0};
    add_period(period, m->self, m->step, place);
    atomic_fetch_add(&m->page->aborted, m->results[place].attempts > 0);
    atomic_fetch_add(&m->page->wrong_restores, !holds(m->inputs[place], period, place));
}

// Some operations were reduced over other members than the first.
static bool is_mixed(const struct member *m)
{
    for (uint32_t i = 1; i < OPS; i++) {
        if (m->results[i].view.value != m->results[0].view.value) {
            return true;
        }
    }
    return false;
}

// After a failure only what belongs to the membership failing is expected.
static void go_on(struct member *m, hws_status status)
{
    m->told = false;
    m->pending = 0;
    if (hws_status_class(status) == HWS_CLASS_VIEW) {
        hws_view(m->comm, NULL);
        return;
    }
    atomic_fetch_add(&m->page->wrong_statuses, 1);
    fprintf(stderr, "member %llu: %s\n", (unsigned long long)m->self, hws_last_error());
}

static void run_batch(struct member *m)
{
    bool all = true;
    prepare(m);
    hws_status status = hws_batch(m->comm, m->ops, OPS, WINDOW, 0, m->statuses, m->results);
    for (uint32_t i = 0; i < OPS; i++) {
        all = all && m->statuses[i] == HWS_OK;
        if (m->statuses[i] == HWS_OK) {
            check_sum(m, i);
        } else {
            check_restored(m, i);
        }
    }
    atomic_fetch_add(&m->page->wrong_statuses, all != (status == HWS_OK));
    atomic_fetch_add(&m->page->mixed, all && is_mixed(m));
    atomic_fetch_add(&m->page->alive, 1);
    if (status != HWS_OK) {
        fprintf(stderr, "member %llu, step %llu: %s\n", (unsigned long long)m->self,
                (unsigned long long)m->step, hws_last_error());
        go_on(m, status);
        return;
    }
    m->step++;
    m->pending = m->results[OPS - 1].pending;
}

// All members go on with the same step, newcomers included.
static void tell_step(struct member *m)
{
    hws_options options = HWS_OPTIONS_INIT;
    hws_result result = HWS_RESULT_INIT;
    uint64_t agreed;
    options.tag = TAGS;
    options.retry = 1;
    hws_status status = hws_agree(m->comm, m->step, HWS_AGREE_MIN, &options, &agreed, &result);
    if (status != HWS_OK) {
        go_on(m, status);
        return;
    }
    m->step = agreed == UINT64_MAX ? 0 : agreed;
    m->told = true;
    m->pending = result.pending;
}

static void admit(struct member *m)
{
    hws_status status = hws_admit(m->comm, NULL);
    if (status != HWS_OK) {
        go_on(m, status);
    }
    m->told = false;
    m->pending = 0;
}

static bool take_memory(struct member *m)
{
    for (uint32_t i = 0; i < OPS; i++) {
        m->inputs[i] = malloc(COUNT_MAX * sizeof(float));
        m->outputs[i] = malloc(COUNT_MAX * sizeof(float));
        if (m->inputs[i] == NULL || m->outputs[i] == NULL) {
            return false;
        }
    }
    return true;
}

int batch_member(struct kills_page *page, const char *master)
{
    static struct member m;
    hws_config config = HWS_CONFIG_INIT;
    hws_result result = HWS_RESULT_INIT;
    m.page = page;
    m.step = UINT64_MAX;
    config.master = master;
    kills_watch(page);
    if (!take_memory(&m) || hws_open(&config, &m.comm) != HWS_OK) {
        fprintf(stderr, "member: %s\n", hws_last_error());
        return 1;
    }
    hws_view(m.comm, &result);
    m.self = result.members[result.rank].value;
    atomic_store(&page->phase, PHASE_BETWEEN);
    while (atomic_load(&page->wrong_statuses) == 0) {
        if (m.told) {
            run_batch(&m);
        } else {
            tell_step(&m);
        }
        if (m.pending > 0) {
            admit(&m);
        }
    }
    hws_close(m.comm);
    return 1;
}
