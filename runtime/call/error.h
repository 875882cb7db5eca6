// SPDX-License-Identifier: MIT
// A call's failure as its caller gets it: a status for the program, a sentence for the person.
#ifndef HAWSER_RUNTIME_CALL_ERROR_H
#define HAWSER_RUNTIME_CALL_ERROR_H

#include <hawser/types.h>

enum { HWI_SENTENCE_BYTES_MAX = 512 }; // longer ones are cut

struct hwi_error {
    hws_status status; // HWS_OK = there is none, and no sentence
    char sentence[HWI_SENTENCE_BYTES_MAX];
};

// Writes `error`: what happened, to whom, what to do. Returns `status`.
hws_status hwi_error_say(struct hwi_error *error, hws_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The sentence for a NULL argument of a function: HWS_E_INVALID.
hws_status hwi_error_say_null(struct hwi_error *error, const char *function, const char *argument);

#endif
