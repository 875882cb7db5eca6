// SPDX-License-Identifier: MIT
// hws_batch: drives the machine of runtime/call/batch.h with requests.
#include <hawser/wait.h>

#include "runtime/call/batch.h"
#include "runtime/error.h"
#include "runtime/request.h"
#include "runtime/wait.h"

struct flight {
    struct hws_comm *comm;
    struct hwi_batch batch;
    struct hws_request *flying[HWI_OPS_MAX]; // batch.in_flight of them, in no order
    size_t places[HWI_OPS_MAX];              // of each among the operations
};

static void start(struct flight *flight, struct hwi_call *call)
{
    struct hwi_batch *batch = &flight->batch;
    uint32_t slot = batch->in_flight;
    hws_status status = hwi_request_launch(flight->comm, "hws_batch", call, &flight->flying[slot]);
    if (status == HWS_OK) {
        flight->places[slot] = hwi_batch_started(batch);
    } else {
        struct hwi_error why;
        hwi_error_keep(&why, status);
        hwi_batch_refused(batch, &why);
    }
}

static void collect(struct flight *flight, uint32_t slot)
{
    struct hwi_error outcome;
    size_t place = flight->places[slot];
    struct hws_request *request = flight->flying[slot];
    uint32_t pending = request->reply.u.reply.pending;
    hws_result *result = hwi_batch_result(&flight->batch, place);
    hwi_error_keep(&outcome, hwi_request_collect(request, NULL, result));
    hwi_batch_ended(&flight->batch, place, pending, &outcome);
    flight->flying[slot] = flight->flying[flight->batch.in_flight];
    flight->places[slot] = flight->places[flight->batch.in_flight];
}

// Waits until one is done, and collects all that are by then.
static void collect_some(struct flight *flight)
{
    bool done[HWI_OPS_MAX];
    struct hwi_wait wait;
    uint32_t count = flight->batch.in_flight;
    struct hws_comm *comm = flight->flying[0]->comm;
    hwi_wait_own(&wait, comm, flight->flying, count);
    hwi_wait_for(&wait, 1, HWI_NEVER);
    hwi_wait_end(&wait, NULL);
    pthread_mutex_lock(&comm->mutex);
    for (uint32_t i = 0; i < count; i++) {
        done[i] = flight->flying[i]->done;
    }
    pthread_mutex_unlock(&comm->mutex);
    for (uint32_t i = count; i-- > 0;) { // the last one takes a free slot
        if (done[i]) {
            collect(flight, i);
        }
    }
}

static void run(struct flight *flight)
{
    struct hwi_call call;
    enum hwi_batch_step step;
    while ((step = hwi_batch_next(&flight->batch, hwi_host_now(), &call)) != HWI_BATCH_OVER) {
        if (step == HWI_BATCH_START) {
            start(flight, &call);
        } else {
            collect_some(flight);
        }
    }
}

// All members that returned the same batch read the same number, regardless of the order here.
static void set_pending(const struct flight *flight)
{
    if (hwi_comm_lock(flight->comm, "hws_batch") == HWS_OK) {
        flight->comm->caller.pending = flight->batch.pending;
        pthread_mutex_unlock(&flight->comm->mutex);
    }
}

static hws_status begin(struct flight *flight, uint32_t timeout_ms)
{
    struct hwi_error error;
    hws_status status = hwi_comm_lock(flight->comm, "hws_batch");
    if (status != HWS_OK) {
        return status;
    }
    struct hwi_caller caller = flight->comm->caller;
    pthread_mutex_unlock(&flight->comm->mutex);
    status = hwi_batch_begin(&flight->batch, &caller, timeout_ms, hwi_host_now(), &error);
    return status == HWS_OK ? HWS_OK : hwi_error_again(&error);
}

hws_status hws_batch(hws_comm *comm, const hws_op *ops, size_t count, uint32_t window,
                     uint32_t timeout_ms, hws_status *statuses, hws_result *results)
{
    struct hwi_error error;
    struct flight flight = {.comm = comm,
                            .batch = {.ops = ops,
                                      .count = count,
                                      .window = window,
                                      .statuses = statuses,
                                      .results = results}};
    hws_status status = hwi_comm_check(comm, "hws_batch", NULL);
    if (status == HWS_OK) {
        status = begin(&flight, timeout_ms);
    }
    if (status != HWS_OK || count == 0) {
        return status;
    }
    run(&flight);
    if (hwi_batch_conclude(&flight.batch, &error) != HWS_OK) {
        return hwi_error_again(&error);
    }
    set_pending(&flight);
    return HWS_OK;
}
