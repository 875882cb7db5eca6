// SPDX-License-Identifier: MIT
// One member of the kill test: all-reduces in a loop, checks every result, and restores after every
// abort.
#include <hawser/hawser.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/proc/kills.h"
#include "tests/support/phases.h"
#include "transport/host/host.h"

enum { COUNT = KILLS_BYTES / sizeof(float) };

struct member {
    struct kills_page *page;
    hws_comm *comm;
    uint64_t self;  // own peer id
    uint64_t view;  // of the last call
    uint64_t place; // of the next call in it
    float *input, *output;
};

// Small integers: every sum is exact, so one formula checks all orders of addition.
static float value(uint64_t peer, size_t index)
{
    return (float)((peer * 7 + index) % 251);
}

static void fill(float *buffer, uint64_t peer)
{
    for (size_t i = 0; i < COUNT; i++) {
        buffer[i] = value(peer, i);
    }
}

// Sees each step of this process's actors, on the host's thread.
static void observe(void *user, const struct hwi_actor_ops *actor, const struct hwi_event *event,
                    const struct hwi_effects *effects)
{
    struct kills_page *page = user;
    (void)actor;
    switch (event->msg->type) {
    case HWI_MSG_op_start:
        atomic_store(&page->phase, PHASE_ANNOUNCED);
        break;
    case HWI_MSG_chunk:
        if (event->msg->u.chunk.phase == PHASE_RESULTS) {
            atomic_store(&page->phase, PHASE_ALL_GATHER);
        } else if (atomic_load(&page->phase) == PHASE_ANNOUNCED) {
            atomic_store(&page->phase, PHASE_REDUCE_SCATTER);
        }
        break;
    case HWI_MSG_op_done:
        atomic_store(&page->phase, PHASE_DONE_SENT);
        break;
    case HWI_MSG_op_end:
        atomic_store(&page->phase, PHASE_BETWEEN);
        break;
    case HWI_MSG_announce:
        atomic_store(&page->announced_ns, event->now_ns);
        break;
    default:
        break;
    }
    (void)effects;
}

void kills_watch(struct kills_page *page)
{
    hwi_host_observe(observe, page);
}

static void log_op(struct member *m, const hws_result *result)
{
    struct kills_page *page = m->page;
    uint64_t slot = atomic_load(&page->logged);
    page->ops[slot % KILLS_OPS_LOGGED] = (struct kills_op){
        .view = result->view.value, .place = m->place, .hash = XXH3_64bits(m->output, KILLS_BYTES)};
    atomic_store(&page->logged, slot + 1);
}

static bool sum_is_right(const struct member *m, const hws_result *result)
{
    for (size_t i = 0; i < COUNT; i++) {
        float expected = 0;
        for (uint32_t rank = 0; rank < result->member_count; rank++) {
            expected += value(result->members[rank].value, i);
        }
        if (m->output[i] != expected) {
            return false;
        }
    }
    return true;
}

static bool input_is_right(const struct member *m)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (m->input[i] != value(m->self, i)) {
            return false;
        }
    }
    return true;
}

static void follow_view(struct member *m)
{
    hws_result result = HWS_RESULT_INIT;
    if (hws_view(m->comm, &result) == HWS_OK && result.view.value != m->view) {
        m->view = result.view.value;
        m->place = 0;
    }
}

static void reduce(struct member *m, bool in_place)
{
    hws_result result = HWS_RESULT_INIT;
    m->output = in_place ? m->input : m->input + COUNT;
    fill(m->input, m->self);
    hws_status status =
        hws_all_reduce(m->comm, m->input, m->output, COUNT, HWS_F32, HWS_SUM, NULL, &result);
    if (status == HWS_OK) {
        atomic_fetch_add(&m->page->committed, 1);
        atomic_fetch_add(&m->page->wrong_sums, !sum_is_right(m, &result));
        log_op(m, &result);
        m->place++;
    } else if (hws_status_class(status) == HWS_CLASS_VIEW) {
        atomic_fetch_add(&m->page->aborted, status != HWS_E_VIEW);
        atomic_fetch_add(&m->page->wrong_restores, !input_is_right(m));
        follow_view(m);
    } else {
        atomic_fetch_add(&m->page->wrong_statuses, 1);
        fprintf(stderr, "member %llu: %s\n", (unsigned long long)m->self, hws_last_error());
    }
    atomic_fetch_add(&m->page->alive, 1);
}

static void admit_who_waits(struct member *m)
{
    uint32_t pending = 0;
    if (hws_pending(m->comm, &pending) == HWS_OK && pending > 0) {
        hws_admit(m->comm, NULL);
        follow_view(m);
    }
}

int kills_member(struct kills_page *page, const char *master)
{
    struct member m = {.page = page};
    hws_config config = HWS_CONFIG_INIT;
    config.master = master;
    m.input = malloc(2 * (size_t)KILLS_BYTES);
    kills_watch(page);
    if (m.input == NULL || hws_open(&config, &m.comm) != HWS_OK) {
        fprintf(stderr, "member: %s\n", hws_last_error());
        return 1;
    }
    hws_result result = HWS_RESULT_INIT;
    hws_view(m.comm, &result);
    m.self = result.members[result.rank].value;
    follow_view(&m);
    atomic_store(&page->phase, PHASE_BETWEEN);
    for (uint64_t round = 0; atomic_load(&page->wrong_statuses) == 0; round++) {
        reduce(&m, round % 2 == 0);
        admit_who_waits(&m);
    }
    hws_close(m.comm);
    free(m.input);
    return 1;
}
