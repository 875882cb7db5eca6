// SPDX-License-Identifier: MIT
// hws_batch as a trainer makes it: the machine that stands behind the API says what to start when.
#include "tools/swarm/crew.h"
#include "tools/swarm/ends.h"

#include "runtime/call/result.h"

#include <stdio.h>

static void broken(struct swarm *s, const struct swarm_seat *seat, uint32_t place, const char *what)
{
    swarm_fail(s, SWARM_SAFETY, "C2: process %u, operation %u of a batch: %s", seat->node, place,
               what);
}

bool swarm_batches(const struct swarm *s, uint32_t round)
{
    struct swarm_draw draw = swarm_stream(s->config->seed, SWARM_STREAM_BATCH, round);
    return swarm_chance(&draw, s->traits.batches);
}

void swarm_batch_drop(struct swarm_seat *seat)
{
    for (uint32_t i = 0; seat->batch != NULL && i < seat->batch->machine.count; i++) {
        hwi_free(&hwi_alloc_libc, seat->batch->calls[i].memory);
    }
    hwi_free(&hwi_alloc_libc, seat->batch);
    seat->batch = NULL;
}

// ---- starting

static void start_some(struct swarm *s, struct swarm_seat *seat)
{
    struct swarm_batch *batch = seat->batch;
    struct hwi_call made;
    while (hwi_batch_next(&batch->machine, hwi_sim_now(s->sim), &made) == HWI_BATCH_START) {
        size_t place = hwi_batch_started(&batch->machine);
        struct swarm_call *call = swarm_place(s, seat, &batch->calls[place]);
        batch->calls[place].memory = NULL; // it has it now
        call->request = trainer_submit(s->sim, seat->node, &made);
    }
    if (batch->machine.in_flight > s->traits.window) {
        broken(s, seat, (uint32_t)batch->machine.next, "more are in flight than the window has");
    }
}

void swarm_batch_begin(struct swarm *s, struct swarm_seat *seat, const struct swarm_asked *calls,
                       uint32_t count)
{
    struct hwi_error error;
    struct swarm_batch *batch = hwi_new(&hwi_alloc_libc, sizeof *batch);
    struct hwi_caller caller = trainer_caller(s->sim, seat->node);
    uint64_t timeout_ms = swarm_timeout(s, seat);
    seat->batch = batch;
    for (uint32_t i = 0; i < count; i++) {
        batch->calls[i] = swarm_prepare(s, seat, &calls[i], timeout_ms);
        batch->calls[i].batch_place = i + 1;
        batch->ops[i] = trainer_op(&batch->calls[i].asked, batch->counts[i], SWARM_PEERS_MAX);
        batch->statuses[i] = HWS_E_PENDING;
        batch->results[i].bytes_of_struct = sizeof batch->results[i];
    }
    batch->machine = (struct hwi_batch){.ops = batch->ops,
                                        .count = count,
                                        .window = s->traits.window,
                                        .statuses = batch->statuses,
                                        .results = batch->results};
    hws_status status = hwi_batch_begin(&batch->machine, &caller, (uint32_t)timeout_ms,
                                        hwi_sim_now(s->sim), &error);
    if (status != HWS_OK) {
        broken(s, seat, 0, error.sentence);
        return;
    }
    start_some(s, seat);
}

// ---- ending

static void check_result(struct swarm *s, const struct swarm_seat *seat, uint32_t place,
                         const struct hwi_msg_reply *reply)
{
    const hws_result *result = &seat->batch->results[place];
    const size_t *counts = seat->batch->counts[place];
    bool same = result->status == reply->status && result->view.value == reply->view &&
                result->member_count == reply->members_count && result->rank == reply->rank;
    for (uint32_t i = 0; same && i < reply->members_count && i < HWS_RESULT_MEMBERS_MAX; i++) {
        same = result->members[i].value == reply->members[i].value;
    }
    for (uint32_t i = 0; same && reply->status == HWS_OK && i < reply->counts_count; i++) {
        same = counts[i] == reply->counts[i].value;
    }
    if (!same) {
        broken(s, seat, place, "its result is not its reply");
    }
}

// A batch retries: the first failure is no change of members before its deadline, unless it is the
// root of a broadcast that is gone.
static void check_retried(struct swarm *s, const struct swarm_seat *seat,
                          const struct swarm_call *was, hws_status status)
{
    bool first = seat->batch->machine.failure.status == HWS_OK;
    bool rootless = was->asked.kind == HWI_KIND_BROADCAST;
    bool lost = status == HWS_E_VIEW || (status == HWS_E_MEMBER_LOST && !rootless);
    bool early = hwi_sim_now(s->sim) < was->deadline_ns && !seat->clock_touched;
    if (first && lost && early) {
        broken(s, seat, was->batch_place - 1, "it was not run again after a change of members");
    }
}

// One that was not started has the batch's word for it, and nobody has touched its memory.
static void check_skipped(struct swarm *s, const struct swarm_seat *seat, uint32_t place,
                          hws_status whole)
{
    const struct swarm_batch *batch = seat->batch;
    const struct swarm_call *call = &batch->calls[place];
    hws_status status = batch->statuses[place];
    hws_status wanted = whole == HWS_E_TIMEOUT ? HWS_E_TIMEOUT : HWS_E_CANCELLED;
    if (status != wanted || batch->results[place].status != wanted) {
        broken(s, seat, place, "it was not started, and its status does not say so");
    } else if (call->memory != NULL &&
               (!swarm_guards_hold(call) || !swarm_memory_kept(call, false))) {
        broken(s, seat, place, "it was not started, and its memory changed");
    }
}

static enum swarm_batch_end conclude(struct swarm *s, struct swarm_seat *seat)
{
    struct swarm_batch *batch = seat->batch;
    struct hwi_error error;
    uint32_t count = (uint32_t)batch->machine.count, skipped = 0;
    hws_status status = hwi_batch_conclude(&batch->machine, &error);
    for (uint32_t i = 0; i < count; i++) {
        bool started = batch->calls[i].order == UINT64_MAX;
        if (!started) {
            check_skipped(s, seat, i, status);
            skipped++;
        } else if (status == HWS_OK && batch->statuses[i] != HWS_OK) {
            broken(s, seat, i, "it failed, and the batch did not");
        }
    }
    if (batch->first != HWS_OK && status != batch->first) {
        broken(s, seat, 0, "its status is not that of the first failure");
    }
    s->outcome->batches++;
    s->outcome->batches_cut += skipped > 0;
    enum swarm_batch_end end = batch->out ? SWARM_BATCH_OUT : SWARM_BATCH_RETURNED;
    seat->failed |= status != HWS_OK;
    swarm_batch_drop(seat);
    return end;
}

enum swarm_batch_end swarm_batch_answered(struct swarm *s, struct swarm_seat *seat,
                                          const struct swarm_call *was,
                                          const struct hwi_msg_reply *reply)
{
    struct swarm_batch *batch = seat->batch;
    uint32_t place = was->batch_place - 1;
    hws_status status = (hws_status)reply->status;
    struct hwi_error outcome = {.status = status};
    snprintf(outcome.sentence, sizeof outcome.sentence, "%s", hws_status_text(status));
    batch->calls[place].order = UINT64_MAX; // it is over
    check_retried(s, seat, was, status);
    // Unless the deadline ended it before
    batch->first = batch->machine.failure.status == HWS_OK ? status : batch->first;
    batch->out |= swarm_is_out(status);
    hwi_result_write(hwi_batch_result(&batch->machine, place), reply);
    if (status == HWS_OK) {
        hwi_counts_write(batch->counts[place], SWARM_PEERS_MAX, reply);
    }
    check_result(s, seat, place, reply);
    hwi_batch_ended(&batch->machine, place, reply->pending, &outcome);
    start_some(s, seat);
    return batch->machine.in_flight > 0 ? SWARM_BATCH_GOES_ON : conclude(s, seat);
}
