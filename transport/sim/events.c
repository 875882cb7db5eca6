// SPDX-License-Identifier: MIT
// What is scheduled: a binary heap ordered by time, then by the order of scheduling.
#include "transport/sim/world.h"

#include <stdlib.h>

static bool earlier(const struct hwi_sim_event *a, const struct hwi_sim_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->sequence < b->sequence;
}

static void sift_up(struct hwi_sim_event **heap, uint32_t index)
{
    struct hwi_sim_event *event = heap[index];
    while (index > 0 && earlier(event, heap[(index - 1) / 2])) {
        heap[index] = heap[(index - 1) / 2];
        index = (index - 1) / 2;
    }
    heap[index] = event;
}

static void sift_down(struct hwi_sim_event **heap, uint32_t count)
{
    struct hwi_sim_event *event = heap[0];
    uint32_t index = 0;
    for (uint32_t child = 1; child < count; child = 2 * index + 1) {
        if (child + 1 < count && earlier(heap[child + 1], heap[child])) {
            child++;
        }
        if (!earlier(heap[child], event)) {
            break;
        }
        heap[index] = heap[child];
        index = child;
    }
    heap[index] = event;
}

struct hwi_sim_event *hwi_sim_event_new(void)
{
    return hwi_new(&hwi_alloc_libc, sizeof(struct hwi_sim_event));
}

void hwi_sim_event_free(struct hwi_sim_event *event)
{
    free(event->bytes);
    hwi_sim_flight_release(event->flight);
    hwi_free(&hwi_alloc_libc, event);
}

void hwi_sim_schedule(struct hwi_sim *sim, struct hwi_sim_event *event, uint64_t delay_ns)
{
    if (sim->event_count == sim->event_capacity) {
        HWI_CHECK(sim->event_capacity < HWI_SIM_EVENTS_MAX);
        sim->event_capacity = HWI_MAX(64, sim->event_capacity * 2);
        sim->events = hwi_resize(&hwi_alloc_libc, sim->events,
                                 sim->event_capacity * sizeof(struct hwi_sim_event *));
    }
    event->at_ns = sim->now_ns + delay_ns;
    if (event->sequence == 0) {
        event->sequence = ++sim->sequence; // what a freeze held back keeps its place
    }
    sim->events[sim->event_count] = event;
    sift_up(sim->events, sim->event_count++);
}

uint64_t hwi_sim_event_time(const struct hwi_sim *sim)
{
    return sim->event_count > 0 ? sim->events[0]->at_ns : HWI_NEVER;
}

struct hwi_sim_event *hwi_sim_event_take(struct hwi_sim *sim)
{
    struct hwi_sim_event *first = sim->events[0];
    sim->events[0] = sim->events[--sim->event_count];
    if (sim->event_count > 0) {
        sift_down(sim->events, sim->event_count);
    }
    return first;
}

void hwi_sim_events_fini(struct hwi_sim *sim)
{
    for (uint32_t i = 0; i < sim->event_count; i++) {
        hwi_sim_event_free(sim->events[i]);
    }
    hwi_free(&hwi_alloc_libc, sim->events);
}
