// SPDX-License-Identifier: MIT
// The ledger: how many operands of the chunks in work are still to come, in a ring as long as the
// scratch window.
#include "collectives/reducer/reducer.h"

size_t hwi_ledger_bytes(uint32_t window)
{
    return (size_t)window * sizeof(uint32_t);
}

void hwi_ledger_init(struct hwi_ledger *ledger, void *memory, uint32_t count, uint32_t window,
                     uint32_t due)
{
    *ledger = (struct hwi_ledger){
        .count = count, .window = window, .due = due, .granted = window, .missing = memory};
    for (uint32_t i = 0; i < window; i++) {
        ledger->missing[i] = due;
    }
}

bool hwi_ledger_arrive(struct hwi_ledger *ledger, uint32_t chunk)
{
    HWI_CHECK(chunk >= ledger->low && chunk < ledger->granted);
    uint32_t *missing = &ledger->missing[chunk % ledger->window];
    HWI_CHECK(*missing > 0);
    return --*missing == 0;
}

bool hwi_ledger_final(const struct hwi_ledger *ledger, uint32_t chunk)
{
    bool in_work = chunk >= ledger->low && chunk < ledger->granted;
    return chunk < ledger->low || (in_work && ledger->missing[chunk % ledger->window] == 0);
}

bool hwi_ledger_advance(struct hwi_ledger *ledger)
{
    while (ledger->low < ledger->granted && ledger->missing[ledger->low % ledger->window] == 0) {
        ledger->missing[ledger->low++ % ledger->window] = ledger->due;
    }
    uint32_t limit = HWI_MIN(ledger->count, ledger->low + ledger->window);
    uint32_t rise = limit - ledger->granted;
    if (rise == 0 || (rise < ledger->window / 4 && limit < ledger->count)) {
        return false;
    }
    ledger->granted = limit;
    return true;
}
