// SPDX-License-Identifier: MIT
// Which process is which member, and which of them still has a run to join.
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/hawser/command.h"
#include "tools/hawser/common/status_query.h"
#include "tools/hawser/run/run.h"

enum { LATE_CHECK_MS = 500 };

// Our own master's account; NULL if it has none.
static struct hwi_msg_status *ask_master(const struct run *run, struct hwi_msg *answer,
                                         void **block)
{
    char error[STATUS_ERROR_BYTES];
    *block = NULL;
    if (status_query(run->address, STATUS_TIMEOUT_MS, answer, block, error)) {
        return NULL;
    }
    return &answer->u.status;
}

// The member that a process is, by its process id; 0 = none yet, or none any more. A trainer that a
// shell started has an id of its own.
static uint64_t member_of(const struct run *run, uint32_t index,
                          const struct hwi_msg_status *status)
{
    uint64_t pid = (uint64_t)run->family.children[index]->pid, member = 0;
    for (uint32_t i = 0; status != NULL && i < status->members_count; i++) {
        member = status->members[i].facts.pid == pid ? status->members[i].peer : member;
    }
    return member;
}

void run_name_process(const struct run *run, uint32_t index, char name[RUN_NAME_BYTES])
{
    struct hwi_msg answer;
    void *block;
    uint64_t member = member_of(run, index, ask_master(run, &answer, &block));
    free(block);
    if (member > 0) {
        snprintf(name, RUN_NAME_BYTES, "process %" PRIu32 " (member %" PRIu64 ")", index, member);
    } else {
        snprintf(name, RUN_NAME_BYTES, "process %" PRIu32, index);
    }
}

void run_say_members(struct run *run)
{
    struct hwi_msg answer;
    void *block;
    uint64_t now = run_elapsed_ms(run);
    if (now < run->members_check_ms) {
        return;
    }
    run->members_check_ms = now + RUN_MEMBERS_CHECK_MS;
    struct hwi_msg_status *status = ask_master(run, &answer, &block);
    for (uint32_t i = 0; i < run->family.count; i++) {
        uint64_t member = member_of(run, i, status);
        if (member > 0 && member != run->member[i]) {
            run->member[i] = member;
            fprintf(stderr, "hawser run: process %" PRIu32 " is member %" PRIu64 "\n", i, member);
        }
    }
    free(block);
}

bool run_has_begun(const struct run *run)
{
    struct hwi_msg answer;
    void *block;
    struct hwi_msg_status *status = ask_master(run, &answer, &block);
    bool begun = status == NULL || status->view != 0;
    free(block);
    return begun;
}

// ---- what members do -------------------------------------------------------------------------

void run_end_forgotten(struct run *run)
{
    struct hwi_msg answer;
    void *block;
    uint64_t now = run_elapsed_ms(run);
    if (!run->finished || run->ending || now < run->late_check_ms) {
        return;
    }
    run->late_check_ms = now + LATE_CHECK_MS;
    for (uint32_t i = 0; i < run->members; i++) {
        if (run->family.children[i]->running) {
            return;
        }
    }
    struct hwi_msg_status *status = ask_master(run, &answer, &block);
    bool alone = status != NULL;
    for (uint32_t i = 0; status != NULL && i < status->members_count; i++) {
        alone = alone && status->members[i].standing == 0;
    }
    free(block);
    if (!alone) {
        return;
    }
    for (uint32_t i = run->members; i < run->family.count; i++) {
        if (run->family.children[i]->running) {
            complain("run", "the run ended before process %" PRIu32 " was admitted", i);
            run->spared[i] = true;
        }
    }
    run_end_processes(run, SIGTERM);
}
