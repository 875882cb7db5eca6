// SPDX-License-Identifier: MIT
#include "tests/support/tape.h"

#include <stdlib.h>

#include "actors/loop/image.h"
#include "tests/support/scenario.h"

enum { STATE_BYTES = 9 << 20 };

// A real actor, taped.
struct taped {
    struct tape *tape;
    void *state;
    const struct hwi_alloc *alloc;
};

static struct tape tapes[TAPES] = {
    {&hwi_master_ops}, {&hwi_peer_ops}, {&hwi_reducer_ops}, {&hwi_snapshot_ops}};
static const void *on_tape[TAPES]; // whose events are kept
static bool taping;
static uint64_t drawn; // 0 = the largest images are kept

static void forget_events(struct tape *tape)
{
    for (uint32_t i = 0; i < tape->count; i++) {
        free(tape->events[i].block);
    }
    tape->count = 0;
}

static void keep_event(struct tape *tape, const struct hwi_event *event)
{
    if (tape->count == TAPE_EVENTS_MAX) {
        return;
    }
    struct tape_event *kept = &tape->events[tape->count++];
    expect(hwi_msg_clone(event->msg, &kept->msg, &kept->block), "out of memory");
    kept->event = *event;
    kept->event.msg = &kept->msg;
}

// Each event is chosen with the same chance, whatever their number: the n-th replaces what was
// chosen before with a chance of 1/n.
static bool is_chosen(struct tape *tape, size_t length)
{
    if (drawn == 0) {
        return length > tape->length;
    }
    drawn = drawn * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (drawn >> 33) % ++tape->seen == 0;
}

// Keeps the image of the state before this event if it is chosen, and the events from there on.
static void watch(const struct taped *taped, const struct hwi_event *event)
{
    struct tape *tape = taped->tape;
    size_t length = 0;
    unsigned char *image = hwi_image_save(tape->ops, taped->state, &hwi_alloc_libc, &length);
    expect(image != NULL, "the %s cannot be saved", tape->ops->name);
    if (is_chosen(tape, length)) {
        free(tape->image);
        forget_events(tape);
        tape->image = image;
        tape->length = length;
        on_tape[tape - tapes] = taped;
    } else {
        free(image);
    }
    if (on_tape[tape - tapes] == taped) {
        keep_event(tape, event);
    }
}

static void *create(const struct hwi_alloc *alloc, uint32_t index)
{
    struct taped *taped = hwi_new(alloc, sizeof *taped);
    *taped = (struct taped){&tapes[index], tapes[index].ops->create(alloc), alloc};
    return taped;
}

static void *create_master(const struct hwi_alloc *alloc)
{
    return create(alloc, 0);
}

static void *create_peer(const struct hwi_alloc *alloc)
{
    return create(alloc, 1);
}

static void *create_reducer(const struct hwi_alloc *alloc)
{
    return create(alloc, 2);
}

static void *create_snapshot(const struct hwi_alloc *alloc)
{
    return create(alloc, 3);
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct taped *taped = state;
    if (taping) {
        watch(taped, event);
    }
    taped->tape->ops->step(taped->state, event, effects);
}

static void failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    struct taped *taped = state;
    taped->tape->ops->failed(taped->state, now_ns, effects);
}

static void destroy(void *state)
{
    struct taped *taped = state;
    taped->tape->ops->destroy(taped->state);
    hwi_free(taped->alloc, taped);
}

static void visit(struct hwi_image *image, void *state)
{
    struct taped *taped = state;
    taped->tape->ops->image(image, taped->state);
}

static const struct hwi_actor_ops actors[TAPES] = {
    {"master", HWI_ROLE_MASTER, create_master, step, failed, destroy, visit},
    {"peer", HWI_ROLE_PEER, create_peer, step, failed, destroy, visit},
    {"reducer", HWI_ROLE_REDUCER, create_reducer, step, failed, destroy, visit},
    {"snapshot", HWI_ROLE_SNAPSHOT, create_snapshot, step, failed, destroy, visit}};

// Many reductions on two tags, votes between them; a member dies in their midst, and all is said
// again.
static void reduce_through_a_death(struct scenario *s)
{
    uint64_t requests[3][12];
    for (uint32_t i = 0; i < 12; i++) {
        for (uint32_t node = 0; node < 3; node++) {
            struct call call = {.step = i + 1, .tag = i % 5, .count = 300000, .retry = 1};
            call.kind = i % 5 == 4 ? HWI_KIND_AGREE : 0;
            call.redop = i % 5 == 4 ? HWI_AGREE_MIN : 0;
            call.timeout_ms = 60000;
            requests[node][i] = make_call(s, node, &call);
        }
        run_ms(s, 3);
    }
    hwi_sim_kill(s->sim, 2);
    run_ms(s, 500);
    for (uint32_t node = 0; node < 2; node++) {
        for (uint32_t i = 0; i < 12; i++) {
            expect_status(s, node, requests[node][i], HWS_OK);
        }
    }
}

static void join_and_sync(struct scenario *s)
{
    uint32_t late = start_member(s);
    run_ms(s, 100);
    everybody_acknowledges(s);
    everybody_admits(s);
    expect_open(s, late, HWS_OK);
    everybody_acknowledges(s);
    for (uint32_t node = 0; node < s->nodes; node++) {
        if (is_up(s, node)) {
            give_state(s, node, STATE_BYTES, node == late ? 2 : 1);
        }
    }
    everybody(s,
              &(struct call){.kind = HWI_KIND_SYNC, .step = 50, .value = 7, .timeout_ms = 60000});
}

void tape_fini(void)
{
    for (uint32_t i = 0; i < TAPES; i++) {
        forget_events(&tapes[i]);
        free(tapes[i].image);
        tapes[i] = (struct tape){.ops = tapes[i].ops};
    }
}

struct tape *tape_record(uint64_t draw)
{
    tape_fini();
    drawn = draw;
    struct hwi_sim_config config = scenario_config;
    config.edge_bytes_per_s = 20000000;
    config.durable = 1;
    for (uint32_t i = 0; i < TAPES; i++) {
        config.actors[actors[i].role] = &actors[i];
    }
    taping = true;
    struct scenario *scenario = scenario_start_with(&config, 3);
    reduce_through_a_death(scenario);
    join_and_sync(scenario);
    taping = false;
    scenario_end(scenario);
    return tapes;
}
