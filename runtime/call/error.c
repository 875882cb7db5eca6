// SPDX-License-Identifier: MIT
#include "runtime/call/error.h"

#include <stdarg.h>
#include <stdio.h>

hws_status hwi_error_say(struct hwi_error *error, hws_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error->status = status;
    vsnprintf(error->sentence, sizeof error->sentence, format, arguments);
    va_end(arguments);
    return status;
}

hws_status hwi_error_say_null(struct hwi_error *error, const char *function, const char *argument)
{
    return hwi_error_say(error, HWS_E_INVALID, "%s: %s is NULL", function, argument);
}
