// SPDX-License-Identifier: MIT
// The communicator behind hws_comm: a host with its actors, and the calls that wait for replies.
#ifndef HAWSER_RUNTIME_COMM_H
#define HAWSER_RUNTIME_COMM_H

#include <pthread.h>
#include <sys/types.h>

#include <hawser/collective.h>
#include <hawser/comm.h>
#include <hawser/state.h>

#include "runtime/call/caller.h"
#include "runtime/config.h"
#include "transport/host/host.h"

enum {
    HWI_REPLY_SLACK_MS = 5000, // how late the peer's reply may be before the host is given up
};

struct hws_comm {
    // Constant while it is open.
    pid_t pid; // who opened it; a child after fork has the memory but not the thread
    uint32_t grace_ms;
    char master[HWI_MASTER_BYTES_MAX];
    char address[HWI_ADDRESS_BYTES_MAX]; // where stripes are accepted

    // Guards all below. The host's thread takes it: never hold it while that thread is joined.
    pthread_mutex_t mutex;
    struct hwi_host *host;    // NULL once the communicator is finished
    hws_status finished;      // what further calls return; HWS_OK while there are any
    bool closed;              // the owner has let go: the last request frees the communicator
    struct hwi_caller caller; // who calls, and what was collected
    struct hws_request *requests[HWI_CALLS_MAX]; // caller.in_flight of them, in no order
    hws_state *state;                            // attached by the first hws_sync
    uint64_t view;                               // newest one replied
    hws_stats counts;                            // what replies told; the rest is zero
    struct hwi_data_stats data;                  // of the host that is gone, ...
    struct hwi_host_counters dropped;            // ... and what that dropped
    char failed_check[HWI_TEXT_BYTES_MAX];       // the first one, for the sentence
};

// A communicator without a host; NULL if memory is short. Owned until hwi_comm_let_go.
struct hws_comm *hwi_comm_create(const hws_config *config);

// Starts its host and becomes a member of the run (`config` is borrowed until return). Errors: as
// hws_open; then hwi_comm_finish it.
hws_status hwi_comm_join(struct hws_comm *comm, const hws_config *config);

// The owner lets go of it (takes): it is freed when its last request has been collected.
void hwi_comm_let_go(struct hws_comm *comm);

// The call's first question: is the communicator open and usable from here, and `result` (may be
// NULL) well formed? Errors, also written to `result`: HWS_E_INVALID, HWS_E_FORKED. It may be
// closed as soon as this has returned: only hwi_comm_lock and what starts a request take it from
// there.
hws_status hwi_comm_check(const struct hws_comm *comm, const char *function, hws_result *result);

// Locks its mutex; it stays until that is unlocked. HWS_E_CLOSED if it is not open: nothing is
// locked.
hws_status hwi_comm_lock(struct hws_comm *comm, const char *function);

// Sets the sentence of a child that uses its parent's communicator; HWS_E_FORKED.
hws_status hwi_comm_forked(const struct hws_comm *comm, const char *function);

// stats.c: counts the outcome of a request. The mutex is held.
struct hws_request;
void hwi_stats_count(struct hws_comm *comm, const struct hws_request *request);

// Joins the host's thread and ends every call that still waits with `status` and `reason`. Any
// number of threads; the mutex not held. When the first of them has returned, no socket refers to
// any caller's memory.
void hwi_comm_finish(struct hws_comm *comm, hws_status status, const char *reason);

// Frees it if the owner has let go and nothing waits to be collected. Takes the held mutex.
void hwi_comm_unlock_and_free(struct hws_comm *comm);

#endif
