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
    fprintf(replay_out(),
            "fork at %.6f s of the simulation:", (double)fork->fork_ns / (double)HWI_NS_PER_S);
    for (uint32_t i = 0; i < spec->count; i++) {
        fork_fault_print(&spec->faults[i], text, sizeof text);
        fprintf(replay_out(), "%s %s", i ? "," : "", text);
    }
    fprintf(replay_out(), "%s\n", spec->count ? "" : " nothing happens to it");
    for (uint32_t i = 0; i < fork->set->count; i++) {
        const struct fork_process *process = &fork->processes[i];
        later += !process->there && process->events > 0;
        if (process->there) {
            fprintf(replay_out(), "  %s is %s%s\n", process->name, fork->set->names[i],
                    fork_gone_before(fork, i) ? ", gone before the fork" : "");
        }
    }
    if (later > 0) {
        fprintf(replay_out(), "  %" PRIu32 " processes that began behind the fork are left out\n",
                later);
    }
}

// The lists of members and outcomes make some lines very long.
static void tell_transcript(const char *at)
{
    while (*at != '\0') {
        int length = (int)strcspn(at, "\n");
        if (length > LINE_MAX_SHOWN) {
            fprintf(replay_out(), "%.*s ...\n", LINE_MAX_SHOWN, at);
        } else {
            fprintf(replay_out(), "%.*s\n", length, at);
        }
        at += (size_t)length + (at[length] == '\n');
    }
}

static void tell_process(const struct fork *fork, const struct fork_process *process)
{
    const struct fork_trainer *trainer = &process->trainer;
    uint32_t left = trainer->count - HWI_MIN(trainer->made, trainer->count);
    fprintf(replay_out(), "%s: ", process->name);
    if (!hwi_sim_alive(fork->sim, process->node)) {
        fprintf(replay_out(), "gone");
    } else if (trainer->finished) {
        fprintf(replay_out(), "its incarnation ended with %s",
                hws_status_name((hws_status)trainer->finished));
    } else if (trainer->open_count > 0) {
        fprintf(replay_out(), "waits for %" PRIu32 " calls", trainer->open_count);
    } else {
        fprintf(replay_out(), "continues");
    }
    fprintf(replay_out(),
            "; of its calls behind the fork %" PRIu32 " were OK, %" PRIu32 " failed, %" PRIu32
            " were made again after a change, %" PRIu32 " were not made\n",
            trainer->ok, trainer->failed, trainer->repeats, left);
}

void fork_tell(struct fork *fork, const struct fork_spec *spec)
{
    struct hwi_msg_status status;
    const char *failure = hwi_sim_check_failure(fork->sim);
    replay_begin("plan");
    tell_plan(fork, spec);
    replay_end();
    replay_begin("transcript");
    tell_transcript(hwi_sim_transcript(fork->sim));
    replay_end();
    replay_begin("fates");
    for (uint32_t i = 0; i < fork->set->count; i++) {
        if (fork->processes[i].there && !fork_gone_before(fork, i) &&
            fork->processes[i].peer != FORK_MASTER) {
            tell_process(fork, &fork->processes[i]);
        }
    }
    if (failure != NULL) {
        fprintf(replay_out(), "an internal check failed: %s\n", failure);
    }
    replay_end();
    fork_tell_differences(fork);
    replay_begin("end");
    if (hwi_sim_alive(fork->sim, HWI_SIM_MASTER)) {
        hwi_sim_status(fork->sim, &status);
        uint32_t members = 0;
        for (uint32_t i = 0; i < status.members_count; i++) {
            members += status.members[i].standing == 2;
        }
        fprintf(replay_out(), "fork: view %" PRIu64 " with %" PRIu32 " members after %.3f s\n",
                status.view, members,
                (double)(hwi_sim_now(fork->sim) - fork->fork_ns) / (double)HWI_NS_PER_S);
    } else {
        fputs("fork: the master is gone\n", replay_out());
    }
    replay_end();
}
