// SPDX-License-Identifier: MIT
// The API on masters.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hawser/master.h>

#include "runtime/compose.h"
#include "runtime/error.h"
#include "runtime/handles.h"

struct hws_master {
    struct hwi_host *host;
    pid_t pid; // who started it
};

static void on_trainer(void *user, const struct hwi_msg *msg)
{
    (void)user; // a master has no trainer
    (void)msg;
}

// A master has no caller that could get an error: this is the only text that the library prints.
static void on_check_failed(void *user, const char *actor, const char *what, const char *file,
                            int line)
{
    (void)user;
    fprintf(stderr, "hawser: %s in the %s: %s at %s:%d\n",
            hwi_is_shortage(what) ? "a shortage" : "an internal check failed", actor, what, file,
            line);
}

static hws_status submit_start(struct hwi_host *host, const hws_master_config *config)
{
    struct hwi_submission submission;
    memset(&submission, 0, sizeof submission);
    submission.to = hwi_addr_of(HWI_ROLE_MASTER, 0);
    submission.msg.type = HWI_MSG_master_start;
    struct hwi_msg_master_start *start = &submission.msg.u.master_start;
    start->run = hwi_host_random() % HWI_ID_MAX + 1;
    start->master = hwi_host_random() % HWI_ID_MAX + 1;
    start->min_members = config->min_members;
    start->first_members = config->first_members;
    start->heartbeat_ms = config->heartbeat_ms;
    start->dead_ms = config->dead_ms;
    start->propose_ms = config->propose_ms;
    start->gather_ms = config->gather_ms;
    start->durable = config->state_file != NULL;
    int status = hwi_host_submit(host, &submission);
    if (status != 0) {
        return hwi_error_set(status, "hws_master_start: %s", hws_status_text(status));
    }
    return HWS_OK;
}

hws_status hws_master_start(const hws_master_config *given, hws_master **master)
{
    static const struct hwi_host_ops ops = {on_trainer, on_check_failed};
    hws_master_config config;
    if (master == NULL) {
        return hwi_error_null("hws_master_start", "master");
    }
    hws_status status = hwi_master_config_read(given, &config);
    if (status != HWS_OK) {
        return status;
    }
    struct hws_master *started = calloc(1, sizeof *started);
    if (started == NULL) {
        return hwi_error_set(HWS_E_NO_MEMORY, "hws_master_start: out of memory");
    }
    started->pid = getpid();
    status = hwi_compose_master(&config, &ops, &started->host);
    if (status != HWS_OK) {
        goto free_master;
    }
    status = submit_start(started->host, &config);
    if (status != HWS_OK) {
        goto destroy_host;
    }
    if (!hwi_handles_add(HWI_HANDLE_MASTER, started)) {
        status = hwi_error_set(HWS_E_NO_MEMORY, "hws_master_start: out of memory");
        goto destroy_host;
    }
    *master = started;
    return HWS_OK;
destroy_host:
    hwi_host_destroy(started->host);
free_master:
    free(started);
    return status;
}

// It is a master, and this process's.
static hws_status check_master(const hws_master *master, const char *function)
{
    hws_status status = hwi_handles_check(HWI_HANDLE_MASTER, master, function, "master");
    if (status == HWS_OK && master->pid != getpid()) {
        status = hwi_error_set(HWS_E_FORKED,
                               "%s: the master was started by process %ld and this is its child",
                               function, (long)master->pid);
    }
    return status;
}

hws_status hws_master_address(const hws_master *master, char *text, size_t bytes)
{
    hws_status status = check_master(master, "hws_master_address");
    if (status != HWS_OK) {
        return status;
    }
    if (text == NULL) {
        return hwi_error_null("hws_master_address", "text");
    }
    const char *address = hwi_host_address(master->host);
    if (strlen(address) >= bytes) {
        return hwi_error_set(HWS_E_INVALID, "hws_master_address: %zu bytes are too few for \"%s\"",
                             bytes, address);
    }
    memcpy(text, address, strlen(address) + 1);
    return HWS_OK;
}

hws_status hws_master_stop(hws_master *master)
{
    if (master == NULL) {
        return HWS_OK;
    }
    hws_status status = check_master(master, "hws_master_stop");
    if (status != HWS_OK) {
        return status;
    }
    if (!hwi_handles_remove(HWI_HANDLE_MASTER, master)) {
        return hwi_error_set(HWS_E_INVALID, "hws_master_stop: another thread stopped it meanwhile");
    }
    hwi_host_destroy(master->host);
    free(master);
    return HWS_OK;
}
