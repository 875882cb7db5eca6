// SPDX-License-Identifier: MIT
#include "tools/hawser/sim/large.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <hawser/types.h>

#include "tools/hawser/command.h"
#include "tools/hawser/sim/report.h"

enum {
    TENSOR_FLOATS = 16,
    TAG = 7,
    ROWS_MAX = 8,
    WAIT_S = 120, // virtual, for one phase
};

// The cost of a phase.
struct row {
    const char *what;
    uint32_t times;
    double cpu_s, virtual_ms;
    struct hwi_sim_costs costs;
    uint64_t peer_bytes, master_bytes; // held afterwards: the mean of the members, and the master
};

struct game {
    const struct sim_large *asked;
    struct hwi_sim *sim;
    uint64_t *requests; // [peers] of the calls in flight
    float *results;     // [peers][TENSOR_FLOATS]
    struct row rows[ROWS_MAX];
    uint32_t row_count;
    struct hwi_sim_costs before;
    uint64_t began_ns; // virtual
    double began_s;
    uint32_t dead; // its node; UINT32_MAX = nobody is
    int code;      // EXIT_OK, or why it is over
};

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static uint32_t living(const struct game *game)
{
    return game->asked->peers - (game->dead != UINT32_MAX);
}

static void over(struct game *game, int code, const char *what, uint32_t node)
{
    if (game->code == EXIT_OK) {
        complain("sim", "%s, process %" PRIu32 " of %" PRIu32 " at %.3f s", what, node,
                 game->asked->peers, (double)hwi_sim_now(game->sim) / (double)HWI_NS_PER_S);
        game->code = code;
    }
}

// ---- phases

static void phase_begin(struct game *game)
{
    hwi_sim_costs(game->sim, &game->before);
    game->began_ns = hwi_sim_now(game->sim);
    game->began_s = cpu_s();
}

static uint64_t mean_memory(const struct game *game)
{
    uint64_t bytes = 0;
    for (uint32_t node = 0; node < game->asked->peers; node++) {
        bytes += hwi_sim_memory(game->sim, node);
    }
    return bytes / living(game);
}

static void phase_end(struct game *game, const char *what, uint32_t times)
{
    struct row *row = &game->rows[game->row_count++];
    struct hwi_sim_costs now;
    hwi_sim_costs(game->sim, &now);
    *row = (struct row){.what = what, .times = times, .cpu_s = cpu_s() - game->began_s};
    row->virtual_ms = (double)(hwi_sim_now(game->sim) - game->began_ns) / (double)HWI_NS_PER_MS;
    row->costs = (struct hwi_sim_costs){
        .events = now.events - game->before.events,
        .master_events = now.master_events - game->before.master_events,
        .master_messages = now.master_messages - game->before.master_messages,
        .master_bytes = now.master_bytes - game->before.master_bytes,
        .member_messages = now.member_messages - game->before.member_messages,
        .member_bytes = now.member_bytes - game->before.member_bytes,
        .frames = now.frames - game->before.frames,
        .frame_bytes = now.frame_bytes - game->before.frame_bytes,
    };
    row->peer_bytes = mean_memory(game);
    row->master_bytes = hwi_sim_memory(game->sim, HWI_SIM_MASTER);
    if (hwi_sim_check_failure(game->sim) != NULL && game->code == EXIT_OK) {
        complain("sim", "a check failed: %s", hwi_sim_check_failure(game->sim));
        game->code = SIM_EXIT_CRASH;
    }
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "%s: %.1f s\n", what, row->cpu_s);
    }
}

// Waits for the node's reply; NULL, and it is over, if it does not come or is no success.
static const struct hwi_msg_reply *wait_reply(struct game *game, uint32_t node, uint64_t request)
{
    if (!hwi_sim_until(game->sim, node, request, WAIT_S * HWI_NS_PER_S)) {
        over(game, SIM_EXIT_LIVENESS, "no reply", node);
        return NULL;
    }
    const struct hwi_msg_reply *reply = hwi_sim_reply(game->sim, node, request);
    if (reply->status != HWS_OK) {
        over(game, SIM_EXIT_SAFETY, hws_status_text((hws_status)reply->status), node);
        return NULL;
    }
    return reply;
}

static void play_opening(struct game *game)
{
    phase_begin(game);
    for (uint32_t node = 0; node < game->asked->peers && game->code == EXIT_OK; node++) {
        const struct hwi_msg_reply *reply = wait_reply(game, node, 0);
        if (reply != NULL && (reply->members_count != game->asked->peers || reply->rank != node)) {
            over(game, SIM_EXIT_SAFETY, "another view than all of them", node);
        }
        hwi_sim_forget(game->sim, node, 0);
    }
    phase_end(game, "first view", 1);
}

static void call_all(struct game *game, struct trainer_call call)
{
    float input[TENSOR_FLOATS];
    for (uint32_t node = 0; node < game->asked->peers; node++) {
        if (node == game->dead) {
            continue;
        }
        for (uint32_t i = 0; i < TENSOR_FLOATS; i++) {
            input[i] = (float)(node % 128 + i);
        }
        float *result = &game->results[(size_t)node * TENSOR_FLOATS];
        memcpy(result, input, sizeof input);
        call.value = 1000 + node;
        call.input = call.output = result; // in place
        call.timeout_ms = WAIT_S * 1000;
        game->requests[node] = trainer_call(game->sim, node, &call);
    }
}

// Each has the tensor's sum over all members: whole numbers that a float holds exactly.
static bool sum_is_right(const struct game *game, uint32_t node)
{
    float sum = 0;
    for (uint32_t from = 0; from < game->asked->peers; from++) {
        sum += from == game->dead ? 0 : (float)(from % 128);
    }
    for (uint32_t i = 0; i < TENSOR_FLOATS; i++) {
        float expected = sum + (float)i * (float)living(game);
        if (game->results[(size_t)node * TENSOR_FLOATS + i] != expected) {
            return false;
        }
    }
    return true;
}

static void hear_all(struct game *game, uint8_t kind)
{
    uint64_t least = game->dead == 0 ? 1001 : 1000;
    for (uint32_t node = 0; node < game->asked->peers && game->code == EXIT_OK; node++) {
        if (node == game->dead) {
            continue;
        }
        const struct hwi_msg_reply *reply = wait_reply(game, node, game->requests[node]);
        if (reply == NULL) {
            return;
        }
        bool right = kind == HWI_KIND_AGREE ? reply->value == least : sum_is_right(game, node);
        if (!right || reply->members_count != living(game)) {
            over(game, SIM_EXIT_SAFETY, "a wrong result", node);
        }
        hwi_sim_forget(game->sim, node, game->requests[node]);
    }
}

static void play_operations(struct game *game, uint8_t kind, uint32_t times, const char *what)
{
    struct trainer_call call = {
        .kind = kind, .tag = TAG, .retry = 1, .dtype = HWS_F32, .count = TENSOR_FLOATS};
    call.redop = kind == HWI_KIND_AGREE ? HWI_AGREE_MIN : HWS_SUM;
    phase_begin(game);
    for (uint32_t i = 0; i < times && game->code == EXIT_OK; i++) {
        call_all(game, call);
        hear_all(game, kind);
    }
    phase_end(game, what, times);
}

static void play_second(struct game *game)
{
    phase_begin(game);
    hwi_sim_run(game->sim, HWI_NS_PER_S);
    phase_end(game, "a second of nothing", 1);
    hwi_sim_run(game->sim, HWI_NS_PER_S / 10); // the next heartbeats are some time away
}

static void play(struct game *game)
{
    uint32_t steps = game->asked->steps ? game->asked->steps : SIM_LARGE_STEPS;
    play_opening(game);
    if (game->code == EXIT_OK) {
        play_second(game);
        play_operations(game, HWI_KIND_AGREE, steps, "agree");
    }
    if (game->code == EXIT_OK && game->asked->peers <= SIM_LARGE_REDUCE_MAX) {
        play_operations(game, HWI_KIND_ALL_REDUCE, steps, "all-reduce of 64 bytes");
    }
    if (game->code == EXIT_OK) {
        game->dead = game->asked->peers / 2;
        hwi_sim_kill(game->sim, game->dead);
        play_operations(game, HWI_KIND_AGREE, 1, "a death, agree after");
    }
}

// ---- what is printed

static void print_table(const struct game *game)
{
    printf("%" PRIu32 " members; each number is for one time\n", game->asked->peers);
    printf("%-24s %10s %9s %12s %12s %14s %14s %11s %11s\n", "", "virtual ms", "CPU s",
           "master steps", "from master", "bytes of it", "bytes to it", "frames", "member has");
    for (uint32_t i = 0; i < game->row_count; i++) {
        const struct row *row = &game->rows[i];
        printf("%-24s %10.1f %9.2f %12" PRIu64 " %12" PRIu64 " %14" PRIu64 " %14" PRIu64
               " %11" PRIu64 " %11" PRIu64 "\n",
               row->what, row->virtual_ms / row->times, row->cpu_s / row->times,
               row->costs.master_events / row->times, row->costs.master_messages / row->times,
               row->costs.master_bytes / row->times, row->costs.member_bytes / row->times,
               row->costs.frames / row->times, row->peer_bytes);
    }
    printf("the master holds %" PRIu64 " bytes\n", game->rows[game->row_count - 1].master_bytes);
}

static void print_json(const struct game *game)
{
    printf("{\"peers\": %" PRIu32 ", \"exit\": %d, \"phases\": [", game->asked->peers, game->code);
    for (uint32_t i = 0; i < game->row_count; i++) {
        const struct row *row = &game->rows[i];
        printf("%s{\"what\": \"%s\", \"times\": %" PRIu32 ", \"virtual_ms\": %.3f, \"cpu_s\": %.3f",
               i > 0 ? ", " : "", row->what, row->times, row->virtual_ms, row->cpu_s);
        printf(", \"events\": %" PRIu64 ", \"master_steps\": %" PRIu64
               ", \"master_messages\": %" PRIu64 ", \"master_bytes\": %" PRIu64
               ", \"member_messages\": %" PRIu64 ", \"member_bytes\": %" PRIu64,
               row->costs.events, row->costs.master_events, row->costs.master_messages,
               row->costs.master_bytes, row->costs.member_messages, row->costs.member_bytes);
        printf(", \"frames\": %" PRIu64 ", \"frame_bytes\": %" PRIu64 ", \"peer_memory\": %" PRIu64
               ", \"master_memory\": %" PRIu64 "}",
               row->costs.frames, row->costs.frame_bytes, row->peer_bytes, row->master_bytes);
    }
    puts("]}");
}

int sim_large_run(const struct sim_large *large)
{
    struct hwi_sim_config config = {
        .first_members = large->peers,
        .dead_ms = 5000,
        .heartbeat_ms = 500,
        .propose_ms = 60000,
        .control_ns = 5 * HWI_NS_PER_MS,
        .edge_ns = HWI_NS_PER_MS,
        .stripes = 1,
        .seed = large->seed,
        .unrecorded = 1,
        .untold = 1,
        .digest = HWI_SIM_DIGEST_NONE,
        .virtual_edges = 1,
    };
    struct game game = {.asked = large, .dead = UINT32_MAX};
    game.requests = calloc(large->peers, sizeof *game.requests);
    game.results = calloc((size_t)large->peers * TENSOR_FLOATS, sizeof *game.results);
    game.sim = hwi_sim_create(&config);
    for (uint32_t i = 0; i < large->peers && game.requests != NULL && game.results != NULL; i++) {
        hwi_sim_member(game.sim, 1);
    }
    if (game.requests != NULL && game.results != NULL) {
        play(&game);
        (large->json ? print_json : print_table)(&game);
    } else {
        complain("sim", "no memory");
        game.code = EXIT_FAILED;
    }
    hwi_sim_destroy(game.sim);
    free(game.requests);
    free(game.results);
    return game.code;
}
