// SPDX-License-Identifier: MIT
// The messages that the master receives: hwi_master_on_MESSAGE in on_MESSAGE.c for each in msg.def.
// Of a peer's messages it handles those of a registered peer, and `registration`.
#ifndef HAWSER_ACTORS_MASTER_HANDLERS_H
#define HAWSER_ACTORS_MASTER_HANDLERS_H

#include "actors/loop/dispatch.h"

#define HEARD_BY_MASTER(message) HWI_HANDLER(hwi_master_on_##message);
#include "actors/loop/handlers.h"

#endif
