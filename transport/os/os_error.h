// SPDX-License-Identifier: MIT
// Any thread.
#ifndef HAWSER_TRANSPORT_OS_OS_ERROR_H
#define HAWSER_TRANSPORT_OS_OS_ERROR_H

#include <stddef.h>

// The system's text for an errno value, into `text`; returns it.
const char *hwi_os_error_text(int error, char *text, size_t bytes);

#endif
