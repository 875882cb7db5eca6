// SPDX-License-Identifier: MIT
// Checkpoint: a run whose members all died continues from the newest file that any of the newcomers
// has.
//   hawser run -n 3 -- ./checkpoint DIRECTORY       and again: it continues where it ended
#include <hawser/hawser.h>
#include <stdio.h>

enum { COUNT = 4096, STEPS = 3, PATH_BYTES = 4096 };
static float model[COUNT], gradient[COUNT];

// Before hws_open: this process's newest whole checkpoint, if it has any. Others may have newer
// ones.
static hws_status load_newest(hws_state *state, const char *directory)
{
    char path[PATH_BYTES];
    hws_status status = hws_checkpoint_newest(directory, path, sizeof path, NULL);
    return status == HWS_OK && path[0] ? hws_checkpoint_load(state, path, NULL) : status;
}

static hws_status train(hws_comm *comm, hws_state *state, hws_result *result)
{
    hws_status status = HWS_OK;
    for (int step = 0; step < STEPS && status == HWS_OK; step++) {
        for (int i = 0; i < COUNT; i++) {
            gradient[i] = (float)(result->rank + 1);
        }
        status = hws_all_reduce(comm, gradient, gradient, COUNT, HWS_F32, HWS_SUM, NULL, result);
        for (int i = 0; i < COUNT && status == HWS_OK; i++) {
            model[i] += gradient[i];
        }
        if (status == HWS_OK) {
            hws_state_set_revision(state, hws_state_revision(state) + 1);
        }
    }
    return status;
}

int main(int argc, char **argv)
{
    hws_comm *comm = NULL;
    hws_state *state = NULL;
    hws_config config = HWS_CONFIG_INIT; // HAWSER_MASTER, which `hawser run` sets
    hws_result result = HWS_RESULT_INIT;
    const char *directory = argc > 1 ? argv[1] : ".";
    char path[PATH_BYTES];
    hws_status status = hws_state_create(&state);
    if (status == HWS_OK) {
        status = hws_state_add(state, "model", HWS_F32, model, COUNT);
    }
    if (status == HWS_OK) {
        status = load_newest(state, directory);
    }
    if (status == HWS_OK) {
        config.state = state; // tells the master how new our state is
        status = hws_open(&config, &comm);
    }
    if (status == HWS_OK) { // the newest of all that were loaded wins, and all have it then
        status = hws_sync(comm, state, HWS_SYNC_ENFORCE, NULL, &result);
    }
    uint64_t first = hws_state_revision(state);
    if (status == HWS_OK) {
        status = train(comm, state, &result);
    }
    snprintf(path, sizeof path, "%s/model-%u.hwc", directory, (unsigned)result.rank);
    if (status == HWS_OK) { // whole or not at all; here each member has its own, one would do
        status = hws_checkpoint_save(state, path, NULL, NULL);
    }
    if (status == HWS_OK) {
        printf("rank %u of %u: step %llu to %llu, the model is %g\n", (unsigned)result.rank,
               (unsigned)result.member_count, (unsigned long long)first,
               (unsigned long long)hws_state_revision(state), (double)model[0]);
    } else {
        fprintf(stderr, "checkpoint: %s: %s\n", hws_status_name(status), hws_last_error());
    }
    hws_close(comm);
    hws_state_destroy(state);
    return status == HWS_OK ? 0 : 1;
}
