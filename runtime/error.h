// SPDX-License-Identifier: MIT
// The sentence behind hws_last_error: one per thread, set where a call's failure is decided.
#ifndef HAWSER_RUNTIME_ERROR_H
#define HAWSER_RUNTIME_ERROR_H

#include "runtime/call/error.h"

// Sets this thread's sentence (what happened, to whom, what to do) and returns `status`.
hws_status hwi_error_set(hws_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Keeps `status`, and this thread's sentence if it is a failure.
void hwi_error_keep(struct hwi_error *error, hws_status status);

// Sets the sentence of `error` (borrowed until return), if it is a failure; returns its status.
hws_status hwi_error_again(const struct hwi_error *error);

// The sentence for a NULL argument of a function.
hws_status hwi_error_null(const char *function, const char *argument);

#endif
