// SPDX-License-Identifier: MIT
// Shared by the parts of `hawser checkpoint`.
#ifndef HAWSER_TOOLS_HAWSER_CHECKPOINT_CHECKPOINT_H
#define HAWSER_TOOLS_HAWSER_CHECKPOINT_CHECKPOINT_H

#include <jansson.h>

#include "snapshot/checkpoint/checkpoint.h"
#include "tools/hawser/command.h"

// Exit codes; if several apply, the largest.
enum {
    CHECKPOINT_OK = EXIT_OK,
    CHECKPOINT_UNREADABLE = EXIT_FAILED,
    CHECKPOINT_USAGE = EXIT_USAGE,
    CHECKPOINT_OTHER = 3, // another format
    CHECKPOINT_DAMAGED = 4,
    CHECKPOINT_DIFFERS = 5,
};

enum { CHECKPOINT_TIME_BYTES = 40, CHECKPOINT_NAME_BYTES = HWI_NAME_BYTES_MAX };

// Each prints about one file (diff: two) and returns an exit code.
int checkpoint_ls(const char *path, bool json);
int checkpoint_verify(const char *path, bool json);
int checkpoint_diff(const char *a, const char *b, bool json);

// Opens it, or complains on standard error; with `json` also prints an object of path, verdict and
// sentence.
int checkpoint_open(struct hwi_checkpoint *file, const char *path, bool json);
// The exit code for a status.
int checkpoint_code(int status);
// "damaged" for CHECKPOINT_DAMAGED.
const char *checkpoint_verdict(int code);

// A line on standard error that tells how far a long reading is; nothing where that is no terminal.
// Begin with all zero but `what` and `total`.
struct checkpoint_progress {
    const char *what;
    uint64_t total, done, shown_ns;
    bool shown; // a line is there
};
void checkpoint_progress(struct checkpoint_progress *progress, uint64_t bytes);
void checkpoint_progress_end(struct checkpoint_progress *progress);

// Path, revision, time and sizes of a file; owned.
// A text of others as a value: what is no UTF-8 in it is marked. Returns owned; NULL: no memory.
json_t *checkpoint_text(const char *text);
json_t *checkpoint_describe(const struct hwi_checkpoint *file, const char *path);
// Takes `object`; prints it as one line.
void checkpoint_print(json_t *object);
// "2026-11-22 15:38:10 UTC"
const char *checkpoint_time(uint64_t time_ms, char text[CHECKPOINT_TIME_BYTES]);
// A tensor's name without what a terminal could take for a command.
const char *checkpoint_name(const struct hwi_checkpoint_tensor *tensor,
                            char text[CHECKPOINT_NAME_BYTES]);
uint64_t checkpoint_count(const struct hwi_checkpoint_tensor *tensor);          // elements
uint64_t checkpoint_stored(const struct hwi_checkpoint *file, uint32_t tensor); // bytes in the file

#endif
