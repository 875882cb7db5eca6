// SPDX-License-Identifier: MIT
// In the place of tests/support/order.c and tools/swarm/order.c.
#include "tests/doors/two_hop_plan.h"
#include "tests/support/tensors.h"
#include "tools/swarm/crew.h"

uint32_t tensors_order(const struct call *call, uint64_t index, uint32_t *order, uint32_t count)
{
    uint8_t kind = call->kind != 0 ? call->kind : HWI_KIND_ALL_REDUCE;
    return two_hop_order(kind, call->dtype, call->redop, call->plan, call->count, index, order,
                         count);
}

uint32_t swarm_order(const struct trainer_call *asked, uint64_t index, uint32_t *order, uint32_t n)
{
    return two_hop_order(asked->kind, asked->dtype, asked->redop, asked->plan, asked->count, index,
                         order, n);
}
