// SPDX-License-Identifier: MIT
// Measures the cost of the ring per message: the drain with and without it, in turn.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/loop/drain.h"
#include "tools/bench/bench.h"
#include "tools/hawser/command.h"
#include "transport/os/os_ticks.h"

enum {
    ROUNDS = 41,
    EVENTS = 200000, // of one measurement
};

// Two actors that send each other the same message for ever; a third only listens.
struct player {
    enum hwi_role partner; // NONE: it says nothing
    bool says;             // and each time something to the outside
};

struct mode {
    const char *what;
    const struct hwi_actor_ops *peer, *reducer;
    double messages; // that an event writes to the ring
    uint32_t batch,
        every; // events posted to the peer from outside, and the events between two such posts
};

static void *create(const struct hwi_alloc *alloc, struct player what)
{
    struct player *player = hwi_new(alloc, sizeof *player);
    *player = what;
    return player;
}

static void *create_peer(const struct hwi_alloc *alloc)
{
    return create(alloc, (struct player){.partner = HWI_ROLE_REDUCER});
}

static void *create_reducer(const struct hwi_alloc *alloc)
{
    return create(alloc, (struct player){.partner = HWI_ROLE_PEER});
}

static void *create_outspoken(const struct hwi_alloc *alloc)
{
    return create(alloc, (struct player){.partner = HWI_ROLE_PEER, .says = true});
}

static void *create_first(const struct hwi_alloc *alloc)
{
    return create(alloc, (struct player){.partner = HWI_ROLE_REDUCER, .says = true});
}

static void *create_last(const struct hwi_alloc *alloc)
{
    return create(alloc, (struct player){.partner = HWI_ROLE_NONE, .says = true});
}

static void *create_silent(const struct hwi_alloc *alloc)
{
    return create(alloc, (struct player){.partner = HWI_ROLE_NONE});
}

static void destroy(void *state)
{
    hwi_free(&hwi_alloc_libc, state);
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    const struct player *player = state;
    if (player->partner) {
        HWI_EMIT(effects, hwi_addr_of(player->partner, 0), chunk)->op = event->msg->u.chunk.op;
    }
    if (player->says) {
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_DATA, 0), send)->op = event->msg->u.chunk.op;
    }
}

static void failed(void *state, uint64_t now, struct hwi_effects *effects)
{
    (void)state, (void)now, (void)effects;
}

#define ACTOR(role, create)                                                                        \
    {                                                                                              \
        "actor", role, create, step, failed, destroy, NULL                                         \
    }
static const struct hwi_actor_ops peer = ACTOR(HWI_ROLE_PEER, create_peer);
static const struct hwi_actor_ops reducer = ACTOR(HWI_ROLE_REDUCER, create_reducer);
static const struct hwi_actor_ops outspoken = ACTOR(HWI_ROLE_REDUCER, create_outspoken);
static const struct hwi_actor_ops silent = ACTOR(HWI_ROLE_PEER, create_silent);
static const struct hwi_actor_ops first = ACTOR(HWI_ROLE_PEER, create_first);
static const struct hwi_actor_ops last = ACTOR(HWI_ROLE_REDUCER, create_last);

static void carry(void *world, const struct hwi_envelope *envelope)
{
    (void)envelope;
    ++*(uint64_t *)world;
}

static uint64_t ticks(void *world)
{
    (void)world;
    return hwi_os_ticks();
}

static const struct hwi_world_ops world_ops = {.carry = carry, .ticks = ticks};

static const struct hwi_msg message = {
    .type = HWI_MSG_chunk,
    .u.chunk = {.op = {.view = 1, .kind = HWI_KIND_ALL_REDUCE, .tag = 7, .seq = 3}, .from = 2}};

static void post(struct hwi_drain *drain)
{
    hwi_drain_post(drain, hwi_addr_of(HWI_ROLE_DATA, 0), hwi_addr_of(HWI_ROLE_PEER, 0), &message);
}

// Of this thread: what others do on a busy machine is not counted.
static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * HWI_NS_PER_S + (uint64_t)now.tv_nsec;
}

// Nanoseconds for an event.
static double measure(struct hwi_drain *drain, const struct mode *mode)
{
    uint64_t start_ns = cpu_ns();
    for (uint32_t i = 0; i < EVENTS; i++) {
        if (mode->batch && i % mode->every == 0) {
            for (uint32_t k = 0; k < mode->batch; k++) {
                post(drain);
            }
        }
        hwi_drain_step(drain, start_ns);
    }
    return (double)(cpu_ns() - start_ns) / EVENTS;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double values[ROUNDS])
{
    qsort(values, ROUNDS, sizeof values[0], by_value);
    return values[ROUNDS / 2];
}

static struct hwi_drain *start(const struct mode *mode, uint64_t *carried)
{
    struct hwi_drain *drain = hwi_drain_create(&hwi_alloc_libc, &world_ops, carried);
    hwi_drain_add(drain, mode->peer);
    hwi_drain_add(drain, mode->reducer);
    if (!mode->batch) {
        post(drain);
    }
    return drain;
}

static void print_mode(const struct mode *mode, bool json, double without, double with, double cost)
{
    if (json) {
        printf("{\"bench\":\"ring\",\"messages\":\"%s\",\"without_ns\":%.2f,\"with_ns\":%.2f,"
               "\"ns_per_message\":%.2f}\n",
               mode->what, without, with, cost);
    } else {
        printf("%-36s %9.1f %9.1f %12.1f\n", mode->what, without, with, cost);
    }
}

static void compare(const struct mode *mode, bool json, struct hwi_ring *ring)
{
    double without[ROUNDS], with[ROUNDS], cost[ROUNDS];
    uint64_t carried = 0;
    struct hwi_drain *drain = start(mode, &carried);
    for (int i = 0; i < ROUNDS; i++) {
        hwi_drain_trace(drain, NULL);
        without[i] = measure(drain, mode);
        hwi_drain_trace(drain, ring);
        with[i] = measure(drain, mode);
        cost[i] = (with[i] - without[i]) / mode->messages;
    }
    print_mode(mode, json, median(without), median(with), median(cost));
    hwi_drain_destroy(drain);
}

int bench_ring(const struct bench_job *job)
{
    static const struct mode modes[] = {
        // As a member: half of the messages are received and half are sent, and half of the
        // received ones are from outside.
        {"as in a small all-reduce", &first, &last, 2, 1, 2},
        {"between actors", &peer, &reducer, 1, 0, 0},
        {"every other event says one outside", &peer, &outspoken, 1.5, 0, 0},
        {"from outside, one by one", &silent, &reducer, 1, 1, 1},
        {"from outside, eight at a time", &silent, &reducer, 1, 8, 8},
    };
    size_t bytes = hwi_ring_bytes(HWI_RING_RECORDS);
    void *memory = aligned_alloc(64, bytes);
    if (memory == NULL) {
        bench_complain("no memory");
        return EXIT_FAILED;
    }
    struct hwi_ring *ring =
        hwi_ring_create(&hwi_alloc_libc, memset(memory, 0, bytes), HWI_RING_RECORDS);
    if (!job->json) {
        printf("%-36s %9s %9s %12s\n", "", "ns/event", "with ring", "ns/message");
    }
    for (size_t i = 0; i < HWI_COUNT(modes); i++) {
        compare(&modes[i], job->json, ring);
    }
    hwi_ring_destroy(ring);
    free(memory);
    return EXIT_OK;
}
