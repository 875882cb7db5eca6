// SPDX-License-Identifier: MIT
// The API on what was counted: hws_stats_get, hws_stats_edges.
#include <string.h>

#include "runtime/call/sized.h"
#include "runtime/error.h"
#include "runtime/request.h"

static void read_dropped(const struct hwi_host_counters *counters, hws_stats *ours)
{
    ours->control_dropped = counters->control_dropped_in;
    ours->control_damaged = counters->control_damaged;
    ours->control_unsent = counters->control_dropped_out;
    ours->stripes_refused = counters->stripes_refused;
    ours->edges_down = counters->edges_down;
    ours->undeliverable = counters->undeliverable;
    ours->journal_lost = counters->journal_lost;
    ours->trace_lost = counters->trace_failures;
}

// The mutex is held.
static hws_stats read_all(struct hws_comm *comm)
{
    struct hwi_data_stats data = comm->data;
    hws_stats ours = comm->counts;
    struct hwi_host_counters dropped = comm->dropped;
    if (comm->host != NULL) {
        hwi_host_stats(comm->host, &data);
        hwi_host_counters(comm->host, &dropped);
    }
    read_dropped(&dropped, &ours);
    ours.bytes_sent = data.bytes_sent;
    ours.bytes_received = data.bytes_received;
    ours.frames_dropped = data.frames_dropped;
    ours.reduce_bytes = data.reduce_bytes;
    for (uint32_t i = 0; i < comm->caller.in_flight; i++) {
        ours.in_flight += hwi_request_is_operation(comm->requests[i]) && !comm->requests[i]->done;
    }
    return ours;
}

hws_status hws_stats_get(hws_comm *comm, hws_stats *stats)
{
    hws_status status = hwi_comm_check(comm, "hws_stats_get", NULL);
    if (status != HWS_OK) {
        return status;
    }
    if (stats == NULL) {
        return hwi_error_null("hws_stats_get", "stats");
    }
    if (hwi_sized_bytes(stats) < sizeof(size_t)) {
        return hwi_error_set(HWS_E_INVALID, "hws_stats_get: bytes_of_struct is not set: begin with "
                                            "HWS_STATS_INIT");
    }
    status = hwi_comm_lock(comm, "hws_stats_get");
    if (status != HWS_OK) {
        return status;
    }
    hws_stats ours = read_all(comm);
    pthread_mutex_unlock(&comm->mutex);
    hwi_sized_write(stats, &ours, sizeof ours);
    return HWS_OK;
}

static hws_status check_edges(const hws_edge_stats *list, size_t room, const size_t *count)
{
    if (count == NULL) {
        return hwi_error_null("hws_stats_edges", "count");
    }
    if (list == NULL && room > 0) {
        return hwi_error_null("hws_stats_edges", "list");
    }
    if (!hwi_sized_array(list, room, sizeof(size_t))) {
        return hwi_error_set(HWS_E_INVALID, "hws_stats_edges: bytes_of_struct is not the same in "
                                            "all of the list: begin each with HWS_EDGE_STATS_INIT");
    }
    return HWS_OK;
}

// For each meter, while the host keeps them as they are.
struct writer {
    hws_edge_stats *list;
    size_t room, count;
};

static void write_edge(void *user, const hws_edge_stats *edge)
{
    struct writer *writer = user;
    if (writer->count < writer->room) {
        hwi_sized_write(hwi_sized_at(writer->list, writer->count), edge, sizeof *edge);
    }
    writer->count++;
}

hws_status hws_stats_edges(hws_comm *comm, hws_edge_stats *list, size_t room, size_t *count)
{
    struct writer writer = {.list = list, .room = room};
    hws_status status = hwi_comm_check(comm, "hws_stats_edges", NULL);
    if (status == HWS_OK) {
        status = check_edges(list, room, count);
    }
    if (status == HWS_OK) {
        status = hwi_comm_lock(comm, "hws_stats_edges");
    }
    if (status != HWS_OK) {
        return status;
    }
    if (comm->host != NULL) {
        hwi_host_edges(comm->host, write_edge, &writer);
    }
    pthread_mutex_unlock(&comm->mutex);
    *count = writer.count;
    return HWS_OK;
}
