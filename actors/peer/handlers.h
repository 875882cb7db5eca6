// SPDX-License-Identifier: MIT
// The peer's handlers: one for each message, in its on_MESSAGE.c; `state` is struct hwi_peer.
#ifndef HAWSER_ACTORS_PEER_HANDLERS_H
#define HAWSER_ACTORS_PEER_HANDLERS_H

#include "actors/loop/dispatch.h"

#define HEARD_BY_PEER(message) HWI_HANDLER(hwi_peer_on_##message);
#include "actors/loop/handlers.h"

#endif
