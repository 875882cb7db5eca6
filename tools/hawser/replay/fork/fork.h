// SPDX-License-Identifier: MIT
// Inside of `hawser replay --fork`: a recorded run that is carried on in the simulator.
#ifndef HAWSER_TOOLS_HAWSER_FORK_FORK_H
#define HAWSER_TOOLS_HAWSER_FORK_FORK_H

#include "tools/hawser/replay/fork/spec.h"
#include "tools/hawser/replay/merge.h"
#include "transport/sim/drive.h"

enum {
    FORK_REQUESTS_MAX = 1 << 16, // recorded behind the fork that are made, of one member
    FORK_REPEATS_MAX = 1 << 10,  // calls made again by one member
};

// How a call ended.
struct fork_result {
    bool ended;
    int status; // hws_status
    uint64_t view;
    uint32_t members; // that the reply names
};

// A request that the record has behind the fork, and when its trainer made it.
struct fork_request {
    struct hwi_msg msg;             // a request, or the layout of the shared state
    void *block;                    // the message's lists, or NULL; owned
    uint32_t replies;               // of requests behind the fork that its trainer had by then
    uint64_t delay_ns;              // since the last of them, or since the fork
    uint32_t repeats;               // it was made again so often, after changes of the view
    struct fork_result there, here; // in the recording and in the fork
};

// A call that was made and not answered.
struct fork_call {
    uint64_t number;   // of the request
    uint32_t recorded; // which of `requests` it is; FORK_ACKNOWLEDGES = hws_view
};

#define FORK_ACKNOWLEDGES UINT32_MAX

// A trainer as its requests tell it: it makes the recorded calls, each once it has had as many
// replies as then. Stopped by a change of the view it acknowledges and calls again.
struct fork_trainer {
    struct fork_request *requests; // owned
    uint32_t count, capacity;
    uint32_t told;    // replies that the record has behind the fork, so far
    uint64_t told_ns; // when the last of them came
    uint32_t made;    // of the requests
    uint32_t had;     // replies
    uint64_t had_ns;  // when the last of them came, or the fork
    struct fork_call open[HWI_OPS_MAX];
    uint32_t open_count;
    uint32_t again[HWI_OPS_MAX]; // of the requests: to be made again once it has acknowledged
    uint32_t again_count;
    bool acknowledges;
    uint32_t ok, failed, repeats;
    int finished; // the hws_status that ended its incarnation; 0 = it continues
};

struct fork_process {
    bool there;    // has events before the fork
    bool ends;     // others continued without it
    bool left_out; // of a view that another one heard of behind its last event
    bool over;     // its last event was driven, its death not yet
    uint32_t node;
    uint64_t peer;   // FORK_MASTER = the master; 0 = not a member yet
    uint64_t events; // of its journal
    int64_t last_ns; // when the last of them was
    bool closed;     // its journal has its end
    char name[32];   // "member 3"
    struct fork_trainer trainer;
};

struct fork {
    struct replay_set *set;
    struct hwi_sim *sim;
    struct fork_process *processes; // by source
    uint64_t *limits;               // events of each source before the fork
    int64_t point_ns;               // time of the last event before the fork, as replay_time ...
    uint64_t fork_ns;               // ... and in the simulation
};

// fork_check.c: every process that the master heard of before the fork (limits: events of each
// source before it) has its whole journal here. False after complaining of each that has not.
bool fork_is_whole(const struct replay_set *set, const uint64_t *limits);

// fork_trainer.c
// An event that the record has before the fork.
void fork_trainer_before(struct hwi_sim *sim, uint32_t node, struct fork_trainer *trainer,
                         const struct hwi_event *event);
// The fork is here.
void fork_trainer_begin(struct hwi_sim *sim, uint32_t node, struct fork_trainer *trainer);
// An event that the record has `ns` behind the fork.
void fork_trainer_learn(struct fork_trainer *trainer, const struct hwi_journal_event *event,
                        uint64_t ns);
// Takes the replies that have come and makes the calls that are due. Returns when the next one is;
// HWI_NEVER = it waits for a reply, or has none to make.
uint64_t fork_trainer_act(struct hwi_sim *sim, uint32_t node, struct fork_trainer *trainer);
bool fork_trainer_idle(const struct fork_trainer *trainer); // nothing open, nothing to make
void fork_trainer_fini(struct fork_trainer *trainer);

static inline bool fork_gone_before(const struct fork *fork, uint32_t i)
{
    return fork->processes[i].ends && fork->processes[i].events <= fork->limits[i];
}

// fork_differ.c: prints what differed from the recording.
void fork_tell_differences(const struct fork *fork);
// Learns how the calls behind the fork ended in the recording; before they are made.
void fork_learn_results(struct fork *fork);
// fork_tell.c: prints the outcome of the run.
void fork_tell(struct fork *fork, const struct fork_spec *spec);

// fork.c: carries the recording on; returns the exit code.
int fork_run(struct replay_set *set, const struct replay_options *options);

#endif
