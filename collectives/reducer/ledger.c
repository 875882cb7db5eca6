// SPDX-License-Identifier: MIT
// How many frames of the chunks in work are still to come and to leave, in a ring as long as the
// window.
#include "collectives/reducer/ledger.h"

size_t hwi_ledger_bytes(uint32_t window)
{
    return (size_t)window * sizeof(uint32_t);
}

void hwi_ledger_init(struct hwi_ledger *ledger, void *memory)
{
    ledger->low = 0;
    ledger->granted = ledger->window;
    ledger->missing = memory;
    for (uint32_t i = 0; i < ledger->window; i++) {
        ledger->missing[i] = ledger->due + ledger->out;
    }
}

bool hwi_ledger_arrive(struct hwi_ledger *ledger, uint32_t chunk)
{
    HWI_CHECK(chunk >= ledger->low && chunk < ledger->granted);
    uint32_t *missing = &ledger->missing[chunk % ledger->window];
    HWI_CHECK(*missing > ledger->out);
    return --*missing == ledger->out;
}

void hwi_ledger_leave(struct hwi_ledger *ledger, uint32_t chunk)
{
    HWI_CHECK(chunk >= ledger->low && chunk < ledger->granted);
    uint32_t *missing = &ledger->missing[chunk % ledger->window];
    HWI_CHECK(*missing > 0 && *missing <= ledger->out);
    --*missing;
}

bool hwi_ledger_complete(const struct hwi_ledger *ledger, uint32_t chunk)
{
    bool in_work = chunk >= ledger->low && chunk < ledger->granted;
    return chunk < ledger->low ||
           (in_work && ledger->missing[chunk % ledger->window] <= ledger->out);
}

bool hwi_ledger_advance(struct hwi_ledger *ledger)
{
    while (ledger->low < ledger->granted && ledger->missing[ledger->low % ledger->window] == 0) {
        ledger->missing[ledger->low++ % ledger->window] = ledger->due + ledger->out;
    }
    uint32_t limit = HWI_MIN(ledger->count, ledger->low + ledger->window);
    uint32_t rise = limit - ledger->granted;
    if (rise == 0 || (rise < ledger->window / 4 && limit < ledger->count)) {
        return false;
    }
    ledger->granted = limit;
    return true;
}
