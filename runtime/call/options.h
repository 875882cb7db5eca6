// SPDX-License-Identifier: MIT
// hws_options: how one call is to be made.
#ifndef HAWSER_RUNTIME_CALL_OPTIONS_H
#define HAWSER_RUNTIME_CALL_OPTIONS_H

#include <hawser/collective.h>

#include "actors/wire/msg.h"
#include "runtime/call/option.h"

extern const struct hwi_option_table hwi_call_options; // of hws_options: no environment

// Puts the caller's options (borrowed; NULL = defaults) into a request. Unset options stay 0: the
// communicator's. Errors: HWS_E_INVALID.
hws_status hwi_call_options_read(const hws_options *given, struct hwi_msg_request *request,
                                 struct hwi_error *error);

#endif
