// SPDX-License-Identifier: MIT
// A trainer that survives the loss of other members. Start some, kill some, start others late: all
// that finish hold the same model.
#include <hawser/hawser.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum { COUNT = 4096, STEPS = 200 };
static float model[COUNT], gradient[COUNT];

int main(void)
{
    hws_comm *comm = NULL;
    hws_state *state = NULL;
    hws_result result = HWS_RESULT_INIT;
    uint32_t waiting = 0;
    hws_status status = hws_open(NULL, &comm); // HAWSER_MASTER and the rest from the environment
    if (status == HWS_OK && (status = hws_state_create(&state)) == HWS_OK) {
        status = hws_state_add(state, "model", HWS_F32, model, COUNT);
    }
    while (status == HWS_OK) {
        // Brings newcomers up to the others; moves nothing where the hashes are equal.
        status = hws_sync(comm, state, HWS_SYNC_ENFORCE, NULL, &result);
        uint64_t step = hws_state_revision(state);
        if (status == HWS_OK && step == STEPS) {
            break;
        }
        uint64_t seen = (uint64_t)getpid() + step * 31; // each process sees different data
        for (int i = 0; i < COUNT; i++) {               // all members learn the mean
            gradient[i] = model[i] - (float)i + (float)(seen % 17) - 8;
        }
        if (status == HWS_OK) {
            status = hws_all_reduce(comm, gradient, gradient, COUNT, HWS_F32, HWS_AVG, NULL, NULL);
        }
        if (status == HWS_OK) {
            for (int i = 0; i < COUNT; i++) {
                model[i] -= 0.1f * gradient[i];
            }
            hws_state_set_revision(state, step + 1);
            hws_pending(comm, &waiting); // the same number on all members
            status = waiting > 0 ? hws_admit(comm, NULL) : HWS_OK;
        }
        if (hws_status_class(status) == HWS_CLASS_VIEW) { // someone came or went
            bool few = status == HWS_E_TOO_FEW;           // below the run's min_members
            status = hws_view(comm, NULL);
            if (few && status == HWS_OK) {
                status = hws_admit(comm, NULL); // admits the newcomers that wait
            }
            if (hws_status_class(status) == HWS_CLASS_VIEW) {
                status = hws_view(comm, NULL);
            }
        }
    }
    if (status != HWS_OK) {
        fprintf(stderr, "%s: %s\n", hws_status_name(status), hws_last_error());
    } else {
        printf("%u members, model %016llx%016llx\n", (unsigned)result.member_count,
               (unsigned long long)result.root[1], (unsigned long long)result.root[0]);
    }
    hws_close(comm);
    hws_state_destroy(state);
    return status == HWS_OK ? 0 : 1;
}
