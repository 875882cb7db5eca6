// SPDX-License-Identifier: MIT
#include "runtime/call/result.h"

#include "runtime/call/sized.h"

hws_status hwi_result_check(const char *function, const hws_result *result, struct hwi_error *error)
{
    if (result == NULL || hwi_sized_bytes(result) >= sizeof(size_t)) {
        return HWS_OK;
    }
    return hwi_error_say(error, HWS_E_INVALID,
                         "%s: bytes_of_struct of hws_result is not set: begin with HWS_RESULT_INIT",
                         function);
}

hws_status hwi_results_check(const char *function, const hws_result *results, size_t count,
                             struct hwi_error *error)
{
    if (results == NULL || hwi_sized_array(results, count, sizeof(size_t))) {
        return HWS_OK;
    }
    return hwi_error_say(error, HWS_E_INVALID,
                         "%s: bytes_of_struct is not the same in all results: begin each with "
                         "HWS_RESULT_INIT",
                         function);
}

hws_status hwi_result_fail(hws_result *result, hws_status status)
{
    if (result != NULL) {
        hws_result ours = HWS_RESULT_INIT;
        ours.status = status;
        hwi_sized_write(result, &ours, sizeof ours);
    }
    return status;
}

static void write_ids(hws_peer_id *to, const struct hwi_id *from, uint32_t count)
{
    for (uint32_t i = 0; i < count && i < HWS_RESULT_MEMBERS_MAX; i++) {
        to[i].value = from[i].value;
    }
}

void hwi_result_write(hws_result *result, const struct hwi_msg_reply *reply)
{
    if (result == NULL) {
        return;
    }
    hws_result ours = {
        .status = reply->status,
        .view = {reply->view},
        .member_count = reply->members_count,
        .rank = reply->rank,
        .attempts = reply->attempts,
        .pending = reply->pending,
        .value = reply->value,
        .bytes_sent = reply->bytes_sent,
        .bytes_received = reply->bytes_received,
        .sources = reply->sources,
        .root = {reply->root.lo, reply->root.hi},
        .lost_count = reply->lost_count,
        .group = reply->group,
        .group_count = reply->group_count,
        .group_largest = reply->group_largest,
        .run_members = reply->run_members,
        .offset = reply->offset,
        .count = reply->count,
        .hash_us = reply->hash_us,
        .move_us = reply->move_us,
    };
    write_ids(ours.members, reply->members, reply->members_count);
    write_ids(ours.lost, reply->lost, reply->lost_count);
    hwi_sized_write(result, &ours, sizeof ours);
}

void hwi_counts_write(size_t *counts, size_t room, const struct hwi_msg_reply *reply)
{
    for (uint32_t i = 0; i < reply->counts_count && i < room; i++) {
        counts[i] = reply->counts[i].value;
    }
}
