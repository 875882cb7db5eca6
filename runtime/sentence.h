// SPDX-License-Identifier: MIT
// Describes a failed reply in one sentence, for hws_last_error.
#ifndef HAWSER_RUNTIME_SENTENCE_H
#define HAWSER_RUNTIME_SENTENCE_H

#include "runtime/request.h"

// Sets this thread's sentence for the failed reply of a request; returns its status.
hws_status hwi_sentence_set(const struct hws_request *request);

// "all_reduce", "sync", ... for a kind: static.
const char *hwi_call_name(uint8_t kind);

#endif
