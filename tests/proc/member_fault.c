// SPDX-License-Identifier: MIT
// Faults at an exact moment of the protocol, and the use of a communicator after fork.
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/wire/codec.h"
#include "tests/proc/member.h"
#include "transport/host/host.h"

static struct {
    _Atomic uint16_t type; // message that counts down; 0 = no fault set
    _Atomic uint64_t left;
    _Atomic int signal;
} fault;

// On the host's thread, before the step's effects leave it.
static void observe(void *user, const struct hwi_actor_ops *actor, const struct hwi_event *event,
                    const struct hwi_effects *effects)
{
    (void)user;
    (void)actor;
    (void)effects;
    if (event->msg->type != atomic_load(&fault.type) || atomic_fetch_sub(&fault.left, 1) != 1) {
        return;
    }
    atomic_store(&fault.type, 0);
    kill(getpid(), atomic_load(&fault.signal));
}

void fault_watch(void)
{
    hwi_host_observe(observe, NULL);
}

static uint16_t type_named(const char *name)
{
    for (uint16_t type = 1; type < HWI_MSG_TYPE_MAX; type++) {
        if (hwi_layout_of(type) != NULL && strcmp(hwi_layout_of(type)->name, name) == 0) {
            return type;
        }
    }
    return 0;
}

// kill or stop (SIGKILL, SIGSTOP) this process when an actor in it has heard the `nth` message `at`
// from now.
void do_fault(struct member *m, const struct words *words)
{
    const char *at = words_text(words, "at");
    uint16_t type = at != NULL ? type_named(at) : 0;
    (void)m;
    if (type == 0) {
        answer(HWS_E_INVALID, now_ns(), NULL, "who=member");
        return;
    }
    atomic_store(&fault.signal, words_flag(words, "kill") ? SIGKILL : SIGSTOP);
    atomic_store(&fault.left, words_number(words, "nth", 1));
    atomic_store(&fault.type, type);
    answer(HWS_OK, now_ns(), NULL, "%s", "");
}

// The child's side: every call with the parent's communicator, their statuses into `pipe_end`.
static void use_in_child(struct member *m, int pipe_end)
{
    float value = 1;
    uint32_t pending;
    uint64_t agreed;
    char text[256], address[64];
    hws_stats stats = HWS_STATS_INIT;
    hws_request *request;
    int length = snprintf(
        text, sizeof text,
        "reduce=%s start=%s agree=%s view=%s admit=%s pending=%s stats=%s address=%s close=%s",
        hws_status_name(hws_all_reduce(m->comm, &value, &value, 1, HWS_F32, HWS_SUM, NULL, NULL)),
        hws_status_name(
            hws_all_reduce_async(m->comm, &value, &value, 1, HWS_F32, HWS_SUM, NULL, &request)),
        hws_status_name(hws_agree(m->comm, 1, HWS_AGREE_AND, NULL, &agreed, NULL)),
        hws_status_name(hws_view(m->comm, NULL)), hws_status_name(hws_admit(m->comm, NULL)),
        hws_status_name(hws_pending(m->comm, &pending)),
        hws_status_name(hws_stats_get(m->comm, &stats)),
        hws_status_name(hws_address(m->comm, address, sizeof address)),
        hws_status_name(hws_close(m->comm)));
    _exit(write(pipe_end, text, (size_t)length) == length ? 0 : 1);
}

// Forks a child that does nothing, as a trainer's data loader between two batches, and outlives
// this.
void do_leave_child(struct member *m, const struct words *words)
{
    enum { CHILD_S = 30 };
    uint64_t began_ns = now_ns();
    (void)m;
    (void)words;
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_S);
        for (;;) {
            pause();
        }
    }
    answer(child < 0 ? HWS_E_SYSTEM : HWS_OK, began_ns, NULL, "child=%ld", (long)child);
}

void do_fork(struct member *m, const struct words *words)
{
    char text[512] = "";
    int ends[2], status = 1;
    uint64_t began_ns = now_ns();
    (void)words;
    if (pipe(ends) != 0) {
        answer(HWS_E_SYSTEM, began_ns, NULL, "who=member");
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        use_in_child(m, ends[1]);
    }
    close(ends[1]);
    if (child < 0 || read(ends[0], text, sizeof text - 1) <= 0 ||
        waitpid(child, &status, 0) != child || status != 0) {
        answer(HWS_E_SYSTEM, began_ns, NULL, "who=member");
    } else {
        answer(HWS_OK, began_ns, NULL, "%s", text);
    }
    close(ends[0]);
}
