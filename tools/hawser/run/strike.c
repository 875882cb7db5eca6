// SPDX-License-Identifier: MIT
// Kills, freezes, continues and starts processes as the plan says.
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "tools/hawser/command.h"
#include "tools/hawser/run/run.h"

static bool runs(const struct run *run, uint32_t index)
{
    return index < run->family.count && run->family.children[index]->running;
}

static bool kill_process(struct run *run, uint32_t index)
{
    char name[RUN_NAME_BYTES];
    if (!runs(run, index)) {
        return false;
    }
    run_name_process(run, index, name);
    printf("hawser run: killing %s\n", name);
    run->spared[index] = true;
    family_signal(&run->family, index, SIGKILL);
    return true;
}

// Of units a whole one: a part of one would wait for the rest.
static uint32_t unit_size(const struct run *run)
{
    return run->unit_size > 0 ? run->unit_size : 1;
}

static void start_late(struct run *run)
{
    for (uint32_t i = 0; i < unit_size(run); i++) {
        printf("hawser run: starting process %" PRIu32 "\n", run->family.count);
        run_start_process(run);
    }
}

static bool freeze_process(struct run *run, uint32_t index)
{
    char name[RUN_NAME_BYTES];
    if (!runs(run, index)) {
        return false;
    }
    run_name_process(run, index, name);
    printf("hawser run: freezing %s\n", name);
    family_signal(&run->family, index, SIGSTOP);
    run->frozen[index] = true;
    return true;
}

static void continue_process(struct run *run, uint32_t index)
{
    char name[RUN_NAME_BYTES];
    if (!runs(run, index) || !run->frozen[index]) {
        return;
    }
    run_name_process(run, index, name);
    printf("hawser run: %s continues\n", name);
    family_signal(&run->family, index, SIGCONT);
    run->frozen[index] = false;
}

static bool do_event(struct run *run, const struct chaos_event *event)
{
    switch (event->act) {
    case CHAOS_KILL:
        return kill_process(run, event->index);
    case CHAOS_STOP:
        return freeze_process(run, event->index);
    case CHAOS_START:
        start_late(run);
        return true;
    case CHAOS_CONTINUE:
        continue_process(run, event->index);
        break;
    }
    return true;
}

static void say_never_struck(const struct chaos_event *event, const char *why)
{
    char text[CHAOS_TEXT_BYTES];
    chaos_describe(event, text);
    if (text[0] != 0) {
        complain("run", "%s never struck: %s", text, why);
    }
}

// A process at random, with the rest of its unit, for which a whole one is started.
static void kill_one_start_one(struct run *run)
{
    uint32_t running[FAMILY_MAX], count = 0;
    for (uint32_t i = 0; i < run->family.count; i++) {
        if (run->family.children[i]->running) {
            running[count++] = i;
        }
    }
    if (count == 0) {
        return;
    }
    if (run->family.count + unit_size(run) > FAMILY_MAX) {
        complain("run", "%d processes have been started, the most there may be: every= ends",
                 FAMILY_MAX);
        run->chaos.every_ms = 0;
        return;
    }
    uint32_t picked = running[chaos_pick(&run->chaos, count)];
    uint32_t first = picked - picked % unit_size(run);
    for (uint32_t i = first; i < first + unit_size(run); i++) {
        kill_process(run, i);
    }
    start_late(run);
}

// A member that is frozen with a time to continue does so whatever else has ended.
void run_do_chaos(struct run *run)
{
    struct chaos_event event;
    uint64_t now = run_elapsed_ms(run);
    while (!run->ending && chaos_take(&run->chaos, now, &event)) {
        if (run->finished && event.act != CHAOS_CONTINUE) {
            say_never_struck(&event, "a process had finished before");
        } else if (!do_event(run, &event)) {
            say_never_struck(&event, "that process was not running");
        }
    }
    if (!run->finished && !run->ending && chaos_take_every(&run->chaos, now)) {
        kill_one_start_one(run);
    }
}

void run_end_frozen(struct run *run)
{
    bool more = chaos_next_ms(&run->chaos) != UINT64_MAX && !run->finished;
    if (run->ending || more || family_running(&run->family) == 0) {
        return;
    }
    for (uint32_t i = 0; i < run->family.count; i++) {
        if (runs(run, i) && (!run->frozen[i] || chaos_will_continue(&run->chaos, i))) {
            return;
        }
    }
    for (uint32_t i = 0; i < run->family.count; i++) {
        if (runs(run, i)) {
            complain("run", "the run ended while process %" PRIu32 " was frozen", i);
            run->spared[i] = true;
        }
    }
    run_end_processes(run, SIGTERM);
}

void run_say_what_never_struck(struct run *run)
{
    struct chaos_event event;
    while (chaos_take(&run->chaos, UINT64_MAX, &event)) {
        say_never_struck(&event, "the run ended before");
    }
    if (run->chaos.every_ms > 0 && run->chaos.every_at_ms == run->chaos.every_ms) {
        complain("run", "every=%gs never struck: the run ended before",
                 (double)run->chaos.every_ms / 1000);
    }
}
