// SPDX-License-Identifier: MIT
#include "runtime/comm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/call/result.h"
#include "runtime/compose.h"
#include "runtime/error.h"
#include "runtime/handles.h"
#include "runtime/request.h"

hws_status hwi_comm_forked(const struct hws_comm *comm, const char *function)
{
    return hwi_error_set(HWS_E_FORKED,
                         "%s: the communicator was opened by process %ld and this is its child: "
                         "open one after fork",
                         function, (long)comm->pid);
}

static hws_status check_handle(const struct hws_comm *comm, const char *function)
{
    if (comm == NULL) {
        return hwi_error_null(function, "comm");
    }
    if (!hwi_handles_hold(HWI_HANDLE_COMM, comm)) {
        return hwi_error_set(HWS_E_INVALID,
                             "%s: this communicator is not open: it was closed, or never existed",
                             function);
    }
    hws_status status = comm->pid == getpid() ? HWS_OK : hwi_comm_forked(comm, function);
    hwi_handles_release();
    return status;
}

hws_status hwi_comm_check(const struct hws_comm *comm, const char *function, hws_result *result)
{
    struct hwi_error error;
    if (hwi_result_check(function, result, &error) != HWS_OK) {
        return hwi_error_again(&error);
    }
    hws_status status = check_handle(comm, function);
    return status == HWS_OK ? HWS_OK : hwi_result_fail(result, status);
}

hws_status hwi_comm_lock(struct hws_comm *comm, const char *function)
{
    if (!hwi_handles_hold(HWI_HANDLE_COMM, comm)) {
        return hwi_error_set(HWS_E_CLOSED, "%s: the communicator was closed meanwhile", function);
    }
    pthread_mutex_lock(&comm->mutex);
    hwi_handles_release();
    return HWS_OK;
}

static void on_trainer(void *user, const struct hwi_msg *msg)
{
    if (msg->type == HWI_MSG_reply) {
        hwi_request_replied(user, msg);
    }
}

static void on_check_failed(void *user, const char *actor, const char *what, const char *file,
                            int line)
{
    struct hws_comm *comm = user;
    pthread_mutex_lock(&comm->mutex);
    if (comm->failed_check[0] == '\0' && hwi_is_shortage(what)) {
        snprintf(comm->failed_check, sizeof comm->failed_check, "%s (%s)", what, actor);
    } else if (comm->failed_check[0] == '\0') {
        snprintf(comm->failed_check, sizeof comm->failed_check,
                 "an internal check failed (%s: %s at %s:%d)", actor, what, file, line);
    }
    if (strcmp(actor, "host") == 0) { // no reply will come any more, and no memory is touched
        comm->finished = HWS_E_INTERNAL;
        hwi_requests_end(comm, HWS_E_INTERNAL, "");
    }
    pthread_mutex_unlock(&comm->mutex);
}

void hwi_comm_finish(struct hws_comm *comm, hws_status status, const char *reason)
{
    struct hwi_host_counters dropped;
    struct hwi_data_stats data;
    pthread_mutex_lock(&comm->mutex);
    struct hwi_host *host = comm->host;
    comm->host = NULL;
    if (comm->finished == HWS_OK) {
        comm->finished = status;
    }
    pthread_mutex_unlock(&comm->mutex);
    if (host == NULL) {
        return;
    }
    hwi_host_stats(host, &data);
    hwi_host_counters(host, &dropped);
    hwi_host_destroy(host);
    pthread_mutex_lock(&comm->mutex);
    comm->data = data;
    comm->dropped = dropped;
    hwi_requests_end(comm, comm->finished, reason);
    pthread_mutex_unlock(&comm->mutex);
}

void hwi_comm_unlock_and_free(struct hws_comm *comm)
{
    bool last = comm->closed && comm->caller.in_flight == 0;
    pthread_mutex_unlock(&comm->mutex);
    if (last) {
        pthread_mutex_destroy(&comm->mutex);
        free(comm);
    }
}

void hwi_comm_let_go(struct hws_comm *comm)
{
    pthread_mutex_lock(&comm->mutex);
    comm->closed = true;
    hwi_comm_unlock_and_free(comm);
}

struct hws_comm *hwi_comm_create(const hws_config *config)
{
    struct hws_comm *comm = calloc(1, sizeof *comm);
    if (comm == NULL) {
        return NULL;
    }
    pthread_mutex_init(&comm->mutex, NULL);
    comm->pid = getpid();
    comm->counts.bytes_of_struct = sizeof comm->counts;
    comm->caller.timeout_ms = config->timeout_ms;
    comm->grace_ms = config->decision_grace_ms;
    snprintf(comm->master, sizeof comm->master, "%s", config->master);
    return comm;
}

static hws_status create_host(struct hws_comm *comm, const hws_config *config, uint64_t incarnation)
{
    static const struct hwi_host_ops ops = {on_trainer, on_check_failed};
    struct hwi_host *host;
    hws_status status = hwi_compose_member(config, incarnation, &ops, comm, &host);
    if (status != HWS_OK) {
        return status;
    }
    pthread_mutex_lock(&comm->mutex);
    comm->host = host;
    pthread_mutex_unlock(&comm->mutex);
    snprintf(comm->address, sizeof comm->address, "%s", hwi_host_address(host));
    return HWS_OK;
}

static hws_status join_run(struct hws_comm *comm, const hws_config *config, uint64_t incarnation,
                           uint64_t timeout_ns)
{
    struct hwi_msg_open open = {
        .incarnation = incarnation,
        .timeout_ns = timeout_ns,
        .grace_ns = config->decision_grace_ms * HWI_NS_PER_MS,
        .min_members = config->min_members,
        .stripes = config->stripes,
        .group = config->group,
        .unit_size = config->unit_size,
        .pid = (uint64_t)getpid(),
    };
    if (config->state != NULL) {
        open.revision = hws_state_revision(config->state);
        open.has_revision = 1;
    }
    gethostname(open.host, sizeof open.host - 1); // cut or empty, it still helps people
    snprintf(open.address, sizeof open.address, "%s", comm->address);
    snprintf(open.unit, sizeof open.unit, "%s", config->unit != NULL ? config->unit : "");
    return hwi_request_open(comm, &open, config->open_ms);
}

hws_status hwi_comm_join(struct hws_comm *comm, const hws_config *config)
{
    uint64_t incarnation = hwi_host_random() % HWI_ID_MAX + 1;
    uint64_t began_ns = hwi_host_now(), whole_ns = config->open_ms * HWI_NS_PER_MS;
    hws_status status = create_host(comm, config, incarnation);
    uint64_t gone_ns = hwi_host_now() - began_ns; // the master's name was looked up
    uint64_t left_ns = gone_ns < whole_ns ? whole_ns - gone_ns : HWI_NS_PER_MS;
    return status != HWS_OK ? status : join_run(comm, config, incarnation, left_ns);
}
