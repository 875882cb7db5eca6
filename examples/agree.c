// SPDX-License-Identifier: MIT
// Agree: one number of each member, combined by the master in one round trip. "Do we all have a
// batch left?" is an AND; "how far are we all?" is a least.
//   hawser run -n 3 -- ./agree
#include <hawser/hawser.h>
#include <stdio.h>

int main(void)
{
    hws_comm *comm = NULL;
    hws_result result = HWS_RESULT_INIT;
    uint64_t all_ready = 0, least = 0;
    hws_status status = hws_open(NULL, &comm); // HAWSER_MASTER, which `hawser run` sets
    if (status == HWS_OK) {
        status = hws_view(comm, &result);
    }
    uint64_t ready = result.rank != 1, step = 100 + result.rank;
    if (status == HWS_OK) {
        status = hws_agree(comm, ready, HWS_AGREE_AND, NULL, &all_ready, NULL);
    }
    if (status == HWS_OK) {
        status = hws_agree(comm, step, HWS_AGREE_MIN, NULL, &least, &result);
    }
    if (status == HWS_OK) {
        printf("rank %u of %u: all ready: %s, all at step %llu\n", (unsigned)result.rank,
               (unsigned)result.member_count, all_ready ? "yes" : "no", (unsigned long long)least);
    } else {
        fprintf(stderr, "agree: %s: %s\n", hws_status_name(status), hws_last_error());
    }
    hws_close(comm);
    return status == HWS_OK ? 0 : 1;
}
