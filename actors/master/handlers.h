// SPDX-License-Identifier: MIT
// What the master hears: hwi_master_on_MESSAGE in on_MESSAGE.c for each message of msg.def that it
// is said to. Of a peer's it hears those of a registered one, and `registration`.
#ifndef HAWSER_ACTORS_MASTER_HANDLERS_H
#define HAWSER_ACTORS_MASTER_HANDLERS_H

#include "actors/loop/dispatch.h"

#define HEARD_BY_MASTER(message) HWI_HANDLER(hwi_master_on_##message);
#include "actors/loop/handlers.h"

#endif
