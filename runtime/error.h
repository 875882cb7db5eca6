// SPDX-License-Identifier: MIT
// The sentence behind hws_last_error: one per thread, set where a call's failure is decided.
#ifndef HAWSER_RUNTIME_ERROR_H
#define HAWSER_RUNTIME_ERROR_H

#include <hawser/types.h>

enum { HWI_SENTENCE_BYTES_MAX = 512 }; // longer ones are cut

// Sets this thread's sentence (what happened, to whom, what to do) and returns `status`.
hws_status hwi_error_set(hws_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// A failure that others may follow, and that is to be told in the end.
struct hwi_error {
    hws_status status; // HWS_OK = none kept
    char sentence[HWI_SENTENCE_BYTES_MAX];
};

// Keeps `status` and this thread's sentence.
void hwi_error_keep(struct hwi_error *error, hws_status status);

// Sets the sentence kept, if one was, and returns the status.
hws_status hwi_error_again(const struct hwi_error *error);

// The sentence for a NULL argument of a function.
hws_status hwi_error_null(const char *function, const char *argument);

#endif
