// SPDX-License-Identifier: MIT
// Walks msg.def by who hears a message: HEARD_BY_<ROLE>(message) of each, for the actors that the
// includer has defined it for; afterwards it is defined for none. No guard: it is included many
// times.
#ifndef HEARD_BY_MASTER
#define HEARD_BY_MASTER(message)
#endif
#ifndef HEARD_BY_PEER
#define HEARD_BY_PEER(message)
#endif
#ifndef HEARD_BY_REDUCER
#define HEARD_BY_REDUCER(message)
#endif
#ifndef HEARD_BY_SNAPSHOT
#define HEARD_BY_SNAPSHOT(message)
#endif
// No actors.
#define HEARD_BY_TRAINER(message)
#define HEARD_BY_DATA(message)
#define HEARD_BY_CLOCK(message)
#define HEARD_BY_DISK(message)
#define HEARD_BY_TOOL(message)

#define HEARD_BY(role, message) HEARD_BY_##role(message)
#define MESSAGE(name, id, says, hears, ...) HWI_ROLES_##hears(HEARD_BY, name)
#include "actors/wire/msg_rows.h"

#undef HEARD_BY
#undef HEARD_BY_MASTER
#undef HEARD_BY_PEER
#undef HEARD_BY_REDUCER
#undef HEARD_BY_SNAPSHOT
#undef HEARD_BY_TRAINER
#undef HEARD_BY_DATA
#undef HEARD_BY_CLOCK
#undef HEARD_BY_DISK
#undef HEARD_BY_TOOL
