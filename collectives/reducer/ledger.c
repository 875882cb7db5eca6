// SPDX-License-Identifier: MIT
// The ledger: which operands of the chunks in work are here, in a ring as long as the scratch
// window.
#include <string.h>

#include "collectives/reducer/reducer.h"

uint32_t hwi_ledger_words(uint32_t world)
{
    return (world + 63) / 64;
}

size_t hwi_ledger_bytes(uint32_t window, uint32_t world)
{
    return (size_t)window * (hwi_ledger_words(world) * sizeof(uint64_t) + sizeof(uint32_t));
}

static uint64_t *arrived_of(const struct hwi_ledger *ledger, uint32_t chunk)
{
    return ledger->arrived + (size_t)(chunk % ledger->window) * hwi_ledger_words(ledger->world);
}

static bool here(const struct hwi_ledger *ledger, uint32_t chunk, uint32_t rank)
{
    return arrived_of(ledger, chunk)[rank / 64] >> (rank % 64) & 1;
}

static void mark(struct hwi_ledger *ledger, uint32_t chunk, uint32_t rank)
{
    arrived_of(ledger, chunk)[rank / 64] |= UINT64_C(1) << (rank % 64);
}

// Makes the chunk's entry fresh, for it or for the chunk a window later.
static void renew(struct hwi_ledger *ledger, uint32_t chunk)
{
    ledger->next[chunk % ledger->window] = 0;
    memset(arrived_of(ledger, chunk), 0, hwi_ledger_words(ledger->world) * sizeof(uint64_t));
    mark(ledger, chunk, ledger->self);
}

void hwi_ledger_init(struct hwi_ledger *ledger, void *memory, uint32_t count, uint32_t window,
                     uint32_t world, uint32_t self)
{
    *ledger = (struct hwi_ledger){
        .count = count, .window = window, .world = world, .self = self, .granted = window};
    ledger->arrived = memory;
    ledger->next = (uint32_t *)(ledger->arrived + (size_t)window * hwi_ledger_words(world));
    for (uint32_t i = 0; i < window; i++)
        renew(ledger, i);
}

void hwi_ledger_arrive(struct hwi_ledger *ledger, uint32_t chunk, uint32_t rank)
{
    HWI_CHECK(chunk >= ledger->low && chunk < ledger->granted);
    HWI_CHECK(rank < ledger->world && !here(ledger, chunk, rank));
    mark(ledger, chunk, rank);
}

bool hwi_ledger_take(struct hwi_ledger *ledger, uint32_t chunk, uint32_t *a, uint32_t *b)
{
    uint32_t *next = &ledger->next[chunk % ledger->window];
    if (*next == ledger->world)
        return false;
    if (*next > 0) {
        if (!here(ledger, chunk, *next))
            return false;
        *a = HWI_LEDGER_SUM;
        *b = (*next)++;
        return true;
    }
    if (!here(ledger, chunk, 0) || !here(ledger, chunk, 1))
        return false;
    *a = 0;
    *b = 1;
    *next = 2;
    return true;
}

bool hwi_ledger_final(const struct hwi_ledger *ledger, uint32_t chunk)
{
    return chunk < ledger->low || ledger->next[chunk % ledger->window] == ledger->world;
}

uint32_t hwi_ledger_operands(const struct hwi_ledger *ledger, uint32_t chunk)
{
    uint32_t operands = 0;
    for (uint32_t rank = 0; rank < ledger->world; rank++)
        operands += here(ledger, chunk, rank);
    return operands;
}

bool hwi_ledger_advance(struct hwi_ledger *ledger)
{
    while (ledger->low < ledger->granted && hwi_ledger_final(ledger, ledger->low)) {
        renew(ledger, ledger->low);
        ledger->low++;
    }
    uint32_t limit = HWI_MIN(ledger->count, ledger->low + ledger->window);
    uint32_t rise = limit - ledger->granted;
    if (rise == 0 || (rise < ledger->window / 4 && limit < ledger->count))
        return false;
    ledger->granted = limit;
    return true;
}
