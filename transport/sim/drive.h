// SPDX-License-Identifier: MIT
// A simulation that carries a recorded run on. First the record drives: each recorded event is
// handed to its actor, and what the actor says about it is carried out by simulated links and data
// ports, whose own answers are kept back until the record has them. Then
// hwi_sim_let_go: the held messages are delivered, and the run continues by itself.
//
// Contents of tensors are symbolic: memory is zero, and the hash of a block of the shared state is
// what the record said of it last, wherever the block travels.
#ifndef HAWSER_TRANSPORT_SIM_DRIVE_H
#define HAWSER_TRANSPORT_SIM_DRIVE_H

#include "transport/sim/sim.h"

// Adds a process of the record: a member by its incarnation and the address it tells to others, or
// the master (incarnation 0, address unused). `name` is what the transcript calls it. All are
// borrowed until return. Only in a simulation created with config.driven, before hwi_sim_let_go.
// Returns its node; HWI_SIM_MASTER for the master.
uint32_t hwi_sim_drive_add(struct hwi_sim *sim, const char *name, uint64_t incarnation,
                           const char *address);

// The next event that the record has of this process (borrowed until return), at `at_ns` of virtual
// time, which never goes back. Returns false if an internal check failed in the step.
bool hwi_sim_drive(struct hwi_sim *sim, uint32_t node, enum hwi_role role,
                   const struct hwi_event *event, uint64_t at_ns);

// The record says that this message is heard next: it is not to be heard at all. False if nothing
// like it is on its way, or it did not come over a control link (stripes lose nothing unless they
// break).
bool hwi_sim_drive_lose(struct hwi_sim *sim, uint32_t node, enum hwi_role role,
                        const struct hwi_event *event);

// The record of the process ends here: it was killed, or has left.
void hwi_sim_drive_end(struct hwi_sim *sim, uint32_t node);

// From now on the simulation continues by itself, over links of this one-way delay.
void hwi_sim_let_go(struct hwi_sim *sim, uint64_t delay_ns);

// The number by which hwi_sim_reply knows a request that the record calls `request`.
uint64_t hwi_sim_recorded(uint64_t request);

// After that: a trainer's request as it was recorded (borrowed until return), under a new number,
// which is returned; or the layout of its state (HWI_NEVER). All tensors are the simulation's.
uint64_t hwi_sim_repeat(struct hwi_sim *sim, uint32_t node, const struct hwi_msg *request);

#endif
