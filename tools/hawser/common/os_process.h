// SPDX-License-Identifier: MIT
// Calls that only Linux has, for processes that this command starts.
#ifndef HAWSER_TOOLS_HAWSER_COMMON_OS_PROCESS_H
#define HAWSER_TOOLS_HAWSER_COMMON_OS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// In a child right after fork: die (SIGKILL) when the parent does; exits if it is gone already.
void os_die_with(pid_t parent);

// From now on the processor is this process's only when nobody else wants it much.
void os_be_patient(void);

// The directory of this program's file, without a trailing slash.
bool os_program_directory(char *path, size_t bytes);

#endif
