// SPDX-License-Identifier: MIT
// `hawser checkpoint`: what is in checkpoint files, whether they are whole, where two differ.
#include "tools/hawser/checkpoint/checkpoint.h"

#include "actors/base/dtype.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <hawser/types.h>

#include "tools/hawser/common/json.h"

static const char usage[] =
    "usage: hawser checkpoint ls FILE...        list their content\n"
    "       hawser checkpoint verify FILE...    read every block and check it\n"
    "       hawser checkpoint diff FILE1 FILE2  find where their tensors differ\n"
    "Inspects files that hws_checkpoint_save wrote.\n"
    "\n"
    "  ls      revision, time and each tensor: type, elements, bytes, bytes stored, share. Reads "
    "only\n"
    "          the head and the tables\n"
    "  verify  names the first damaged block by its tensor and bytes, and counts all\n"
    "  diff    for each tensor that differs: blocks, elements, and for floating-point types the\n"
    "          largest absolute difference. Revisions and times do not count\n"
    "\n"
    "  --json  one JSON object per line: for each file, or for the comparison\n"
    "  --help\n"
    "\n"
    "Exit code; if several apply, the largest:\n"
    "  0  no problem (diff: the tensors are equal)\n"
    "  1  a file could not be read\n"
    "  2  bad usage\n"
    "  3  other format: written by a later version\n"
    "  4  damaged, or not a checkpoint\n"
    "  5  the tensors differ\n"
    "Example: hawser checkpoint verify checkpoints/*.hwc\n";

enum { PROGRESS_NS = 200 * 1000000, FIRST_PROGRESS_NS = 500 * 1000000 };

// ---- what the parts share ----------------------------------------------------------------------

int checkpoint_code(int status)
{
    switch (status) {
    case HWS_OK:
        return CHECKPOINT_OK;
    case HWS_E_DAMAGED:
        return CHECKPOINT_DAMAGED;
    case HWS_E_UNSUPPORTED:
        return CHECKPOINT_OTHER;
    default:
        return CHECKPOINT_UNREADABLE;
    }
}

const char *checkpoint_verdict(int code)
{
    static const char *const names[] = {"whole",        "unreadable", "usage",
                                        "other format", "damaged",    "different"};
    return names[code];
}

json_t *checkpoint_text(const char *text)
{
    char *made = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&made, &bytes);
    if (stream == NULL) {
        return NULL;
    }
    json_escape(stream, text);
    json_t *value = fclose(stream) == 0 ? json_loads(made, JSON_DECODE_ANY, NULL) : NULL;
    free(made);
    return value;
}

int checkpoint_open(struct hwi_checkpoint *file, const char *path, bool json)
{
    char error[HWI_CHECKPOINT_ERROR_BYTES];
    int code = checkpoint_code(hwi_checkpoint_open(file, path, error));
    if (code == CHECKPOINT_OK) {
        return code;
    }
    complain("checkpoint", "%s %s", path, error);
    if (json) {
        checkpoint_print(json_pack("{s:o, s:s, s:o}", "file", checkpoint_text(path), "verdict",
                                   checkpoint_verdict(code), "problem", checkpoint_text(error)));
    }
    return code;
}

void checkpoint_progress(struct checkpoint_progress *progress, uint64_t bytes)
{
    uint64_t now = now_ns();
    progress->done += bytes;
    if (progress->shown_ns == 0) {
        progress->shown_ns = now + FIRST_PROGRESS_NS - PROGRESS_NS; // short ones show nothing
    }
    if (now < progress->shown_ns + PROGRESS_NS || !isatty(STDERR_FILENO)) {
        return;
    }
    progress->shown_ns = now;
    progress->shown = true;
    fprintf(stderr, "\r\033[K%s: %.0f %% of %.1f GiB", progress->what,
            100 * (double)progress->done / (double)progress->total,
            (double)progress->total / (1 << 30));
}

void checkpoint_progress_end(struct checkpoint_progress *progress)
{
    if (progress->shown) {
        fputs("\r\033[K", stderr);
    }
    progress->shown = false;
}

json_t *checkpoint_describe(const struct hwi_checkpoint *file, const char *path)
{
    char root[40];
    snprintf(root, sizeof root, "%016" PRIx64 "%016" PRIx64, file->sum.root.hi, file->sum.root.lo);
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "file", checkpoint_text(path),
                     "revision", (json_int_t)file->head.revision, "time_ms",
                     (json_int_t)file->head.time_ms, "bytes", (json_int_t)file->sum.bytes,
                     "file_bytes", (json_int_t)file->sum.file_bytes, "blocks",
                     (json_int_t)file->sum.blocks, "blocks_compressed",
                     (json_int_t)file->sum.packed_blocks, "root", root);
}

void checkpoint_print(json_t *object)
{
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    puts(text != NULL ? text : "{\"problem\":\"a name is not UTF-8, or memory is out\"}");
    free(text);
    json_decref(object);
}

const char *checkpoint_time(uint64_t time_ms, char text[CHECKPOINT_TIME_BYTES])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, CHECKPOINT_TIME_BYTES, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
        snprintf(text, CHECKPOINT_TIME_BYTES, "?");
    }
    return text;
}

const char *checkpoint_name(const struct hwi_checkpoint_tensor *tensor,
                            char text[CHECKPOINT_NAME_BYTES])
{
    snprintf(text, CHECKPOINT_NAME_BYTES, "%s", tensor->name);
    make_printable(text);
    return text;
}

uint64_t checkpoint_count(const struct hwi_checkpoint_tensor *tensor)
{
    return hwi_dtype_count(tensor->dtype, tensor->bytes);
}

uint64_t checkpoint_stored(const struct hwi_checkpoint *file, uint32_t tensor)
{
    const struct hwi_checkpoint_tensor *of = &file->tensors[tensor];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < hwi_checkpoint_blocks_of(of); i++) {
        bytes += file->blocks[of->first_block + i].stored_bytes;
    }
    return bytes;
}

// ---- the command -------------------------------------------------------------------------------

static int each(int (*act)(const char *path, bool json), char **paths, bool json)
{
    int code = CHECKPOINT_OK;
    for (; *paths; paths++) {
        int one = act(*paths, json);
        code = one > code ? one : code;
    }
    return code;
}

static int run(const char *verb, char **paths, int count, bool json)
{
    if (strcmp(verb, "diff") == 0 && count == 2) {
        return checkpoint_diff(paths[0], paths[1], json);
    }
    if (strcmp(verb, "diff") == 0) {
        complain("checkpoint", "diff takes two files; try hawser checkpoint --help");
    } else if (strcmp(verb, "ls") != 0 && strcmp(verb, "verify") != 0) {
        complain("checkpoint",
                 "expected ls, verify or diff, not \"%s\"; try hawser checkpoint --help", verb);
    } else if (count == 0) {
        complain("checkpoint", "%s takes one file or more; try hawser checkpoint --help", verb);
    } else {
        return each(strcmp(verb, "ls") == 0 ? checkpoint_ls : checkpoint_verify, paths, json);
    }
    return CHECKPOINT_USAGE;
}

int command_checkpoint(int argc, char **argv)
{
    bool json;
    int code = read_flag("checkpoint", usage, "json", argc, argv, &json);
    if (code >= 0) {
        return code;
    }
    if (optind == argc) {
        complain("checkpoint", "expected ls, verify or diff; try hawser checkpoint --help");
        return CHECKPOINT_USAGE;
    }
    return run(argv[optind], argv + optind + 1, argc - optind - 1, json);
}
