// SPDX-License-Identifier: MIT
// A control message as it travels: the codec's bytes, and behind them a checksum. TCP's own lets
// one flipped bit in some ten million damaged segments pass, and a flipped vote would be a valid
// vote. Pure functions; any thread.
#ifndef HAWSER_ACTORS_WIRE_LETTER_H
#define HAWSER_ACTORS_WIRE_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/wire/msg.h"

enum { HWI_LETTER_SUM_BYTES = 8 }; // XXH3-64, little-endian, behind the message

// Writes the checksum of a message of `length` bytes (borrowed until return) on the link of
// `session`: a peer or a tool with its session's number. A message that comes out at another
// session than it was for is as bad as a damaged one, so the session is in the sum.
void hwi_letter_sum(const void *bytes, size_t length, struct hwi_addr session,
                    unsigned char sum[HWI_LETTER_SUM_BYTES]);

// Hostile bytes, message and checksum: true, and *length is that of the message, if the sum holds.
bool hwi_letter_open(const void *bytes, size_t bytes_in_all, struct hwi_addr session,
                     size_t *length);

#endif
