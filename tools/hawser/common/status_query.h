// SPDX-License-Identifier: MIT
// Asks a master how its run stands.
#ifndef HAWSER_TOOLS_HAWSER_COMMON_STATUS_QUERY_H
#define HAWSER_TOOLS_HAWSER_COMMON_STATUS_QUERY_H

#include "actors/wire/msg.h"

enum { STATUS_ERROR_BYTES = 256, STATUS_TIMEOUT_MS = 2000 };

// Returns 0; then *status borrows from *block, which the caller owns (free() it; may be NULL).
// Or -1 with a sentence in `error` (STATUS_ERROR_BYTES) that names the address.
int status_query(const char *address, int timeout_ms, struct hwi_msg *status, void **block,
                 char *error);

#endif
