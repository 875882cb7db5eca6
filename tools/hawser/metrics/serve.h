// SPDX-License-Identifier: MIT
// Answers a scraper: GET /metrics over HTTP/1.1, one request a connection, one after the other.
#ifndef HAWSER_TOOLS_HAWSER_METRICS_SERVE_H
#define HAWSER_TOOLS_HAWSER_METRICS_SERVE_H

#include <stdio.h>

#include "transport/os/address.h"

enum {
    METRICS_REQUEST_BYTES_MAX = 4096, // of a request's head; a longer one is refused
    METRICS_REQUEST_MS = 2000,        // for one request, from the connection to its last byte
};

// Writes what is to be answered now.
typedef void (*metrics_body_fn)(FILE *out, void *user);

// Listens at `address` (port 0 = any), says where on stdout, and answers
// until the process is ended. Returns only if that fails: a sentence (static text).
const char *metrics_serve(struct hwi_address address, metrics_body_fn body, void *user);

#endif
