// SPDX-License-Identifier: MIT
// Batch: many operations at once, at most `WINDOW` of them in flight. Operations that fail because
// a member was lost run again over the members that are left, and each result names the members
// that it covers.
//   hawser run -n 3 -- ./batch
#include <hawser/hawser.h>
#include <stdio.h>

enum { TENSORS = 16, COUNT = 1000, WINDOW = 4, TIMEOUT_MS = 30000 };
static float tensors[TENSORS][COUNT];

int main(void)
{
    hws_comm *comm = NULL;
    hws_result view = HWS_RESULT_INIT;
    static hws_result results[TENSORS];
    hws_op ops[TENSORS];
    hws_status statuses[TENSORS];
    hws_status status = hws_open(NULL, &comm); // HAWSER_MASTER, which `hawser run` sets
    if (status == HWS_OK) {
        status = hws_view(comm, &view);
    }
    for (uint32_t i = 0; i < TENSORS; i++) {
        for (uint32_t k = 0; k < COUNT; k++) {
            tensors[i][k] = (float)(i + view.rank);
        }
        ops[i] = (hws_op)HWS_OP_INIT;
        ops[i].what = HWS_ALL_REDUCE;
        ops[i].input = ops[i].output = tensors[i];
        ops[i].count = COUNT;
        ops[i].dtype = HWS_F32;
        ops[i].redop = HWS_AVG;
        ops[i].options.tag = i; // operations with different tags run at the same time
        results[i] = (hws_result)HWS_RESULT_INIT;
    }
    if (status == HWS_OK) {
        status = hws_batch(comm, ops, TENSORS, WINDOW, TIMEOUT_MS, statuses, results);
    }
    if (status == HWS_OK) {
        printf("rank %u of %u: the means are %g to %g\n", (unsigned)results[0].rank,
               (unsigned)results[0].member_count, (double)tensors[0][0],
               (double)tensors[TENSORS - 1][COUNT - 1]);
    } else {
        fprintf(stderr, "batch: %s: %s\n", hws_status_name(status), hws_last_error());
    }
    hws_close(comm);
    return status == HWS_OK ? 0 : 1;
}
