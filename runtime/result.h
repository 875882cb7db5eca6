// SPDX-License-Identifier: MIT
// What a reply says to the trainer: a struct for the program, a sentence for the person.
#ifndef HAWSER_RUNTIME_RESULT_H
#define HAWSER_RUNTIME_RESULT_H

#include "runtime/request.h"

// The size of `result` is set; NULL is fine. Errors: HWS_E_INVALID.
hws_status hwi_result_check(const char *function, const hws_result *result);

// An array of `count` results, or NULL, of a function that writes them all. Errors: HWS_E_INVALID.
hws_status hwi_results_check(const char *function, const hws_result *results, size_t count);

// Writes a call that failed before it was submitted; returns `status`. `result` may be NULL.
hws_status hwi_result_fail(hws_result *result, hws_status status);

// Writes a reply. `result` may be NULL.
void hwi_result_write(hws_result *result, const struct hwi_msg_reply *reply);

// Fills in the caller's `counts`, if it passed any.
void hwi_counts_write(const struct hws_request *request);

// Sets this thread's sentence for the failed reply of a request; returns its status.
hws_status hwi_sentence_set(const struct hws_request *request);

// "all_reduce", "sync", ... for a kind.
const char *hwi_call_name(uint8_t kind);

#endif
