// SPDX-License-Identifier: MIT
// The reducer's handlers: one for each message, in its on_MESSAGE.c; `state` is struct
// hwi_reducer.
#ifndef HAWSER_COLLECTIVES_REDUCER_HANDLERS_H
#define HAWSER_COLLECTIVES_REDUCER_HANDLERS_H

#include "actors/loop/dispatch.h"

#define HEARD_BY_REDUCER(message) HWI_HANDLER(hwi_reducer_on_##message);
#include "actors/loop/handlers.h"

#endif
