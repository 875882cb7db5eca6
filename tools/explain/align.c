// SPDX-License-Identifier: MIT
// Clocks: the time of day of two machines may differ by more than a message takes. The messages
// between a member and the master bound the difference: nothing is received before it was sent.
#include "tools/explain/model.h"

// The least time that heartbeats (or pongs) took from `from` to `to`, as the two clocks have it;
// INT64_MAX = none was seen at both ends. `sent_to`, `heard_from`: the sessions in the records.
static int64_t least_delay(const struct explain_process *from, const struct explain_process *to,
                           uint16_t type, uint64_t sent_to, uint64_t heard_from)
{
    int64_t least = INT64_MAX;
    uint32_t j = 0;
    for (uint32_t i = 0; i < from->ring->count; i++) {
        const struct hwi_ring_record *said = &from->ring->records[i];
        if (said->type != type || !hwi_ring_is_sent(said) || said->other != sent_to) {
            continue;
        }
        for (uint32_t k = j; k < to->ring->count; k++) {
            const struct hwi_ring_record *heard = &to->ring->records[k];
            if (heard->type != type || hwi_ring_is_sent(heard) || heard->other != heard_from) {
                continue;
            }
            if (heard->key == said->key && heard->seq == said->seq) {
                int64_t delay = model_time(to, heard->arrived) - model_time(from, said->handled);
                least = HWI_MIN(least, delay);
                j = k + 1;
                break;
            }
        }
    }
    return least;
}

// Processes of one machine share its monotonic clock; each has read the time of day for itself.
static void join_machines(struct explain_model *model)
{
    for (uint32_t i = 1; i < model->process_count; i++) {
        struct explain_process *p = &model->processes[i];
        for (uint32_t j = 0; j < i; j++) {
            int64_t apart = p->shift_ns - model->processes[j].shift_ns;
            if (apart > -(int64_t)HWI_NS_PER_MS && apart < (int64_t)HWI_NS_PER_MS) {
                p->shift_ns = model->processes[j].shift_ns;
                break;
            }
        }
    }
}

void model_align(struct explain_model *model)
{
    join_machines(model);
    if (model->master < 0) {
        return;
    }
    const struct explain_process *master = &model->processes[model->master];
    for (uint32_t i = 0; i < model->process_count; i++) {
        struct explain_process *p = &model->processes[i];
        if (p->master || p->shift_ns == master->shift_ns) {
            continue;
        }
        int64_t there = least_delay(p, master, HWI_MSG_heartbeat, 0, p->incarnation);
        int64_t back = least_delay(master, p, HWI_MSG_pong, p->incarnation, 0);
        if (there != INT64_MAX && back != INT64_MAX && (there < 0 || back < 0)) {
            p->shift_ns += (there - back) / 2;
        }
    }
}
