// SPDX-License-Identifier: MIT
// hws_batch as a machine without a clock or a thread: which operation is started when, which
// failure ends the batch, what its caller learns of each. Its driver starts calls and waits for
// replies: runtime/api/batch.c for a program, tools/trainer for a simulated trainer.
#ifndef HAWSER_RUNTIME_CALL_BATCH_H
#define HAWSER_RUNTIME_CALL_BATCH_H

#include "runtime/call/caller.h"

struct hwi_batch {
    const hws_op *ops; // borrowed until the conclusion, as what follows
    size_t count;
    uint32_t window;          // operations in flight at once, at most
    hws_status *statuses;     // one for each operation; NULL = not wanted
    hws_result *results;      // likewise
    uint64_t until_ns;        // the deadline of all
    size_t next;              // the first operation that was not started
    uint32_t in_flight;       // started, not ended
    bool full;                // the communicator had no room: wait until one of ours ends
    uint32_t pending;         // newcomers that wait, as the last of `ops` tells it
    size_t failed;            // whose failure it is
    struct hwi_error failure; // the first; its status HWS_OK = none
};

// Judges all operations before the first is started, and sets the deadline: `timeout_ms` from now,
// 0 = the caller's. `batch` has the first five fields; `caller` is borrowed until return. Errors:
// HWS_E_INVALID, HWS_E_LIMIT; what is wrong with one operation is written to `statuses`, too, and
// the others are HWS_E_CANCELLED.
hws_status hwi_batch_begin(struct hwi_batch *batch, const struct hwi_caller *caller,
                           uint32_t timeout_ms, uint64_t now_ns, struct hwi_error *error);

enum hwi_batch_step {
    HWI_BATCH_START, // `call`, of operation batch->next: then hwi_batch_started or _refused
    HWI_BATCH_WAIT,  // for one in flight
    HWI_BATCH_OVER,  // none is in flight, none will be started
};

// The next action. `call` is written if it is HWI_BATCH_START.
enum hwi_batch_step hwi_batch_next(struct hwi_batch *batch, uint64_t now_ns, struct hwi_call *call);

// The call was made. Returns the operation's place, for hwi_batch_ended.
size_t hwi_batch_started(struct hwi_batch *batch);

// It could not be made (`why`, borrowed until return, is a failure). For want of room it is tried
// again once another has ended.
void hwi_batch_refused(struct hwi_batch *batch, const struct hwi_error *why);

// Where the result of the operation goes; NULL = nowhere.
hws_result *hwi_batch_result(const struct hwi_batch *batch, size_t place);

// The operation was collected: its reply's number of newcomers, and `outcome` (borrowed until
// return), whose sentence is looked at if its status is a failure.
void hwi_batch_ended(struct hwi_batch *batch, size_t place, uint32_t pending,
                     const struct hwi_error *outcome);

// The end, after HWI_BATCH_OVER: operations not started get their status. Returns the status of the
// whole: HWS_OK, or that of the first failure, with the sentence in `error`.
hws_status hwi_batch_conclude(struct hwi_batch *batch, struct hwi_error *error);

#endif
