// SPDX-License-Identifier: MIT
// hws_options: how one call is to be made.
#ifndef HAWSER_RUNTIME_OPTIONS_H
#define HAWSER_RUNTIME_OPTIONS_H

#include <hawser/collective.h>

#include "actors/wire/msg.h"

// Puts the caller's options (NULL = defaults) into a request that holds the communicator's
// defaults. Errors: HWS_E_INVALID.
hws_status hwi_call_options_read(const hws_options *given, struct hwi_msg_request *request);

#endif
