// SPDX-License-Identifier: MIT
// The API on shared states: tensors added, synced.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/state.h>

#include "actors/base/dtype.h"
#include "runtime/call/result.h"
#include "runtime/error.h"
#include "runtime/handles.h"
#include "runtime/request.h"
#include "runtime/state.h"

hws_status hws_state_create(hws_state **state)
{
    if (state == NULL) {
        return hwi_error_null("hws_state_create", "state");
    }
    struct hws_state *created = calloc(1, sizeof *created);
    if (created == NULL || !hwi_handles_add(HWI_HANDLE_STATE, created)) {
        free(created);
        return hwi_error_set(HWS_E_NO_MEMORY, "hws_state_create: out of memory");
    }
    *state = created;
    return HWS_OK;
}

void hws_state_destroy(hws_state *state)
{
    if (state == NULL || !hwi_handles_remove(HWI_HANDLE_STATE, state)) {
        return;
    }
    free(state->tensors);
    free(state->memory);
    free(state);
}

static bool grow(hws_state *state)
{
    if (state->count < state->capacity) {
        return true;
    }
    uint32_t capacity = state->capacity == 0 ? 16 : 2 * state->capacity;
    struct hwi_tensor *tensors = realloc(state->tensors, capacity * sizeof *tensors);
    if (tensors != NULL) {
        state->tensors = tensors;
    }
    struct hwi_location *memory = realloc(state->memory, capacity * sizeof *memory);
    if (memory != NULL) {
        state->memory = memory;
    }
    if (tensors == NULL || memory == NULL) {
        return false;
    }
    state->capacity = capacity;
    return true;
}

// NULL = there is none.
static struct hwi_tensor *find_tensor(const hws_state *state, const char *name)
{
    for (uint32_t i = 0; i < state->count; i++) {
        if (strcmp(state->tensors[i].name, name) == 0) {
            return &state->tensors[i];
        }
    }
    return NULL;
}

static hws_status check_name(const hws_state *state, const char *name)
{
    if (name == NULL) {
        return hwi_error_null("hws_state_add", "name");
    }
    if (*name == '\0' || strlen(name) >= HWI_NAME_BYTES_MAX) {
        return hwi_error_set(HWS_E_INVALID, "hws_state_add: name \"%.80s\" has not 1 to %d bytes",
                             name, HWI_NAME_BYTES_MAX - 1);
    }
    if (find_tensor(state, name) != NULL) {
        return hwi_error_set(HWS_E_INVALID, "hws_state_add: \"%s\" was added before", name);
    }
    return HWS_OK;
}

static hws_status check_tensor(const hws_state *state, hws_dtype dtype, const void *data,
                               size_t count)
{
    if (data == NULL && count > 0) {
        return hwi_error_null("hws_state_add", "data");
    }
    if (hws_dtype_bytes(dtype) == 0) {
        return hwi_error_set(HWS_E_INVALID, "hws_state_add: dtype %d is not an element type",
                             (int)dtype);
    }
    if (state->count == HWI_TENSORS_MAX) {
        return hwi_error_set(HWS_E_LIMIT, "hws_state_add: a state has at most %d tensors",
                             HWI_TENSORS_MAX);
    }
    if (count > hwi_dtype_count((uint8_t)dtype, HWI_TENSOR_BYTES_MAX - state->bytes)) {
        return hwi_error_set(HWS_E_LIMIT, "hws_state_add: a state has at most 2^40 bytes");
    }
    return HWS_OK;
}

hws_status hws_state_add(hws_state *state, const char *name, hws_dtype dtype, void *data,
                         size_t count)
{
    hws_status status = hwi_handles_check(HWI_HANDLE_STATE, state, "hws_state_add", "state");
    if (status != HWS_OK) {
        return status;
    }
    if (state->sealed) {
        return hwi_error_set(HWS_E_BUSY, "hws_state_add: the state has been synced and its layout "
                                         "is fixed: create another");
    }
    status = check_name(state, name);
    if (status == HWS_OK) {
        status = check_tensor(state, dtype, data, count);
    }
    if (status != HWS_OK) {
        return status;
    }
    if (!grow(state)) {
        return hwi_error_set(HWS_E_NO_MEMORY, "hws_state_add: out of memory");
    }
    struct hwi_tensor *tensor = &state->tensors[state->count];
    memset(tensor, 0, sizeof *tensor);
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->dtype = (uint8_t)dtype;
    tensor->bytes = hwi_dtype_bytes(tensor->dtype, count);
    state->memory[state->count++] = hwi_location_of(data);
    state->bytes += tensor->bytes;
    return HWS_OK;
}

hws_status hws_state_may_differ(hws_state *state, const char *name)
{
    hws_status status = hwi_handles_check(HWI_HANDLE_STATE, state, "hws_state_may_differ", "state");
    if (status != HWS_OK) {
        return status;
    }
    if (name == NULL) {
        return hwi_error_null("hws_state_may_differ", "name");
    }
    if (state->sealed) {
        return hwi_error_set(HWS_E_BUSY, "hws_state_may_differ: the state has been synced and its "
                                         "layout is fixed: create another");
    }
    struct hwi_tensor *tensor = find_tensor(state, name);
    if (tensor == NULL) {
        return hwi_error_set(
            HWS_E_INVALID, "hws_state_may_differ: the state has no tensor \"%.80s\": add it first",
            name);
    }
    tensor->may_differ = 1;
    return HWS_OK;
}

uint64_t hws_state_revision(const hws_state *state)
{
    return hwi_handles_check(HWI_HANDLE_STATE, state, "hws_state_revision", "state") == HWS_OK
               ? atomic_load(&state->revision)
               : 0;
}

hws_status hws_state_set_revision(hws_state *state, uint64_t revision)
{
    hws_status status =
        hwi_handles_check(HWI_HANDLE_STATE, state, "hws_state_set_revision", "state");
    if (status != HWS_OK) {
        return status;
    }
    hwi_state_note_revision(state, revision);
    return HWS_OK;
}

hws_status hws_state_begin_write(hws_state *state)
{
    hws_status status =
        hwi_handles_check(HWI_HANDLE_STATE, state, "hws_state_begin_write", "state");
    if (status == HWS_OK && !hwi_writes_begin(&state->writes)) {
        return hwi_error_set(HWS_E_LIMIT,
                             "hws_state_begin_write: %d writes have begun and not ended: call "
                             "hws_state_end_write after each",
                             HWI_WRITERS_MAX);
    }
    return status;
}

hws_status hws_state_end_write(hws_state *state)
{
    hws_status status = hwi_handles_check(HWI_HANDLE_STATE, state, "hws_state_end_write", "state");
    if (status == HWS_OK && !hwi_writes_end(&state->writes)) {
        return hwi_error_set(HWS_E_INVALID, "hws_state_end_write: no write has begun: call "
                                            "hws_state_begin_write first");
    }
    return status;
}

static hws_status check_sync(const hws_state *state)
{
    hws_status status = hwi_handles_check(HWI_HANDLE_STATE, state, "hws_sync", "state");
    if (status != HWS_OK) {
        return status;
    }
    if (state->count == 0) {
        return hwi_error_set(HWS_E_INVALID, "hws_sync: the state has no tensors: hws_state_add "
                                            "some");
    }
    return HWS_OK;
}

// Gives the layout and its memory to the snapshot actor; the communicator's mutex is held.
static hws_status attach(struct hws_comm *comm, hws_state *state)
{
    struct hwi_submission submission;
    if (comm->state == state || comm->finished != HWS_OK) {
        return HWS_OK; // a finished communicator says so when the request is started
    }
    if (comm->state != NULL) {
        return hwi_error_set(HWS_E_INVALID,
                             "hws_sync: this communicator has another state already");
    }
    memset(&submission, 0, sizeof submission);
    submission.to = hwi_addr_of(HWI_ROLE_SNAPSHOT, 0);
    submission.msg.type = HWI_MSG_state_layout;
    submission.msg.u.state_layout.tensors = state->tensors;
    submission.msg.u.state_layout.tensors_count = state->count;
    submission.tensors = state->memory;
    submission.writes = &state->writes;
    int status = hwi_host_submit(comm->host, &submission);
    if (status != 0) {
        return hwi_error_set(status, "hws_sync: the state could not be handed to the runtime: %s",
                             hws_status_text(status));
    }
    comm->state = state;
    state->sealed = true;
    return HWS_OK;
}

static hws_status make_sync(const hws_state *state, hws_strategy strategy,
                            const hws_options *options, struct hwi_call *call)
{
    struct hwi_error error;
    hws_status status = hwi_call_sync(strategy, hws_state_revision(state),
                                      atomic_load(&state->replaced), options, call, &error);
    return status == HWS_OK ? HWS_OK : hwi_error_again(&error);
}

hws_status hws_sync(hws_comm *comm, hws_state *state, hws_strategy strategy,
                    const hws_options *options, hws_result *result)
{
    struct hwi_call call;
    uint64_t elected;
    hws_status status = hwi_comm_check(comm, "hws_sync", result);
    if (status != HWS_OK) {
        return status;
    }
    status = check_sync(state);
    if (status == HWS_OK) {
        status = make_sync(state, strategy, options, &call);
    }
    if (status == HWS_OK) {
        status = hwi_comm_lock(comm, "hws_sync");
    }
    if (status == HWS_OK) {
        status = attach(comm, state);
        pthread_mutex_unlock(&comm->mutex);
    }
    if (status != HWS_OK) {
        return hwi_result_fail(result, status);
    }
    status = hwi_request_call(comm, &call, &elected, result);
    hwi_writes_received(&state->writes);
    if (status == HWS_OK) {
        hwi_state_note_revision(state, elected);
        atomic_store(&state->replaced, false);
    }
    return status;
}
