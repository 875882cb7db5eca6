// SPDX-License-Identifier: MIT
// A trainer with a bug that every data-parallel trainer has once: the shards are not equally long.
// The member of the last rank runs out of batches first and continues with the end of the epoch,
// while the others wait for its gradient. docs/TUTORIAL.md finds it. `--fixed` shows the fix.
#include <hawser/hawser.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { COUNT = 4096, BATCHES = 100, EPOCHS = 3, TAG_GRADIENT = 7, TAG_MORE = 8, TAG_EPOCH = 9 };
static float gradient[COUNT];

static void compute(uint32_t rank, int batch)
{
    static const struct timespec pace = {.tv_nsec = 2000000};
    for (int i = 0; i < COUNT; i++) {
        gradient[i] = (float)((i + batch) % 17) + (float)rank;
    }
    nanosleep(&pace, NULL);
}

// The cure: before each batch all members agree whether all of them have one.
static hws_status all_have_one(hws_comm *comm, int have, uint64_t *all)
{
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = TAG_MORE;
    return hws_agree(comm, (uint64_t)have, HWS_AGREE_MIN, &options, all, NULL);
}

static hws_status run_epoch(hws_comm *comm, uint32_t rank, int batches, int fixed)
{
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = TAG_GRADIENT;
    for (int batch = 0; batch <= batches; batch++) {
        uint64_t all = batch < batches;
        hws_status status = fixed ? all_have_one(comm, batch < batches, &all) : HWS_OK;
        if (status != HWS_OK || !all) {
            return status;
        }
        compute(rank, batch);
        status = hws_all_reduce(comm, gradient, gradient, COUNT, HWS_F32, HWS_AVG, &options, NULL);
        if (status != HWS_OK) {
            return status;
        }
    }
    return HWS_OK;
}

static hws_status run(hws_comm *comm, const hws_result *view, int fixed)
{
    hws_options options = HWS_OPTIONS_INIT;
    int last = view->rank + 1 == view->member_count;
    uint64_t epoch;
    options.tag = TAG_EPOCH;
    for (epoch = 0; epoch < EPOCHS;) {
        hws_status status = run_epoch(comm, view->rank, BATCHES - last, fixed);
        if (status == HWS_OK) {
            status = hws_agree(comm, epoch + 1, HWS_AGREE_MIN, &options, &epoch, NULL);
        }
        if (status != HWS_OK) {
            return status;
        }
    }
    return HWS_OK;
}

int main(int argc, char **argv)
{
    hws_comm *comm = NULL;
    hws_result view = HWS_RESULT_INIT;
    int fixed = argc > 1 && strcmp(argv[1], "--fixed") == 0;
    hws_status status = hws_open(NULL, &comm); // HAWSER_MASTER and the rest from the environment
    if (status == HWS_OK) {
        status = hws_view(comm, &view);
    }
    if (status == HWS_OK) {
        status = run(comm, &view, fixed);
    }
    if (status == HWS_OK) {
        printf("rank %u: %d epochs\n", (unsigned)view.rank, EPOCHS);
    } else {
        fprintf(stderr, "rank %u: %s: %s\n", (unsigned)view.rank, hws_status_name(status),
                hws_last_error());
    }
    hws_close(comm);
    return status == HWS_OK ? 0 : 1;
}
