// SPDX-License-Identifier: MIT
// A trainer that survives its peers. Start `hawser master`, then this as often as you like, wherever you like:
//     HAWSER_MASTER=127.0.0.1:4000 ./embed
// Kill some, start others late: all that finish print the same hash of the same model.
#include <hawser/hawser.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PARAMETERS = 4096, STEPS = 200 };
static float model[PARAMETERS], gradient[PARAMETERS];

static void compute_gradient(uint64_t step) // each process sees other data; their mean is what is learnt
{
    for (int i = 0; i < PARAMETERS; i++)
        gradient[i] = model[i] - (float)i + (float)((getpid() + step * 31 + (uint64_t)i) % 17) - 8;
}

static hws_status train_step(hws_comm *comm, hws_state *state)
{
    uint32_t waiting = 0;
    compute_gradient(hws_state_revision(state));
    hws_status status =
        hws_all_reduce(comm, gradient, gradient, PARAMETERS, HWS_F32, HWS_AVG, NULL, NULL);
    if (status != HWS_OK)
        return status;
    for (int i = 0; i < PARAMETERS; i++)
        model[i] -= 0.1f * gradient[i];
    hws_state_set_revision(state, hws_state_revision(state) + 1);
    hws_pending(comm, &waiting); // agreed with the reduction: all members see the same number
    return waiting > 0 ? hws_admit(comm, NULL) : HWS_OK;
}

int main(void)
{
    hws_comm *comm = NULL;
    hws_state *state = NULL;
    hws_result result = HWS_RESULT_INIT;
    hws_status status = hws_open(NULL, &comm); // everything from the environment
    if (status == HWS_OK)
        status = hws_state_create(&state);
    if (status == HWS_OK)
        status = hws_state_add(state, "model", HWS_F32, model, PARAMETERS);
    while (status == HWS_OK) {
        status = hws_sync(comm, state, HWS_SYNC_ENFORCE, NULL, &result);
        if (status == HWS_OK && hws_state_revision(state) >= STEPS)
            break;
        if (status == HWS_OK)
            status = train_step(comm, state);
        if (hws_status_class(status) == HWS_CLASS_VIEW) // someone came or went: on with who is here
            status = hws_view(comm, NULL);
    }
    if (status == HWS_OK)
        printf("step %" PRIu64 " with %" PRIu32 " members, model %016" PRIx64 "%016" PRIx64 "\n",
               hws_state_revision(state), result.member_count, result.root[1], result.root[0]);
    else
        fprintf(stderr, "%s: %s\n", hws_status_name(status), hws_last_error());
    hws_close(comm);
    hws_state_destroy(state);
    return status == HWS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
