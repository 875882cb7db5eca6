// SPDX-License-Identifier: MIT
// A whole run in this process: a master and members, each member's trainer a thread of its own.
#ifndef HAWSER_TESTS_UNIT_RUN_H
#define HAWSER_TESTS_UNIT_RUN_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/hawser.h>

enum { RUN_MEMBERS_MAX = 8, RUN_TEXT_BYTES = 600 };

struct run;

struct member {
    struct run *run;
    uint32_t index;
    hws_comm *comm;
    hws_state *state;
    char wrong[RUN_TEXT_BYTES]; // the first failed EXPECT of this thread
};

// A member's trainer; it says EXPECT, never a cmocka assertion, which would leave the
// wrong thread.
typedef void (*trainer_fn)(struct member *member);

struct run {
    hws_master *master;
    char address[64];
    hws_config config;
    struct member members[RUN_MEMBERS_MAX];
    trainer_fn trainer;
};

#define EXPECT(member, condition)                                                                  \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            if ((member)->wrong[0] == '\0')                                                        \
                snprintf((member)->wrong, RUN_TEXT_BYTES, "member %u: %s:%d: %s [%s]",             \
                         (member)->index, __FILE__, __LINE__, #condition, hws_last_error());       \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static void *run_trainer(void *user)
{
    struct member *member = user;
    member->run->trainer(member);
    return NULL;
}

// Runs `trainer` for members first..last-1, each in a thread, and fails the test if one found
// something wrong.
static inline void run_together(struct run *run, uint32_t first, uint32_t last, trainer_fn trainer)
{
    pthread_t threads[RUN_MEMBERS_MAX];
    run->trainer = trainer;
    for (uint32_t i = first; i < last; i++) {
        run->members[i].run = run;
        run->members[i].index = i;
        assert_int_equal(pthread_create(&threads[i], NULL, run_trainer, &run->members[i]), 0);
    }
    for (uint32_t i = first; i < last; i++) {
        pthread_join(threads[i], NULL);
    }
    for (uint32_t i = first; i < last; i++) {
        if (run->members[i].wrong[0] != '\0') {
            fail_msg("%s", run->members[i].wrong);
        }
    }
}

static inline void member_open(struct member *member)
{
    EXPECT(member, hws_open(&member->run->config, &member->comm) == HWS_OK);
}

static inline void member_close(struct member *member)
{
    hws_close(member->comm);
    hws_state_destroy(member->state);
    member->comm = NULL;
    member->state = NULL;
}

// Starts a master that waits for `count` members and wants `min_members` of them; `run->config` is
// what they open with.
static inline void run_start_with(struct run *run, uint32_t count, uint32_t min_members)
{
    hws_master_config config = HWS_MASTER_CONFIG_INIT;
    hws_config member = HWS_CONFIG_INIT;
    memset(run, 0, sizeof *run);
    config.first_members = count;
    config.min_members = min_members;
    if (hws_master_start(&config, &run->master) != HWS_OK) {
        fail_msg("%s", hws_last_error());
    }
    assert_int_equal(hws_master_address(run->master, run->address, sizeof run->address), HWS_OK);
    member.master = run->address;
    member.open_ms = 30000;
    member.timeout_ms = 30000;
    run->config = member;
}

static inline void run_start(struct run *run, uint32_t count)
{
    run_start_with(run, count, 1);
}

static inline void run_open(struct run *run, uint32_t count)
{
    run_start(run, count);
    run_together(run, 0, count, member_open);
}

static inline void run_close(struct run *run)
{
    for (uint32_t i = 0; i < RUN_MEMBERS_MAX; i++) {
        run->members[i].wrong[0] = '\0'; // said already
    }
    run_together(run, 0, RUN_MEMBERS_MAX, member_close);
    hws_master_stop(run->master);
    run->master = NULL;
}

#endif
