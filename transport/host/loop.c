// SPDX-License-Identifier: MIT
#include "transport/host/loop.h"

#include <errno.h>
#include <fenv.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "transport/os/os_linux.h"

enum {
    READY_MAX = 64,
    ROUNDS_MAX = 16,  // of one turn, before descriptors are looked at again
    BATCHES_MAX = 32, // of one round, before control link and edges are looked at again
    BATCH_STEPS = 8,  // at one time
    TELL_COUNTERS_MS = 250,
};

// ---- submissions -------------------------------------------------------------------------------

static void register_memory(struct hwi_host *host, const struct hwi_submission *submission)
{
    const struct hwi_msg *msg = &submission->msg;
    if (msg->type == HWI_MSG_request && hwi_location_exists(submission->buffers.output)) {
        hwi_data_memory(host->data, msg->u.request.request, &submission->buffers);
    }
    if (msg->type == HWI_MSG_state_layout) {
        for (uint32_t i = 0; i < msg->u.state_layout.tensors_count; i++) {
            hwi_data_tensor(host->data, i, submission->tensors[i],
                            msg->u.state_layout.tensors[i].bytes);
        }
        hwi_data_writes(host->data, submission->writes);
    }
}

static void begin(struct hwi_host *host)
{
    if (host->started) {
        return;
    }
    host->started = true;
    host->control.touched = true;
    HWI_CHECK_SYSTEM(hwi_poller_set(host->poller, &host->control_watch, HWI_READABLE), "epoll_ctl");
}

static void take(struct hwi_host *host, bool *stop)
{
    host->taken_next = 0;
    host->taken_count = hwi_inbox_take(&host->inbox, &host->taken, &host->taken_capacity, stop);
}

// False if the host is to stop.
static bool take_submissions(struct hwi_host *host)
{
    bool stop = false;
    take(host, &stop);
    while (host->taken_next < host->taken_count) {
        const struct hwi_submission *submission = &host->taken[host->taken_next].submission;
        begin(host);
        if (host->data != NULL) {
            register_memory(host, submission);
        }
        hwi_drain_post(host->drain, hwi_addr_of(HWI_ROLE_TRAINER, 0), submission->to,
                       &submission->msg);
        hwi_inbox_release(&host->taken[host->taken_next++]);
    }
    return !stop;
}

// ---- a turn -------------------------------------------------------------------------------------

void hwi_host_publish(struct hwi_host *host)
{
    struct hwi_data_stats stats = {0};
    if (host->data != NULL) {
        hwi_data_stats(host->data, &stats);
    }
    host->counters.control_dropped_in = host->control.dropped_in;
    host->counters.control_damaged = host->control.damaged;
    host->counters.control_dropped_out = host->control.dropped_out;
    host->counters.stripes_refused = hwi_edges_refused(&host->edges);
    host->counters.edges_down = host->edges.downs;
    host->counters.journal_lost = host->journal != NULL ? hwi_journal_lost(host->journal) : 0;
    host->counters.trace_failures = host->ringport.failures + host->relay.dropped;
    pthread_mutex_lock(&host->counters_mutex);
    host->stats = stats;
    host->published = host->counters;
    pthread_mutex_unlock(&host->counters_mutex);
}

static uint64_t time_to_sleep(const struct hwi_host *host)
{
    if (host->more) {
        return 0;
    }
    uint64_t next_ns =
        HWI_MIN(hwi_drain_next_wake(host->drain), hwi_edges_next_deadline(&host->edges));
    next_ns = HWI_MIN(next_ns, HWI_MIN(host->relay.next_ns, host->flight.due_ns));
    if (next_ns == HWI_NEVER) {
        return HWI_NEVER;
    }
    uint64_t now_ns = hwi_host_now();
    return next_ns > now_ns ? next_ns - now_ns : 0;
}

// False if the host is to stop.
static bool dispatch(struct hwi_host *host, const struct hwi_ready *ready)
{
    if (ready->watch->kind == HWI_WATCH_WAKE) {
        return take_submissions(host);
    }
    if (ready->watch->kind == HWI_WATCH_CONTROL) {
        host->control.touched = true;
    } else if (ready->watch->kind == HWI_WATCH_RINGPORT) {
        hwi_ringport_ready(&host->ringport);
    } else {
        hwi_edges_ready(&host->edges, ready);
    }
    return true;
}

// Runs the actors until nothing is left, or for so long as other things can wait. A step may take
// its time (a block is hashed in a tenth of a millisecond, and there may be a million), so the
// clock is read again, and due wake-ups do not wait for the last letter: heartbeats are among them.
static void run_actors(struct hwi_host *host)
{
    for (uint32_t batch = 0; batch < BATCHES_MAX; batch++) {
        uint64_t now_ns = hwi_host_now();
        for (uint32_t i = 0; batch > 0 && i < HWI_ROLE_MAX; i++) {
            if (!hwi_drain_due(host->drain, now_ns)) {
                break;
            }
        }
        for (uint32_t step = 0; step < BATCH_STEPS; step++) {
            if (!hwi_drain_step(host->drain, now_ns)) {
                return;
            }
        }
    }
}

// Runs the actors over what has come and carries what they say, until nothing is left or the turn
// has been long enough; true if something is left.
static bool settle(struct hwi_host *host)
{
    for (uint32_t round = 0; round < ROUNDS_MAX; round++) {
        bool waits = host->started && host->control.touched && hwi_control_receive(&host->control);
        run_actors(host);
        bool writes = hwi_edges_settle(&host->edges);
        if (waits || writes) {
            return true;
        }
        if (!hwi_drain_pending(host->drain) && !host->control.touched) {
            return false;
        }
    }
    return true;
}

// The actor passes them on with its next heartbeat, or when a tool asks. At most a few in a second,
// and none while nothing is dropped.
static void tell_counters(struct hwi_host *host, uint64_t now_ns)
{
    if (!host->started || now_ns - host->told_ns < TELL_COUNTERS_MS * HWI_NS_PER_MS) {
        return;
    }
    host->told_ns = now_ns;
    struct hwi_counters counters = {
        host->counters.control_dropped_in,  host->counters.control_damaged,
        host->counters.control_dropped_out, host->counters.stripes_refused,
        host->counters.undeliverable,       host->counters.journal_lost,
        host->counters.trace_failures};
    if (memcmp(&counters, &host->told, sizeof counters) == 0) {
        return;
    }
    host->told = counters;
    struct hwi_msg msg = {.type = HWI_MSG_counted, .u.counted.counters = counters};
    uint8_t actor = host->data != NULL ? HWI_ROLE_PEER : HWI_ROLE_MASTER;
    hwi_drain_post(host->drain, hwi_addr_of(HWI_ROLE_CLOCK, 0), hwi_addr_of(actor, 0), &msg);
}

// False if the host is to stop.
static bool turn(struct hwi_host *host)
{
    struct hwi_ready ready[READY_MAX];
    bool go_on = true;
    uint32_t count = hwi_poller_wait(host->poller, ready, READY_MAX, time_to_sleep(host));
    for (uint32_t i = 0; i < count; i++) {
        go_on = dispatch(host, &ready[i]) && go_on;
    }
    uint64_t now_ns = hwi_host_now();
    hwi_edges_expire(&host->edges, now_ns);
    hwi_ringport_turn(&host->ringport, now_ns);
    if (host->relay.next_ns <= now_ns) {
        hwi_relay_turn(&host->relay, now_ns);
    }
    hwi_flight_turn(&host->flight, now_ns);
    tell_counters(host, now_ns);
    host->more = settle(host);
    hwi_edges_bury(&host->edges);
    hwi_host_publish(host);
    if (host->refused.what != NULL) {
        hwi_check_failed(host->refused.what, host->refused.file, host->refused.line);
    }
    return go_on;
}

// ---- the thread ---------------------------------------------------------------------------------

static void release_taken(struct hwi_host *host)
{
    while (host->taken_next < host->taken_count) {
        hwi_inbox_release(&host->taken[host->taken_next++]);
    }
}

// A check failed outside of the actors: no state in here can be trusted any more. Sockets close, so
// that the others notice and no memory of the caller's is touched again; the owner ends the calls
// that wait.
static void give_up(struct hwi_host *host, const struct hwi_trap *trap)
{
    hwi_edges_abandon(&host->edges);
    hwi_inbox_fail(&host->inbox);
    host->ops->check_failed(host->user, "host", trap->what, trap->file, trap->line);
    hwi_control_close(&host->control);
    release_taken(host);
    bool stop = false;
    while (!stop) {
        struct pollfd wake = {.fd = host->inbox.wake, .events = POLLIN};
        uint64_t signals;
        if (poll(&wake, 1, -1) > 0 && read(host->inbox.wake, &signals, sizeof signals) < 0) {
            continue;
        }
        take(host, &stop);
        release_taken(host);
    }
}

void *hwi_host_loop(void *user)
{
    struct hwi_host *host = user;
    struct hwi_trap trap;
    fesetenv(FE_DFL_ENV); // a thread inherits it, and results must not depend on the trainer's
    hwi_os_name_thread(host->data != NULL ? "hawser-member" : "hawser-master");
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) == 0) {
        while (turn(host))
            ;
        hwi_trap_leave(&trap);
    } else {
        give_up(host, &trap);
    }
    return NULL;
}
