// SPDX-License-Identifier: MIT
// `hawser replay`: what was recorded is run again, laid out in time, or compared.
#include "tools/hawser/replay/replay.h"

static int compare_with(struct replay_set *set, const struct replay_options *options)
{
    char error[REPLAY_ERROR_BYTES];
    struct replay_set other;
    int verdict = REPLAY_UNREADABLE;
    if (replay_set_open(options->other, &other, error)) {
        verdict = replay_diff(set, &other, options);
    } else {
        complain("replay", "%s", error);
    }
    replay_set_close(&other);
    return verdict;
}

int command_replay(int argc, char **argv)
{
    struct replay_options options = {0};
    char error[REPLAY_ERROR_BYTES];
    struct replay_set set;
    bool done;
    int verdict = replay_parse(argc, argv, &options, &done);
    if (done) {
        return verdict;
    }
    verdict = REPLAY_UNREADABLE;
    if (options.json) {
        replay_use_json();
    }
    if (!replay_set_open(options.path, &set, error)) {
        complain("replay", "%s", error);
    } else if (options.fork != NULL) {
        verdict = replay_fork_apart(&set, &options);
    } else if (options.timeline) {
        verdict = replay_timeline(&set, &options);
    } else if (options.other != NULL) {
        verdict = compare_with(&set, &options);
    } else {
        verdict = replay_play_all(&set, &options);
    }
    replay_set_close(&set);
    replay_tell_verdict(verdict);
    return verdict;
}
