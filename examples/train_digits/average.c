// SPDX-License-Identifier: MIT
// One reduction: begun here, finished later; what it made the trainer wait is measured.
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "train_digits/trainer.h"

enum { LATE_MS = 1000, DIE_AFTER_MS = 300 };

// For demonstrations: dies inside this operation, some time after its first frames have left.
// Another member must come late to it (--late-at), for without that it is over in no time.
static hws_status die_in_flight(struct trainer *t, struct flight *flight, uint64_t sent_before)
{
    hws_stats now = HWS_STATS_INIT;
    hws_status status;
    report(t, "dying step=%llu\n", (unsigned long long)current_step(t));
    do {
        status = hws_wait(flight->request, 1, NULL);
        hws_stats_get(t->comm, &now);
    } while (status == HWS_E_PENDING && now.bytes_sent == sent_before);
    if (status == HWS_E_PENDING) {
        status = hws_wait(flight->request, DIE_AFTER_MS, NULL);
    }
    if (status == HWS_E_PENDING) {
        kill(getpid(), SIGKILL);
    }
    flight->request = NULL;
    fprintf(stderr, "train_digits: the operation was over before this member could die\n");
    return HWS_E_INVALID;
}

static void be_late(struct trainer *t)
{
    struct timespec pause = {LATE_MS / 1000, LATE_MS % 1000 * 1000000};
    t->was_late = true;
    nanosleep(&pause, NULL);
}

hws_status average_start(struct trainer *t, const float *input, float *output, size_t count,
                         uint64_t tag, struct flight *flight)
{
    hws_op op = HWS_OP_INIT;
    hws_stats before = HWS_STATS_INIT;
    uint64_t step = current_step(t), bytes = count * sizeof *input;
    op.what = HWS_ALL_REDUCE;
    op.input = input;
    op.output = output;
    op.count = count;
    op.dtype = HWS_F32;
    op.redop = HWS_AVG;
    op.options.tag = tag;
    if (step == t->options.late_at && !t->was_late) {
        be_late(t);
    }
    hws_stats_get(t->comm, &before);
    flight->aborted = before.aborted;
    hws_status status = flight_start(t, &op, flight);
    if (status) {
        return failed("cannot average", status);
    }
    t->spent.reductions++;
    t->spent.largest = bytes > t->spent.largest ? bytes : t->spent.largest;
    return step == t->options.die_at ? die_in_flight(t, flight, before.bytes_sent) : HWS_OK;
}

hws_status average_finish(struct trainer *t, struct flight *flight)
{
    hws_stats after = HWS_STATS_INIT;
    hws_status status = flight_finish(t, flight);
    if (status) {
        return failed("cannot average", status);
    }
    hws_stats_get(t->comm, &after);
    if (flight->result.attempts > 1) {
        report(t, "averaged step=%llu attempts=%u aborted=%llu\n",
               (unsigned long long)current_step(t), flight->result.attempts,
               (unsigned long long)(after.aborted - flight->aborted));
    }
    members_note(t, &flight->result);
    return HWS_OK;
}
