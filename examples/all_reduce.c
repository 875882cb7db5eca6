// SPDX-License-Identifier: MIT
// All-reduce: every member gives a tensor, every member gets the sum (or mean, product, least,
// largest).
//   hawser run -n 3 -- ./all_reduce
#include <hawser/hawser.h>
#include <stdio.h>

enum { COUNT = 4 };

int main(void)
{
    hws_comm *comm = NULL;
    hws_result result = HWS_RESULT_INIT;
    float tensor[COUNT];
    hws_status status = hws_open(NULL, &comm); // HAWSER_MASTER, which `hawser run` sets
    if (status == HWS_OK) {
        status = hws_view(comm, &result); // who is here, and which of them we are
    }
    for (int i = 0; i < COUNT; i++) {
        tensor[i] = (float)(result.rank + 1) * (float)(i + 1);
    }
    // In place: input and output are the same. On an error the tensor would be as it was.
    if (status == HWS_OK) {
        status = hws_all_reduce(comm, tensor, tensor, COUNT, HWS_F32, HWS_SUM, NULL, &result);
    }
    if (status == HWS_OK) {
        printf("rank %u of %u: the sum is %g %g %g %g\n", (unsigned)result.rank,
               (unsigned)result.member_count, (double)tensor[0], (double)tensor[1],
               (double)tensor[2], (double)tensor[3]);
    } else {
        fprintf(stderr, "all_reduce: %s: %s\n", hws_status_name(status), hws_last_error());
    }
    hws_close(comm);
    return status == HWS_OK ? 0 : 1;
}
