// SPDX-License-Identifier: MIT
#include "actors/master/fault.h"

#include "actors/master/master.h"
#include "actors/master/propose.h"

void hwi_master_fault(struct hwi_master *master, const struct hwi_fault *fault)
{
    for (uint32_t i = 0; i < master->fault_count; i++) {
        const struct hwi_fault *known = &master->faults[i];
        if (known->kind == fault->kind && known->group == fault->group &&
            known->tag == fault->tag && known->seq == fault->seq) {
            return; // all members get the first one
        }
    }
    if (master->fault_count < HWI_OPS_MAX) {
        master->faults[master->fault_count++] = *fault;
    }
}

void hwi_master_end_operation(struct hwi_master *master, const struct hwi_fault *fault,
                              struct hwi_effects *effects)
{
    hwi_master_fault(master, fault);
    master->change = true;
    if (hwi_master_may_reform(master)) {
        hwi_master_reform(master, effects);
    }
}
