// SPDX-License-Identifier: MIT
// From a message to its handler: one way for all actors. An actor has a handler for each message
// that msg.def says it hears, `hwi_<actor>_on_<message>` in on_<message>.c, or it does not link.
// Its header declares them, the file with its step makes the table:
//
//     #define HEARD_BY_PEER(message) HWI_HANDLER(hwi_peer_on_##message);
//     #include "actors/loop/handlers.h"
//
//     static const struct hwi_handlers handlers = {
//     #define HEARD_BY_PEER(message) HWI_HANDLES(message, hwi_peer_on_##message)
//     #include "actors/loop/handlers.h"
//     };
#ifndef HAWSER_ACTORS_LOOP_DISPATCH_H
#define HAWSER_ACTORS_LOOP_DISPATCH_H

#include "actors/loop/step.h"

// Handles one message of one type, as a part of the actor's step; all arguments are borrowed until
// return. msg.def names the roles that may send it.
typedef void (*hwi_handler_fn)(void *state, const struct hwi_event *event,
                               struct hwi_effects *effects);

struct hwi_handlers {
    struct hwi_heard {
        uint32_t says;         // who may say it: bits 1 << enum hwi_role
        hwi_handler_fn handle; // NULL: the actor does not hear it
    } by_type[HWI_MSG_TYPE_MAX];
};

#define HWI_HANDLER(name)                                                                          \
    void name(void *state, const struct hwi_event *event, struct hwi_effects *effects)
#define HWI_HANDLES(message, name) .by_type[HWI_MSG_##message] = {HWI_SAYS_##message, name},

// Calls the event's handler with the actor's state. A message that the actor does not hear, or not
// from this sender, is ignored if another process said it, for that may say anything, and is a
// failed check if this one did.
void hwi_dispatch(const struct hwi_handlers *handlers, void *state, const struct hwi_event *event,
                  struct hwi_effects *effects);

#endif
