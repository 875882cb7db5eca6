// SPDX-License-Identifier: MIT
#include "runtime/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char sentence[HWI_SENTENCE_BYTES_MAX];

hws_status hwi_error_set(hws_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return status;
}

void hwi_error_keep(struct hwi_error *error, hws_status status)
{
    error->status = status;
    if (status != HWS_OK) {
        memcpy(error->sentence, sentence, sizeof sentence);
    }
}

hws_status hwi_error_again(const struct hwi_error *error)
{
    if (error->status != HWS_OK) {
        memcpy(sentence, error->sentence, sizeof sentence);
    }
    return error->status;
}

hws_status hwi_error_null(const char *function, const char *argument)
{
    return hwi_error_set(HWS_E_INVALID, "%s: %s is NULL", function, argument);
}

const char *hws_last_error(void)
{
    return sentence;
}
