// SPDX-License-Identifier: MIT
// Reduce-scatter: every member gives a whole tensor and gets its own share of the sum. Of `count`
// elements rank r has those from r * count / members on. A sharded optimizer needs no more.
//   hawser run -n 3 -- ./reduce_scatter
#include <hawser/hawser.h>
#include <stdio.h>

enum { COUNT = 7 };

int main(void)
{
    hws_comm *comm = NULL;
    hws_result result = HWS_RESULT_INIT;
    int32_t tensor[COUNT], share[COUNT];
    hws_status status = hws_open(NULL, &comm); // HAWSER_MASTER, which `hawser run` sets
    if (status == HWS_OK) {
        status = hws_view(comm, &result);
    }
    for (int i = 0; i < COUNT; i++) {
        tensor[i] = 10 * i + (int32_t)result.rank;
    }
    // `share` has room for all, so it is large enough however many members there are.
    if (status == HWS_OK) {
        status =
            hws_reduce_scatter(comm, tensor, COUNT, share, COUNT, HWS_I32, HWS_SUM, NULL, &result);
    }
    if (status == HWS_OK) {
        printf("rank %u of %u: from element %llu on:", (unsigned)result.rank,
               (unsigned)result.member_count, (unsigned long long)result.offset);
        for (uint64_t i = 0; i < result.count; i++) {
            printf(" %d", (int)share[i]);
        }
        putchar('\n');
    } else {
        fprintf(stderr, "reduce_scatter: %s: %s\n", hws_status_name(status), hws_last_error());
    }
    hws_close(comm);
    return status == HWS_OK ? 0 : 1;
}
