// SPDX-License-Identifier: MIT
// A journal on disk that a test writes, damages and reads: two actors that hear all kinds of
// events, each always the same for its number.
#ifndef HAWSER_TESTS_SUPPORT_JOURNAL_SCENE_H
#define HAWSER_TESTS_SUPPORT_JOURNAL_SCENE_H

#include "actors/loop/step.h"
#include "transport/journal/journal.h"

enum { JOURNAL_PATH_BYTES = 256, JOURNAL_SEGMENT_BYTES = 8192 };

// An actor whose whole state is how many events it has heard.
struct journal_counter {
    uint64_t heard;
    uint64_t padding; // images of `padding` more bytes
};

struct journal_scene {
    char directory[64];
    struct journal_counter states[2]; // peer, reducer
    struct hwi_journal_config config;
    struct hwi_journal *journal;
    struct hwi_effects arena, effects;
    uint64_t seed;
    uint64_t events;
};

extern const struct hwi_actor_ops journal_peer; // the first of the two

// For cmocka: *state is a struct journal_scene with a directory of its own.
int journal_setup(void **state);
int journal_teardown(void **state);

// Creates the journal as scene->config says; closes it.
void journal_begin(struct journal_scene *scene);
void journal_end(struct journal_scene *scene);
// Appends the next `count` events.
void journal_steps(struct journal_scene *scene, uint64_t count);
// The files that a kill leaves: as they are now.
void journal_abandon(struct journal_scene *scene);

struct journal_tally {
    uint64_t first; // events before the oldest segment
    uint64_t events, images, heads, lost;
    enum hwi_journal_found verdict;
    struct hwi_journal_record last;
    char file[JOURNAL_PATH_BYTES]; // of the last
};

// Reads to the verdict, and compares each event with the one that was written.
struct journal_tally journal_read_all(struct journal_scene *scene);
// Reads to the verdict, and that is all it tells: many times faster.
struct journal_tally journal_find_verdict(struct journal_scene *scene);

void journal_segment_path(const struct journal_scene *scene, uint32_t number,
                          char path[JOURNAL_PATH_BYTES]);
uint32_t
journal_segments(const struct journal_scene *scene); // number of the last, if all are there

struct journal_file {
    unsigned char *bytes;
    size_t length;
};

struct journal_file journal_load(const char *path); // owned bytes
void journal_store(const char *path, const unsigned char *bytes, size_t length);

#endif
