// SPDX-License-Identifier: MIT
// A tool's connection to a master. Owner thread only.
#ifndef HAWSER_TOOLS_HAWSER_COMMON_MASTER_LINK_H
#define HAWSER_TOOLS_HAWSER_COMMON_MASTER_LINK_H

#include "actors/wire/msg.h"

enum { LINK_ERROR_BYTES = 256 };

struct master_link {
    void *context, *socket;  // ZeroMQ's
    struct hwi_addr session; // its own
};

// Connects to "host:port" (in the background: an absent master is no error). False with a sentence
// in `error` (LINK_ERROR_BYTES); close it in both cases.
bool link_open(struct master_link *link, const char *address, char *error);
void link_close(struct master_link *link);

bool link_send(struct master_link *link, const struct hwi_msg *msg);
// The next message that is one; waits for it until `deadline_ns` (now_ns). *msg borrows from
// *block, which the caller owns (free() it; may be NULL).
bool link_receive(struct master_link *link, uint64_t deadline_ns, struct hwi_msg *msg,
                  void **block);

#endif
