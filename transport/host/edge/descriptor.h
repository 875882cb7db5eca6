// SPDX-License-Identifier: MIT
// A stream over the descriptor of a connected socket: TCP's, a Unix socket's.
#ifndef HAWSER_TRANSPORT_HOST_EDGE_DESCRIPTOR_H
#define HAWSER_TRANSPORT_HOST_EDGE_DESCRIPTOR_H

#include "transport/stripe/stripe.h"

enum { HWI_FAULT_BYTES_MAX = 96 };

// Of a non-blocking socket; `fd` (borrowed) is where the descriptor stands.
struct hwi_stream hwi_descriptor_stream(int *fd);

// The fault in words, into `text`; returns it.
const char *hwi_fault_text(const struct hwi_stripe_fault *fault, char text[HWI_FAULT_BYTES_MAX]);

#endif
