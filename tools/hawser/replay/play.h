// SPDX-License-Identifier: MIT
// Inside of playing one journal: what is played, and how what it finds is compared and printed.
#ifndef HAWSER_TOOLS_HAWSER_REPLAY_PLAY_H
#define HAWSER_TOOLS_HAWSER_REPLAY_PLAY_H

#include <hawser/hawser.h>

#include "actors/loop/player.h"
#include "tools/hawser/replay/replay.h"

// One actor of the journal.
struct replay_part {
    const struct hwi_actor_ops *ops;
    struct hwi_player *player; // NULL: not begun, or it waits for an image
    uint64_t number;           // of its last event
    bool counted;
    bool blind;   // events before are missing: it waits for an image
    bool stopped; // at its --until
};

struct replay_game {
    struct replay_set *set;
    uint32_t source_index;
    const struct replay_source *source;
    const struct replay_options *options;
    struct replay_progress *progress;
    struct replay_part parts[HWI_ROLE_MAX];
    uint64_t heard; // events read, of all actors
    uint64_t skipped, started_ns;
    bool begun;         // the first head was read
    bool whole;         // it begins with the journal's beginning
    bool same_decision; // written by a build that decides as this one
    bool waits;         // for Enter between steps
    bool over;
};

// ---- replay_compare.c

bool replay_same_effects(const struct hwi_journal_event *event, const struct hwi_effects *effects);
bool replay_same_state(const struct replay_part *part, const struct hwi_journal_image *image);
void replay_print_difference(struct replay_game *game, const struct replay_part *part,
                             const struct hwi_journal_record *record,
                             const struct hwi_effects *effects, const struct hwi_trap *trap);
void replay_print_state_difference(struct replay_game *game, const struct replay_part *part,
                                   const struct hwi_journal_record *record);

// ---- replay_step.c

// False when the user wants no more.
bool replay_print_step(struct replay_game *game, const struct hwi_journal_event *event,
                       const struct hwi_effects *effects);
// A check that failed in the replay as it did when it was recorded.
void replay_print_failed(struct replay_game *game, const struct hwi_journal_event *event,
                         const struct hwi_trap *trap);
void replay_print_state(struct replay_game *game, const struct replay_part *part);

#endif
