// SPDX-License-Identifier: MIT
// Calls in flight that are made again, the same, until they hold: a member that is slower than a
// deadline costs the others time and nothing else. After a failed call new ones are held back until
// all in flight are collected and hws_view has acknowledged the new view.
#include "train_digits/trainer.h"

static bool is_lost(const struct flight *flight)
{
    return flight->request == NULL && hws_status_class(flight->status) == HWS_CLASS_VIEW;
}

static void collect(struct trainer *t, struct flight *flight)
{
    if (flight->request != NULL) {
        flight->result = (hws_result)HWS_RESULT_INIT;
        flight->status = wait_for(t, &flight->request, &flight->result);
    }
}

static void start(struct trainer *t, struct flight *flight)
{
    flight->status = hws_start(t->comm, &flight->op, &flight->request);
    if (flight->status) {
        flight->request = NULL;
    }
}

// Collects all, and makes the lost calls again in the order they were first made in. With too few
// members they would fail again: HWS_E_TOO_FEW.
static hws_status start_again(struct trainer *t)
{
    bool few = false;
    for (uint32_t i = 0; i < t->flight_count; i++) {
        collect(t, t->flights[i]);
        few = few || t->flights[i]->status == HWS_E_TOO_FEW;
    }
    hws_status status = few ? HWS_E_TOO_FEW : hws_view(t->comm, NULL);
    for (uint32_t i = 0; i < t->flight_count && status == HWS_OK; i++) {
        if (is_lost(t->flights[i])) {
            start(t, t->flights[i]);
        }
    }
    return status;
}

static void forget(struct trainer *t, struct flight *flight)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->flight_count; i++) {
        if (t->flights[i] != flight) {
            t->flights[kept++] = t->flights[i];
        }
    }
    t->flight_count = kept;
    flight->busy = false;
}

hws_status flight_start(struct trainer *t, const hws_op *op, struct flight *flight)
{
    flight->op = *op;
    flight->op.options.retry = 1;
    flight->busy = true;
    t->flights[t->flight_count++] = flight;
    start(t, flight);
    hws_status status = HWS_OK;
    for (int i = 0; i < TRIES_MAX && status == HWS_OK && is_lost(flight); i++) {
        status = start_again(t);
    }
    status = status == HWS_OK && flight->request == NULL ? flight->status : status;
    if (status) {
        forget(t, flight);
    }
    return status;
}

hws_status flight_finish(struct trainer *t, struct flight *flight)
{
    hws_status status = HWS_OK;
    collect(t, flight);
    for (int i = 0; i < TRIES_MAX && status == HWS_OK && is_lost(flight); i++) {
        status = start_again(t);
        if (status == HWS_OK) {
            collect(t, flight);
        }
    }
    forget(t, flight);
    return status ? status : flight->status;
}

hws_status flight_take(struct trainer *t, struct flight *flight)
{
    collect(t, flight);
    forget(t, flight);
    return flight->status;
}

void flights_abandon(struct trainer *t)
{
    while (t->flight_count > 0) {
        flight_take(t, t->flights[0]);
    }
}
