// SPDX-License-Identifier: MIT
// Writes into a set of tensors, counted: so a reader in another thread (a save) learns that what it
// read may be of two moments. One number: how many writers there are now, whether a sync receives,
// and how many writes have begun. Readers add 0 rather than load: an atomic addition orders what
// was read before it against a write that begins after it.
#ifndef HAWSER_TRANSPORT_MEMORY_WRITES_H
#define HAWSER_TRANSPORT_MEMORY_WRITES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { HWI_WRITERS_MAX = 1 << 20 };

#define HWI_WRITES_RECEIVING (UINT64_C(1) << 31)
#define HWI_WRITES_BEGUN (UINT64_C(1) << 32)

struct hwi_writes {
    _Atomic uint64_t value;
};

static inline uint64_t hwi_writes_look(struct hwi_writes *writes)
{
    return atomic_fetch_add(&writes->value, 0);
}

static inline uint32_t hwi_writers(uint64_t look)
{
    return (uint32_t)(look & (HWI_WRITES_RECEIVING - 1));
}

static inline bool hwi_writes_receiving(uint64_t look)
{
    return (look & HWI_WRITES_RECEIVING) != 0;
}

// False: HWI_WRITERS_MAX have begun and not ended.
static inline bool hwi_writes_begin(struct hwi_writes *writes)
{
    uint64_t seen = atomic_load(&writes->value);
    do {
        if (hwi_writers(seen) >= HWI_WRITERS_MAX) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&writes->value, &seen, seen + HWI_WRITES_BEGUN + 1));
    return true;
}

// False: none has begun.
static inline bool hwi_writes_end(struct hwi_writes *writes)
{
    uint64_t seen = atomic_load(&writes->value);
    do {
        if (hwi_writers(seen) == 0) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&writes->value, &seen, seen - 1));
    return true;
}

// A write without duration: what a reader read before belongs to an earlier moment.
static inline void hwi_writes_note(struct hwi_writes *writes)
{
    atomic_fetch_add(&writes->value, HWI_WRITES_BEGUN);
}

// A sync begins to write, again and again until it is over: the first time counts.
static inline void hwi_writes_receive(struct hwi_writes *writes)
{
    uint64_t seen = atomic_load(&writes->value);
    while (!hwi_writes_receiving(seen) &&
           !atomic_compare_exchange_weak(&writes->value, &seen,
                                         seen + HWI_WRITES_BEGUN + HWI_WRITES_RECEIVING)) {
    }
}

static inline void hwi_writes_received(struct hwi_writes *writes)
{
    atomic_fetch_and(&writes->value, ~HWI_WRITES_RECEIVING);
}

#endif
