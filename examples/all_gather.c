// SPDX-License-Identifier: MIT
// All-gather: every member gives what it has, every member gets it all, one after the other by
// rank. Here each gives another count; `counts` then tells whose part is how long.
//   hawser run -n 3 -- ./all_gather
#include <hawser/hawser.h>
#include <stdio.h>

enum { OWN_MAX = 8, ROOM = 64, MEMBERS_MAX = 8 };

int main(void)
{
    hws_comm *comm = NULL;
    hws_result result = HWS_RESULT_INIT;
    uint16_t own[OWN_MAX], all[ROOM];
    size_t counts[MEMBERS_MAX], total = 0;
    hws_status status = hws_open(NULL, &comm); // HAWSER_MASTER, which `hawser run` sets
    if (status == HWS_OK) {
        status = hws_view(comm, &result);
    }
    size_t count = result.rank % OWN_MAX + 1;
    for (size_t i = 0; i < count; i++) {
        own[i] = (uint16_t)(100 * (result.rank + 1) + i);
    }
    if (status == HWS_OK) {
        status = hws_all_gather(comm, own, count, all, ROOM, counts, MEMBERS_MAX, HWS_U16, NULL,
                                &result);
    }
    if (status == HWS_OK) {
        printf("rank %u of %u:", (unsigned)result.rank, (unsigned)result.member_count);
        for (uint32_t rank = 0; rank < result.member_count; rank++) {
            total += counts[rank];
        }
        for (size_t i = 0; i < total; i++) {
            printf(" %u", (unsigned)all[i]);
        }
        printf(" (own from element %llu on)\n", (unsigned long long)result.offset);
    } else {
        fprintf(stderr, "all_gather: %s: %s\n", hws_status_name(status), hws_last_error());
    }
    hws_close(comm);
    return status == HWS_OK ? 0 : 1;
}
