// SPDX-License-Identifier: MIT
// hws_op: one operation as the trainer describes it, judged and made a request.
#ifndef HAWSER_RUNTIME_OPERATION_H
#define HAWSER_RUNTIME_OPERATION_H

#include "runtime/request.h"

// Fills in `submission`; what `op` points to is borrowed as the submission says. `function` names
// the call in the sentence. Errors: HWS_E_INVALID, HWS_E_LIMIT.
hws_status hwi_operation_make(const char *function, const hws_op *op,
                              struct hwi_submission *submission);

#endif
