// SPDX-License-Identifier: MIT
#include "tools/hawser/replay/fork/fork.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hawser/types.h>

enum { LINE_MAX_SHOWN = 200 };

static void tell_plan(const struct fork *fork, const struct fork_spec *spec)
{
    char text[FORK_ERROR_BYTES];
    uint32_t later = 0;
    printf("fork at %.6f s of the simulation:", (double)fork->fork_ns / (double)HWI_NS_PER_S);
    for (uint32_t i = 0; i < spec->count; i++) {
        fork_fault_print(&spec->faults[i], text, sizeof text);
        printf("%s %s", i ? "," : "", text);
    }
    puts(spec->count ? "" : " nothing happens to it");
    for (uint32_t i = 0; i < fork->set->count; i++) {
        const struct fork_process *process = &fork->processes[i];
        later += !process->there && process->events > 0;
        if (process->there) {
            printf("  %s is %s%s\n", process->name, fork->set->names[i],
                   fork_gone_before(fork, i) ? ", gone before the fork" : "");
        }
    }
    if (later > 0) {
        printf("  %" PRIu32 " processes that began behind the fork are left out\n", later);
    }
}

// The lists of members and outcomes make some lines very long.
static void tell_transcript(const char *at)
{
    while (*at != '\0') {
        int length = (int)strcspn(at, "\n");
        if (length > LINE_MAX_SHOWN) {
            printf("%.*s ...\n", LINE_MAX_SHOWN, at);
        } else {
            printf("%.*s\n", length, at);
        }
        at += (size_t)length + (at[length] == '\n');
    }
}

static void tell_process(const struct fork *fork, const struct fork_process *process)
{
    const struct fork_trainer *trainer = &process->trainer;
    uint32_t left = trainer->count - HWI_MIN(trainer->made, trainer->count);
    printf("%s: ", process->name);
    if (!hwi_sim_alive(fork->sim, process->node)) {
        printf("gone");
    } else if (trainer->finished) {
        printf("its incarnation ended with %s", hws_status_name((hws_status)trainer->finished));
    } else if (trainer->open_count > 0) {
        printf("waits for %" PRIu32 " calls", trainer->open_count);
    } else {
        printf("goes on");
    }
    printf("; of its calls behind the fork %" PRIu32 " were OK, %" PRIu32 " failed, %" PRIu32
           " were made again after a change, %" PRIu32 " were not made\n",
           trainer->ok, trainer->failed, trainer->repeats, left);
}

void fork_tell(struct fork *fork, const struct fork_spec *spec)
{
    struct hwi_msg_status status;
    const char *failure = hwi_sim_check_failure(fork->sim);
    tell_plan(fork, spec);
    tell_transcript(hwi_sim_transcript(fork->sim));
    for (uint32_t i = 0; i < fork->set->count; i++) {
        if (fork->processes[i].there && !fork_gone_before(fork, i) &&
            fork->processes[i].peer != FORK_MASTER) {
            tell_process(fork, &fork->processes[i]);
        }
    }
    if (failure != NULL) {
        printf("an internal check failed: %s\n", failure);
    }
    if (hwi_sim_alive(fork->sim, HWI_SIM_MASTER)) {
        hwi_sim_status(fork->sim, &status);
        uint32_t members = 0;
        for (uint32_t i = 0; i < status.members_count; i++) {
            members += status.members[i].standing == 2;
        }
        printf("fork: view %" PRIu64 " with %" PRIu32 " members after %.3f s\n", status.view,
               members, (double)(hwi_sim_now(fork->sim) - fork->fork_ns) / (double)HWI_NS_PER_S);
    } else {
        puts("fork: the master is gone");
    }
}
