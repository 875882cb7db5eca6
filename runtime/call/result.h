// SPDX-License-Identifier: MIT
// Turns a reply into the program's results: hws_result, and the counts of an all-gather.
#ifndef HAWSER_RUNTIME_CALL_RESULT_H
#define HAWSER_RUNTIME_CALL_RESULT_H

#include "runtime/call/call.h"

// The size of `result` is set; NULL is fine. Errors: HWS_E_INVALID.
hws_status hwi_result_check(const char *function, const hws_result *result,
                            struct hwi_error *error);

// An array of `count` results, or NULL, of a function that writes them all. Errors: HWS_E_INVALID.
hws_status hwi_results_check(const char *function, const hws_result *results, size_t count,
                             struct hwi_error *error);

// Writes a call that failed before it was made; returns `status`. `result` may be NULL.
hws_status hwi_result_fail(hws_result *result, hws_status status);

// Writes a reply (borrowed until return). `result` may be NULL.
void hwi_result_write(hws_result *result, const struct hwi_msg_reply *reply);

// Writes the reply's counts, as many as there is room for; `counts` may be NULL with no room.
void hwi_counts_write(size_t *counts, size_t room, const struct hwi_msg_reply *reply);

#endif
