// SPDX-License-Identifier: MIT
#include "runtime/handles.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "actors/base/rows.h"
#include "runtime/error.h"

struct table {
    uint64_t *handles; // ascending
    uint32_t count, capacity;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct table tables[HWI_HANDLE_KINDS]; // guarded by it

static void lock(void)
{
    pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

// A child after fork must find the tables whole and their mutex free.
static void survive_fork(void)
{
    pthread_atfork(lock, unlock, unlock);
}

static uint64_t name_of(const void *handle)
{
    return (uint64_t)(uintptr_t)handle;
}

static uint32_t place_of(const struct table *table, const void *handle)
{
    return hwi_rows_place_key(table->handles, table->count, sizeof(uint64_t), 0, name_of(handle));
}

static bool has(const struct table *table, const void *handle)
{
    uint32_t place = place_of(table, handle);
    return place < table->count && table->handles[place] == name_of(handle);
}

static bool make_room(struct table *table)
{
    if (table->count < table->capacity) {
        return true;
    }
    uint32_t capacity = table->capacity > 0 ? 2 * table->capacity : 16;
    uint64_t *handles = realloc(table->handles, capacity * sizeof *handles);
    if (handles == NULL) {
        return false;
    }
    table->handles = handles;
    table->capacity = capacity;
    return true;
}

bool hwi_handles_add(enum hwi_handle_kind kind, const void *handle)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct table *table = &tables[kind];
    pthread_once(&once, survive_fork);
    lock();
    bool added = make_room(table);
    if (added) {
        uint64_t *row = HWI_ROWS_OPEN(table->handles, &table->count, place_of(table, handle));
        *row = name_of(handle);
    }
    unlock();
    return added;
}

bool hwi_handles_remove(enum hwi_handle_kind kind, const void *handle)
{
    struct table *table = &tables[kind];
    lock();
    bool found = has(table, handle);
    if (found) {
        HWI_ROWS_REMOVE(table->handles, &table->count, place_of(table, handle));
    }
    unlock();
    return found;
}

bool hwi_handles_hold(enum hwi_handle_kind kind, const void *handle)
{
    lock();
    if (has(&tables[kind], handle)) {
        return true;
    }
    unlock();
    return false;
}

void hwi_handles_release(void)
{
    unlock();
}

hws_status hwi_handles_check(enum hwi_handle_kind kind, const void *handle, const char *function,
                             const char *name)
{
    if (handle == NULL) {
        return hwi_error_null(function, name);
    }
    if (!hwi_handles_hold(kind, handle)) {
        return hwi_error_set(HWS_E_INVALID,
                             "%s: this %s is not in use: it was given back, or never existed",
                             function, name);
    }
    hwi_handles_release();
    return HWS_OK;
}
