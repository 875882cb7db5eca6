// SPDX-License-Identifier: MIT
// Apart from os_linux.c, where _GNU_SOURCE gives strerror_r another type.
#include "transport/os/os_error.h"

#include <stdio.h>
#include <string.h>

const char *hwi_os_error_text(int error, char *text, size_t bytes)
{
    if (strerror_r(error, text, bytes) != 0) {
        snprintf(text, bytes, "error %d", error);
    }
    return text;
}
