// SPDX-License-Identifier: MIT
// A host played by the test: the functions of host.h here stand in for the library's, so that a
// test says how each submission is answered. Included by one test program each.
#ifndef HAWSER_TESTS_UNIT_PLAYED_HOST_H
#define HAWSER_TESTS_UNIT_PLAYED_HOST_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <hawser/hawser.h>

#include "runtime/comm.h"

enum { SUBMISSIONS_MAX = 1024 };

// A submission and how it is to be answered.
struct scripted {
    struct hwi_submission submission;
    struct hwi_msg_reply reply;
    bool silent;
};

struct hwi_host {
    struct hwi_host_config config;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct scripted queue[SUBMISSIONS_MAX];
    uint32_t submitted, handled;
    bool stopping;
};

// The scene: how the host answers, and what was seen of it. One communicator at a time.
static struct {
    struct hwi_msg_reply reply; // to everything but the opening; its request is filled in
    hws_status open_status;
    bool silent;           // no reply to anything but the opening and close
    uint32_t gather;       // requests wait for their replies until this many do, ...
    uint32_t gather_until; // ... up to this submission
    uint64_t bad_tag;      // calls on it get bad_status
    hws_status bad_status;
    bool tags_told;   // a call's tag comes back as view and as number of newcomers
    uint32_t most;    // requests without a reply at a time
    bool clock_races; // each look at the clock takes 10 ms, and sleeping none
    int create_status, submit_status;
    uint64_t forgotten;
    uint64_t edges;                 // that the host tells of: peers from 1
    struct hwi_msg_cancel cancel;   // the last one
    struct hwi_msg_request request; // the last one
    struct hwi_host *host;
} scene;
static _Atomic uint64_t raced_ns;

static void answer(struct hwi_host *host, const struct scripted *scripted)
{
    const struct hwi_submission *submission = &scripted->submission;
    struct hwi_msg msg = {.type = HWI_MSG_reply};
    msg.u.reply = scripted->reply;
    static struct hwi_id self = {7};
    if (submission->msg.type == HWI_MSG_open) {
        msg.u.reply = (struct hwi_msg_reply){.request = submission->msg.u.open.request,
                                             .status = scene.open_status,
                                             .view = 1,
                                             .pending = 5,
                                             .members = &self,
                                             .members_count = 1,
                                             .attempts = 1};
    } else if (submission->msg.type == HWI_MSG_request) {
        if (submission->msg.u.request.kind == HWI_KIND_CLOSE) {
            msg.u.reply = (struct hwi_msg_reply){0}; // the scene's lists may be gone
        } else if (scripted->silent) {
            return;
        }
        msg.u.reply.request = submission->msg.u.request.request;
        uint64_t tag = submission->msg.u.request.tag;
        if (scene.bad_status != HWS_OK && tag == scene.bad_tag) {
            msg.u.reply.status = scene.bad_status;
        }
        if (scene.tags_told) {
            msg.u.reply.view = msg.u.reply.pending = (uint32_t)tag;
        }
    } else {
        return;
    }
    host->config.ops->trainer(host->config.user, &msg);
}

static void *run_host(void *user)
{
    struct hwi_host *host = user;
    pthread_mutex_lock(&host->mutex);
    while (!host->stopping) {
        uint32_t waiting = host->submitted - host->handled;
        if (waiting == 0 || (waiting < scene.gather && host->submitted < scene.gather_until)) {
            pthread_cond_wait(&host->changed, &host->mutex);
            continue;
        }
        struct scripted scripted = host->queue[host->handled++ % SUBMISSIONS_MAX];
        pthread_mutex_unlock(&host->mutex);
        answer(host, &scripted);
        pthread_mutex_lock(&host->mutex);
    }
    pthread_mutex_unlock(&host->mutex);
    return NULL;
}

int hwi_host_create(const struct hwi_host_config *config, struct hwi_host **host, char *error)
{
    if (scene.create_status != 0) {
        snprintf(error, HWI_ERROR_BYTES_MAX, "127.0.0.1:1 cannot be bound: permission denied");
        return scene.create_status;
    }
    scene.host = calloc(1, sizeof *scene.host);
    assert_non_null(scene.host);
    scene.host->config = *config;
    pthread_mutex_init(&scene.host->mutex, NULL);
    pthread_cond_init(&scene.host->changed, NULL);
    pthread_create(&scene.host->thread, NULL, run_host, scene.host);
    *host = scene.host;
    return 0;
}

const char *hwi_host_address(const struct hwi_host *host)
{
    (void)host;
    return "127.0.0.1:40123";
}

int hwi_host_submit(struct hwi_host *host, const struct hwi_submission *submission)
{
    if (scene.submit_status != 0) {
        return scene.submit_status;
    }
    pthread_mutex_lock(&host->mutex);
    if (submission->msg.type == HWI_MSG_request) {
        scene.request = submission->msg.u.request;
    }
    if (submission->msg.type == HWI_MSG_cancel) {
        scene.cancel = submission->msg.u.cancel;
    }
    host->queue[host->submitted++ % SUBMISSIONS_MAX] =
        (struct scripted){*submission, scene.reply, scene.silent};
    if (host->submitted - host->handled > scene.most) {
        scene.most = host->submitted - host->handled;
    }
    pthread_cond_signal(&host->changed);
    pthread_mutex_unlock(&host->mutex);
    return 0;
}

void hwi_host_forget(struct hwi_host *host, uint64_t request)
{
    (void)host;
    scene.forgotten = request;
}

void hwi_host_counters(struct hwi_host *host, struct hwi_host_counters *counters)
{
    (void)host;
    *counters = (struct hwi_host_counters){0};
}

void hwi_host_stats(struct hwi_host *host, struct hwi_data_stats *stats)
{
    (void)host;
    *stats = (struct hwi_data_stats){.bytes_sent = 11, .reduce_bytes = 22};
}

void hwi_host_edges(struct hwi_host *host, hwi_edges_fn tell, void *user)
{
    hws_edge_stats edge = HWS_EDGE_STATS_INIT;
    (void)host;
    for (edge.peer.value = 1; edge.peer.value <= scene.edges; edge.peer.value++) {
        tell(user, &edge);
    }
}

void hwi_host_destroy(struct hwi_host *host)
{
    pthread_mutex_lock(&host->mutex);
    host->stopping = true;
    pthread_cond_signal(&host->changed);
    pthread_mutex_unlock(&host->mutex);
    pthread_join(host->thread, NULL);
    pthread_mutex_destroy(&host->mutex);
    pthread_cond_destroy(&host->changed);
    free(host);
    scene.host = NULL;
}

uint64_t hwi_host_random(void)
{
    return UINT64_MAX;
}

uint64_t hwi_host_now(void)
{
    struct timespec now;
    if (scene.clock_races) {
        return atomic_fetch_add(&raced_ns, 10 * HWI_NS_PER_MS);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * HWI_NS_PER_S + (uint64_t)now.tv_nsec;
}

static hws_comm *comm;
static float buffer[64];

static int open_comm(void **state)
{
    (void)state;
    hws_config config = HWS_CONFIG_INIT;
    memset(&scene, 0, sizeof scene);
    scene.reply.view = 4;
    scene.reply.attempts = 1;
    config.master = "127.0.0.1:4000";
    config.min_members = 2;
    config.timeout_ms = 2000;
    return hws_open(&config, &comm);
}

static int close_comm(void **state)
{
    (void)state;
    hws_status status = hws_close(comm);
    comm = NULL;
    return scene.host == NULL ? (int)status : -1;
}

static inline hws_status reduce(uint64_t tag, hws_result *result)
{
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = tag;
    return hws_all_reduce(comm, buffer, buffer, 64, HWS_F32, HWS_SUM, &options, result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_comm, close_comm)

#endif
