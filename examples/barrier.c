// SPDX-License-Identifier: MIT
// Barrier: no member continues before all have come. Here rank r comes r * 100 ms late, so rank 0
// waits for the last one.
//   hawser run -n 3 -- ./barrier
#include <hawser/hawser.h>
#include <stdio.h>
#include <time.h>

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int main(void)
{
    hws_comm *comm = NULL;
    hws_result result = HWS_RESULT_INIT;
    hws_status status = hws_open(NULL, &comm); // HAWSER_MASTER, which `hawser run` sets
    if (status == HWS_OK) {
        status = hws_barrier(comm, NULL, &result); // they start together
    }
    uint64_t begin = now_ms();
    struct timespec late = {.tv_sec = result.rank / 10, .tv_nsec = result.rank % 10 * 100000000L};
    nanosleep(&late, NULL);
    if (status == HWS_OK) {
        status = hws_barrier(comm, NULL, &result);
    }
    if (status == HWS_OK) {
        printf("rank %u of %u: all here after %llu ms\n", (unsigned)result.rank,
               (unsigned)result.member_count, (unsigned long long)(now_ms() - begin));
    } else {
        fprintf(stderr, "barrier: %s: %s\n", hws_status_name(status), hws_last_error());
    }
    hws_close(comm);
    return status == HWS_OK ? 0 : 1;
}
