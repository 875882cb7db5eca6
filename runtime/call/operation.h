// SPDX-License-Identifier: MIT
// hws_op: one operation as the trainer describes it, judged and made a call.
#ifndef HAWSER_RUNTIME_CALL_OPERATION_H
#define HAWSER_RUNTIME_CALL_OPERATION_H

#include "runtime/call/call.h"

// Makes the call of `op` (borrowed until return; what it points to as long as the public call
// says). `function` names the public call in the sentence. Errors: HWS_E_INVALID, HWS_E_LIMIT; then
// `call` is no call.
hws_status hwi_operation_make(const char *function, const hws_op *op, struct hwi_call *call,
                              struct hwi_error *error);

#endif
