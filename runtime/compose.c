// SPDX-License-Identifier: MIT
#include "runtime/compose.h"

#include "runtime/error.h"

static hws_status create(const struct hwi_host_config *config, struct hwi_host **host)
{
    char error[HWI_ERROR_BYTES_MAX] = "";
    int status = hwi_host_create(config, host, error);
    return status == 0 ? HWS_OK : hwi_error_set(status, "%s", error);
}

hws_status hwi_compose_member(const hws_config *config, uint64_t incarnation,
                              const struct hwi_host_ops *ops, void *user, struct hwi_host **host)
{
    static const struct hwi_actor_ops *const actors[] = {&hwi_peer_ops, &hwi_reducer_ops,
                                                         &hwi_snapshot_ops};
    struct hwi_host_config host_config = {
        .ops = ops,
        .user = user,
        .actors = actors,
        .actor_count = HWI_COUNT(actors),
        .master = config->master,
        .listen = config->listen,
        .keep_files = config->keep_files,
        .advertise = config->advertise,
        .insecure = config->insecure,
        .look_up_ms = config->open_ms,
        .incarnation = incarnation,
        .journal = config->journal,
        .journal_bytes_max = (uint64_t)config->journal_max << 20,
        .journal_age_ms_max = config->journal_age_s * UINT64_C(1000),
        .flight = config->flight != NULL ? config->flight : config->journal,
    };
    return create(&host_config, host);
}

hws_status hwi_compose_master(const hws_master_config *config, const struct hwi_host_ops *ops,
                              struct hwi_host **host)
{
    static const struct hwi_actor_ops *const actors[] = {&hwi_master_ops};
    struct hwi_host_config host_config = {
        .ops = ops,
        .actors = actors,
        .actor_count = HWI_COUNT(actors),
        .listen = config->listen,
        .keep_files = config->keep_files,
        .state_file = config->state_file,
        .new_run = config->new_run,
        .journal = config->journal,
        .journal_bytes_max = (uint64_t)config->journal_max << 20,
        .journal_age_ms_max = config->journal_age_s * UINT64_C(1000),
        .flight = config->flight != NULL ? config->flight : config->journal,
    };
    return create(&host_config, host);
}
