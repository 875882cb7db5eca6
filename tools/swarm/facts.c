// SPDX-License-Identifier: MIT
// The facts in a reply besides its status and its result: why, how often it was tried, for whom it
// waited and how long, how much it carried.
#include "tools/swarm/crew.h"

#include <hawser/types.h>

static void wrong(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                  const struct hwi_msg_reply *reply, const char *what)
{
    swarm_fail(s, SWARM_SAFETY, "facts: process %u, kind %u on channel %u, %s: %s", seat->node,
               call->asked.kind, call->channel, hws_status_name((hws_status)reply->status), what);
}

// NULL = nothing is wrong with it; so below.
static const char *check_words(const struct swarm *s, const struct hwi_msg_reply *reply)
{
    bool ok = reply->status == HWS_OK;
    bool out = reply->status == HWS_E_EVICTED || reply->status == HWS_E_REFUSED ||
               reply->status == HWS_E_AHEAD;
    if (out && reply->reason[0] == '\0') {
        return "it is out of the run, and no reason is given";
    }
    if (ok && (reply->trouble[0] != '\0' || reply->reason[0] != '\0')) {
        return "it succeeded, and a reason for a failure is given";
    }
    if (reply->status == HWS_E_TOO_FEW && reply->min_members != s->traits.min_members) {
        return "it does not tell how many members the run needs";
    }
    return NULL;
}

static const char *check_attempts(const struct swarm_call *call, const struct hwi_msg_reply *reply)
{
    bool ran = reply->status == HWS_OK && call->channel != CHANNELS; // not hws_view
    if (ran && reply->attempts == 0) {
        return "it succeeded and was never tried";
    }
    return !call->asked.retry && reply->attempts > 1 ? "it was tried twice without retry" : NULL;
}

// A vote waits for the others from the moment it is made, if nothing was before it.
static const char *check_times(const struct swarm *s, const struct swarm_call *call,
                               const struct hwi_msg_reply *reply)
{
    uint64_t since_us = (hwi_sim_now(s->sim) - call->made_ns) / 1000;
    uint64_t told_us = reply->members_us + reply->commit_us;
    bool vote = call->asked.kind == HWI_KIND_AGREE || call->asked.kind == HWI_KIND_BARRIER;
    bool once = reply->status == HWS_OK && reply->attempts == 1 && call->alone;
    if (told_us > since_us + 1) {
        return "it waited longer than it took";
    }
    return vote && once && told_us + 1 < since_us ? "it waited longer than it tells" : NULL;
}

static const char *check_bytes(const struct swarm_call *call, const struct hwi_msg_reply *reply)
{
    uint8_t kind = call->asked.kind;
    bool several = reply->members_count > 1 && reply->status == HWS_OK && call->asked.count > 0;
    // It may have sent nothing yet when the members that its data was for died, and be Done itself.
    if (several && kind == HWI_KIND_ALL_REDUCE && reply->bytes_received == 0) {
        return "it tells that it carried nothing";
    }
    return kind == HWI_KIND_SYNC && reply->bytes_received > 0 && reply->sources == 0
               ? "it received bytes and names no source"
               : NULL;
}

static const char *check_lost(const struct hwi_msg_reply *reply)
{
    for (uint32_t i = 0; reply->status == HWS_OK && i < reply->lost_count; i++) {
        for (uint32_t rank = 0; rank < reply->members_count; rank++) {
            if (reply->lost[i].value == reply->members[rank].value) {
                return "it names a member as lost that took part";
            }
        }
    }
    return NULL;
}

void swarm_check_facts(struct swarm *s, const struct swarm_seat *seat,
                       const struct swarm_call *call, const struct hwi_msg_reply *reply)
{
    const char *found[] = {
        check_words(s, reply),
        check_attempts(call, reply),
        seat->clock_touched ? NULL : check_times(s, call, reply),
        check_bytes(call, reply),
        check_lost(reply),
    };
    for (uint32_t i = 0; i < HWI_COUNT(found); i++) {
        if (found[i] != NULL) {
            wrong(s, seat, call, reply, found[i]);
        }
    }
}
