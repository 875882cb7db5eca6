// SPDX-License-Identifier: MIT
#include "tools/hawser/common/os_process.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATIENT = 19 }; // the lowest priority there is

void os_die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
}

void os_be_patient(void)
{
    setpriority(PRIO_PROCESS, 0, PATIENT);
}

bool os_program_directory(char *path, size_t bytes)
{
    ssize_t length = readlink("/proc/self/exe", path, bytes - 1);
    if (length <= 0 || (size_t)length >= bytes - 1) {
        return false;
    }
    path[length] = 0;
    char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = 0;
    return true;
}
