// SPDX-License-Identifier: MIT
// A model that is too large for one process is cut in shards: a trainer is a *unit* of one process
// for each shard, and the processes with the same shard are a *group*, which averages that shard's
// gradients. A step must be taken by all shards or by none: so the groups agree on each, over the
// whole run, before they write to the model. When a process dies its unit goes, and the others take
// the step again; the unit comes back whole, and its shards are synced from the other units'.
// With a directory each process saves its shard after each step. A run whose members all died
// continues from the newest step that all groups have.
//   HAWSER_GROUP=0 HAWSER_UNIT=a HAWSER_UNIT_SIZE=2 ./sharded 100 DIRECTORY &
//   HAWSER_GROUP=1 HAWSER_UNIT=a HAWSER_UNIT_SIZE=2 ./sharded 100 DIRECTORY & ... unit b, unit c
#include <hawser/hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { COUNT = 50000, REDUCE_TAG = 1, COMMIT_TAG = 2, KEPT_STEPS = 4, PATH_BYTES = 4096 };

struct trainer {
    hws_comm *comm;
    hws_state *state;
    float shard[COUNT], gradient[COUNT];
    uint64_t step;   // the steps that the shard has taken
    int synced;      // it holds what its group holds
    uint32_t spread; // makes gradients differ
    const char *unit;
    char directory[PATH_BYTES - 256]; // of this shard's checkpoints; "" = none are kept
};

static void compute_gradient(struct trainer *t)
{
    static const struct timespec pace = {.tv_nsec = 2000000};
    for (uint32_t i = 0; i < COUNT; i++) {
        // A sum of such numbers is exact, whatever the order of the members.
        t->gradient[i] = (float)((i * 31 + t->step * 17 + t->spread) % 1024) / 1024.0f - 0.5f;
    }
    nanosleep(&pace, NULL);
}

static uint64_t digest(const struct trainer *t)
{
    const unsigned char *bytes = (const unsigned char *)t->shard;
    uint64_t hash = UINT64_C(1469598103934665603);
    for (size_t i = 0; i < sizeof t->shard; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

static void take_step(struct trainer *t, const hws_result *reduced, const hws_result *agreed)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        t->shard[i] -= 0.1f * t->gradient[i];
    }
    hws_state_set_revision(t->state, ++t->step);
    printf("step %llu shard %u view %llu of %u units %016llx\n", (unsigned long long)t->step,
           (unsigned)reduced->group, (unsigned long long)agreed->view.value,
           (unsigned)reduced->member_count, (unsigned long long)digest(t));
    fflush(stdout);
}

static void name_file(const struct trainer *t, uint64_t step, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s-%llu.hwc", t->directory, t->unit, (unsigned long long)step);
}

// Some older files stay: another group may not have saved its newest one yet.
static hws_status save(const struct trainer *t)
{
    char path[PATH_BYTES];
    if (t->directory[0] == '\0') {
        return HWS_OK;
    }
    name_file(t, t->step, path);
    hws_status status = hws_checkpoint_save(t->state, path, NULL, NULL);
    if (status == HWS_OK && t->step > KEPT_STEPS) {
        name_file(t, t->step - KEPT_STEPS, path);
        unlink(path);
    }
    return status;
}

static hws_status least_of(struct trainer *t, uint64_t value, uint32_t scope, uint64_t *least)
{
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = COMMIT_TAG;
    options.scope = scope;
    return hws_agree(t->comm, value, HWS_AGREE_MIN, &options, least, NULL);
}

// The step from which all groups can continue: of each group the newest that a member has, in
// memory or in a file; of these the oldest.
static hws_status choose_step(struct trainer *t, uint64_t *chosen)
{
    char path[PATH_BYTES] = "";
    uint64_t own = t->step, least = 0;
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    hws_status status = HWS_OK;
    if (own == 0 && t->directory[0] != '\0') {
        status = hws_checkpoint_newest(t->directory, path, sizeof path, &info);
        own = path[0] != '\0' ? info.revision : 0;
    }
    if (status == HWS_OK) { // the largest is what the least of the complements leaves
        status = least_of(t, ~own, HWS_SCOPE_GROUP, &least);
    }
    return status == HWS_OK ? least_of(t, ~least, HWS_SCOPE_RUN, chosen) : status;
}

// A member without that step begins from nothing: its group brings it there.
static hws_status go_to_step(struct trainer *t, uint64_t step)
{
    char path[PATH_BYTES] = "";
    hws_status status = HWS_OK;
    if (step == t->step) {
        return HWS_OK;
    }
    memset(t->shard, 0, sizeof t->shard);
    hws_state_set_revision(t->state, 0);
    if (t->directory[0] != '\0') {
        status = hws_checkpoint_find(t->directory, step, path, sizeof path, NULL);
    }
    return status == HWS_OK && path[0] != '\0' ? hws_checkpoint_load(t->state, path, NULL) : status;
}

// All members make these calls, also those that hold the state: some came since.
static hws_status settle(struct trainer *t)
{
    uint64_t step = 0;
    hws_status status = choose_step(t, &step);
    if (status == HWS_OK) {
        status = go_to_step(t, step);
    }
    if (status == HWS_OK) {
        status = hws_sync(t->comm, t->state, HWS_SYNC_ENFORCE, NULL, NULL);
    }
    if (status == HWS_OK && hws_state_revision(t->state) != step) {
        fprintf(stderr, "sharded: no member of this group has the checkpoint of step %llu\n",
                (unsigned long long)step);
        return HWS_E_STATE_LOST;
    }
    t->step = hws_state_revision(t->state);
    return status;
}

// One step by all groups, or by none. Neither call retries: what was reduced among members of which
// one died must not be committed, so the step begins again with those that are left.
static hws_status try_step(struct trainer *t, uint32_t *pending)
{
    hws_options options = HWS_OPTIONS_INIT;
    hws_result reduced = HWS_RESULT_INIT, agreed = HWS_RESULT_INIT;
    uint64_t next = 0;
    compute_gradient(t);
    options.tag = REDUCE_TAG;
    hws_status status = hws_all_reduce(t->comm, t->gradient, t->gradient, COUNT, HWS_F32, HWS_AVG,
                                       &options, &reduced);
    if (status != HWS_OK) {
        return status;
    }
    options.tag = COMMIT_TAG;
    options.scope = HWS_SCOPE_RUN;
    status = hws_agree(t->comm, t->step + 1, HWS_AGREE_MIN, &options, &next, &agreed);
    if (status == HWS_OK && next == t->step + 1) {
        take_step(t, &reduced, &agreed);
        status = save(t);
    }
    *pending = agreed.pending;
    return status;
}

static hws_status advance(struct trainer *t)
{
    uint32_t pending = 0;
    hws_status status;
    if (!t->synced) {
        status = settle(t);
        t->synced = status == HWS_OK;
        return status;
    }
    status = try_step(t, &pending);
    if (status == HWS_OK && pending > 0) { // all members read the same number
        status = hws_admit(t->comm, NULL);
        t->synced = status != HWS_OK; // with the newcomers
    }
    return status;
}

// Somebody is lost: on with those that are left. If they are fewer than the run wants, those that
// wait are let in first, and synced with.
static hws_status meet_change(struct trainer *t, hws_status failure)
{
    hws_status status = hws_view(t->comm, NULL);
    if (failure == HWS_E_TOO_FEW && status == HWS_OK) {
        status = hws_admit(t->comm, NULL);
        t->synced = 0;
    }
    return hws_status_class(status) == HWS_CLASS_VIEW ? hws_view(t->comm, NULL) : status;
}

static hws_status train(struct trainer *t, uint64_t steps)
{
    hws_status status = HWS_OK;
    while (status == HWS_OK && t->step < steps) {
        status = advance(t);
        if (hws_status_class(status) == HWS_CLASS_VIEW) {
            status = meet_change(t, status);
        }
    }
    return status;
}

// Each shard has a directory of its own, which the units of one host share.
static void find_place(struct trainer *t, const char *directory)
{
    const char *unit = getenv("HAWSER_UNIT"), *group = getenv("HAWSER_GROUP");
    t->unit = unit != NULL ? unit : "a";
    t->spread = (uint32_t)t->unit[0] * 101 + (group != NULL ? (uint32_t)atoi(group) * 7 : 0);
    if (directory != NULL) {
        snprintf(t->directory, sizeof t->directory, "%s/shard%s", directory,
                 group != NULL ? group : "0");
        mkdir(t->directory, 0777);
    }
}

int main(int argc, char **argv)
{
    static struct trainer t;
    uint64_t steps = argc > 1 ? strtoull(argv[1], NULL, 10) : 100;
    find_place(&t, argc > 2 ? argv[2] : NULL);
    hws_status status = hws_open(NULL, &t.comm); // where it belongs is in the environment
    if (status == HWS_OK) {
        status = hws_state_create(&t.state);
    }
    if (status == HWS_OK) {
        status = hws_state_add(t.state, "shard", HWS_F32, t.shard, COUNT);
    }
    if (status == HWS_OK) {
        status = train(&t, steps);
    }
    if (status != HWS_OK) {
        fprintf(stderr, "sharded: %s: %s\n", hws_status_name(status), hws_last_error());
    }
    hws_close(t.comm);
    hws_state_destroy(t.state);
    return status == HWS_OK ? 0 : hws_status_class(status) == HWS_CLASS_RUN ? 3 : 1;
}
