// SPDX-License-Identifier: MIT
// Shared by the parts of the trainer. One part per concern: members.c (the members, the same state
// for all), average.c (one reduction, begun and finished), ddp.c and diloco.c (two ways to train).
//
// Common decisions of all members depend only on the results of operations, in the order in which
// the program collects them. That order is the same on all members, whenever the results arrive.
#ifndef TRAIN_DIGITS_TRAINER_H
#define TRAIN_DIGITS_TRAINER_H

#include <hawser/hawser.h>

#include <stdbool.h>
#include <stdio.h>

#include "train_digits/idx.h"
#include "train_digits/net.h"
#include "train_digits/options.h"

enum { TAG_FINISHED = 1, TAG_MOVE = 2 }; // TAG_MOVE + i is fragment i's

enum { FLIGHTS_MAX = FRAGMENTS_MAX + 2, TRIES_MAX = 10000 };

// A reduction or a vote on its way.
struct flight {
    bool busy;            // begun, and its result not taken
    hws_request *request; // NULL = collected: `status` and `result` have the outcome
    hws_op op;            // to make the same call again
    hws_status status;
    hws_result result;
    uint64_t aborted; // attempts aborted before it began
};

// A stretch of the parameters that is averaged as a whole.
struct fragment {
    size_t first, count;
    float *move;    // count + 1: how far this member moved it since the last average; then the loss
    float *average; // count + 1: the members' average of that
    struct flight flight;
};

// The costs of this process, over all its incarnations.
struct spent {
    uint64_t stalled_ns; // blocked in waits for reductions and votes
    uint64_t sgd_steps, reductions;
    uint64_t sent, largest; // bytes: sent to other members; of the largest reduction
};

struct trainer {
    struct options options;
    FILE *report; // NULL, or lines for programs
    struct idx_set train, test;
    struct net net;
    // The shared state: the same bits on all members whenever nothing is in flight.
    float *parameters;
    float *momentum; // ddp: of the SGD steps; else of the outer steps
    // This member's own.
    float *local; // diloco: the parameters that the SGD steps work on
    float *gradient, *velocity;
    struct fragment *fragments; // options.fragments of them; their arrays are parts of these two:
    float *moves, *averages;
    float loss; // the members' mean, of what was averaged last
    bool fresh; // just joined or overwritten by a sync: it has no own steps to keep
    bool was_late;
    hws_comm *comm;
    hws_state *state;
    struct flight vote;
    struct flight
        *flights[FLIGHTS_MAX]; // those that are busy, in the order they began in; borrowed
    uint32_t flight_count;
    hws_result view;  // of the last operation: the members, and our rank among them
    uint32_t pending; // newcomers that wait, as the last vote said to all
    bool sync_due;    // the membership changed since the last hws_sync
    struct spent spent;
};

// One line per event for a program that watches, such as `hawser demo`.
__attribute__((format(printf, 2, 3))) void report(struct trainer *t, const char *format, ...);
// The reaction to a failed call: here only a sentence; main() decides by the class.
hws_status failed(const char *what, hws_status status);
// hws_wait(), and what it cost.
hws_status wait_for(struct trainer *t, hws_request **request, hws_result *now);

// flight.c: calls that are made again until they hold. Begins `op`; its tensors are borrowed until
// the flight was finished or abandoned.
hws_status flight_start(struct trainer *t, const hws_op *op, struct flight *flight);
// Waits for it; `flight->result` is its result.
hws_status flight_finish(struct trainer *t, struct flight *flight);
// Waits for it, and does not make the call again if it failed: its status.
hws_status flight_take(struct trainer *t, struct flight *flight);
// Waits until nothing refers to any flight's memory, in success and failure.
void flights_abandon(struct trainer *t);
// The outer step that is being made, from 1; the shared state's revision counts the ones made.
uint64_t current_step(const struct trainer *t);

// Becomes a member: of the first view, or later, once the members admit us.
hws_status members_join(struct trainer *t);
// Takes note of the view an operation ran in.
void members_note(struct trainer *t, const hws_result *now);
// Lets newcomers in, if any wait. Nothing may be in flight; likewise for members_sync.
hws_status members_admit(struct trainer *t);
// Brings everyone to the same bytes if the membership has changed.
hws_status members_sync(struct trainer *t);
// The run has fewer members than its min_members: waits for newcomers and admits them. All members
// do this instead of the calls that failed with HWS_E_TOO_FEW. Nothing may be in flight.
hws_status members_refill(struct trainer *t);
// Is the step that begins the last one for all of us? The vote runs during the step and ends after
// it, so all leave after the same one, and all know whether newcomers wait.
hws_status members_vote(struct trainer *t);
hws_status members_hear_vote(struct trainer *t, bool *finished);

// Begins to average `count` floats over all members; over the survivors if one is lost. `input` and
// `output` (may be the same) are borrowed until average_finish() or flights_abandon().
hws_status average_start(struct trainer *t, const float *input, float *output, size_t count,
                         uint64_t tag, struct flight *flight);
// Waits for it.
hws_status average_finish(struct trainer *t, struct flight *flight);

// How this member trains in the outer step that begins: its share of the images, seeded.
struct net_training training_begin(const struct trainer *t);

// One outer step: `inner` SGD steps of each member.
hws_status ddp_step(struct trainer *t);
hws_status diloco_step(struct trainer *t);
// Lands what is in flight.
hws_status diloco_settle(struct trainer *t);
// Lands what holds of it and drops what was lost, which the members' next pseudo-gradients have.
void diloco_drop(struct trainer *t);
// Cuts the parameters in fragments. False = no memory.
bool diloco_make(struct trainer *t);
void diloco_free(struct trainer *t);

#endif
