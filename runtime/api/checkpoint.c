// SPDX-License-Identifier: MIT
// The calls of checkpoint.h: arguments, sentences and infos around snapshot/checkpoint.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/checkpoint.h>

#include "runtime/error.h"
#include "runtime/handles.h"
#include "runtime/call/sized.h"
#include "runtime/state.h"
#include "snapshot/checkpoint/checkpoint.h"

// Written in the end, also after a failure.
struct call {
    const char *function;
    hws_checkpoint_info *info; // the caller's; NULL allowed
    hws_checkpoint_info found;
    char error[HWI_CHECKPOINT_ERROR_BYTES];
};

static hws_status end_call(struct call *call, hws_status status)
{
    if (call->info != NULL) {
        hwi_sized_write(call->info, &call->found, sizeof call->found);
    }
    return status;
}

static hws_status fail(struct call *call, const char *path, int status)
{
    return end_call(call,
                    hwi_error_set(status, "%s: %.160s %s", call->function, path, call->error));
}

static void note_sum(struct call *call, uint32_t tensors, uint64_t revision,
                     const struct hwi_checkpoint_sum *sum)
{
    call->found.revision = revision;
    call->found.time_ms = sum->time_ms;
    call->found.bytes = sum->bytes;
    call->found.file_bytes = sum->file_bytes;
    call->found.tensors = tensors;
    call->found.blocks = sum->blocks;
    call->found.blocks_compressed = sum->packed_blocks;
    call->found.root[0] = sum->root.lo;
    call->found.root[1] = sum->root.hi;
}

static hws_status check_state(const struct call *call, const hws_state *state)
{
    return hwi_handles_check(HWI_HANDLE_STATE, state, call->function, "state");
}

// `subject` is what is wrong with the first argument.
static hws_status check_call(struct call *call, hws_status subject, const char *path)
{
    if (call->info != NULL && hwi_sized_bytes(call->info) < sizeof(size_t)) {
        call->info = NULL;
        return hwi_error_set(HWS_E_INVALID,
                             "%s: info has no size: begin with HWS_CHECKPOINT_INFO_INIT",
                             call->function);
    }
    if (subject != HWS_OK) {
        return end_call(call, subject);
    }
    if (path == NULL) {
        return end_call(call, hwi_error_null(call->function, "path"));
    }
    return HWS_OK;
}

// The state's tensors as a file has them; owned. NULL: out of memory.
static struct hwi_checkpoint_tensor *list_tensors(const hws_state *state)
{
    struct hwi_checkpoint_tensor *list = calloc(state->count + 1, sizeof *list);
    for (uint32_t i = 0; list != NULL && i < state->count; i++) {
        snprintf(list[i].name, sizeof list[i].name, "%s", state->tensors[i].name);
        list[i].dtype = state->tensors[i].dtype;
        list[i].may_differ = state->tensors[i].may_differ != 0;
        list[i].bytes = state->tensors[i].bytes;
    }
    return list;
}

static hws_status no_memory(struct call *call)
{
    return end_call(call, hwi_error_set(HWS_E_NO_MEMORY, "%s: out of memory", call->function));
}

// ---- saving ------------------------------------------------------------------------------------

// When a save begins nobody may be writing to the tensors, and they must be of one revision.
static hws_status check_bytes(const struct call *call, const hws_state *state, const char *path,
                              uint64_t look)
{
    if (hwi_writes_receiving(look)) {
        return hwi_error_set(HWS_E_BUSY,
                             "%s: %.160s is not written: hws_sync receives into the state; save "
                             "when it has returned",
                             call->function, path);
    }
    if (hwi_writers(look) > 0) {
        return hwi_error_set(HWS_E_BUSY,
                             "%s: %.160s is not written: the state is being written (%u times "
                             "between hws_state_begin_write and hws_state_end_write, or in "
                             "hws_checkpoint_load); save afterwards",
                             call->function, path, hwi_writers(look));
    }
    if (atomic_load(&state->torn)) {
        return hwi_error_set(HWS_E_NOT_SYNCED,
                             "%s: the state holds bytes of two revisions, since a sync or load "
                             "was interrupted: sync or load first",
                             call->function);
    }
    return HWS_OK;
}

static hws_status check_options(struct call *call, const hws_checkpoint_options *options, bool *raw)
{
    hws_checkpoint_options given = HWS_CHECKPOINT_OPTIONS_INIT;
    if (options != NULL && !hwi_sized_read(&given, sizeof given, options)) {
        return hwi_error_set(HWS_E_INVALID,
                             "%s: options have no size: begin with HWS_CHECKPOINT_OPTIONS_INIT",
                             call->function);
    }
    if (given.compression != HWS_COMPRESSION_AUTO && given.compression != HWS_COMPRESSION_NONE) {
        return hwi_error_set(HWS_E_INVALID, "%s: compression %d is unknown", call->function,
                             (int)given.compression);
    }
    if (given.reserved != 0) {
        return hwi_error_set(HWS_E_INVALID,
                             "%s: reserved of hws_checkpoint_options is %u: it must be 0",
                             call->function, given.reserved);
    }
    *raw = given.compression == HWS_COMPRESSION_NONE;
    return HWS_OK;
}

// A state is made by us and never const. A save reads this through an atomic addition of 0.
static struct hwi_writes *writes_of(const hws_state *state)
{
    return (struct hwi_writes *)(uintptr_t)&state->writes;
}

hws_status hws_checkpoint_save(const hws_state *state, const char *path,
                               const hws_checkpoint_options *options, hws_checkpoint_info *info)
{
    struct call call = {.function = "hws_checkpoint_save", .info = info};
    struct hwi_checkpoint_sum sum;
    struct hwi_checkpoint_source source = {0};
    hws_status status = check_call(&call, check_state(&call, state), path);
    if (status != HWS_OK) {
        return status;
    }
    status = check_options(&call, options, &source.raw);
    if (status != HWS_OK) {
        return end_call(&call, status);
    }
    source.writes = writes_of(state);
    source.looked = hwi_writes_look(source.writes);
    status = check_bytes(&call, state, path, source.looked);
    if (status != HWS_OK) {
        return end_call(&call, status);
    }
    source.tensors = list_tensors(state);
    source.memory = state->memory;
    source.count = state->count;
    source.revision = hws_state_revision(state);
    if (source.tensors == NULL) {
        return no_memory(&call);
    }
    int saved = hwi_checkpoint_save(&source, path, &sum, call.error);
    free(source.tensors);
    if (saved != HWS_OK) {
        return fail(&call, path, saved);
    }
    note_sum(&call, source.count, source.revision, &sum);
    return end_call(&call, HWS_OK);
}

// ---- loading -----------------------------------------------------------------------------------

static void note_place(struct call *call, const struct hwi_checkpoint *file,
                       struct hwi_checkpoint_place place)
{
    if (place.tensor == UINT32_MAX) {
        return;
    }
    snprintf(call->found.damaged_tensor, sizeof call->found.damaged_tensor, "%s",
             file->tensors[place.tensor].name);
    call->found.damaged_offset = place.offset;
}

// Between the first byte and the last the state is of two revisions.
static int load_verified(struct call *call, hws_state *state, struct hwi_checkpoint *file,
                         struct hwi_checkpoint_place *place)
{
    char why[HWI_CHECKPOINT_ERROR_BYTES];
    if (!hwi_writes_begin(&state->writes)) {
        snprintf(call->error, sizeof call->error, "is not loaded: %d writes have begun",
                 HWI_WRITERS_MAX);
        return HWS_E_LIMIT;
    }
    atomic_store(&state->replaced, true);
    atomic_store(&state->torn, true);
    int status = hwi_checkpoint_load(file, state->memory, place, why);
    hwi_state_note_revision(state, status == HWS_OK ? file->head.revision : 0);
    atomic_store(&state->torn, status != HWS_OK);
    hwi_writes_end(&state->writes);
    if (status != HWS_OK) {
        snprintf(call->error, sizeof call->error,
                 "changed while it was loaded, and the state is unusable now: %.200s", why);
    }
    return status;
}

static int load_open(struct call *call, hws_state *state, struct hwi_checkpoint *file)
{
    struct hwi_checkpoint_place place = {.tensor = UINT32_MAX};
    struct hwi_checkpoint_tensor *tensors = list_tensors(state);
    if (tensors == NULL) {
        snprintf(call->error, sizeof call->error, "cannot be compared: out of memory");
        return HWS_E_NO_MEMORY;
    }
    note_sum(call, file->head.tensor_count, file->head.revision, &file->sum);
    int status = hwi_checkpoint_compare(file, tensors, state->count, call->error);
    free(tensors);
    if (status == HWS_OK) {
        status = hwi_checkpoint_verify(file, &place, call->error);
    }
    if (status == HWS_OK) {
        status = load_verified(call, state, file, &place);
    }
    if (status == HWS_E_DAMAGED) {
        note_place(call, file, place);
    }
    return status;
}

hws_status hws_checkpoint_load(hws_state *state, const char *path, hws_checkpoint_info *info)
{
    struct call call = {.function = "hws_checkpoint_load", .info = info};
    struct hwi_checkpoint file;
    hws_status status = check_call(&call, check_state(&call, state), path);
    if (status != HWS_OK) {
        return status;
    }
    int loaded = hwi_checkpoint_open(&file, path, call.error);
    if (loaded != HWS_OK) {
        return fail(&call, path, loaded);
    }
    loaded = load_open(&call, state, &file);
    hwi_checkpoint_close(&file);
    return loaded == HWS_OK ? end_call(&call, HWS_OK) : fail(&call, path, loaded);
}

// ---- finding -----------------------------------------------------------------------------------

static void note_skipped(struct call *call, const struct hwi_checkpoint_found *found)
{
    call->found.skipped = found->skipped;
    if (found->skipped > 0) {
        snprintf(call->found.skipped_why, sizeof call->found.skipped_why, "%.100s %.150s",
                 found->skipped_name, found->skipped_why);
    }
}

static hws_status give_path(struct call *call, const struct hwi_checkpoint_found *found, char *path,
                            size_t path_bytes)
{
    if (strlen(found->path) >= path_bytes) {
        return end_call(call, hwi_error_set(HWS_E_LIMIT, "%s: the path needs %zu bytes, not %zu",
                                            call->function, strlen(found->path) + 1, path_bytes));
    }
    if (found->path[0] != '\0') {
        note_sum(call, found->head.tensor_count, found->head.revision, &found->sum);
    }
    snprintf(path, path_bytes, "%s", found->path);
    return end_call(call, HWS_OK);
}

static hws_status search(const char *function, const char *directory, const uint64_t *revision,
                         char *path, size_t path_bytes, hws_checkpoint_info *info)
{
    struct call call = {.function = function, .info = info};
    hws_status status = directory != NULL ? HWS_OK : hwi_error_null(call.function, "directory");
    status = check_call(&call, status, path);
    if (status != HWS_OK) {
        return status;
    }
    if (path_bytes == 0) {
        return end_call(&call, hwi_error_set(HWS_E_INVALID, "%s: path_bytes is 0", call.function));
    }
    path[0] = '\0';
    struct hwi_checkpoint_found *found = malloc(sizeof *found);
    if (found == NULL) {
        return no_memory(&call);
    }
    int searched = hwi_checkpoint_find(directory, revision, found, call.error);
    note_skipped(&call, found);
    status = searched == HWS_OK ? give_path(&call, found, path, path_bytes)
                                : fail(&call, directory, searched);
    free(found);
    return status;
}

hws_status hws_checkpoint_newest(const char *directory, char *path, size_t path_bytes,
                                 hws_checkpoint_info *info)
{
    return search("hws_checkpoint_newest", directory, NULL, path, path_bytes, info);
}

hws_status hws_checkpoint_find(const char *directory, uint64_t revision, char *path,
                               size_t path_bytes, hws_checkpoint_info *info)
{
    return search("hws_checkpoint_find", directory, &revision, path, path_bytes, info);
}
