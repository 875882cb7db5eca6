// SPDX-License-Identifier: MIT
// The demo's files: where the trainer and the data are, and the temporary directory.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/hawser/demo/demo.h"
#include "tools/hawser/common/os_process.h"

#define DATA_PROBE "train-images-idx3-ubyte"

// PLACE relative to this program's directory, if `probe` in it can be used.
static bool look(const char *program, const char *place, const char *probe, int mode, char *found)
{
    char path[DEMO_PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/%s/%s", program, place, probe);
    if (length >= DEMO_PATH_BYTES || access(path, mode) != 0) {
        return false;
    }
    snprintf(found, DEMO_PATH_BYTES, "%.*s", length - (int)strlen(probe) - 1, path);
    return true;
}

static bool find_trainer(struct demo *demo, const char *program)
{
    char directory[DEMO_PATH_BYTES];
    if (!look(program, ".", "train_digits", X_OK, directory) &&
        !look(program, HAWSER_LIBEXEC_FROM_BIN, "train_digits", X_OK, directory)) {
        demo_problem(demo, "train_digits is neither in %.80s nor in %s from there", program,
                     HAWSER_LIBEXEC_FROM_BIN);
        return false;
    }
    int length = snprintf(demo->trainer, DEMO_PATH_BYTES, "%s/train_digits", directory);
    return length < DEMO_PATH_BYTES;
}

bool demo_find(struct demo *demo, const char *data)
{
    char program[DEMO_PATH_BYTES];
    if (!os_program_directory(program, sizeof program)) {
        demo_problem(demo, "cannot tell where this program is");
        return false;
    }
    if (!find_trainer(demo, program)) {
        return false;
    }
    if (data != NULL) {
        snprintf(demo->data, sizeof demo->data, "%s", data);
        return true;
    }
    if (look(program, "data/digits", DATA_PROBE, R_OK, demo->data) ||
        look(program, HAWSER_DATA_FROM_BIN "/data/digits", DATA_PROBE, R_OK, demo->data)) {
        return true;
    }
    demo_problem(demo, "the digits are not with this program; --data DIR names their directory");
    return false;
}

void demo_out_path(const struct demo *demo, uint32_t index, char *path)
{
    snprintf(path, DEMO_PATH_BYTES, "%.*s/state-%" PRIu32, DEMO_PATH_BYTES - 32, demo->directory,
             index);
}

bool demo_make_directory(struct demo *demo)
{
    const char *base = getenv("TMPDIR");
    snprintf(demo->directory, sizeof demo->directory, "%.900s/hawser-demo-XXXXXX",
             base != NULL && *base ? base : "/tmp");
    if (mkdtemp(demo->directory) != NULL) {
        return true;
    }
    demo_problem(demo, "cannot make %.150s: %s", demo->directory, strerror(errno));
    demo->directory[0] = 0;
    return false;
}

void demo_remove_directory(struct demo *demo)
{
    char path[DEMO_PATH_BYTES];
    if (!demo->directory[0]) {
        return;
    }
    for (uint32_t i = 0; i < DEMO_PARTIES; i++) {
        demo_out_path(demo, i, path);
        unlink(path);
    }
    rmdir(demo->directory);
}
