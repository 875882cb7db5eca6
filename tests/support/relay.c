// SPDX-License-Identifier: MIT
#include "tests/support/relay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/wire/codec.h"
#include "tests/support/expect.h"

enum { HEARD_MAX = 16384 };

struct heard {
    struct hwi_msg msg;
    void *block;
    bool taken;
};

struct relay {
    struct hwi_host *host;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct heard heard[HEARD_MAX];
    uint32_t count;
};

// ---- the actors ---------------------------------------------------------------------------------

static void *create(const struct hwi_alloc *alloc)
{
    return hwi_new(alloc, 1);
}

static void destroy(void *state)
{
    hwi_free(&hwi_alloc_libc, state);
}

static void failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    (void)state;
    (void)now_ns;
    (void)effects;
}

static struct hwi_msg *pass(struct hwi_effects *effects, enum hwi_role role, uint64_t id,
                            const struct hwi_msg *msg)
{
    struct hwi_msg *out = hwi_emit(effects, hwi_addr_of(role, id), msg->type);
    *out = *msg;
    return out;
}

static void peer_step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    (void)state;
    enum hwi_role to = HWI_ROLE_TRAINER;
    if (event->from.role == HWI_ROLE_TRAINER) {
        uint16_t type = event->msg->type;
        to = type == HWI_MSG_edge_open || type == HWI_MSG_edge_close ? HWI_ROLE_DATA
             : type == HWI_MSG_wake_at                               ? HWI_ROLE_CLOCK
                                                                     : HWI_ROLE_MASTER;
        HWI_CHECK(type != HWI_MSG_open); // how a test makes a check fail
    }
    pass(effects, to, 0, event->msg);
}

static void reducer_step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    (void)state;
    if (event->from.role != HWI_ROLE_TRAINER) {
        pass(effects, HWI_ROLE_TRAINER, 0, event->msg);
    } else if (event->msg->type == HWI_MSG_call) {
        pass(effects, HWI_ROLE_REDUCER, event->msg->u.call.signature.count, event->msg);
    } else if (event->msg->type != HWI_MSG_request) {
        pass(effects, HWI_ROLE_DATA, 0, event->msg);
    }
}

static void master_step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    (void)state;
    const struct hwi_msg *msg = event->msg;
    if (event->from.role == HWI_ROLE_TRAINER && msg->type == HWI_MSG_pong) {
        pass(effects, HWI_ROLE_PEER, msg->u.pong.sent, msg);
    } else if (event->from.role == HWI_ROLE_TRAINER && msg->type == HWI_MSG_view_file) {
        pass(effects, HWI_ROLE_DISK, 0, msg);
    } else if (event->from.role == HWI_ROLE_DISK && msg->type == HWI_MSG_view_file) {
        pass(effects, HWI_ROLE_TRAINER, 0, msg);
    } else if (event->from.role != HWI_ROLE_TRAINER) {
        pass(effects, HWI_ROLE_TRAINER, 0, msg);
    }
    if (msg->type == HWI_MSG_registration) {
        HWI_EMIT(effects, event->from, welcome)->peer = msg->u.registration.incarnation;
    }
    if (msg->type == HWI_MSG_status_want) {
        HWI_EMIT(effects, event->from, status)->run = 7;
    }
}

static const struct hwi_actor_ops peer_ops = {
    .name = "peer",
    .role = HWI_ROLE_PEER,
    .create = create,
    .step = peer_step,
    .failed = failed,
    .destroy = destroy,
};
static const struct hwi_actor_ops reducer_ops = {
    .name = "reducer",
    .role = HWI_ROLE_REDUCER,
    .create = create,
    .step = reducer_step,
    .failed = failed,
    .destroy = destroy,
};
static const struct hwi_actor_ops master_ops = {
    .name = "master",
    .role = HWI_ROLE_MASTER,
    .create = create,
    .step = master_step,
    .failed = failed,
    .destroy = destroy,
};

// ---- the owner ----------------------------------------------------------------------------------

static void keep(struct relay *relay, const struct hwi_msg *msg)
{
    pthread_mutex_lock(&relay->mutex);
    HWI_CHECK(relay->count < HEARD_MAX);
    struct heard *heard = &relay->heard[relay->count];
    HWI_CHECK(hwi_msg_clone(msg, &heard->msg, &heard->block));
    relay->count++;
    pthread_cond_broadcast(&relay->changed);
    pthread_mutex_unlock(&relay->mutex);
}

// The end of an operation frees its request's memory; the tests use request 1 for all.
static void on_trainer(void *user, const struct hwi_msg *msg)
{
    struct relay *relay = user;
    if (msg->type == HWI_MSG_quiesced) {
        hwi_host_forget(relay->host, 1);
    }
    keep(relay, msg);
}

// Kept as `refused`, with the actor's name.
static void on_check_failed(void *user, const char *actor, const char *what, const char *file,
                            int line)
{
    (void)what;
    (void)file;
    (void)line;
    struct hwi_msg msg = {.type = HWI_MSG_refused};
    strncpy(msg.u.refused.reason, actor, sizeof msg.u.refused.reason - 1);
    keep(user, &msg);
}

static const struct hwi_host_ops owner_ops = {on_trainer, on_check_failed};

static struct relay *create_relay(struct hwi_host_config *config, int *status, char *error)
{
    struct relay *relay = calloc(1, sizeof *relay);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&relay->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&relay->mutex, NULL);
    config->ops = &owner_ops;
    config->user = relay;
    *status = hwi_host_create(config, &relay->host, error);
    if (*status == 0) {
        return relay;
    }
    relay_destroy(relay);
    return NULL;
}

struct relay *relay_member(const char *master, const char *listen, uint64_t incarnation)
{
    const struct hwi_actor_ops *actors[] = {&peer_ops, &reducer_ops};
    struct hwi_host_config config = {.actors = actors,
                                     .actor_count = 2,
                                     .master = master,
                                     .listen = listen != NULL ? listen : "127.0.0.1:0",
                                     .incarnation = incarnation};
    char error[HWI_ERROR_BYTES_MAX] = "";
    int status;
    struct relay *relay = create_relay(&config, &status, error);
    expect(relay != NULL, "no member: %d %s", status, error);
    return relay;
}

struct relay *relay_master_try(const char *listen, const char *state_file, bool new_run,
                               int *status, char *error)
{
    const struct hwi_actor_ops *actors[] = {&master_ops};
    struct hwi_host_config config = {.actors = actors,
                                     .actor_count = 1,
                                     .listen = listen,
                                     .state_file = state_file,
                                     .new_run = new_run};
    return create_relay(&config, status, error);
}

struct relay *relay_master(const char *listen, const char *state_file, bool new_run)
{
    static const struct hwi_msg start = {.type = HWI_MSG_master_start};
    char error[HWI_ERROR_BYTES_MAX] = "";
    int status;
    struct relay *relay = relay_master_try(listen, state_file, new_run, &status, error);
    expect(relay != NULL, "no master: %d %s", status, error);
    relay_say(relay, HWI_ROLE_MASTER, &start);
    return relay;
}

void relay_destroy(struct relay *relay)
{
    if (relay->host != NULL) {
        hwi_host_destroy(relay->host);
    }
    for (uint32_t i = 0; i < relay->count; i++) {
        free(relay->heard[i].block);
    }
    pthread_cond_destroy(&relay->changed);
    pthread_mutex_destroy(&relay->mutex);
    free(relay);
}

struct hwi_host *relay_host(struct relay *relay)
{
    return relay->host;
}

const char *relay_address(struct relay *relay)
{
    return hwi_host_address(relay->host);
}

void relay_say(struct relay *relay, enum hwi_role role, const struct hwi_msg *msg)
{
    struct hwi_submission submission = {.to = hwi_addr_of(role, 0), .msg = *msg};
    int status = hwi_host_submit(relay->host, &submission);
    expect(status == 0, "the host took no submission: %d", status);
}

static struct heard *find(struct relay *relay, uint16_t type)
{
    for (uint32_t i = 0; i < relay->count; i++) {
        if (!relay->heard[i].taken && relay->heard[i].msg.type == type) {
            return &relay->heard[i];
        }
    }
    return NULL;
}

bool relay_hear_within(struct relay *relay, uint16_t type, uint32_t ms, struct hwi_msg *msg)
{
    uint64_t limit_ns = hwi_host_now() + ms * HWI_NS_PER_MS;
    struct timespec limit = {(time_t)(limit_ns / HWI_NS_PER_S), (long)(limit_ns % HWI_NS_PER_S)};
    struct heard *heard;
    int waited = 0;
    pthread_mutex_lock(&relay->mutex);
    while ((heard = find(relay, type)) == NULL && waited == 0) {
        waited = pthread_cond_timedwait(&relay->changed, &relay->mutex, &limit);
    }
    if (heard != NULL) {
        heard->taken = true;
        *msg = heard->msg;
    }
    pthread_mutex_unlock(&relay->mutex);
    return heard != NULL;
}

struct hwi_msg relay_hear(struct relay *relay, uint16_t type)
{
    struct hwi_msg msg = {0};
    bool heard = relay_hear_within(relay, type, RELAY_WAIT_MS, &msg);
    expect(heard, "no %s came", hwi_layout_of(type)->name);
    return msg;
}

struct hwi_msg relay_edge(struct relay *self, uint64_t self_id, uint64_t self_incarnation,
                          uint64_t peer_id, uint64_t peer_incarnation, const char *address,
                          bool dial, uint32_t stripes)
{
    struct hwi_msg msg = {.type = HWI_MSG_edge_open};
    struct hwi_msg_edge_open *open = &msg.u.edge_open;
    *open = (struct hwi_msg_edge_open){.run = 7,
                                       .self = self_id,
                                       .self_incarnation = self_incarnation,
                                       .peer = peer_id,
                                       .incarnation = peer_incarnation,
                                       .dial = dial,
                                       .stripes = stripes};
    strncpy(open->address, address, sizeof open->address - 1);
    relay_say(self, HWI_ROLE_PEER, &msg);
    return msg;
}
