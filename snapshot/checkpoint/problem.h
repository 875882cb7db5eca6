// SPDX-License-Identifier: MIT
#ifndef HAWSER_SNAPSHOT_CHECKPOINT_PROBLEM_H
#define HAWSER_SNAPSHOT_CHECKPOINT_PROBLEM_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hawser/types.h>

// "what: errno's text" in `error`; returns HWS_E_SYSTEM.
static inline int hwi_problem_system(char *error, size_t error_bytes, const char *what)
{
    int problem = errno;
    char text[96] = "?";
    if (strerror_r(problem, text, sizeof text) != 0) {
        snprintf(text, sizeof text, "error %d", problem);
    }
    snprintf(error, error_bytes, "%s: %s", what, text);
    return HWS_E_SYSTEM;
}

#endif
