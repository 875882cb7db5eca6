// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>

#include "actors/base/base.h"

void hwi_check_abort(const char *what, const char *file, int line)
{
    fprintf(stderr, "hawser: check failed outside of any step: %s (%s:%d)\n", what, file, line);
    abort();
}
