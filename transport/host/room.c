// SPDX-License-Identifier: MIT
#include "transport/host/room.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "transport/os/os_error.h"

enum { TEXT_BYTES = 128 };

// The errno of the first descriptor that could not be opened, or 0.
static int try_descriptors(void)
{
    int held[HWI_ROOM_DESCRIPTORS];
    int count = 0, error = 0;
    while (count < HWI_ROOM_DESCRIPTORS && error == 0) {
        held[count] = eventfd(0, EFD_CLOEXEC);
        if (held[count] < 0) {
            error = errno;
        } else {
            count++;
        }
    }
    while (count > 0) {
        close(held[--count]);
    }
    return error;
}

static void *wait_for_gate(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

// All at once: they live side by side.
static int try_threads(void)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t held[HWI_ROOM_THREADS];
    int count = 0, error = 0;
    pthread_mutex_lock(&gate);
    while (count < HWI_ROOM_THREADS && error == 0) {
        error = pthread_create(&held[count], NULL, wait_for_gate, &gate);
        count += error == 0 ? 1 : 0;
    }
    pthread_mutex_unlock(&gate);
    while (count > 0) {
        pthread_join(held[--count], NULL);
    }
    pthread_mutex_destroy(&gate);
    return error;
}

static void print_descriptors(int error, char *text, size_t bytes)
{
    char reason[TEXT_BYTES];
    snprintf(text, bytes, "no room for %d descriptors: %s", HWI_ROOM_DESCRIPTORS,
             hwi_os_error_text(error, reason, sizeof reason));
}

bool hwi_room_check(char *text, size_t bytes)
{
    int error = try_descriptors();
    if (error != 0) {
        print_descriptors(error, text, bytes);
        return false;
    }
    error = try_threads();
    if (error != 0) {
        snprintf(text, bytes,
                 "no room for %d threads: raise ulimit -u, the cgroup's pids.max or ulimit -v",
                 HWI_ROOM_THREADS);
    }
    return error == 0;
}
