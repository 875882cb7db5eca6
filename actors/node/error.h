// SPDX-License-Identifier: MIT
// The sentence behind hws_last_error: one per thread, set where a call's failure is decided.
#ifndef HAWSER_ACTORS_NODE_ERROR_H
#define HAWSER_ACTORS_NODE_ERROR_H

#include <hawser/types.h>

enum { HWI_SENTENCE_BYTES_MAX = 512 }; // longer ones are cut

// Sets this thread's sentence (what happened, to whom, what to do) and returns `status`.
hws_status hwi_error_set(hws_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The sentence for a NULL argument of a function.
hws_status hwi_error_null(const char *function, const char *argument);

#endif
