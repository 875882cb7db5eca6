// SPDX-License-Identifier: MIT
// Training with little communication: DiLoCo (arXiv 2311.08105), and with the reductions behind the
// members' own work as in Streaming DiLoCo (arXiv 2501.18512). docs/TRAINING.md has the algorithm.
//
// Each member makes SGD steps on its own parameters (`local`). Now and then a fragment of them is
// averaged: how far it moved from the common parameters (the pseudo-gradient) is reduced over the
// members, and a Nesterov step along the average gives the next common parameters. One loop serves
// three modes:
//   diloco        one fragment; waits for its average
//   async-diloco  one fragment; its average lands after the next `inner` SGD steps
//   streaming     several, each at its own time; lands when the next one is due (or a later one)
// The common state (parameters, momentum) changes only when an average lands, which is at the same
// place in the program on all members. So it is the same everywhere once nothing is in flight, and
// there is nothing else that a newcomer needs.
#include <stdlib.h>
#include <string.h>

#include "train_digits/trainer.h"

// Sends off how far this member has moved the fragment.
static hws_status launch(struct trainer *t, struct fragment *f, float loss)
{
    for (size_t i = 0; i < f->count; i++) {
        f->move[i] = t->parameters[f->first + i] - t->local[f->first + i];
    }
    f->move[f->count] = loss;
    return average_start(t, f->move, f->average, f->count + 1,
                         TAG_MOVE + (uint64_t)(f - t->fragments), &f->flight);
}

// The outer step. All members have the same inputs and do the same sums in the same order, so the
// parameters stay the same bit for bit (this needs -ffp-contract=off and one compiler for all).
static void apply_average(struct trainer *t, const struct fragment *f)
{
    float mu = t->options.outer_momentum, rate = t->options.outer_rate;
    for (size_t i = 0; i < f->count; i++) {
        size_t k = f->first + i;
        float common = t->parameters[k];
        float momentum = mu * t->momentum[k] + f->average[i];
        t->momentum[k] = momentum;
        t->parameters[k] = common - rate * (f->average[i] + mu * momentum);
        // The member continues from the new common parameters, and keeps the effect of its own
        // steps since the launch. There is none if it waited.
        t->local[k] = t->parameters[k] + (t->local[k] - common + f->move[i]);
    }
    t->loss = f->average[f->count];
}

static hws_status land(struct trainer *t, struct fragment *f)
{
    if (!f->flight.busy) {
        return HWS_OK;
    }
    hws_status status = average_finish(t, &f->flight);
    if (status == HWS_OK) {
        apply_average(t, f);
    }
    return status;
}

static void start_over(struct trainer *t)
{
    memcpy(t->local, t->parameters, t->net.count * sizeof *t->local);
    memset(t->velocity, 0, t->net.count * sizeof *t->velocity);
    t->fresh = false;
}

// The SGD steps of an outer step are cut in as many slots as there are fragments; at the end of a
// slot the fragment that was launched `overlap` slots ago lands, and this slot's is launched.
hws_status diloco_step(struct trainer *t)
{
    uint32_t slots = t->options.fragments, inner = t->options.inner, lag = t->options.overlap;
    struct net_training training = training_begin(t);
    hws_status status = HWS_OK;
    if (t->fresh) {
        start_over(t);
    }
    for (uint32_t slot = 0; slot < slots && status == HWS_OK; slot++) {
        struct fragment *f = &t->fragments[slot];
        uint32_t steps = inner * (slot + 1) / slots - inner * slot / slots;
        float loss = net_train(&t->net, t->local, &training, t->velocity, steps);
        t->spent.sgd_steps += steps;
        status = land(t, &t->fragments[(slot + slots - lag) % slots]);
        if (status == HWS_OK) {
            status = launch(t, f, loss);
        }
        if (status == HWS_OK && t->options.mode == MODE_DILOCO) {
            status = land(t, f);
        }
    }
    return status;
}

hws_status diloco_settle(struct trainer *t)
{
    hws_status status = HWS_OK;
    for (uint32_t i = 0; i < t->options.fragments && status == HWS_OK; i++) {
        status = land(t, &t->fragments[i]);
    }
    return status;
}

void diloco_drop(struct trainer *t)
{
    for (uint32_t i = 0; i < t->options.fragments; i++) {
        struct fragment *f = &t->fragments[i];
        if (f->flight.busy && flight_take(t, &f->flight) == HWS_OK) {
            apply_average(t, f);
        }
    }
}

bool diloco_make(struct trainer *t)
{
    uint32_t fragments = t->options.fragments;
    size_t count = t->net.count;
    t->fragments = calloc(fragments, sizeof *t->fragments);
    t->moves = calloc(count + fragments, sizeof *t->moves);
    t->averages = calloc(count + fragments, sizeof *t->averages);
    if (t->fragments == NULL || t->moves == NULL || t->averages == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < fragments; i++) {
        struct fragment *f = &t->fragments[i];
        f->first = count * i / fragments;
        f->count = count * (i + 1) / fragments - f->first;
        f->move = t->moves + f->first + i; // with a place for the loss behind each
        f->average = t->averages + f->first + i;
    }
    return true;
}

void diloco_free(struct trainer *t)
{
    free(t->fragments);
    free(t->moves);
    free(t->averages);
}
