// SPDX-License-Identifier: MIT
// The API on communicators: open and close, the view, admissions.
#include <string.h>

#include "runtime/error.h"
#include "runtime/handles.h"
#include "runtime/request.h"

hws_status hws_open(const hws_config *given, hws_comm **comm)
{
    hws_config config;
    if (comm == NULL) {
        return hwi_error_null("hws_open", "comm");
    }
    hws_status status = hwi_config_read(given, &config);
    if (status != HWS_OK) {
        return status;
    }
    if (config.state != NULL) {
        status = hwi_handles_check(HWI_HANDLE_STATE, config.state, "hws_open", "state");
    }
    if (status != HWS_OK) {
        return status;
    }
    struct hws_comm *opened = hwi_comm_create(&config);
    if (opened == NULL) {
        return hwi_error_set(HWS_E_NO_MEMORY, "hws_open: out of memory");
    }
    status = hwi_comm_join(opened, &config);
    if (status == HWS_OK && !hwi_handles_add(HWI_HANDLE_COMM, opened)) {
        status = hwi_error_set(HWS_E_NO_MEMORY, "hws_open: out of memory");
    }
    if (status != HWS_OK) {
        hwi_comm_finish(opened, HWS_E_CLOSED, "it never opened");
        hwi_comm_let_go(opened);
        return status;
    }
    *comm = opened;
    return HWS_OK;
}

hws_status hws_close(hws_comm *comm)
{
    if (comm == NULL) {
        return HWS_OK;
    }
    hws_status status = hwi_comm_check(comm, "hws_close", NULL);
    if (status != HWS_OK) {
        return status;
    }
    if (!hwi_handles_remove(HWI_HANDLE_COMM, comm)) {
        return hwi_error_set(HWS_E_INVALID, "hws_close: another thread closed it meanwhile");
    }
    struct hwi_call call = hwi_call_of(HWI_KIND_CLOSE);
    hwi_request_close(comm, &call);
    hwi_comm_finish(comm, HWS_E_CLOSED, "");
    hwi_comm_let_go(comm);
    return HWS_OK;
}

hws_status hws_admit(hws_comm *comm, hws_result *result)
{
    hws_status status = hwi_comm_check(comm, "hws_admit", result);
    if (status != HWS_OK) {
        return status;
    }
    struct hwi_call call = hwi_call_of(HWI_KIND_ADMIT);
    return hwi_request_call(comm, &call, NULL, result);
}

hws_status hws_view(hws_comm *comm, hws_result *result)
{
    hws_status status = hwi_comm_check(comm, "hws_view", result);
    if (status != HWS_OK) {
        return status;
    }
    struct hwi_call call = hwi_call_of(HWI_KIND_NONE);
    return hwi_request_call(comm, &call, NULL, result);
}

hws_status hws_pending(hws_comm *comm, uint32_t *count)
{
    hws_status status = hwi_comm_check(comm, "hws_pending", NULL);
    if (status != HWS_OK) {
        return status;
    }
    if (count == NULL) {
        return hwi_error_null("hws_pending", "count");
    }
    status = hwi_comm_lock(comm, "hws_pending");
    if (status != HWS_OK) {
        return status;
    }
    *count = comm->caller.pending;
    pthread_mutex_unlock(&comm->mutex);
    return HWS_OK;
}

hws_status hws_address(hws_comm *comm, char *text, size_t bytes)
{
    hws_status status = hwi_comm_check(comm, "hws_address", NULL);
    if (status != HWS_OK) {
        return status;
    }
    if (text == NULL) {
        return hwi_error_null("hws_address", "text");
    }
    status = hwi_comm_lock(comm, "hws_address");
    if (status != HWS_OK) {
        return status;
    }
    if (strlen(comm->address) < bytes) {
        memcpy(text, comm->address, strlen(comm->address) + 1);
    } else {
        status = hwi_error_set(HWS_E_INVALID, "hws_address: %zu bytes are too few for \"%s\"",
                               bytes, comm->address);
    }
    pthread_mutex_unlock(&comm->mutex);
    return status;
}
