// SPDX-License-Identifier: MIT
// What a reducer hears, one file each (on_MESSAGE.c).
#ifndef HAWSER_COLLECTIVES_REDUCER_HEARD_H
#define HAWSER_COLLECTIVES_REDUCER_HEARD_H

#include "actors/loop/dispatch.h"

#define HEARD_BY_REDUCER(message) HWI_HANDLER(hwi_reducer_on_##message);
#include "actors/loop/handlers.h"

#endif
