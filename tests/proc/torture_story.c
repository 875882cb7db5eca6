// SPDX-License-Identifier: MIT
#include <hawser/hawser.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/proc/torture.h"
#include "tests/proc/torture_story.h"

enum {
    MEMBERS = 2,
    COUNT = 40000, // elements: several chunks, and blocks of the state
    STEPS = 2,
    OPS = 3,
    TRIES_MAX = 6,
    PATH_BYTES = 256,
};

struct story {
    char master[64];
    const char *place;
    _Atomic bool wrong;
};

struct member {
    struct story *story;
    int index;
    hws_comm *comm;
    hws_state *state;
    hws_status status; // of the last call
    float model[COUNT], ones[COUNT], out[COUNT], all[MEMBERS * COUNT];
    pthread_t thread;
};

static struct member members[MEMBERS];

int TORTURE_THREAD(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static void wrong(struct member *m, const char *what)
{
    fprintf(stderr, "member %d: WRONG: %s: %s\n", m->index, what, hws_last_error());
    m->story->wrong = true;
}

// An operation that a shortage ended may say so with HWS_E_INTERNAL: its communicator is finished.
static bool tells_shortage(void)
{
    return strstr(hws_last_error(), "out of memory") != NULL ||
           strstr(hws_last_error(), "the operating system refused") != NULL ||
           strstr(hws_last_error(), "could not be handed to the runtime") != NULL;
}

// A failed call has a status that callers may get, and a sentence. OK lets the member carry on.
static bool did(struct member *m, const char *what, hws_status status)
{
    m->status = status;
    if (status == HWS_OK) {
        return true;
    }
    fprintf(stderr, "member %d: %s: %s: %s\n", m->index, what, hws_status_name(status),
            hws_last_error());
    if (hws_last_error()[0] == '\0' || (status == HWS_E_INTERNAL && !tells_shortage())) {
        wrong(m, what);
    }
    return false;
}

static void path_in(const struct member *m, const char *name, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s%d", m->story->place, name, m->index);
}

static bool open_member(struct member *m)
{
    char journal[PATH_BYTES];
    hws_config config = HWS_CONFIG_INIT;
    path_in(m, "journal", journal);
    config.master = m->story->master;
    config.listen = "127.0.0.1:0";
    config.journal = journal;
    config.open_ms = 2000;
    config.timeout_ms = 2000;
    config.decision_grace_ms = 1000;
    return did(m, "hws_state_create", hws_state_create(&m->state)) &&
           did(m, "hws_state_add", hws_state_add(m->state, "model", HWS_F32, m->model, COUNT)) &&
           did(m, "hws_open", hws_open(&config, &m->comm));
}

static void expect_all(struct member *m, const float *values, size_t count, float value,
                       const char *what)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i] != value) {
            fprintf(stderr, "element %zu of %zu is %g instead of %g\n", i, count, (double)values[i],
                    (double)value);
            wrong(m, what);
            return;
        }
    }
}

static bool sums(struct member *m)
{
    hws_result result = HWS_RESULT_INIT;
    if (!did(m, "hws_all_reduce",
             hws_all_reduce(m->comm, m->ones, m->out, COUNT, HWS_F32, HWS_SUM, NULL, &result))) {
        return false;
    }
    expect_all(m, m->out, COUNT, (float)result.member_count, "the sum");
    if (!did(m, "hws_reduce_scatter",
             hws_reduce_scatter(m->comm, m->ones, COUNT, m->out, COUNT, HWS_F32, HWS_SUM, NULL,
                                &result))) {
        return false;
    }
    expect_all(m, m->out, result.count, (float)result.member_count, "the part of the sum");
    return true;
}

static bool copies(struct member *m)
{
    size_t counts[MEMBERS] = {0};
    hws_result result = HWS_RESULT_INIT;
    if (!did(m, "hws_all_gather",
             hws_all_gather(m->comm, m->ones, COUNT, m->all, MEMBERS * COUNT, counts, MEMBERS,
                            HWS_F32, NULL, &result))) {
        return false;
    }
    expect_all(m, m->all, result.member_count * (size_t)COUNT, 1.0f, "what was gathered");
    if (!did(m, "hws_broadcast",
             hws_broadcast(m->comm, m->ones, m->out, COUNT, HWS_F32, result.members[0], NULL,
                           NULL))) {
        return false;
    }
    expect_all(m, m->out, COUNT, 1.0f, "what was broadcast");
    return true;
}

static bool votes(struct member *m)
{
    uint64_t agreed = 0;
    if (!did(m, "hws_barrier", hws_barrier(m->comm, NULL, NULL)) ||
        !did(m, "hws_agree", hws_agree(m->comm, 7, HWS_AGREE_MIN, NULL, &agreed, NULL))) {
        return false;
    }
    if (agreed != 7) {
        wrong(m, "what was agreed");
    }
    return true;
}

static bool in_flight(struct member *m)
{
    hws_request *request = NULL;
    hws_op ops[OPS] = {HWS_OP_INIT, HWS_OP_INIT, HWS_OP_INIT};
    if (!did(m, "hws_all_reduce_async",
             hws_all_reduce_async(m->comm, m->ones, m->out, COUNT, HWS_F32, HWS_SUM, NULL,
                                  &request)) ||
        !did(m, "hws_wait", hws_wait(request, 8000, NULL))) {
        return false;
    }
    for (size_t i = 0; i < OPS; i++) {
        ops[i].what = HWS_ALL_REDUCE;
        ops[i].input = m->ones;
        ops[i].output = m->all + i * 100;
        ops[i].count = 100;
        ops[i].dtype = HWS_F32;
        ops[i].redop = HWS_SUM;
        ops[i].options.tag = i;
    }
    return did(m, "hws_batch", hws_batch(m->comm, ops, OPS, 2, 0, NULL, NULL));
}

// A call that the next step does not need: its failure does not end the step.
static void look_around(struct member *m)
{
    char path[PATH_BYTES], found[PATH_BYTES];
    hws_stats stats = HWS_STATS_INIT;
    size_t edges = 0;
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    snprintf(path, sizeof path, "%s/saved%d.ckpt", m->story->place, m->index);
    did(m, "hws_stats_get", hws_stats_get(m->comm, &stats));
    did(m, "hws_stats_edges", hws_stats_edges(m->comm, NULL, 0, &edges));
    did(m, "hws_checkpoint_save", hws_checkpoint_save(m->state, path, NULL, &info));
    if (m->status == HWS_OK) {
        did(m, "hws_checkpoint_load", hws_checkpoint_load(m->state, path, NULL));
    }
    did(m, "hws_checkpoint_newest",
        hws_checkpoint_newest(m->story->place, found, sizeof found, &info));
}

static bool step(struct member *m)
{
    if (!did(m, "hws_sync", hws_sync(m->comm, m->state, HWS_SYNC_ENFORCE, NULL, NULL)) ||
        hws_state_revision(m->state) >= STEPS) {
        return m->status == HWS_OK;
    }
    if (!sums(m) || !copies(m) || !votes(m) || !in_flight(m)) {
        return false;
    }
    for (int i = 0; i < COUNT; i++) {
        m->model[i] += 1.0f;
    }
    return did(m, "hws_state_set_revision",
               hws_state_set_revision(m->state, hws_state_revision(m->state) + 1));
}

static void *play(void *argument)
{
    struct member *m = argument;
    bool on = open_member(m);
    for (int tries = 0; on && hws_state_revision(m->state) < STEPS && tries < TRIES_MAX; tries++) {
        on = step(m);
        if (!on && hws_status_class(m->status) == HWS_CLASS_VIEW) {
            on = did(m, "hws_view", hws_view(m->comm, NULL));
        }
    }
    if (on) {
        look_around(m);
    }
    did(m, "hws_close", hws_close(m->comm));
    hws_state_destroy(m->state);
    return NULL;
}

static void play_member(struct story *story, int index)
{
    struct member *m = &members[index];
    m->story = story;
    m->index = index;
    for (int i = 0; i < COUNT; i++) {
        m->ones[i] = 1.0f;
    }
    if (TORTURE_THREAD(&m->thread, NULL, play, m) != 0) {
        perror("torture: pthread_create");
        story->wrong = true;
    }
}

bool torture_story(const char *place, bool undisturbed)
{
    char state_file[PATH_BYTES], journal[PATH_BYTES];
    struct story story = {.place = place};
    static struct member starter = {.index = -1};
    starter.story = &story;
    hws_master *master = NULL;
    hws_master_config config = HWS_MASTER_CONFIG_INIT;
    snprintf(state_file, sizeof state_file, "%s/state", place);
    snprintf(journal, sizeof journal, "%s/journal_of_master", place);
    config.state_file = state_file;
    config.journal = journal;
    config.first_members = MEMBERS;
    config.heartbeat_ms = 100;
    config.dead_ms = 1000;
    if (!did(&starter, "hws_master_start", hws_master_start(&config, &master)) ||
        !did(&starter, "hws_master_address",
             hws_master_address(master, story.master, sizeof story.master))) {
        hws_master_stop(master);
        return !story.wrong && !undisturbed;
    }
    for (int i = 0; i < MEMBERS; i++) {
        play_member(&story, i);
    }
    for (int i = 0; i < MEMBERS; i++) {
        pthread_join(members[i].thread, NULL);
        story.wrong = story.wrong || (undisturbed && members[i].model[0] != (float)STEPS);
    }
    did(&starter, "hws_master_stop", hws_master_stop(master));
    return !story.wrong;
}
