// SPDX-License-Identifier: MIT
// The schedule: a binary heap of events ordered by time, then by the order of scheduling.
#include "transport/sim/world.h"

#include <stdlib.h>

static bool earlier(const struct hwi_sim_slot *a, const struct hwi_sim_slot *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->sequence < b->sequence;
}

static void sift_up(struct hwi_sim_slot *heap, uint32_t index)
{
    struct hwi_sim_slot slot = heap[index];
    while (index > 0 && earlier(&slot, &heap[(index - 1) / 2])) {
        heap[index] = heap[(index - 1) / 2];
        index = (index - 1) / 2;
    }
    heap[index] = slot;
}

static void sift_down(struct hwi_sim_slot *heap, uint32_t count)
{
    struct hwi_sim_slot slot = heap[0];
    uint32_t index = 0;
    for (uint32_t child = 1; child < count; child = 2 * index + 1) {
        if (child + 1 < count && earlier(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!earlier(&heap[child], &slot)) {
            break;
        }
        heap[index] = heap[child];
        index = child;
    }
    heap[index] = slot;
}

struct hwi_sim_event *hwi_sim_event_new(struct hwi_sim *sim, struct hwi_sim_process *process,
                                        void (*happen)(struct hwi_sim_process *,
                                                       struct hwi_sim_event *))
{
    struct hwi_sim_event *event = sim->free_events;
    if (event != NULL) {
        sim->free_events = event->next;
        *event = (struct hwi_sim_event){0};
    } else {
        event = hwi_new(&hwi_alloc_libc, sizeof *event);
    }
    event->process = process;
    event->happen = happen;
    return event;
}

void hwi_sim_event_free(struct hwi_sim *sim, struct hwi_sim_event *event)
{
    hwi_sim_packet_release(sim, event->packet);
    free(event->flat);
    hwi_sim_flight_release(event->flight);
    hwi_sim_conn_release(event->conn);
    event->next = sim->free_events;
    sim->free_events = event;
}

void hwi_sim_schedule(struct hwi_sim *sim, struct hwi_sim_event *event, uint64_t delay_ns)
{
    if (sim->event_count == sim->event_capacity) {
        HWI_CHECK(sim->event_capacity < HWI_SIM_EVENTS_MAX);
        sim->event_capacity = HWI_MAX(64, sim->event_capacity * 2);
        sim->events = hwi_resize(&hwi_alloc_libc, sim->events,
                                 sim->event_capacity * sizeof(struct hwi_sim_slot));
    }
    event->at_ns = sim->now_ns + delay_ns;
    if (event->sequence == 0) {
        event->sequence = ++sim->sequence; // what was held back keeps its place
    }
    sim->events[sim->event_count] = (struct hwi_sim_slot){event->at_ns, event->sequence, event};
    sift_up(sim->events, sim->event_count++);
}

uint64_t hwi_sim_event_time(const struct hwi_sim *sim)
{
    return sim->event_count > 0 ? sim->events[0].at_ns : HWI_NEVER;
}

struct hwi_sim_event *hwi_sim_event_take(struct hwi_sim *sim)
{
    struct hwi_sim_event *first = sim->events[0].event;
    sim->events[0] = sim->events[--sim->event_count];
    if (sim->event_count > 0) {
        sift_down(sim->events, sim->event_count);
    }
    return first;
}

void hwi_sim_events_fini(struct hwi_sim *sim)
{
    for (uint32_t i = 0; i < sim->event_count; i++) {
        hwi_sim_event_free(sim, sim->events[i].event);
    }
    hwi_free(&hwi_alloc_libc, sim->events);
    while (sim->free_events != NULL) {
        struct hwi_sim_event *event = sim->free_events;
        sim->free_events = event->next;
        hwi_free(&hwi_alloc_libc, event);
    }
}

// ---- queues

void hwi_sim_queue_add(struct hwi_sim_queue *queue, struct hwi_sim_event *event)
{
    event->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = event;
    } else {
        queue->first = event;
    }
    queue->last = event;
    queue->count++;
}

struct hwi_sim_event *hwi_sim_queue_take(struct hwi_sim_queue *queue)
{
    struct hwi_sim_event *event = queue->first;
    if (event != NULL) {
        queue->first = event->next;
        queue->last = queue->first != NULL ? queue->last : NULL;
        queue->count--;
    }
    return event;
}

void hwi_sim_queue_drop(struct hwi_sim *sim, struct hwi_sim_queue *queue)
{
    struct hwi_sim_event *event;
    while ((event = hwi_sim_queue_take(queue)) != NULL) {
        hwi_sim_event_free(sim, event);
    }
}

void hwi_sim_queue_release(struct hwi_sim *sim, struct hwi_sim_queue *queue)
{
    struct hwi_sim_event *event;
    while ((event = hwi_sim_queue_take(queue)) != NULL) {
        hwi_sim_schedule(sim, event, 0);
    }
}
