// SPDX-License-Identifier: MIT
// Apart from os_linux.c, where _GNU_SOURCE gives strerror_r another type.
#include "transport/os/os_error.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

// The system's text does not say how many there may be, nor what takes them: 4 stripes on 2 lanes.
static void say_too_many_files(char *text, size_t bytes)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    snprintf(text, bytes,
             "too many open files (limit %ju, 8 for each member): raise it with ulimit -n",
             (uintmax_t)limit.rlim_cur);
}

const char *hwi_os_error_text(int error, char *text, size_t bytes)
{
    if (error == EMFILE) {
        say_too_many_files(text, bytes);
    } else if (strerror_r(error, text, bytes) != 0) {
        snprintf(text, bytes, "error %d", error);
    }
    return text;
}
