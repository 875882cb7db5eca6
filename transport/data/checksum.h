// SPDX-License-Identifier: MIT
// XXH3-64 at the width of this machine's vectors; the packaged library is built for the oldest.
#ifndef HAWSER_TRANSPORT_DATA_CHECKSUM_H
#define HAWSER_TRANSPORT_DATA_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

// The same value whichever implementation runs. Any thread.
uint64_t hwi_checksum(const void *bytes, size_t count);

#endif
