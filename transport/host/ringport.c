// SPDX-License-Identifier: MIT
#include "transport/host/ringport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "transport/host/host.h"
#include "transport/os/os_linux.h"
#include "transport/os/os_ticks.h"
#include "transport/host/ringsocket.h"

enum {
    LINE_BYTES = 64,
    MOMENT_TRIES = 4,
    FIRST_NS = 200 * 1000, // the first measurement takes at least this long
};

// ---- the clock ----------------------------------------------------------------------------------

// The moment at which the clocks were read closest together: an interruption in between would show.
static struct hwi_ringport_moment measure(void)
{
    struct hwi_ringport_moment best = {0, 0};
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < MOMENT_TRIES; i++) {
        uint64_t before = hwi_os_ticks(), ns = hwi_host_now(), apart = hwi_os_ticks() - before;
        if (apart < least) {
            least = apart;
            best = (struct hwi_ringport_moment){before + apart / 2, ns};
        }
    }
    return best;
}

static void tell(struct hwi_ringport *port)
{
    struct timespec now;
    if (port->ring == NULL) {
        return;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t realtime_ns = (uint64_t)now.tv_sec * HWI_NS_PER_S + (uint64_t)now.tv_nsec;
    struct hwi_ring_clock clock = {.ticks_zero = port->last.ticks,
                                   .ns_zero = port->last.ns,
                                   .ns_per_tick = port->ns_per_tick,
                                   .realtime_ns = realtime_ns - (hwi_host_now() - port->last.ns)};
    hwi_ring_tell(port->ring, &clock, &port->owner);
}

// A rate that is another one than before means that the machine slept or moved: begin again.
static void measure_rate(struct hwi_ringport *port)
{
    port->last = measure();
    double rate =
        (double)(port->last.ns - port->first.ns) / (double)(port->last.ticks - port->first.ticks);
    bool steady = port->ns_per_tick == 0 ||
                  (rate > port->ns_per_tick * 0.99 && rate < port->ns_per_tick * 1.01);
    if (steady) {
        port->ns_per_tick = rate;
    } else {
        port->first = port->last;
    }
}

void hwi_ringport_turn(struct hwi_ringport *port, uint64_t now_ns)
{
    // Soon at first, when the rate is not known well yet, and then every second.
    uint64_t known_ns = port->last.ns - port->first.ns;
    if (port->ring == NULL || now_ns - port->last.ns < HWI_MIN(known_ns, HWI_NS_PER_S)) {
        return;
    }
    measure_rate(port);
    tell(port);
}

// ---- life ---------------------------------------------------------------------------------------

static void create_ring(struct hwi_ringport *port)
{
    port->bytes = hwi_ring_bytes(HWI_RING_RECORDS);
    port->memory = hwi_os_share_memory("hawser-ring", port->bytes, &port->readable);
    port->mapped = port->memory != NULL;
    if (port->memory == NULL) {
        port->memory = aligned_alloc(LINE_BYTES, port->bytes);
    }
    if (port->memory != NULL && !port->mapped) {
        memset(port->memory, 0, port->bytes);
    }
    if (port->memory != NULL) {
        port->ring = hwi_ring_create(&hwi_alloc_libc, port->memory, HWI_RING_RECORDS);
    }
}

void hwi_ringport_init(struct hwi_ringport *port, int poller)
{
    port->poller = poller;
    port->readable = -1;
    port->watch = (struct hwi_watch){.fd = -1, .kind = HWI_WATCH_RINGPORT};
    port->first = measure();
    create_ring(port);
}

static void open_socket(struct hwi_ringport *port)
{
    if (port->readable >= 0) {
        port->watch.fd = hwi_ringsocket_listen(port->path);
    }
    if (port->watch.fd >= 0 && !hwi_poller_set(port->poller, &port->watch, HWI_READABLE)) {
        hwi_ringsocket_close(&port->watch.fd, port->path);
    }
    if (port->watch.fd < 0) {
        port->failures++;
    }
}

void hwi_ringport_open(struct hwi_ringport *port, const char *name, uint64_t incarnation,
                       const char *address)
{
    port->owner.pid = (uint64_t)getpid();
    port->owner.incarnation = incarnation;
    snprintf(port->owner.name, sizeof port->owner.name, "%s", name);
    snprintf(port->owner.address, sizeof port->owner.address, "%s", address);
    while (hwi_host_now() - port->first.ns < FIRST_NS)
        ;
    measure_rate(port);
    tell(port);
    open_socket(port);
}

void hwi_ringport_fini(struct hwi_ringport *port)
{
    if (port->watch.fd >= 0) {
        hwi_ringsocket_unlink(port->path);
        hwi_poller_close(port->poller, &port->watch);
    }
    if (port->readable >= 0) {
        close(port->readable);
    }
    if (port->ring != NULL) {
        hwi_ring_destroy(port->ring);
    }
    if (port->mapped) {
        hwi_os_unshare_memory(port->memory, port->bytes);
    } else {
        free(port->memory);
    }
}

// ---- the others ---------------------------------------------------------------------------------

void hwi_ringport_ready(struct hwi_ringport *port)
{
    for (int i = 0; i < HWI_RINGPORT_TURN_MAX; i++) {
        int fd = hwi_os_accept(port->watch.fd);
        if (fd < 0) {
            return;
        }
        struct hwi_ringport_hello hello = {.magic = HWI_RINGPORT_MAGIC, .bytes = port->bytes};
        if (!hwi_ringsocket_may_read(fd) || !hwi_ringsocket_send(fd, &hello, port->readable)) {
            port->failures++;
        }
        close(fd);
    }
}

void hwi_ringport_learn(struct hwi_ringport *port, const struct hwi_msg *msg)
{
    if (msg->type != HWI_MSG_welcome) {
        return;
    }
    uint64_t peer = port->owner.incarnation ? msg->u.welcome.peer : 0;
    if (msg->u.welcome.run == port->owner.run && peer == port->owner.peer) {
        return;
    }
    port->owner.run = msg->u.welcome.run;
    port->owner.peer = peer;
    tell(port);
}
